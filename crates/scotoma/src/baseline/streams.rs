//! What the arguments ask to be counted.

use anyhow::bail;
use baseline::Spec;

use super::args::BaselineArgs;

/// The streams that are asked for.
pub(super) fn specs(args: &BaselineArgs) -> anyhow::Result<Vec<Spec>> {
    let mut specs = app::baseline::streams(&args.event, &args.by)?;
    if args.propose {
        specs = super::propose::specs(specs);
        if specs.is_empty() {
            bail!(
                "exclusions can be made for Sysmon's own event types only, and not for all of them"
            );
        }
    }
    Ok(specs)
}

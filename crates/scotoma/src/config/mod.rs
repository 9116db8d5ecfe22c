//! `scotoma config`: questions about Sysmon configurations. The answers are made in the room `sysmon`;
//! here arguments become calls and answers become text.

pub(crate) mod args;
mod check;
mod decide;
mod deployed;
mod events;
pub(crate) mod feeds;
mod from_rules;
mod hides;
pub(crate) mod load;
mod replay;
mod views;

use std::process::ExitCode;

pub(crate) use args::ConfigArgs;
use args::ConfigVerb;

pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        ConfigVerb::Check(a) => check::run(a),
        ConfigVerb::Rule { code } => check::rule(code.as_deref()),
        ConfigVerb::Decide(a) => decide::run(a),
        ConfigVerb::Explain(a) => decide::explain(a),
        ConfigVerb::Replay(a) => replay::run(a),
        ConfigVerb::Feeds(a) => feeds::run(a),
        ConfigVerb::Hides(a) => hides::run(a),
        ConfigVerb::FromRules(a) => from_rules::run(a),
        ConfigVerb::Show(a) => views::show(a),
        ConfigVerb::Diff(a) => views::diff(a),
        ConfigVerb::Compile(a) => deployed::compile(a),
        ConfigVerb::Decompile(a) => deployed::decompile(a),
    }
}

//! # SC133 address-spelling
//!
//! An IP address in a spelling that Sysmon never writes.
//!
//! What it does: Reports shortened IPv6 addresses (`::`), blocks in CIDR notation, leading zeros,
//! brackets and ports in conditions on addresses.
//!
//! Why it matters: Conditions compare text. Sysmon writes all eight groups of an IPv6 address, without
//! leading zeros: `fe80:0:0:0:...`, `0:0:0:0:0:0:0:1`. It knows no blocks.
//!
//! Example: `<DestinationIp condition="is">::1</DestinationIp>` never matches.
//!
//! Use instead: `0:0:0:0:0:0:0:1`; for a block, `begin with` up to a dot: `begin with 10.`.
//!
//! Source: public recordings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schema::ValueForm;

use super::context::Context;
use super::filter_text::FilterText;
use crate::diagnostic::Diagnostic;
use crate::rules::Op;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values().filter(|v| v.form() == ValueForm::IpAddress) {
        for text in &v.texts {
            let listed = v.filter.op != Op::IsAny && text.text.contains(';');
            if text.text.contains(['*', '?']) || listed {
                continue;
            }
            if v.forms.iter().any(|f| cx.possible(f, text)) {
                continue;
            }
            let d = v.never("SC133", text, true, why(text.text));
            out.push(match better(text) {
                Some((Some(op), with)) => v.with_condition(cx, d, op, &with),
                Some((None, with)) => v.with_rewrite(cx, d, text, &with),
                None => d,
            });
        }
    }
}

fn why(text: &str) -> &'static str {
    if text.contains('/') {
        "Sysmon knows no blocks of addresses; conditions compare text."
    } else if text.contains(':') {
        "Sysmon writes all eight groups of an IPv6 address, without leading zeros and never `::`."
    } else {
        "Sysmon writes addresses in plain decimal groups, and names in another field."
    }
}

/// The same addresses in Sysmon's spelling: perhaps another condition, and the text.
fn better(text: &FilterText<'_>) -> Option<(Option<Op>, String)> {
    if let Some((address, bits)) = text.text.split_once('/') {
        let address: Ipv4Addr = address.parse().ok()?;
        let groups = match bits {
            "8" => 1,
            "16" => 2,
            "24" => 3,
            "32" => return Some((None, address.to_string())),
            _ => return None,
        };
        let kept = address.octets().map(|o| format!("{o}."));
        return Some((Some(Op::BeginWith), kept[..groups].concat()));
    }
    let bare = text.text.trim_matches(['[', ']']);
    if text.end && text.start {
        return match bare.parse().ok()? {
            IpAddr::V4(a) => Some((None, a.to_string())),
            IpAddr::V6(a) => Some((None, spelled(a))),
        };
    }
    // A beginning such as `fe80::` stands for all the zeros that may follow.
    let groups = bare
        .strip_suffix("::")
        .filter(|g| text.start && !g.contains("::"))?;
    let ok = !groups.is_empty()
        && groups
            .split(':')
            .all(|g| u16::from_str_radix(g, 16).is_ok());
    ok.then(|| (None, format!("{groups}:")))
}

fn spelled(address: Ipv6Addr) -> String {
    let groups: Vec<String> = address
        .segments()
        .iter()
        .map(|g| format!("{g:x}"))
        .collect();
    groups.join(":")
}

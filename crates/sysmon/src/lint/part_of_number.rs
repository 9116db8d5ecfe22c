//! # SC143 part-of-number
//!
//! A condition on a part of a number that also matches longer ones.
//!
//! What it does: Reports `contains`, `begin with` and `end with` on ports and other numbers, and
//! `begin with` on an IPv4 address that ends within a group.
//!
//! Why it matters: Conditions compare characters. `contains 443` matches the ports 4430 and 14433, and
//! `begin with 10.1` matches 10.100.0.1 too.
//!
//! Example: `<DestinationPort condition="contains">443</DestinationPort>`.
//!
//! Use instead: `is`, or `is any` with a list; for addresses a dot at the end: `begin with 10.1.`.
//!
//! Source: SysmonCommon, rules.c.

use schema::ValueForm;

use super::context::{Context, value_span, warning};
use super::filter_text::FilterText;
use crate::diagnostic::{Diagnostic, Safety};
use crate::rules::Op;

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for v in cx.values() {
        let longest = match v.form() {
            ValueForm::Port => 5,
            ValueForm::Integer => 10,
            ValueForm::IpAddress => 0,
            _ => continue,
        };
        let Some((text, more)) = v.texts.iter().find_map(|t| Some((t, longer(t, longest)?))) else {
            continue;
        };
        let message = format!("this also matches `{more}`");
        let d = warning("SC143", value_span(v.filter), message).note(format!(
            "Conditions compare characters, and `{}` is a part of longer numbers.",
            text.text
        ));
        let list = match v.filter.op {
            _ if longest == 0 => None,
            Op::Contains | Op::BeginWith | Op::EndWith => Some(Op::Is),
            Op::ContainsAny => Some(Op::IsAny),
            _ => None,
        };
        out.push(
            match list.and_then(|op| Some((op, cx.set_condition(v.filter, op)?))) {
                Some((op, edit)) => {
                    d.fix(format!("use `{}`", op.name()), Safety::Unsafe, vec![edit])
                }
                None if longest == 0 => v.with_rewrite(cx, d, text, &format!("{}.", text.text)),
                None => d,
            },
        );
    }
}

/// A longer number, or another address, that the text is found in as well.
fn longer(text: &FilterText<'_>, longest: usize) -> Option<String> {
    if text.start && text.end {
        return None;
    }
    if longest > 0 {
        let digits = text.text.bytes().all(|b| b.is_ascii_digit());
        let room = text.text.len() < longest;
        return (digits && room).then(|| match text.end {
            true => format!("1{}", text.text),
            false => format!("{}0", text.text),
        });
    }
    let groups: Vec<&str> = text.text.split('.').collect();
    let whole = |g: &&str| g.parse::<u8>().is_ok();
    let last = groups.last()?;
    let within = text.start && groups.len() < 4 && groups.iter().all(whole) && last.len() < 3;
    let first = groups.len() == 1;
    let more = format!("{last}0").parse::<u8>().ok()?;
    (within && !(first && *last == "0")).then(|| {
        let before = &text.text[..text.text.len() - last.len()];
        format!("{before}{more}.1")
    })
}

//! The inside of a tag: names without prefixes, attributes as they are written. This module refuses to undo entities and
//! to know what a name means.

use std::borrow::Cow;

use quick_xml::events::attributes::Attributes;

/// A name without its namespace prefix.
pub(super) fn local(name: &str) -> &str {
    // Few names have one.
    match name.bytes().rposition(|b| b == b':') {
        Some(colon) => &name[colon + 1..],
        None => name,
    }
}

/// The value of a `Name` attribute that is a tag's only one and is written as everybody writes it.
pub(super) fn only_name(attributes: &str) -> Option<&str> {
    let quoted = attributes.strip_prefix(" Name=")?;
    let (&quote, rest) = quoted.as_bytes().split_first()?;
    let value = rest.strip_suffix(&[quote])?;
    let plain = matches!(quote, b'"' | b'\'') && !value.is_empty() && !value.contains(&quote);
    plain.then(|| &quoted[1..=value.len()])
}

/// The attributes of a tag, undecoded.
pub(super) fn attributes(
    tag: &str,
    name: usize,
) -> impl Iterator<Item = Result<(&str, &str), String>> {
    let mut attributes = Attributes::new(tag, name);
    attributes.with_checks(false);
    attributes.map(|a| {
        let a = a.map_err(|e| e.to_string())?;
        match a.value {
            Cow::Borrowed(value) => Ok((a.key.into_inner(), value)),
            Cow::Owned(_) => Err("an attribute's value is out of place".to_owned()),
        }
    })
}

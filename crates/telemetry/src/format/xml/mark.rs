//! Where an `Event` element begins and ends, by its tags alone, so that streams can be cut and damage stepped over
//! without reading the XML. This module refuses to know what stands between the tags.

use std::sync::LazyLock;

use memchr::memmem::{Finder, FinderRev};

/// The longest namespace prefix, and the longest run of blanks inside an end tag, that is looked for.
const MAX_PREFIX: usize = 64;
/// How many bytes a tag can reach back from where its name ends, or on from there.
pub(crate) const MAX_TAG: usize = 2 * MAX_PREFIX + "</:Event>".len();

static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("Event"));
static NAME_FROM_END: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new("Event"));
const NAME_LEN: usize = "Event".len();

/// Position of the first `<Event` or `<prefix:Event` at or after `from`, where a blank, `/` or `>` follows the name.
pub(crate) fn start(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let name = at + NAME.find(bytes.get(at..)?)?;
        at = name + NAME_LEN;
        let named = bytes
            .get(at)
            .is_some_and(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
        if named
            && let Some(tag) = opening(bytes, name)
            && tag >= from
        {
            return Some(tag);
        }
    }
}

/// Position after the last `</Event>` or `</prefix:Event>` that begins at or after `from`.
pub(crate) fn last_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut until = bytes.len();
    loop {
        let name = from + NAME_FROM_END.rfind(bytes.get(from..until)?)?;
        until = name;
        let after = &bytes[name + NAME_LEN..];
        let blanks = after
            .iter()
            .take(MAX_PREFIX)
            .take_while(|b| b.is_ascii_whitespace())
            .count();
        let closed = after.get(blanks) == Some(&b'>');
        if closed && is_end(&bytes[from..name]) {
            return Some(name + NAME_LEN + blanks + 1);
        }
    }
}

/// Where the tag begins whose local name begins at `name`, if it is a start tag.
fn opening(bytes: &[u8], name: usize) -> Option<usize> {
    let before = without_prefix(&bytes[..name]);
    (before.last() == Some(&b'<')).then(|| before.len() - 1)
}

/// Whether what stands before the local name makes it an end tag's.
fn is_end(before: &[u8]) -> bool {
    without_prefix(before).ends_with(b"</")
}

/// What is left when a namespace prefix and its colon are taken off the end.
fn without_prefix(before: &[u8]) -> &[u8] {
    let Some(rest) = before.strip_suffix(b":") else {
        return before;
    };
    let prefix = rest
        .iter()
        .rev()
        .take(MAX_PREFIX)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | 0x80..))
        .count();
    if prefix == 0 {
        return before;
    }
    &rest[..rest.len() - prefix]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_words() {
        let text = b"Event <Events><EventID>1</EventID> < Event> <:Event> <Event/>";
        assert_eq!(start(text, 0), Some(text.len() - 8));
        assert_eq!(start(b"</Event><ev:Event a='1'>", 0), Some(8));
        assert_eq!(start(b"<Event", 0), None, "the name may go on");
        assert_eq!(start(b"<Event>", 1), None);
    }

    #[test]
    fn the_last_end_is_found() {
        assert_eq!(last_end(b"</Event></EventData><Event>", 0), Some(8));
        assert_eq!(last_end(b"x</ev:Event \n>  ", 0), Some(14));
        assert_eq!(last_end(b"</Events><Event>", 0), None);
        assert_eq!(last_end(b"</Event>", 1), None);
        assert_eq!(last_end(b"</Event ", 0), None);
    }
}

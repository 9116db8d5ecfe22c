//! The comparisons of Sysmon's conditions on text. Letters A-Z fold, nothing else does; the unit of
//! order is the UTF-16 unit. What a missing value reads as is decided by the caller.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::rules::Op;

/// Room for an expanded value, in UTF-16 units; a longer one makes its filter never match.
pub const MAX_EXPANDED: usize = 260;

/// Environment variables of the events' session, by lower-cased name.
pub type Environment = BTreeMap<String, String>;

/// What an unchanged Windows on drive C sets for every session. Variables of a user, such as `TEMP`, are
/// none of them.
pub fn windows_environment() -> Environment {
    [
        ("allusersprofile", r"C:\ProgramData"),
        ("commonprogramfiles", r"C:\Program Files\Common Files"),
        (
            "commonprogramfiles(x86)",
            r"C:\Program Files (x86)\Common Files",
        ),
        ("commonprogramw6432", r"C:\Program Files\Common Files"),
        ("comspec", r"C:\Windows\system32\cmd.exe"),
        ("programdata", r"C:\ProgramData"),
        ("programfiles", r"C:\Program Files"),
        ("programfiles(x86)", r"C:\Program Files (x86)"),
        ("programw6432", r"C:\Program Files"),
        ("public", r"C:\Users\Public"),
        ("systemdrive", "C:"),
        ("systemroot", r"C:\Windows"),
        ("windir", r"C:\Windows"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The `%NAME%` of a value that are not set, lower-cased.
pub fn unknown_variables(value: &str, environment: &Environment) -> Vec<String> {
    let mut parts = value.split('%').skip(1);
    let mut out = Vec::new();
    while let (Some(name), Some(_)) = (parts.next(), parts.clone().next()) {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '(' | ')' | '-');
        if !name.is_empty() && name.chars().all(word) {
            let name = name.to_ascii_lowercase();
            if !environment.contains_key(&name) {
                out.push(name);
            }
            parts.next();
        }
    }
    out
}

/// The text a filter compares with, folded; `None` where it can never match because its environment
/// variables do not fit.
pub fn folded_value(value: &str, environment: &Environment) -> Option<String> {
    if !value.contains('%') {
        return Some(value.to_ascii_lowercase());
    }
    let expanded = expand(value, environment);
    (expanded.encode_utf16().count() < MAX_EXPANDED).then(|| expanded.to_ascii_lowercase())
}

/// Replaces `%NAME%` by its value; what is not known stays as it is.
pub fn expand(value: &str, environment: &Environment) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(open) = rest.find('%') {
        out.push_str(&rest[..open]);
        let body = &rest[open + 1..];
        let known = body.find('%').and_then(|end| {
            let found = environment.get(&body[..end].to_ascii_lowercase())?;
            Some((end, found))
        });
        match known {
            Some((end, found)) => {
                out.push_str(found);
                rest = &body[end + 1..];
            }
            None => {
                out.push('%');
                rest = body;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether a condition holds for a field value; both texts are folded already.
pub fn matches(op: Op, field: &str, value: &str) -> bool {
    match op {
        Op::Is => field == value,
        Op::IsNot => field != value,
        Op::IsAny => value.split(';').any(|token| token == field),
        Op::Contains => contains(field, value),
        Op::Excludes => !contains(field, value),
        Op::ContainsAny => tokens(value).any(|t| contains(field, t)),
        Op::ContainsAll => tokens(value).all(|t| contains(field, t)),
        Op::ExcludesAny => !tokens(value).any(|t| contains(field, t)),
        Op::ExcludesAll => !tokens(value).all(|t| contains(field, t)),
        Op::BeginWith => field.starts_with(value),
        Op::NotBeginWith => !field.starts_with(value),
        Op::EndWith => field.ends_with(value),
        Op::NotEndWith => !field.ends_with(value),
        Op::LessThan => order(field, value) == Ordering::Less,
        Op::MoreThan => order(field, value) == Ordering::Greater,
        Op::Image => image_part(field, value) == value,
    }
}

/// What `image` compares: the last path component unless the filter has a path itself.
pub fn image_part<'a>(field: &'a str, value: &str) -> &'a str {
    if value.contains('\\') {
        field
    } else {
        field.rsplit('\\').next().unwrap_or(field)
    }
}

fn contains(field: &str, needle: &str) -> bool {
    !field.is_empty() && field.contains(needle)
}

fn order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// The needles of a substring list of which one decides for `any`, in order: of those that stand for the rest of the
/// list, a text that holds a longer one holds every shorter one, so the last alone counts.
pub fn needles_of_any(list: &str) -> Vec<&str> {
    needles(list, |rests| rests.last().copied())
}

/// The needles of a substring list that decide for `all`, in order: of those that stand for the rest of the list the
/// longest, which is the first, alone counts.
pub fn needles_of_all(list: &str) -> Vec<&str> {
    needles(list, |rests| rests.first().copied())
}

/// One for each of a thousand empty entries would be as much text as their number squared.
fn needles<'l>(list: &'l str, decisive: fn(&[&'l str]) -> Option<&'l str>) -> Vec<&'l str> {
    let is_rest = |token: &&str| {
        let end = token.as_ptr() as usize + token.len() == list.as_ptr() as usize + list.len();
        end && (token.is_empty() || token.starts_with(';'))
    };
    let rests: Vec<&str> = tokens(list).filter(is_rest).collect();
    let kept = decisive(&rests).map(str::len);
    tokens(list)
        .filter(|token| !is_rest(token) || Some(token.len()) == kept)
        .collect()
}

/// The needles of a substring list. An empty one stands for the rest of the list from its place on:
/// a trailing `;` searches nothing and finds it always, a leading or doubled one searches `;...`.
pub fn tokens(list: &str) -> impl Iterator<Item = &str> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let start = at?;
        let rest = &list[start..];
        match rest.find(';') {
            Some(0) => {
                at = Some(start + 1);
                Some(rest)
            }
            Some(end) => {
                at = Some(start + end + 1);
                Some(&rest[..end])
            }
            None => {
                at = None;
                Some(rest)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_tokens() {
        let t = |l: &'static str| tokens(l).collect::<Vec<_>>();
        assert_eq!(t("a;b"), ["a", "b"]);
        assert_eq!(t("a;"), ["a", ""]);
        assert_eq!(t(";a"), [";a", "a"]);
        assert_eq!(t("a;;b"), ["a", ";b", "b"]);
        assert_eq!(t(""), [""]);
        assert_eq!(t(";"), [";", ""]);
    }

    #[test]
    fn needles_decide_as_all_tokens_do() {
        let lists = ["a;;b;;c", ";", ";;;", "a;", ";a", "a;b", "", "a;;", ";;a;"];
        let fields = [";", "a", "b", ";c", ";b;;c", ";;", "x", ";;a;", ";a;", "c"];
        for list in lists {
            for field in fields {
                let has = |needle: &&str| contains(field, needle);
                assert_eq!(
                    needles_of_any(list).iter().any(has),
                    matches(Op::ContainsAny, field, list),
                    "{field} {list}"
                );
                assert_eq!(
                    needles_of_all(list).iter().all(has),
                    matches(Op::ContainsAll, field, list),
                    "{field} {list}"
                );
            }
        }
        assert_eq!(needles_of_any(&";".repeat(100_000)).len(), 1);
        assert_eq!(needles_of_all(&";".repeat(100_000)).len(), 1);
    }

    #[test]
    fn excludes_lists_are_the_reverse_of_the_documentation() {
        assert!(!matches(Op::ExcludesAny, "abc", "a;x"));
        assert!(matches(Op::ExcludesAll, "abc", "a;x"));
        assert!(!matches(Op::ExcludesAll, "abc", "a;b"));
        assert!(matches(Op::MoreThan, "9", "1024"));
    }

    #[test]
    fn environment_variables() {
        let env = Environment::from([("windir".to_owned(), "C:\\Windows".to_owned())]);
        assert_eq!(expand("%WinDir%\\x", &env), "C:\\Windows\\x");
        assert_eq!(expand("100%", &env), "100%");
        assert_eq!(expand("%no%windir%", &env), "%noC:\\Windows");
        assert_eq!(expand("%%windir%%", &env), "%C:\\Windows%");
        assert_eq!(
            folded_value(&format!("%windir%{}", "a".repeat(250)), &env),
            None
        );
    }
}

//! Addresses taken apart as Java's `URI` does, on which Spark's `parse_url` stands: what is no address gives null. Nothing
//! is fetched or looked up here.

use datafusion::arrow::array::ArrayRef;
use datafusion::common::Result;

use super::udf::{Args, Scalar, build_text, text};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // parse_url(address, part, key): HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; of QUERY one key's value.
    Scalar::new(&["parse_url", "try_parse_url"], 2, 3, text, parse_url),
    // url_encode(text): as a form sends it.
    Scalar::new(&["url_encode"], 1, 1, text, |a| {
        let value = a.text(0)?;
        Ok(build_text(a.rows, |row| value.get(row).map(encode)))
    }),
    // url_decode(text): what a form sent; null where it is not encoded rightly.
    Scalar::new(&["url_decode", "try_url_decode"], 1, 1, text, |a| {
        let value = a.text(0)?;
        Ok(build_text(a.rows, |row| decode(value.get(row)?)))
    }),
];

fn parse_url(args: &Args<'_>) -> Result<ArrayRef> {
    let (address, part) = (args.text(0)?, args.text(1)?);
    let key = match args.len() {
        3 => Some(args.text(2)?),
        _ => None,
    };
    Ok(build_text(args.rows, |row| {
        let address = Address::parse(address.get(row)?)?;
        let part = part.get(row)?;
        let found = match &key {
            None => address.part(part)?,
            Some(key) if part == "QUERY" => value_of(address.query?, key.get(row)?)?,
            Some(_) => return None,
        };
        Some(found.to_owned())
    }))
}

/// The parts of an address, as they stand in it.
#[derive(Debug, Default, PartialEq)]
struct Address<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: Option<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
    /// Path and query together.
    file: Option<&'a str>,
}

impl<'a> Address<'a> {
    fn parse(whole: &'a str) -> Option<Self> {
        if !whole.chars().all(is_legal) || !escapes_are_whole(whole) {
            return None;
        }
        let (rest, fragment) = cut(whole, '#');
        let before = rest.find(['/', '?']).unwrap_or(rest.len());
        let (scheme, rest) = match rest[..before].split_once(':') {
            Some((scheme, _)) if is_scheme(scheme) => (Some(scheme), &rest[scheme.len() + 1..]),
            Some(_) => return None,
            None => (None, rest),
        };
        // `mailto:somebody` has no parts.
        if scheme.is_some() && !rest.starts_with('/') {
            let opaque = !rest.is_empty();
            return opaque.then_some(Self {
                scheme,
                fragment,
                ..Self::default()
            });
        }
        let (authority, file) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                (Some(&rest[..end]).filter(|a| !a.is_empty()), &rest[end..])
            }
            None => (None, rest),
        };
        let (path, query) = cut(file, '?');
        Some(Self {
            scheme,
            authority,
            path: Some(path),
            query,
            fragment,
            file: Some(file),
        })
    }

    fn part(&self, name: &str) -> Option<&'a str> {
        match name {
            "PROTOCOL" => self.scheme,
            "AUTHORITY" => self.authority,
            "USERINFO" => Some(self.authority?.rsplit_once('@')?.0),
            "HOST" => self.host(),
            "PATH" => self.path,
            "QUERY" => self.query,
            "REF" => self.fragment,
            "FILE" => self.file,
            _ => None,
        }
    }

    /// The host, if the authority is one as servers have it.
    fn host(&self) -> Option<&'a str> {
        let authority = self.authority?;
        let server = authority.rsplit_once('@').map_or(authority, |(_, s)| s);
        let end = match server.strip_prefix('[') {
            Some(inner) => inner.find(']')? + 2,
            None => server.find(':').unwrap_or(server.len()),
        };
        let (host, port) = server.split_at(end);
        let number = port.strip_prefix(':').unwrap_or(port);
        let named = host.starts_with('[') || is_host_name(host);
        (named && number.bytes().all(|b| b.is_ascii_digit())).then_some(host)
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Whether a character may stand in an address. Java lets letters of all languages pass.
fn is_legal(c: char) -> bool {
    match c {
        '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => false,
        c if c.is_ascii() => c.is_ascii_graphic(),
        c => !c.is_control() && !c.is_whitespace(),
    }
}

fn escapes_are_whole(text: &str) -> bool {
    let hex = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let mut escapes = (0..bytes.len()).filter(|at| bytes[*at] == b'%');
    escapes.all(|at| hex(bytes.get(at + 1)) && hex(bytes.get(at + 2)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// Labels of letters, digits and hyphens; the last begins with a letter, or all are numbers.
fn is_host_name(host: &str) -> bool {
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let label = |l: &&str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        !l.is_empty() && l.bytes().all(inner) && !l.starts_with('-') && !l.ends_with('-')
    };
    let number = |l: &&str| l.parse::<u8>().is_ok();
    let last = labels.last().and_then(|l| l.chars().next());
    labels.iter().all(label)
        && (last.is_some_and(|c| c.is_ascii_alphabetic())
            || (labels.len() == 4 && labels.iter().all(number)))
}

/// The value of a key in a query.
fn value_of<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-_.*".contains(&b) => out.push(b.into()),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b => b,
        });
    }
    // Java puts a mark in place of what is no UTF-8.
    Some(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn part<'a>(address: &'a str, name: &str) -> Option<&'a str> {
        Address::parse(address)?.part(name)
    }

    #[test]
    fn parts_are_those_of_the_documentation() {
        let address = "http://user:pw@spark.apache.org:80/path/a?query=1&x=#ref";
        for (name, expected) in [
            ("HOST", "spark.apache.org"),
            ("PATH", "/path/a"),
            ("QUERY", "query=1&x="),
            ("REF", "ref"),
            ("PROTOCOL", "http"),
            ("FILE", "/path/a?query=1&x="),
            ("AUTHORITY", "user:pw@spark.apache.org:80"),
            ("USERINFO", "user:pw"),
        ] {
            assert_eq!(part(address, name), Some(expected), "{name}");
        }
        let query = Address::parse(address).unwrap().query.unwrap();
        assert_eq!(value_of(query, "query"), Some("1"));
        assert_eq!(value_of(query, "x"), Some(""));
        assert_eq!(value_of(query, "que"), None);
        assert_eq!(part(address, "host"), None);
        assert_eq!(part("http://a", "QUERY"), None);
        assert_eq!(part("http://a", "PATH"), Some(""));
    }

    #[test]
    fn what_is_no_address_has_no_parts() {
        for bad in [
            "http://a b/",
            r"http://a\b",
            "http://a/%zz",
            "1a:/x",
            "http:",
            "http://a/{b}",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
        assert_eq!(part("mailto:a@b.c", "PROTOCOL"), Some("mailto"));
        assert_eq!(part("mailto:a@b.c", "PATH"), None);
        assert_eq!(part("http://[::1]:8/", "HOST"), Some("[::1]"));
        assert_eq!(part("http://10.0.0.1:8080/x", "HOST"), Some("10.0.0.1"));
        // An authority that is no server's: Java knows no host then.
        assert_eq!(part("http://a_b/x", "HOST"), None);
        assert_eq!(part("http://a_b/x", "AUTHORITY"), Some("a_b"));
    }

    #[test]
    fn forms() {
        assert_eq!(encode("a b&ü*"), "a+b%26%C3%BC*");
        assert_eq!(decode("a+b%26%C3%BC*").as_deref(), Some("a b&ü*"));
        assert_eq!(decode("%4"), None);
        assert_eq!(decode("%zz"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_encoded_is_decoded(text in any::<String>(), address in "[a-z:/?#@%\\[\\].0-9é]{0,30}") {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
            for name in ["HOST", "PATH", "QUERY", "REF", "PROTOCOL", "FILE", "AUTHORITY", "USERINFO"] {
                part(&address, name);
            }
        }
    }
}

//! Java's regular expressions on Rust's engines: the linear-time one where it can say the same, the backtracking one with a
//! limit where only that can. A pattern neither can say is an error that says so; nothing is matched approximately.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use datafusion::common::{DataFusionError, Result, exec_datafusion_err};

/// Steps the backtracking engine may take on one value.
const BACKTRACK_LIMIT: usize = 1_000_000;
/// Patterns kept compiled.
const CACHE: usize = 512;
/// What ends a line in Java: the parts that are one character.
const TERMINATORS: &str = r"\n\r\u{85}\u{2028}\u{2029}";

/// A compiled Java pattern.
#[derive(Debug)]
pub(crate) enum JavaRegex {
    Plain(regex::Regex),
    Fancy(Box<fancy_regex::Regex>),
}

/// The groups of one match: where each begins and ends.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

type Cache = HashMap<(String, bool), Arc<JavaRegex>>;
static COMPILED: LazyLock<Mutex<Cache>> = LazyLock::new(Mutex::default);

impl JavaRegex {
    /// Compiles a pattern. `test_only` is for patterns that are only asked whether they match, never where.
    ///
    /// # Errors
    /// Where the pattern is not a Java pattern, or uses what neither engine has.
    pub fn new(pattern: &str, test_only: bool) -> Result<Arc<Self>> {
        let key = (pattern.to_owned(), test_only);
        if let Some(found) = COMPILED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return Ok(Arc::clone(found));
        }
        let compiled = Arc::new(Self::compile(pattern, test_only)?);
        let mut cache = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }

    fn compile(pattern: &str, test_only: bool) -> Result<Self> {
        let refuse = |why: String| {
            exec_datafusion_err!("cannot express the Java regular expression {pattern:?}: {why}")
        };
        match Translator::new(pattern, Target::Plain, test_only).run() {
            Ok(plain) => Ok(Self::Plain(
                regex::Regex::new(&plain).map_err(|e| refuse(last_line(&e.to_string())))?,
            )),
            Err(Stop::NeedsBacktracking) => {
                let fancy = Translator::new(pattern, Target::Fancy, test_only)
                    .run()
                    .map_err(|stop| match stop {
                        Stop::Refused(why) => refuse(why),
                        Stop::NeedsBacktracking => refuse("it needs backtracking".to_owned()),
                    })?;
                let compiled = fancy_regex::RegexBuilder::new(&fancy)
                    .backtrack_limit(BACKTRACK_LIMIT)
                    .build()
                    .map_err(|e| refuse(e.to_string()))?;
                Ok(Self::Fancy(Box::new(compiled)))
            }
            Err(Stop::Refused(why)) => Err(refuse(why)),
        }
    }

    /// Whether the pattern matches somewhere in the text.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        match self {
            Self::Plain(r) => Ok(r.is_match(text)),
            Self::Fancy(r) => r.is_match(text).map_err(|e| too_long(&e)),
        }
    }

    /// The next match at or after byte `from`, with its groups.
    pub fn groups_at(&self, text: &str, from: usize) -> Result<Option<Groups>> {
        if from > text.len() {
            return Ok(None);
        }
        Ok(match self {
            Self::Plain(r) => r
                .captures_at(text, from)
                .map(|c| c.iter().map(|m| m.map(|m| (m.start(), m.end()))).collect()),
            Self::Fancy(r) => r
                .captures_from_pos(text, from)
                .map_err(|e| too_long(&e))?
                .map(|c| c.iter().map(|m| m.map(|m| (m.start(), m.end()))).collect()),
        })
    }

    /// All matches from left to right, as Java's `Matcher.find` steps through them.
    pub fn matches(&self, text: &str, mut each: impl FnMut(&Groups) -> bool) -> Result<()> {
        let mut from = 0;
        while let Some(groups) = self.groups_at(text, from)? {
            let Some((start, end)) = groups.first().copied().flatten() else {
                break;
            };
            if !each(&groups) {
                break;
            }
            from = if end > start {
                end
            } else {
                end + text[end..].chars().next().map_or(1, char::len_utf8)
            };
        }
        Ok(())
    }

    pub fn group_count(&self) -> usize {
        match self {
            Self::Plain(r) => r.captures_len() - 1,
            Self::Fancy(r) => r.captures_len() - 1,
        }
    }

    pub fn group_named(&self, name: &str) -> Option<usize> {
        match self {
            Self::Plain(r) => r.capture_names().position(|n| n == Some(name)),
            Self::Fancy(r) => r.capture_names().position(|n| n == Some(name)),
        }
    }
}

fn too_long(error: &fancy_regex::Error) -> DataFusionError {
    exec_datafusion_err!(
        "a regular expression took more than {BACKTRACK_LIMIT} steps on one value: {error}"
    )
}

fn last_line(text: &str) -> String {
    text.lines()
        .last()
        .unwrap_or(text)
        .trim_start_matches("error: ")
        .to_owned()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Plain,
    Fancy,
}

enum Stop {
    NeedsBacktracking,
    Refused(String),
}

type Step<T = ()> = std::result::Result<T, Stop>;

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    dot_all: bool,
    multi_line: bool,
    comments: bool,
}

struct Translator<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    out: String,
    target: Target,
    test_only: bool,
    flags: Vec<Flags>,
}

impl<'p> Translator<'p> {
    fn new(pattern: &'p str, target: Target, test_only: bool) -> Self {
        Self {
            rest: pattern.chars().peekable(),
            out: String::with_capacity(pattern.len() + 16),
            target,
            test_only,
            flags: vec![Flags::default()],
        }
    }

    fn flags(&self) -> Flags {
        self.flags.last().copied().unwrap_or_default()
    }

    fn backtracking(&self) -> Step {
        if self.target == Target::Plain {
            Err(Stop::NeedsBacktracking)
        } else {
            Ok(())
        }
    }

    fn run(mut self) -> Step<String> {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.open()?,
                ')' => {
                    if self.flags.len() > 1 {
                        self.flags.pop();
                    }
                    self.out.push(')');
                }
                '.' if self.flags().dot_all => self.out.push_str("(?s:.)"),
                '.' => self.out.push_str(&format!("[^{TERMINATORS}]")),
                '^' if self.flags().multi_line => {
                    self.out.push_str(if self.target == Target::Plain {
                        "(?mR:^)"
                    } else {
                        r"(?:(?<![\s\S])|(?<=[\n\r])(?=[\s\S]))"
                    });
                }
                '^' => self.out.push_str(r"\A"),
                '$' => self.dollar()?,
                '*' | '+' | '?' | '}' => {
                    self.out.push(c);
                    if self.rest.peek() == Some(&'+') {
                        self.backtracking()?;
                    }
                }
                '#' if self.flags().comments => {
                    while self.rest.peek().is_some_and(|c| *c != '\n') {
                        self.rest.next();
                    }
                }
                c if self.flags().comments && c.is_ascii_whitespace() => {}
                c if c.is_whitespace() || c == '#' => self.literal(c),
                c => self.out.push(c),
            }
        }
        Ok(self.out)
    }

    fn literal(&mut self, c: char) {
        if c.is_whitespace() || c == '#' {
            self.out.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
        } else {
            self.out
                .push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }

    /// `$` also matches before one line terminator at the end.
    fn dollar(&mut self) -> Step {
        let end = format!(r"(?:\r\n|[{TERMINATORS}])?\z");
        if self.flags().multi_line {
            match self.target {
                Target::Plain => self.out.push_str("(?mR:$)"),
                Target::Fancy => self.out.push_str(&format!(r"(?=[{TERMINATORS}]|\z)")),
            }
        } else if self.test_only && matches!(self.rest.peek(), None | Some(')' | '|')) {
            // Nothing after it can ask for the terminator, so it may be taken in.
            self.out.push_str(&format!("(?:{end})"));
        } else {
            self.backtracking()?;
            self.out.push_str(&format!("(?={end})"));
        }
        Ok(())
    }

    fn open(&mut self) -> Step {
        let mut flags = self.flags();
        if self.rest.peek() != Some(&'?') {
            self.out.push('(');
            self.flags.push(flags);
            return Ok(());
        }
        self.rest.next();
        match self.rest.peek().copied() {
            Some(':') => self.out.push_str("(?"),
            Some('=' | '!' | '>') => {
                self.backtracking()?;
                self.out.push_str("(?");
            }
            Some('<') => {
                self.rest.next();
                if matches!(self.rest.peek(), Some('=' | '!')) {
                    self.backtracking()?;
                }
                self.out.push_str("(?<");
                while let Some(c) = self
                    .rest
                    .next_if(|c| c.is_alphanumeric() || matches!(c, '=' | '!'))
                {
                    self.out.push(c);
                    if matches!(c, '=' | '!') {
                        break;
                    }
                }
            }
            _ => {
                let mut on = true;
                let mut kept = String::new();
                loop {
                    match self.rest.next() {
                        Some('-') => {
                            on = false;
                            kept.push('-');
                        }
                        Some('s') => flags.dot_all = on,
                        Some('m') => flags.multi_line = on,
                        Some('x') => flags.comments = on,
                        Some('i') => kept.push('i'),
                        // Unicode case folding is the engines' only one; UNIX lines and Unicode classes are not theirs.
                        Some('u') => {}
                        Some(c @ ('d' | 'U')) => {
                            return Err(Stop::Refused(format!("the flag (?{c})")));
                        }
                        Some(':') => {
                            self.out
                                .push_str(&format!("(?{}:", kept.trim_end_matches('-')));
                            self.flags.push(flags);
                            return Ok(());
                        }
                        Some(')') => {
                            if let Some(current) = self.flags.last_mut() {
                                *current = flags;
                            }
                            let kept = kept.trim_end_matches('-');
                            if !kept.is_empty() {
                                self.out.push_str(&format!("(?{kept})"));
                            }
                            return Ok(());
                        }
                        Some(c) => return Err(Stop::Refused(format!("the group (?{c}"))),
                        None => return Err(Stop::Refused("an unfinished group".to_owned())),
                    }
                }
            }
        }
        self.flags.push(flags);
        Ok(())
    }

    fn class(&mut self) -> Step {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        while let Some(c) = self.rest.next() {
            match c {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                ']' => self.out.push_str(r"\]"),
                '[' => self.class()?,
                '\\' => self.escape(true)?,
                '&' if self.rest.peek() == Some(&'&') => {
                    self.rest.next();
                    self.out.push_str("&&");
                }
                '&' | '~' | '#' => self.literal(c),
                '-' if first || matches!(self.rest.peek(), Some(']' | '-')) => {
                    self.out.push_str(r"\-")
                }
                c if c.is_whitespace() => self.literal(c),
                c => self.out.push(c),
            }
            first = false;
        }
        Err(Stop::Refused("an unclosed character class".to_owned()))
    }

    fn escape(&mut self, in_class: bool) -> Step {
        let Some(c) = self.rest.next() else {
            return Err(Stop::Refused("a backslash at the end".to_owned()));
        };
        let set = |members: &str, negated: bool| match (negated, in_class) {
            (false, true) => members.to_owned(),
            (false, false) => format!("[{members}]"),
            (true, _) => format!("[^{members}]"),
        };
        let horizontal = r"\x20\t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}";
        let vertical = r"\n\x0B\x0C\r\x{85}\x{2028}\x{2029}";
        let translated = match c {
            'd' | 'D' => set("0-9", c == 'D'),
            'w' | 'W' => set("a-zA-Z_0-9", c == 'W'),
            's' | 'S' => set(r"\x20\t\n\x0B\x0C\r", c == 'S'),
            'h' | 'H' => set(horizontal, c == 'H'),
            'v' | 'V' => set(vertical, c == 'V'),
            'R' if !in_class => format!(r"(?:\r\n|[{vertical}])"),
            't' | 'n' | 'r' | 'f' | 'a' => format!("\\{c}"),
            'e' => r"\x1B".to_owned(),
            'x' | 'u' => {
                let value = self.hex(c)?;
                char_literal(value)?
            }
            '0' => {
                let mut value = 0;
                let mut count = 0;
                while count < 3
                    && let Some(d) = self
                        .rest
                        .next_if(|d| d.is_digit(8) && (count < 2 || value < 32))
                {
                    value = value * 8 + d.to_digit(8).unwrap_or_default();
                    count += 1;
                }
                char_literal(value)?
            }
            'c' => {
                let control = self.rest.next().map_or(0, |c| u32::from(c) ^ 64);
                char_literal(control)?
            }
            'p' | 'P' => self.property(c == 'P', in_class)?,
            'Q' => {
                let mut quoted = String::new();
                for c in self.rest.by_ref() {
                    quoted.push(c);
                    if quoted.ends_with("\\E") {
                        quoted.truncate(quoted.len() - 2);
                        break;
                    }
                }
                for c in quoted.chars() {
                    self.literal(c);
                }
                return Ok(());
            }
            'E' => return Ok(()),
            'b' | 'B' if !in_class => format!("\\{c}"),
            'A' if !in_class => r"\A".to_owned(),
            'z' if !in_class => r"\z".to_owned(),
            'Z' if !in_class => {
                self.backtracking()?;
                format!(r"(?=(?:\r\n|[{TERMINATORS}])?\z)")
            }
            'G' if !in_class => {
                self.backtracking()?;
                r"\G".to_owned()
            }
            'k' if !in_class => {
                self.backtracking()?;
                r"\k".to_owned()
            }
            '1'..='9' if !in_class => {
                self.backtracking()?;
                format!("\\{c}")
            }
            c if c.is_ascii_alphanumeric() => return Err(Stop::Refused(format!("\\{c}"))),
            c => {
                self.literal(c);
                return Ok(());
            }
        };
        self.out.push_str(&translated);
        Ok(())
    }

    fn hex(&mut self, kind: char) -> Step<u32> {
        let mut text = String::new();
        if kind == 'x' && self.rest.next_if_eq(&'{').is_some() {
            while let Some(c) = self.rest.next_if(char::is_ascii_hexdigit) {
                text.push(c);
            }
            self.rest.next_if_eq(&'}');
        } else {
            let want = if kind == 'x' { 2 } else { 4 };
            while text.len() < want
                && let Some(c) = self.rest.next_if(char::is_ascii_hexdigit)
            {
                text.push(c);
            }
        }
        u32::from_str_radix(&text, 16).map_err(|_| Stop::Refused(format!("\\{kind}{text}")))
    }

    fn property(&mut self, negated: bool, in_class: bool) -> Step<String> {
        let mut name = String::new();
        if self.rest.next_if_eq(&'{').is_some() {
            while let Some(c) = self.rest.next_if(|c| *c != '}') {
                name.push(c);
            }
            self.rest.next_if_eq(&'}');
        } else {
            name.extend(self.rest.next());
        }
        let members = match name.as_str() {
            "Lower" => "a-z",
            "Upper" => "A-Z",
            "ASCII" => r"\x00-\x7F",
            "Alpha" => "a-zA-Z",
            "Digit" => "0-9",
            "Alnum" => "a-zA-Z0-9",
            "Punct" => r"!-/:-@\[-`{-~",
            "Graph" => "!-~",
            "Print" => r"\x20-~",
            "Blank" => r"\x20\t",
            "Cntrl" => r"\x00-\x1F\x7F",
            "XDigit" => "0-9a-fA-F",
            "Space" => r"\x20\t\n\x0B\x0C\r",
            _ => "",
        };
        if !members.is_empty() {
            return Ok(match (negated, in_class) {
                (false, true) => members.to_owned(),
                (false, false) => format!("[{members}]"),
                (true, _) => format!("[^{members}]"),
            });
        }
        let unicode = match name.as_str() {
            "javaLowerCase" => "Lowercase",
            "javaUpperCase" => "Uppercase",
            "javaWhitespace" => "White_Space",
            "IsDigit" => "Nd",
            other => other
                .strip_prefix("Is")
                .or_else(|| other.strip_prefix("In"))
                .unwrap_or(other),
        };
        Ok(format!(
            "\\{}{{{unicode}}}",
            if negated { 'P' } else { 'p' }
        ))
    }
}

fn char_literal(value: u32) -> Step<String> {
    match char::from_u32(value) {
        Some(_) => Ok(format!("\\x{{{value:X}}}")),
        None => Err(Stop::Refused(format!("the code point {value:X}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn found(pattern: &str, text: &str) -> bool {
        let test = JavaRegex::new(pattern, true)
            .unwrap()
            .is_match(text)
            .unwrap();
        let whole = JavaRegex::new(pattern, false)
            .unwrap()
            .groups_at(text, 0)
            .unwrap()
            .is_some();
        assert_eq!(test, whole, "{pattern} on {text:?}");
        test
    }

    #[test]
    fn java_patterns_match_as_in_java() {
        for (pattern, text, expected) in [
            (".*lsass.*.dmp", r"c:\temp\lsass.dmp", true),
            ("a.c", "a\rc", false),
            ("(?s)a.c", "a\nc", true),
            ("abc$", "abc\n", true),
            ("abc$", "abc\r\n", true),
            ("abc$", "abc\nd", false),
            ("(?m)^b$", "a\nb\nc", true),
            (r"\Qa.b\E+", "a.bbb", true),
            (r"\Qa.b\E", "axb", false),
            (r"^\p{Alpha}+$", "abc", true),
            (r"^\p{Alpha}+$", "abé", false),
            (r"^\w+$", "é", false),
            (r"\d", "٣", false),
            (r"a\hb", "a\u{a0}b", true),
            (r"(?<x>a)\k<x>", "xaa", true),
            (r"(a)\1", "aa", true),
            (r"(?=.*x)y", "yx", true),
            (r"foo(?!bar)", "foobar", false),
            ("a++b", "aaab", true),
            ("a*+a", "aaa", false),
            ("(?i)PowerShell", "POWERSHELL.EXE", true),
            (r"[\w&&[^\d]]+", "5", false),
            (r"[a-z&&[def]]", "e", true),
            (r"\x41\u0042\0103", "ABC", true),
            (r"a\-b\/c\<d", "a-b/c<d", true),
            (r"\\\\.*\\pipe", r"\\host\pipe", true),
            (r"a b#c", "a b#c", true),
            ("(?x)a b # c", "ab", true),
        ] {
            assert_eq!(found(pattern, text), expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_an_error() {
        for pattern in [
            "(",
            "[a",
            r"\y",
            r"\N{DIGIT ONE}",
            "*a",
            r"\p{NoSuchThing}",
            "(?d)a",
        ] {
            let error = JavaRegex::new(pattern, true).unwrap_err().to_string();
            assert!(
                error.contains("Java regular expression"),
                "{pattern}: {error}"
            );
        }
    }

    #[test]
    fn runaway_patterns_stop() {
        let regex = JavaRegex::new(r"(x+x+)+y(?!z)", true).unwrap();
        assert!(regex.is_match(&"x".repeat(2000)).is_err());
    }

    #[test]
    fn empty_matches_step_as_in_java() {
        let mut found = Vec::new();
        JavaRegex::new("a*", false)
            .unwrap()
            .matches("aab", |g| {
                found.push(g[0].unwrap());
                true
            })
            .unwrap();
        assert_eq!(found, [(0, 2), (2, 2), (3, 3)]);
    }

    proptest! {
        #[test]
        fn any_pattern_is_answered(pattern in ".{0,30}", text in ".{0,30}") {
            if let Ok(regex) = JavaRegex::new(&pattern, false) {
                let _ = regex.matches(&text, |_| true);
            }
        }
    }
}

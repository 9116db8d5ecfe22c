//! Stacks as other commands and tools print them, brought to the form of the `k` commands: `dx`, WinDbg's Stack window,
//! `!stacks`, System Informer, Process Monitor, and logs with a time before each line.

/// What a line is, where it is none of the `k` commands'.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// The head of a list of frames.
    Head,
    /// A frame: its place, where it is printed, and its symbol.
    Frame(Option<u32>, String),
    /// A thread of `!stacks`: process, thread, and the frame on its line.
    Thread(u64, u64, String),
    /// The process that the threads after it belong to.
    Process(String),
}

/// The line without the time that `.logopen /t` and other loggers put before it: `14:22:11.041: `.
pub(super) fn without_time(line: &str) -> &str {
    let Some((time, rest)) = line.split_once(": ") else {
        return line;
    };
    let digits = time.bytes().filter(u8::is_ascii_digit).count();
    let others = time
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b':' || b == b'.');
    let clock = others && time.matches(':').count() == 2 && (6..=12).contains(&digits);
    if clock { rest } else { line }
}

/// What `line` is in the form of another tool.
pub(super) fn foreign(line: &str) -> Option<Foreign> {
    let trimmed = line.trim();
    if trimmed.starts_with("@$curstack.Frames") || trimmed.starts_with("Proc.Thread") {
        return Some(Foreign::Head);
    }
    if trimmed.starts_with("Frame Index") || trimmed.starts_with("\"Frame\",\"Module\"") {
        return Some(Foreign::Head);
    }
    indexed(trimmed)
        .or_else(|| procmon(trimmed))
        .or_else(|| informer(trimmed))
        .or_else(|| stacks(trimmed))
}

/// `[0x1]            : nt!ObpCall + 0x10c [Switch To]`, and `[0x1]   nt!ObpCall + 0x10c   0xfffff98c...` of the window.
fn indexed(line: &str) -> Option<Foreign> {
    let (index, rest) = line.strip_prefix("[0x")?.split_once(']')?;
    let index = u32::from_str_radix(index, 16).ok()?;
    let rest = rest.trim_start().trim_start_matches(':').trim();
    let rest = rest.trim_end_matches("[Switch To]").trim_end();
    // The window's columns are parted by tabs or by several blanks.
    let end = rest
        .find('\t')
        .or_else(|| rest.find("   "))
        .unwrap_or(rest.len());
    frame(Some(index), &rest[..end])
}

/// `"3","ntoskrnl.exe","NtOpenProcess + 0x23","0xfffff8042770af53","C:\..."`, the frame with `K` or `U` before it or not.
fn procmon(line: &str) -> Option<Foreign> {
    let fields: Vec<&str> = line.strip_prefix('"')?.split("\",\"").collect();
    let [index, module, location, ..] = fields.as_slice() else {
        return None;
    };
    let index = index
        .trim_start_matches(['K', 'U', 'k', 'u'])
        .trim()
        .parse()
        .ok()?;
    if module.eq_ignore_ascii_case("<unknown>") || module.is_empty() {
        return Some(Foreign::Frame(
            Some(index),
            location.trim_end_matches('"').to_owned(),
        ));
    }
    // Without symbols the location is the module and an offset into it.
    let location = location.replace(" + ", "+");
    match location.strip_prefix(module) {
        Some(offset) if offset.starts_with("+0x") => frame(Some(index), &location),
        _ => frame(Some(index), &format!("{module}!{location}")),
    }
}

/// `3, ntoskrnl.exe!PsOpenProcess+0x3af`.
fn informer(line: &str) -> Option<Foreign> {
    let (index, rest) = line.split_once(", ")?;
    let index = index.parse().ok()?;
    let symbol = rest.split(", ").next().unwrap_or_default();
    let likely = symbol.contains('!') || symbol.contains("+0x") || symbol.starts_with("0x");
    likely.then(|| frame(Some(index), symbol)).flatten()
}

/// `[ffffab0e2d2e4080 mimikatz.exe]` and `1f04.001c44  ffffab0e2e7d3080 0000000 RUNNING    SysmonDrv+0xa1c0`.
fn stacks(line: &str) -> Option<Foreign> {
    if let Some(inner) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
        let (address, image) = inner.split_once(' ')?;
        let is_address = address.len() == 16 || address.len() == 8;
        return (is_address && hex(address).is_some())
            .then(|| Foreign::Process(image.trim().to_owned()));
    }
    let mut words = line.split_whitespace();
    let (process, thread) = words.next()?.split_once('.')?;
    let (process, thread) = (hex(process)?, hex(thread)?);
    let address = words.next()?;
    let ticks = words.next()?;
    if hex(address).is_none() || address.len() < 8 || hex(ticks).is_none() {
        return None;
    }
    // The state, and then what blocks the thread: its innermost frame.
    words.next()?;
    let symbol: Vec<&str> = words.collect();
    Some(Foreign::Thread(process, thread, symbol.join(" ")))
}

fn frame(index: Option<u32>, symbol: &str) -> Option<Foreign> {
    let symbol = symbol.trim().replace(" + ", "+");
    (!symbol.is_empty()).then_some(Foreign::Frame(index, symbol))
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn symbol(line: &str) -> Option<(Option<u32>, String)> {
        match foreign(line)? {
            Foreign::Frame(index, symbol) => Some((index, symbol)),
            _ => None,
        }
    }

    #[test]
    fn frames_of_other_tools() {
        for (line, index, text) in [
            (
                "    [0x1]            : nt!ObpCall + 0x10c [Switch To]",
                1,
                "nt!ObpCall+0x10c",
            ),
            (
                "[0xa]\tntdll!NtOpenProcess + 0x14\t0xa1b3dff0e8\t0x7ffc2c6a2a4e",
                10,
                "ntdll!NtOpenProcess+0x14",
            ),
            (
                "[0x0]   SysmonDrv+0xa1c0   0xfffff98c1c8e6f58   0xfffff8042770c42c",
                0,
                "SysmonDrv+0xa1c0",
            ),
            (
                "6, ntdll.dll!NtOpenProcess+0x14",
                6,
                "ntdll.dll!NtOpenProcess+0x14",
            ),
            (
                r#""K 2","ntoskrnl.exe","NtOpenProcess + 0x23","0xfffff8042770af53","C:\Windows\system32\ntoskrnl.exe""#,
                2,
                "ntoskrnl.exe!NtOpenProcess+0x23",
            ),
            (
                r#""9","tool.exe","tool.exe + 0x1f3b","0x7ff6e0d41f3b","C:\tool.exe""#,
                9,
                "tool.exe+0x1f3b",
            ),
        ] {
            assert_eq!(symbol(line), Some((Some(index), text.to_owned())), "{line}");
        }
        assert_eq!(
            foreign("1f04.001c44  ffffab0e2e7d3080 0000000 RUNNING    SysmonDrv+0xa1c0"),
            Some(Foreign::Thread(
                0x1f04,
                0x1c44,
                "SysmonDrv+0xa1c0".to_owned()
            ))
        );
        assert_eq!(
            foreign("                            [ffffab0e2d2e4080 mimikatz.exe]"),
            Some(Foreign::Process("mimikatz.exe".to_owned()))
        );
        for line in [
            "",
            "Breakpoint 0 hit",
            "1, 2",
            "[0x1]",
            "a, nt!X",
            "00 nt!X+0x1",
        ] {
            assert_eq!(foreign(line), None, "{line}");
        }
    }

    #[test]
    fn times_before_lines() {
        assert_eq!(without_time("14:22:11.041: 00 a b nt!X"), "00 a b nt!X");
        assert_eq!(without_time("0:000> k"), "0:000> k");
        assert_eq!(without_time("Image: a.exe"), "Image: a.exe");
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in "\\PC{0,120}", framed in "[\\[\\]\"0-9a-fxKU,.!+ ]{0,60}") {
            let _ = (foreign(&line), foreign(&framed), without_time(&line));
        }
    }
}

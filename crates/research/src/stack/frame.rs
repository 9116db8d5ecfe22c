//! One line of a stack. The columns differ between commands and between 32 and 64 bit; what they share is that addresses
//! come first and the symbol last.

use serde::Serialize;

/// The longest line that is looked at, in bytes; C++ symbols stay far below.
const MAX_LINE: usize = 16 << 10;

/// A frame of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackFrame {
    /// The module as printed (`nt`, `KERNELBASE`, `ntdll_77a50000`); `None` for a bare address.
    pub module: Option<String>,
    /// The function; `None` where only the module (or nothing) is known.
    pub function: Option<String>,
    /// The offset into the function or module.
    pub offset: Option<u64>,
    /// The address, where the frame is nothing but one.
    pub address: Option<u64>,
    /// Whether the debugger warned that this frame may be wrong.
    pub doubtful: bool,
}

impl StackFrame {
    /// A frame that is nothing but an address.
    pub(super) fn at(address: u64) -> Self {
        Self {
            module: None,
            function: None,
            offset: None,
            address: Some(address),
            doubtful: false,
        }
    }

    /// `module!function`, `module+0x1d42` or `0x7ffb467e08ee`.
    pub fn symbol(&self) -> String {
        match (&self.module, &self.function, self.offset, self.address) {
            (Some(module), Some(function), ..) => format!("{module}!{function}"),
            (Some(module), None, Some(offset), _) => format!("{module}+{offset:#x}"),
            (Some(module), None, None, _) => module.clone(),
            (None, _, _, Some(address)) => format!("{address:#x}"),
            _ => String::new(),
        }
    }

    /// The module in lower case and without the address that tells a 32-bit module from the 64-bit one of the same name
    /// (`ntdll_77a50000`) and without an extension.
    pub fn module_name(&self) -> Option<String> {
        let lower = self.module.as_deref()?.to_ascii_lowercase();
        let stem = match lower.rsplit_once('_') {
            Some((stem, tail))
                if tail.len() >= 6 && tail.chars().all(|c| c.is_ascii_hexdigit()) =>
            {
                stem
            }
            _ => lower.as_str(),
        };
        let stem = [".exe", ".dll", ".sys"]
            .iter()
            .find_map(|ending| stem.strip_suffix(ending))
            .unwrap_or(stem);
        // The kernel's file names, as a debugger without its symbols prints them.
        Some(match stem {
            "ntoskrnl" | "ntkrnlmp" | "ntkrnlpa" | "ntkrpamp" => "nt".to_owned(),
            "ntdll32" => "ntdll".to_owned(),
            stem => stem.to_owned(),
        })
    }

    /// Whether the frame is this function. Compares without regard to case.
    pub fn is(&self, module: &str, function: &str) -> bool {
        self.function
            .as_deref()
            .is_some_and(|f| f.eq_ignore_ascii_case(function))
            && self.module_name().is_some_and(|m| m == module)
    }
}

/// The frame on `line`. `in_table` says that a stack's head stood above, so that a line without addresses counts too.
pub(super) fn parse(line: &str, in_table: bool) -> Option<StackFrame> {
    if line.len() > MAX_LINE {
        return None;
    }
    let mut rest = line.trim();
    let mut addresses = 0;
    // `00` ... `1f`, a frame number.
    if let Some((first, tail)) = rest.split_once(char::is_whitespace)
        && first.len() <= 4
        && is_hex(first)
    {
        rest = tail.trim_start();
    }
    // `kf` puts the bytes of stack that a frame takes before its addresses.
    if let Some((first, tail)) = rest.split_once(char::is_whitespace)
        && first.len() < 8
        && is_hex(first)
        && tail.split_whitespace().next().is_some_and(is_address)
    {
        rest = tail.trim_start();
    }
    if let Some(tail) = rest
        .strip_prefix("(Inline Function)")
        .or_else(|| rest.strip_prefix("(Inline)"))
    {
        rest = tail.trim_start();
        addresses += 1;
    }
    while let Some((first, tail)) = rest.split_once(char::is_whitespace) {
        if !is_address(first) {
            break;
        }
        addresses += 1;
        rest = tail.trim_start();
    }
    // `: args : symbol`, as kv prints on 64 bit.
    if let Some(tail) = rest.strip_prefix(": ") {
        rest = tail
            .split_once(" : ")
            .map_or(tail, |(_, symbol)| symbol)
            .trim_start();
        addresses += 1;
    }
    let enough = addresses >= 2 || in_table;
    if rest.is_empty() || !enough || (addresses == 0 && rest.contains(": ")) {
        return None;
    }
    symbol(rest, addresses > 0)
}

/// The symbol at the start of `text`: `module!function(arguments)+0x12 [source @ 5]` and everything shorter.
fn symbol(text: &str, after_addresses: bool) -> Option<StackFrame> {
    let empty = StackFrame {
        module: None,
        function: None,
        offset: None,
        address: None,
        doubtful: false,
    };
    let Some((module, rest)) = text.split_once('!') else {
        let word = text.split_whitespace().next()?;
        if let Some(address) = number(word).filter(|_| word.starts_with("0x") || is_address(word)) {
            return after_addresses.then_some(StackFrame {
                address: Some(address),
                ..empty
            });
        }
        let (module, offset) = word.split_once("+0x")?;
        let offset = u64::from_str_radix(offset, 16).ok()?;
        return is_module(module).then(|| StackFrame {
            module: Some(module.to_owned()),
            offset: Some(offset),
            ..empty
        });
    };
    if !is_module(module) {
        return None;
    }
    let end = function_end(rest);
    let function = rest[..end].trim_end();
    if function.is_empty()
        || (function.contains(' ')
            && !function.contains(['<', '`'])
            && !function.contains("operator"))
    {
        return None;
    }
    let tail = &rest[end..];
    let offset = tail.rfind("+0x").map(|at| &tail[at + 3..]);
    let offset = offset.map(|o| {
        o.split(|c: char| !c.is_ascii_hexdigit())
            .next()
            .unwrap_or_default()
    });
    Some(StackFrame {
        module: Some(module.to_owned()),
        function: Some(function.to_owned()),
        offset: offset.and_then(|o| u64::from_str_radix(o, 16).ok()),
        ..empty
    })
}

/// Where the function's name ends: at its offset, its arguments, or the source position. Template brackets are kept whole.
fn function_end(text: &str) -> usize {
    let mut depth = 0u32;
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '`' => quoted = true,
            '\'' => quoted = false,
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            '+' | '(' | '[' if depth == 0 && !quoted => return at,
            ' ' if depth == 0 && !quoted && !text[..at].ends_with("operator") => return at,
            _ => {}
        }
    }
    text.len()
}

fn is_module(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '$' | '@' | '~');
    !name.is_empty() && name.len() <= 128 && name.chars().all(allowed)
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `fffff807`6b8a1234`, `8a2f3b2c`, `ffff838739789930`, and the dashes of an inlined frame.
fn is_address(word: &str) -> bool {
    match word.split_once('`') {
        Some((high, low)) => {
            high.len() == 8
                && low.len() == 8
                && [high, low].iter().all(|p| is_hex(p) || *p == "--------")
        }
        None => (word.len() == 8 || word.len() == 16) && is_hex(word),
    }
}

/// A hexadecimal number as debuggers write it.
pub(super) fn number(word: &str) -> Option<u64> {
    let digits: String = word
        .trim_start_matches("0x")
        .trim_start_matches("0n")
        .chars()
        .filter(|c| *c != '`')
        .collect();
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    u64::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn shown(line: &str, in_table: bool) -> Option<(String, Option<u64>)> {
        parse(line, in_table).map(|f| (f.symbol(), f.offset))
    }

    #[test]
    fn every_command_prints_frames() {
        for (line, symbol, offset) in [
            // k on 64 bit, numbered
            (
                "00 ffffce86`87b5f170 fffff807`385e814a     nt!ObpCallPreOperationCallbacks+0x107",
                "nt!ObpCallPreOperationCallbacks",
                Some(0x107),
            ),
            // k on 64 bit, old layout
            (
                "fffffe09`a96d8720 fffff801`eae67926 nt!CmpCallCallBacksEx+0x6ce",
                "nt!CmpCallCallBacksEx",
                Some(0x6ce),
            ),
            // kv and kb on 64 bit
            (
                "fffffe09`a96d8830 fffff801`eac8c555     : 00000000`00000000 00000000`00000019 00000000`00000000 00000000`00000000 : nt!NtSetValueKey+0x5d6",
                "nt!NtSetValueKey",
                Some(0x5d6),
            ),
            // kb on 32 bit
            (
                "8a2f3b50 82a5e3aa 8614d030 00000dd0 00000001 nt!PsCallImageNotifyRoutines+0x62",
                "nt!PsCallImageNotifyRoutines",
                Some(0x62),
            ),
            // kp, with arguments and source
            (
                "0b 000000d4`5d0fe5c0 00007ffb`6c1f1234     KERNELBASE!CreateProcessInternalW(void * token = 0x00000000`00000000, wchar_t * name = 0x0000)+0xfe3 [minkernel\\kernelbase\\process.c @ 4711]",
                "KERNELBASE!CreateProcessInternalW",
                Some(0xfe3),
            ),
            // kf, with and without a size
            (
                "03        70 fffff98c`1c8e7050 fffff804`277094a9     nt!ObpCreateHandle+0xce3",
                "nt!ObpCreateHandle",
                Some(0xce3),
            ),
            (
                "00           fffff98c`1c8e6f58 fffff804`2770c42c     SysmonDrv+0xa1c0",
                "SysmonDrv+0xa1c0",
                Some(0xa1c0),
            ),
            // no symbols
            (
                "00 ffffb08f`9f4c7a88 fffff807`6a0b2c3d     SysmonDrv+0x8f10",
                "SysmonDrv+0x8f10",
                Some(0x8f10),
            ),
            (
                "08 0000005c`a88fd620 000001d3`91316a50     0x00007ffb`467e08ee",
                "0x7ffb467e08ee",
                None,
            ),
            // inlined
            (
                "09 (Inline Function) --------`--------     app!invoke_main+0x22 [d:\\x.inl @ 78]",
                "app!invoke_main",
                Some(0x22),
            ),
            // trap frame
            (
                "0a ffff9387`368024c0 00007ff7`ef821d42     nt!KiSystemServiceCopyEnd+0x25 (TrapFrame @ ffff9387`368024c0)",
                "nt!KiSystemServiceCopyEnd",
                Some(0x25),
            ),
            // C++
            (
                "03 0000000f`f4aff890 00007ffd`6c317034     app!std::vector<int,std::allocator<int> >::push_back+0x11",
                "app!std::vector<int,std::allocator<int> >::push_back",
                Some(0x11),
            ),
            (
                "03 0000000f`f4aff890 00007ffd`6c317034     combase!CServerChannel::`scalar deleting destructor'+0x3",
                "combase!CServerChannel::`scalar deleting destructor'",
                Some(3),
            ),
        ] {
            assert_eq!(
                shown(line, false),
                Some((symbol.to_owned(), offset)),
                "{line}"
            );
        }
        assert_eq!(
            shown("00 nt!NtOpenProcess+0x23", true).unwrap().0,
            "nt!NtOpenProcess"
        );
        assert_eq!(
            shown("nt!NtOpenProcess", true).unwrap().0,
            "nt!NtOpenProcess"
        );
    }

    #[test]
    fn what_is_no_frame() {
        for line in [
            "",
            "Breakpoint 0 hit",
            "nt!NtOpenProcess+0x23",
            "PROCESS ffffc28a5d2e4080",
            "fffff806`11a87d33 488b4908        mov     rcx,qword ptr [rcx+8]",
            " # Child-SP          RetAddr               Call Site",
        ] {
            assert_eq!(shown(line, false), None, "{line}");
        }
    }

    #[test]
    fn modules_by_one_name() {
        let name = |m: &str| {
            parse(&format!("00000000`00000001 00000000`00000002 {m}!X"), false)
                .unwrap()
                .module_name()
                .unwrap()
        };
        assert_eq!(name("ntdll_77a50000"), "ntdll");
        assert_eq!(name("ntkrnlmp"), "nt");
        assert_eq!(name("KERNELBASE"), "kernelbase");
        assert_eq!(name("my_driver"), "my_driver");
        assert_eq!(name("KernelBase.dll"), "kernelbase");
        assert_eq!(name("ntoskrnl.exe"), "nt");
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in "\\PC{0,120}", in_table: bool) {
            let _ = parse(&line, in_table);
        }

        #[test]
        fn lines_like_frames_are_answered(line in "[0-9a-f` :!+()<>x\\[\\]'-]{0,80}") {
            let _ = parse(&line, true);
        }
    }
}

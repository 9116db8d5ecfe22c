//! The `CallTrace` of Sysmon's event 10: the stack of the call that opened the process, innermost frame first, as
//! `C:\Windows\SYSTEM32\ntdll.dll+9d4c4|...|UNKNOWN(00007FF8A1B2C3D4)`. Work is done per distinct text; what a trace says is
//! what the caller's memory said, and a caller can forge it.

use serde::Serialize;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Frames read of one trace. Sysmon writes at most 24.
const MAX_FRAMES: usize = 256;

/// A frame of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum TraceFrame<'t> {
    /// A module with the offset into it, in hexadecimal as written.
    Module {
        /// The module's path.
        path: &'t str,
        /// The offset.
        offset: &'t str,
    },
    /// An address in no module.
    Unknown {
        /// The address as written.
        address: &'t str,
    },
}

impl<'t> TraceFrame<'t> {
    /// The module's file name, lower case; `?` for an address in no module.
    pub fn module(&self) -> Cow<'t, str> {
        match self {
            Self::Unknown { .. } => Cow::Borrowed("?"),
            Self::Module { path, .. } => {
                let name = path.rsplit(['\\', '/']).next().unwrap_or(path);
                if name.bytes().any(|b| b.is_ascii_uppercase()) {
                    Cow::Owned(name.to_ascii_lowercase())
                } else {
                    Cow::Borrowed(name)
                }
            }
        }
    }
}

impl TraceFrame<'_> {
    /// Whether the module stands in a folder of the system. A bare name is taken for the system's.
    fn in_system_folder(&self) -> bool {
        let Self::Module { path, .. } = self else {
            return false;
        };
        let Some((folder, _)) = path.rsplit_once(['\\', '/']) else {
            return true;
        };
        let last = folder.rsplit(['\\', '/']).next().unwrap_or(folder);
        last.eq_ignore_ascii_case("system32")
            || last.eq_ignore_ascii_case("syswow64")
            || folder.to_ascii_lowercase().contains("\\winsxs\\")
    }
}

/// The frames of a trace, innermost first. A part that has neither form is skipped.
pub fn frames(trace: &str) -> impl Iterator<Item = TraceFrame<'_>> {
    trace.split('|').take(MAX_FRAMES).filter_map(|part| {
        let part = part.trim();
        if let Some(address) = part.strip_prefix("UNKNOWN(") {
            return Some(TraceFrame::Unknown {
                address: address.trim_end_matches(')'),
            });
        }
        // Early versions leave the offset's sign in; a path may hold one too, so the last counts.
        let (path, offset) = part.rsplit_once('+')?;
        let offset = offset.split('(').next().unwrap_or_default();
        let is_offset = !offset.is_empty() && offset.bytes().all(|b| b.is_ascii_hexdigit());
        (!path.is_empty() && is_offset).then_some(TraceFrame::Module { path, offset })
    })
}

/// The layer of the API a call came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// The innermost frame is in no module: a system call of the caller's own, from memory without a file.
    DirectFromNowhere,
    /// The innermost frame is in a module that is not the system's: a system call of the caller's own.
    DirectFromModule,
    /// Through `ntdll` (or `win32u`) alone.
    Native,
    /// Through a Windows API module.
    Win32,
    /// The trace is empty or cannot be read.
    None,
}

impl Entry {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::DirectFromNowhere => "direct system call from memory in no module",
            Self::DirectFromModule => "direct system call from a module",
            Self::Native => "native API (ntdll)",
            Self::Win32 => "Windows API",
            Self::None => "no trace",
        }
    }
}

/// Modules that wrap the native API.
const WIN32: [&str; 14] = [
    "kernelbase.dll",
    "kernel32.dll",
    "advapi32.dll",
    "sechost.dll",
    "user32.dll",
    "psapi.dll",
    "rpcrt4.dll",
    "combase.dll",
    "ole32.dll",
    "dbghelp.dll",
    "dbgcore.dll",
    "wtsapi32.dll",
    "ws2_32.dll",
    "appverif.dll",
];

/// What a trace says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Chain {
    /// The modules in the order of the calls, innermost first, repetitions folded; `?` for memory in no module.
    pub modules: Vec<String>,
    /// The layer the call came in by.
    pub entry: Entry,
    /// The module that called it, i.e. the first that is not the system's; `?` for memory in no module.
    pub caller: Option<String>,
    /// Frames in no module.
    pub unknown: usize,
    /// Whether it went through the 32-bit layer.
    pub wow64: bool,
}

impl Chain {
    /// Reads a trace.
    pub fn of(trace: &str) -> Self {
        let mut chain = Self {
            modules: Vec::new(),
            entry: Entry::None,
            caller: None,
            unknown: 0,
            wow64: false,
        };
        let mut through_win32 = false;
        for frame in frames(trace) {
            let module = frame.module();
            chain.unknown += usize::from(matches!(frame, TraceFrame::Unknown { .. }));
            let wow64 = module.starts_with("wow64");
            chain.wow64 |= wow64 && frame.in_system_folder();
            // A file may call itself ntdll.dll; the system's stands in the system's folder.
            let genuine = frame.in_system_folder();
            let native = genuine && (matches!(&*module, "ntdll.dll" | "win32u.dll") || wow64);
            let win32 = genuine && WIN32.contains(&&*module);
            if chain.modules.is_empty() {
                chain.entry = match (native, win32, &*module) {
                    (true, ..) => Entry::Native,
                    (_, true, _) => Entry::Win32,
                    (.., "?") => Entry::DirectFromNowhere,
                    _ => Entry::DirectFromModule,
                };
            }
            if chain.caller.is_none() {
                through_win32 |= win32;
                if !native && !win32 {
                    chain.caller = Some(module.clone().into_owned());
                }
            }
            if chain.modules.last().is_none_or(|last| *last != *module) {
                chain.modules.push(module.into_owned());
            }
        }
        if chain.entry == Entry::Native && through_win32 {
            chain.entry = Entry::Win32;
        }
        chain
    }
}

impl Chain {
    /// Whether it is worth a look: a frame in no module, or a system call that no system module made. Code compiled at run
    /// time (.NET, scripts) has frames in no module too.
    pub fn stands_out(&self) -> bool {
        let direct = matches!(
            self.entry,
            Entry::DirectFromNowhere | Entry::DirectFromModule
        );
        direct || self.unknown > 0
    }
}

/// Who opened whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pair {
    /// The image that opened the process.
    pub source: String,
    /// The image of the process.
    pub target: String,
}

/// How often a chain was met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Met {
    /// Events.
    pub events: u64,
    /// The same by source and target.
    pub pairs: BTreeMap<Pair, u64>,
}

impl Met {
    /// The pairs, the most frequent first.
    pub fn by_count(&self) -> Vec<(&Pair, u64)> {
        let mut pairs: Vec<_> = self.pairs.iter().map(|(pair, n)| (pair, *n)).collect();
        pairs.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        pairs
    }
}

/// Chains with how often they were met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceSummary {
    chains: BTreeMap<Chain, Met>,
}

impl TraceSummary {
    /// Adds a trace that stands in `events` events of a source and a target.
    pub fn add(&mut self, trace: &str, pair: Pair, events: u64) {
        let met = self.chains.entry(Chain::of(trace)).or_default();
        met.events += events;
        *met.pairs.entry(pair).or_default() += events;
    }

    /// The chains, those that stand out first, then the most frequent.
    pub fn rows(&self) -> Vec<(&Chain, &Met)> {
        let mut rows: Vec<_> = self.chains.iter().collect();
        let key = |(chain, met): &(&Chain, &Met)| (!chain.stands_out(), Reverse(met.events));
        rows.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.0.cmp(b.0)));
        rows
    }

    /// Events per entry layer.
    pub fn entries(&self) -> BTreeMap<Entry, u64> {
        let mut entries = BTreeMap::new();
        for (chain, met) in &self.chains {
            *entries.entry(chain.entry).or_default() += met.events;
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chains_of_every_kind() {
        let win32 = Chain::of(
            r"C:\WINDOWS\SYSTEM32\ntdll.dll+9d4c4|C:\WINDOWS\System32\KERNELBASE.dll+2c0ae|C:\Users\a+b\x.exe+1d42|C:\WINDOWS\System32\KERNEL32.DLL+17034|C:\WINDOWS\SYSTEM32\ntdll.dll+52651",
        );
        assert_eq!(
            win32.modules,
            [
                "ntdll.dll",
                "kernelbase.dll",
                "x.exe",
                "kernel32.dll",
                "ntdll.dll"
            ]
        );
        assert_eq!(
            (win32.entry, win32.caller.as_deref(), win32.unknown),
            (Entry::Win32, Some("x.exe"), 0)
        );
        let native = Chain::of(
            r"C:\Windows\SYSTEM32\ntdll.dll+a5594|C:\tool.exe+12|C:\Windows\System32\KERNELBASE.dll+1",
        );
        assert_eq!(
            (native.entry, native.caller.as_deref()),
            (Entry::Native, Some("tool.exe"))
        );
        let reflective = Chain::of(
            r"C:\Windows\SYSTEM32\ntdll.dll+a5594|C:\Windows\System32\KERNELBASE.dll+1e865|UNKNOWN(0000022E1C3A0B21)|UNKNOWN(0000022E1C3A0C00)",
        );
        assert_eq!((reflective.entry, reflective.unknown), (Entry::Win32, 2));
        assert_eq!(
            (reflective.modules.len(), reflective.caller.as_deref()),
            (3, Some("?"))
        );
        assert_eq!(
            Chain::of("UNKNOWN(00007FF71A2B3C4D)|C:\\x.dll+1").entry,
            Entry::DirectFromNowhere
        );
        assert_eq!(
            Chain::of(r"C:\Users\a\dumpert.exe+1d42|C:\Windows\System32\KERNEL32.DLL+17034").entry,
            Entry::DirectFromModule
        );
        let wow64 = Chain::of(
            r"C:\Windows\SYSTEM32\ntdll.dll+9f5e4|C:\Windows\System32\wow64.dll+2a10|C:\Windows\System32\wow64cpu.dll+1cf4|C:\Windows\SysWOW64\ntdll.dll+71a2c(wow64)|C:\Windows\SysWOW64\KERNELBASE.dll+110a5(wow64)|C:\a.exe+1(wow64)",
        );
        assert_eq!(
            (wow64.wow64, wow64.entry, wow64.caller.as_deref()),
            (true, Entry::Win32, Some("a.exe"))
        );
        assert_eq!(
            Chain::of(r"C:\Temp\ntdll.dll+9d4c4|C:\a.exe+1").entry,
            Entry::DirectFromModule
        );
        assert_eq!(Chain::of("").entry, Entry::None);
        assert_eq!(Chain::of("-").entry, Entry::None);
    }

    #[test]
    fn counts_per_chain_and_entry() {
        let mut summary = TraceSummary::default();
        let pair = |source: &str| Pair {
            source: source.to_owned(),
            target: "lsass.exe".to_owned(),
        };
        summary.add(r"C:\Windows\System32\ntdll.dll+1|C:\a.exe+1", pair("a"), 2);
        summary.add(r"C:\Windows\System32\ntdll.dll+2|C:\a.exe+9", pair("b"), 3);
        summary.add("UNKNOWN(1)", pair("a"), 1);
        let rows = summary.rows();
        // The rare one stands out and so stands first.
        assert_eq!((rows[0].1.events, rows[1].1.events), (1, 5));
        let pairs: Vec<_> = rows[1].1.by_count();
        assert_eq!(pairs, [(&pair("b"), 3), (&pair("a"), 2)]);
        assert_eq!(summary.entries()[&Entry::Native], 5);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(trace in "\\PC{0,200}") {
            let chain = Chain::of(&trace);
            prop_assert!(chain.modules.len() <= MAX_FRAMES);
        }

        #[test]
        fn unknown_frames_are_counted(known in 0usize..5, unknown in 0usize..5) {
            let parts: Vec<_> = (0..known).map(|i| format!(r"C:\m{i}.dll+{i:x}")).chain((0..unknown).map(|i| format!("UNKNOWN({i:016X})"))).collect();
            prop_assert_eq!(Chain::of(&parts.join("|")).unknown, unknown);
        }
    }
}

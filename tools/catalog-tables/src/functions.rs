//! Names of Windows functions: from the crates made from Microsoft's metadata, from phnt's headers, and from the rules of
//! capa, which also say what techniques a function serves.

use crate::source::{Failure, Sources};
use std::collections::{BTreeMap, BTreeSet};

/// Namespaces of the `windows` crate whose COM interfaces are taken.
const INTERFACES: [&str; 12] = [
    "System/TaskScheduler",
    "System/Wmi",
    "System/Com",
    "System/GroupPolicy",
    "System/UpdateAgent",
    "System/RemoteDesktop",
    "System/ClrHosting",
    "System/Antimalware",
    "Networking/BackgroundIntelligentTransferService",
    "Networking/ActiveDirectory",
    "NetworkManagement/WindowsFirewall",
    "Storage/Vss",
];

#[derive(Default)]
struct Function {
    name: String,
    modules: BTreeSet<String>,
    /// `w` the windows crates, `p` phnt, `c` capa-rules.
    sources: BTreeSet<char>,
    techniques: BTreeSet<String>,
}

/// By name in lower case.
type Functions = BTreeMap<String, Function>;

/// `name`, `modules` (comma), `sources` (letters), `techniques` (comma); by name in lower case.
pub fn functions(sources: &Sources) -> Result<String, Failure> {
    let mut table = Functions::new();
    metadata(sources, &mut table)?;
    interfaces(sources, &mut table)?;
    phnt(sources, &mut table)?;
    capa(sources, &mut table)?;
    fold(&mut table);
    let lines = table.into_values().map(|function| {
        let join = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join(",");
        let letters: String = function.sources.into_iter().collect();
        let (modules, techniques) = (join(function.modules), join(function.techniques));
        format!("{}\t{modules}\t{letters}\t{techniques}\n", function.name)
    });
    Ok(lines.collect())
}

/// A rule names `CreateFile` where the headers have `CreateFileA` and `CreateFileW`: what it says goes to these.
fn fold(table: &mut Functions) {
    let stems: Vec<String> = table
        .iter()
        .filter(|(_, function)| function.sources.iter().eq(['c'].iter()))
        .map(|(name, _)| name.clone())
        .collect();
    for stem in stems {
        let forms = ["a", "w"].map(|suffix| format!("{stem}{suffix}"));
        let forms: Vec<_> = forms
            .into_iter()
            .filter(|form| table.contains_key(form))
            .collect();
        if forms.is_empty() {
            continue;
        }
        let Some(said) = table.remove(&stem) else {
            continue;
        };
        for form in forms {
            let function = table.entry(form).or_default();
            function.sources.insert('c');
            function.techniques.extend(said.techniques.iter().cloned());
        }
    }
}

fn add(table: &mut Functions, name: &str, module: Option<&str>, source: char) {
    let function = table.entry(name.to_ascii_lowercase()).or_default();
    // Two sources that differ in case mean one function; the first spelling stays.
    if function.name.is_empty() {
        function.name = name.to_owned();
    }
    let module = module.map(str::to_ascii_lowercase);
    function.modules.extend(module.filter(|m| !m.is_empty()));
    function.sources.insert(source);
}

/// `link!("kernel32.dll" "system" fn OpenProcess(`.
fn metadata(sources: &Sources, table: &mut Functions) -> Result<(), Failure> {
    for (_, text) in sources.files("windows-sys/src", ".rs")? {
        for line in text.lines() {
            let Some(rest) = line.split_once("link!(\"").map(|(_, rest)| rest) else {
                continue;
            };
            let Some((module, rest)) = rest.split_once('"') else {
                continue;
            };
            let name = rest.split_once("fn ").map(|(_, rest)| word(rest));
            if let Some(name) = name.filter(|n| !n.is_empty()) {
                add(table, name, Some(module), 'w');
            }
        }
    }
    Ok(())
}

/// The methods in `pub struct ITaskService_Vtbl { ... }`.
fn interfaces(sources: &Sources, table: &mut Functions) -> Result<(), Failure> {
    for namespace in INTERFACES {
        let folder = format!("windows/src/Windows/Win32/{namespace}");
        for (_, text) in sources.files(&folder, ".rs")? {
            let mut interface = None;
            for line in text.lines() {
                if let Some(rest) = line.strip_prefix("pub struct ") {
                    let name = word(rest).strip_suffix("_Vtbl");
                    interface = name.filter(|_| rest.ends_with('{'));
                } else if line == "}" {
                    interface = None;
                } else if let Some(interface) = interface {
                    let method = word(line.trim_start().trim_start_matches("pub "));
                    if !method.is_empty() && method != "base__" && !line.contains('#') {
                        add(table, &format!("{interface}::{method}"), None, 'w');
                    }
                }
            }
        }
    }
    Ok(())
}

/// A name alone on a line before its parameters, `NtOpenProcess(`, in the headers of the native API.
fn phnt(sources: &Sources, table: &mut Functions) -> Result<(), Failure> {
    const PREFIXES: [(&str, &str); 16] = [
        ("NtUser", "win32u.dll"),
        ("NtGdi", "win32u.dll"),
        ("Nt", "ntdll.dll"),
        ("Zw", "ntdll.dll"),
        ("Rtl", "ntdll.dll"),
        ("Ldr", "ntdll.dll"),
        ("Csr", "ntdll.dll"),
        ("Dbg", "ntdll.dll"),
        ("Etw", "ntdll.dll"),
        ("Tp", "ntdll.dll"),
        ("Alpc", "ntdll.dll"),
        ("Ki", "ntdll.dll"),
        ("Pss", "ntdll.dll"),
        ("Sam", "samlib.dll"),
        ("WinStation", "winsta.dll"),
        ("Sb", "ntdll.dll"),
    ];
    for (_, text) in sources.files("phnt", ".h")? {
        for line in text.lines() {
            let Some(name) = line.trim_end().strip_suffix('(') else {
                continue;
            };
            if name.is_empty() || word(name) != name {
                continue;
            }
            let prefix = PREFIXES.iter().find(|(prefix, _)| {
                let rest = name.strip_prefix(prefix);
                rest.is_some_and(|r| r.starts_with(|c: char| c.is_ascii_uppercase()))
            });
            if let Some((_, module)) = prefix {
                add(table, name, Some(module), 'p');
            }
        }
    }
    Ok(())
}

/// `- api: kernel32.CreateProcess` and `- Defense Evasion::Process Injection [T1055]` in a rule.
fn capa(sources: &Sources, table: &mut Functions) -> Result<(), Failure> {
    for (_, text) in sources.files("capa-rules", ".yml")? {
        // What holds on other systems alone names their functions.
        if text.contains("os: linux") || text.contains("os: macos") {
            continue;
        }
        let mut techniques = BTreeSet::new();
        let mut names = BTreeSet::new();
        let mut in_attack = false;
        for line in text.lines() {
            let item = line.trim();
            if item.starts_with("att&ck:") {
                in_attack = true;
            } else if in_attack && item.starts_with("- ") {
                let id = item
                    .rsplit_once('[')
                    .map(|(_, id)| id.trim_end_matches(']'));
                techniques.extend(id.filter(|id| id.starts_with('T')).map(str::to_owned));
            } else {
                in_attack = false;
            }
            if let Some(api) = item.strip_prefix("- api: ") {
                names.insert(api.split([' ', '#']).next().unwrap_or_default().to_owned());
            }
        }
        for name in names {
            // A namespace is one of .NET, whose methods are no functions of Windows.
            let name = match name.rsplit_once('.') {
                Some((module, name)) if !module.contains(['.', ':']) => name,
                Some(_) => continue,
                None => name.as_str(),
            };
            if name.is_empty()
                || word(name) != name
                || name.starts_with(|c: char| c.is_ascii_digit())
            {
                continue;
            }
            // The rules' modules are as their authors remember them, so only the name is taken.
            add(table, name, None, 'c');
            if let Some(function) = table.get_mut(&name.to_ascii_lowercase()) {
                function.techniques.extend(techniques.iter().cloned());
            }
        }
    }
    Ok(())
}

/// The identifier at the start of `text`.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// `module`, `ordinal`, `name`.
pub fn ordinals(sources: &Sources) -> Result<String, Failure> {
    let mut lines = String::new();
    for module in ["oleaut32", "ws2_32"] {
        let path = format!("ordlookup/{module}.py");
        let before = lines.len();
        for line in sources.text(&path)?.lines() {
            let entry = line.trim().trim_end_matches(',').split_once(": b\"");
            if let Some((ordinal, name)) = entry
                && ordinal.bytes().all(|b| b.is_ascii_digit())
            {
                lines += &format!("{module}.dll\t{ordinal}\t{}\n", name.trim_end_matches('"'));
            }
        }
        if lines.len() == before {
            return Err(sources.wrong(&path, "no ordinals"));
        }
    }
    Ok(lines)
}

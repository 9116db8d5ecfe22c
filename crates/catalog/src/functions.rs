//! Every function of Windows by name, with its module, even where the catalog knows nothing more of it: the answer "a known
//! function, no arrow known" is another one than "nothing is called that". The table is sorted text, found by bisection.

use crate::attack;
use serde::Serialize;

/// Made by `tools/catalog-tables`: name, modules, sources, techniques; sorted by name in lower case.
static FUNCTIONS: &str = include_str!("../data/generated/functions.tsv");
/// Made by the same: module, ordinal, name.
static ORDINALS: &str = include_str!("../data/generated/ordinals.tsv");

/// A function of Windows, or a COM method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Function {
    /// The name, as the headers spell it.
    pub name: &'static str,
    /// The modules that export it, separated by commas; empty for COM methods and where no source tells.
    pub modules: &'static str,
    /// `w` the crates made from Microsoft's metadata, `p` phnt, `c` capa-rules.
    #[serde(skip)]
    sources: &'static str,
    /// ATT&CK techniques of the capa rules that name it, separated by commas, as those rules number them.
    pub capa_techniques: &'static str,
}

impl Function {
    fn of_line(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            name: fields.next()?,
            modules: fields.next()?,
            sources: fields.next()?,
            capa_techniques: fields.next()?,
        })
    }

    /// The sources it stands in.
    pub fn sources(&self) -> impl Iterator<Item = &'static str> {
        self.sources.chars().filter_map(|letter| match letter {
            'w' => Some("windows-rs"),
            'p' => Some("phnt"),
            'c' => Some("capa-rules"),
            _ => None,
        })
    }

    /// The techniques of the capa rules that name it, under the ids of today.
    pub fn techniques(&self) -> Vec<attack::Technique> {
        let ids = self.capa_techniques.split(',').filter(|id| !id.is_empty());
        let mut found: Vec<_> = ids
            .filter_map(attack::technique)
            .map(attack::Technique::current)
            .collect();
        found.dedup();
        found
    }
}

/// The functions that answer to `name`, in any case: that name, or its `A`, `W`, `ExA` and `ExW` forms, or for `Zw` the
/// service called `Nt`.
pub fn functions(name: &str) -> Vec<Function> {
    if let Some(exact) = named(name) {
        return vec![exact];
    }
    let forms = ["A", "W", "ExA", "ExW", "Ex"].map(|suffix| format!("{name}{suffix}"));
    let found: Vec<_> = forms.iter().filter_map(|form| named(form)).collect();
    if !found.is_empty() {
        return found;
    }
    let methods = methods_of(name);
    if !methods.is_empty() {
        return methods;
    }
    let service = name.get(..2).filter(|p| p.eq_ignore_ascii_case("zw"));
    let service = service.and_then(|_| named(&format!("Nt{}", &name[2..])));
    service.into_iter().collect()
}

/// The methods of the COM interface called `interface`, in any case.
fn methods_of(interface: &str) -> Vec<Function> {
    if !interface.starts_with(['I', 'i']) || interface.len() < 4 {
        return Vec::new();
    }
    let of_it = |f: &Function| {
        let parts = f.name.split_once("::");
        parts.is_some_and(|(of, _)| of.eq_ignore_ascii_case(interface))
    };
    all().filter(of_it).collect()
}

/// The function of exactly this name, in any case.
pub fn named(name: &str) -> Option<Function> {
    let wanted = name.to_ascii_lowercase();
    let (mut low, mut high) = (0, FUNCTIONS.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = FUNCTIONS.as_bytes()[..middle]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let line = FUNCTIONS[start..].lines().next()?;
        let found = line.split('\t').next()?;
        match compare(found, &wanted) {
            std::cmp::Ordering::Equal => return Function::of_line(line),
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

fn compare(name: &str, wanted: &str) -> std::cmp::Ordering {
    let name = name.bytes().map(|b| b.to_ascii_lowercase());
    name.cmp(wanted.bytes())
}

/// Every function, by name.
pub fn all() -> impl Iterator<Item = Function> {
    FUNCTIONS.lines().filter_map(Function::of_line)
}

/// The name of an export that has one by its ordinal alone, where the module is `ws2_32`, `wsock32` or `oleaut32`: those
/// are imported by number in practice.
///
/// ```
/// assert_eq!(catalog::functions::by_ordinal("WS2_32.dll", 4), Some("connect"));
/// assert_eq!(catalog::functions::by_ordinal("kernel32.dll", 4), None);
/// ```
pub fn by_ordinal(module: &str, ordinal: u16) -> Option<&'static str> {
    let module = module.to_ascii_lowercase();
    let module = match module.strip_suffix(".dll").unwrap_or(&module) {
        // The first ordinals of the old library are those of the new.
        "wsock32" if ordinal <= 116 => "ws2_32",
        other => other,
    };
    ordinals().find_map(|(file, number, name)| {
        let same = file.strip_suffix(".dll") == Some(module);
        (same && number == ordinal).then_some(name)
    })
}

/// Every export that is known by its ordinal: module, ordinal, name.
pub fn ordinals() -> impl Iterator<Item = (&'static str, u16, &'static str)> {
    ORDINALS.lines().filter_map(|line| {
        let (file, rest) = line.split_once('\t')?;
        let (number, name) = rest.split_once('\t')?;
        Some((file, number.parse().ok()?, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_name_is_found() {
        let mut before = String::new();
        for function in all() {
            let name = function.name.to_ascii_lowercase();
            assert!(before < name, "{before} before {name}");
            before = name;
        }
        for function in all().step_by(97) {
            let upper = function.name.to_ascii_uppercase();
            assert_eq!(named(&upper), Some(function), "{upper}");
        }
        assert_eq!(named(""), None);
        assert_eq!(named("zzzzzz"), None);
        assert_eq!(named("\u{e9}"), None);
    }

    #[test]
    fn names_that_people_ask_for() {
        for (name, module) in [
            ("VirtualAllocExNuma", "kernel32.dll"),
            ("ShellExecuteEx", "shell32.dll"),
            ("zwopenprocess", "ntdll.dll"),
            ("URLDownloadToFileW", "urlmon.dll"),
            ("EtwEventWrite", "ntdll.dll"),
        ] {
            let found = functions(name);
            assert!(
                found.iter().any(|f| f.modules.contains(module)),
                "{name}: {found:?}"
            );
        }
        assert_eq!(functions("IWbemServices::ExecQuery").len(), 1);
        assert!(functions("\u{e9}\u{e9}w").is_empty());
        let winsock = by_ordinal("WSOCK32.DLL", 3);
        assert_eq!(winsock, Some("closesocket"));
        assert_eq!(by_ordinal("oleaut32", 2), Some("SysAllocString"));
    }

    #[test]
    fn techniques_have_the_ids_of_today() {
        for function in all() {
            for technique in function.techniques() {
                assert!(
                    technique.now.is_none(),
                    "{} {}",
                    function.name,
                    technique.id
                );
            }
        }
    }
}

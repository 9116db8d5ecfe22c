//! The ETW events that the kernel's call graph reaches from a system service: a public table made from `ntoskrnl.exe`. A path
//! in the code is no proof that the event is written; under which conditions it is, the table does not say.

use serde::Serialize;

/// Made by `tools/catalog-tables`: service, provider GUID, provider, event, id, path.
static WRITES: &str = include_str!("../data/generated/syscall_etw.tsv");

/// An ETW write that a system service reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EtwWrite {
    /// The system service, under its `Nt` name.
    pub service: &'static str,
    /// The provider's GUID, in braces.
    pub guid: &'static str,
    /// The provider as the kernel's symbols name it.
    pub provider: &'static str,
    /// The event as the kernel's symbols name it.
    pub event: &'static str,
    /// Its id; `None` for events without.
    pub id: Option<u32>,
    /// The functions from the service to the write.
    pub path: &'static str,
}

impl EtwWrite {
    fn of_line(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            service: fields.next()?,
            guid: fields.next()?,
            provider: fields.next()?,
            event: fields.next()?,
            id: fields.next()?.parse().ok(),
            path: fields.next()?,
        })
    }

    /// The event with its id, where it has one.
    pub fn event_name(&self) -> String {
        match self.id {
            Some(id) => format!("event {id} {}", self.event),
            None => self.event.to_owned(),
        }
    }
}

/// Every write, by service.
pub fn all() -> impl Iterator<Item = EtwWrite> {
    WRITES.lines().filter_map(EtwWrite::of_line)
}

/// What the service called `name` (`Nt` or `Zw`, any case) reaches.
pub fn writes_of(name: &str) -> impl Iterator<Item = EtwWrite> {
    let name = match name.get(..2) {
        Some(prefix) if prefix.eq_ignore_ascii_case("zw") => format!("Nt{}", &name[2..]),
        _ => name.to_owned(),
    };
    all().filter(move |w| w.service.eq_ignore_ascii_case(&name))
}

/// The services that reach a write by the provider with this GUID (in braces, any case).
pub fn writes_by(guid: &str) -> impl Iterator<Item = EtwWrite> {
    all().filter(move |w| w.guid.eq_ignore_ascii_case(guid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_and_its_provider() {
        let opened: Vec<_> = writes_of("ZwOpenProcess").collect();
        let audit = opened.iter().find(|w| w.id == Some(5));
        assert!(audit.is_some_and(|w| w.event == "KERNEL_AUDIT_API_OPENPROCESS"));
        assert_eq!(writes_of("OpenProcess").count(), 0);
        let guid = "{E02A841C-75A3-4FA7-AFC8-AE09CF9B7F23}";
        assert!(writes_by(guid).count() >= 5);
        assert_eq!(writes_by("").count(), 0);
        assert!(all().all(|w| w.guid.len() == 38 && w.path.starts_with(w.service)));
    }
}

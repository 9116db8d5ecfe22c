//! Which events can feed a rule.

use std::collections::BTreeMap;

use predicate::{Case, FieldPair, Predicate, Test, Text};
use schema::{LogSource, taxonomy};

/// Events that can feed a rule, and what its fields are called there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route {
    /// The channels they are in; `None` for any.
    pub channels: Option<Vec<String>>,
    /// Their event ids; `None` for any.
    pub event_ids: Option<Vec<u32>>,
    /// Rule's field to event's field, where they differ.
    pub fields: BTreeMap<String, String>,
    /// The values of `EventType` the events have; `None` for any.
    pub event_types: Option<&'static [&'static str]>,
}

impl Route {
    /// Whether a record of this source and event id can feed the rule.
    pub fn accepts(&self, source: &LogSource<'_>, event_id: Option<u32>) -> bool {
        let id = |ids: &Vec<u32>| event_id.is_some_and(|id| ids.contains(&id));
        let channel = |channels: &Vec<String>| channels.iter().any(|c| source.is_from(c));
        self.event_ids.as_ref().is_none_or(id) && self.channels.as_ref().is_none_or(channel)
    }

    /// What a rule says of the events of this route, in their fields.
    pub(crate) fn translate(&self, predicate: &Predicate) -> Predicate {
        let name = |field: &str| match self.fields.get(field) {
            Some(other) => other.clone(),
            None => field.to_owned(),
        };
        let mut named = renamed(predicate, &name);
        let defender = |c: &String| c == "Microsoft-Windows-Windows Defender/Operational";
        if self.channels.iter().flatten().any(defender) {
            named = or_with_blanks(&named);
        }
        let Some(types) = self.event_types else {
            return named;
        };
        let is = |name: &&str| {
            let text = Text {
                text: (*name).to_owned(),
                case: Case::Unicode,
            };
            Predicate::atom("EventType", Test::Equals(text))
        };
        Predicate::all([Predicate::any(types.iter().map(is)), named])
    }
}

/// The same predicate over fields of other names.
pub(crate) fn renamed(predicate: &Predicate, name: &dyn Fn(&str) -> String) -> Predicate {
    let each = |parts: &[Predicate]| parts.iter().map(|p| renamed(p, name)).collect();
    match predicate {
        Predicate::Atom(atom) => Predicate::atom(name(&atom.field), atom.test.clone()),
        Predicate::Fields(pair) => Predicate::Fields(FieldPair {
            field: name(&pair.field).into(),
            other: name(&pair.other).into(),
            ..pair.clone()
        }),
        Predicate::And(parts) => Predicate::And(each(parts)),
        Predicate::Or(parts) => Predicate::Or(each(parts)),
        Predicate::Not(inner) => Predicate::Not(Box::new(renamed(inner, name))),
        Predicate::True | Predicate::False | Predicate::Keyword(_) => predicate.clone(),
    }
}

/// Defender names its fields with blanks (`Threat Name`), and rules name them without: either spelling counts.
fn or_with_blanks(predicate: &Predicate) -> Predicate {
    let each = |parts: &[Predicate]| parts.iter().map(or_with_blanks).collect();
    match predicate {
        Predicate::Atom(atom) => {
            let mut name = String::new();
            for c in atom.field.chars() {
                if c.is_ascii_uppercase() && name.ends_with(|l: char| l.is_ascii_lowercase()) {
                    name.push(' ');
                }
                name.push(c);
            }
            match name == *atom.field {
                true => predicate.clone(),
                false => {
                    Predicate::any([predicate.clone(), Predicate::atom(name, atom.test.clone())])
                }
            }
        }
        Predicate::And(parts) => Predicate::And(each(parts)),
        Predicate::Or(parts) => Predicate::Or(each(parts)),
        Predicate::Not(inner) => Predicate::Not(Box::new(or_with_blanks(inner))),
        other => other.clone(),
    }
}

/// The routes of a rule's log source; none where no Windows event log can feed it.
pub fn routes(product: Option<&str>, category: Option<&str>, service: Option<&str>) -> Vec<Route> {
    let lower = |t: Option<&str>| t.map(str::to_lowercase);
    let (product, category, service) = (lower(product), lower(category), lower(service));
    match product.as_deref() {
        Some("windows") => {}
        None if category.as_deref() == Some("antivirus") => {}
        _ => return Vec::new(),
    }
    let any = Route {
        channels: None,
        event_ids: None,
        fields: BTreeMap::new(),
        event_types: None,
    };
    let mut routes = match &category {
        None => vec![any],
        Some(name) => taxonomy::category(name)
            .unwrap_or_default()
            .iter()
            .map(|r| Route {
                channels: Some(r.channels.clone()),
                event_ids: Some(r.ids.clone()),
                fields: r.fields.clone(),
                event_types: event_types(name),
            })
            .collect(),
    };
    if let Some(name) = &service {
        let channels = taxonomy::service(name).unwrap_or_default();
        for route in &mut routes {
            let both = |own: &Vec<String>| {
                channels
                    .iter()
                    .filter(|c| own.contains(c))
                    .cloned()
                    .collect()
            };
            route.channels = Some(
                route
                    .channels
                    .as_ref()
                    .map_or_else(|| channels.to_vec(), both),
            );
        }
        routes.retain(|r| r.channels.as_ref().is_none_or(|c| !c.is_empty()));
    }
    routes
}

/// Sysmon writes one event id for adding and for deleting in the registry; `EventType` tells them apart.
fn event_types(category: &str) -> Option<&'static [&'static str]> {
    match category {
        "registry_add" => Some(&["CreateKey"]),
        "registry_delete" => Some(&["DeleteKey", "DeleteValue"]),
        _ => None,
    }
}

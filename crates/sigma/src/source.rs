//! Which events can feed a rule.

use std::collections::BTreeMap;

use predicate::{Case, Predicate, Test, Text};
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
        let named = self.rename(predicate);
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

    fn rename(&self, predicate: &Predicate) -> Predicate {
        let name = |field: &std::sync::Arc<str>| match self.fields.get(&**field) {
            Some(other) => other.as_str().into(),
            None => field.clone(),
        };
        let mut out = predicate.clone();
        match &mut out {
            Predicate::Atom(atom) => atom.field = name(&atom.field),
            Predicate::Fields(pair) => {
                pair.field = name(&pair.field);
                pair.other = name(&pair.other);
            }
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter_mut().for_each(|p| *p = self.rename(p));
            }
            Predicate::Not(inner) => **inner = self.rename(inner),
            Predicate::True | Predicate::False | Predicate::Keyword(_) => {}
        }
        out
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

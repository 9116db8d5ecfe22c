//! What a rule or a configuration says of the events of one Sysmon event type: fields that the type lacks are absent, its id
//! is known, and a word in any field is a word in one of its fields. It knows nothing of what is asked.

use predicate::{FieldPair, Predicate, Test};
use schema::sysmon::{self, EventHistory};

/// What stands beside the fields of the event itself: columns of the header, and what collectors add to a record. A value of
/// them is possible whatever the event type is.
const BESIDE: [&str; 24] = [
    "AccountName",
    "AccountType",
    "Category",
    "Channel",
    "Computer",
    "Domain",
    "EventRecordID",
    "EventType",
    "Execution_ProcessID",
    "Execution_ThreadID",
    "Hostname",
    "Keywords",
    "Level",
    MESSAGE,
    "Opcode",
    "ProcessID",
    "Provider",
    "Provider_Name",
    "Security_UserID",
    "Severity",
    "SourceName",
    "Task",
    "ThreadID",
    "UserID",
];

/// The field that stands for all those beside the event's own where a rule looks for a word anywhere.
const MESSAGE: &str = "Message";

/// The event types that a log of Windows can hold.
pub(crate) fn types() -> impl Iterator<Item = &'static EventHistory> {
    sysmon::events().iter().filter(|kind| !kind.linux_only)
}

/// A predicate over any events as one over events of this type.
pub(crate) fn on(kind: &EventHistory, predicate: &Predicate) -> Predicate {
    let each =
        |parts: &[Predicate]| -> Vec<Predicate> { parts.iter().map(|p| on(kind, p)).collect() };
    match predicate {
        Predicate::True | Predicate::False => predicate.clone(),
        Predicate::Atom(atom) if is_id(&atom.field) => {
            constant(atom.test.matches(&kind.id.to_string()))
        }
        Predicate::Atom(atom) => match own_name(kind, &atom.field) {
            Some(name) => Predicate::atom(name, atom.test.clone()),
            None => Predicate::False,
        },
        Predicate::Fields(pair) => match (own_name(kind, &pair.field), own_name(kind, &pair.other))
        {
            (Some(field), Some(other)) => Predicate::Fields(FieldPair {
                field: field.into(),
                other: other.into(),
                ..pair.clone()
            }),
            _ => Predicate::False,
        },
        Predicate::Keyword(test) => Predicate::any(words(kind, test)),
        Predicate::And(parts) => Predicate::all(each(parts)),
        Predicate::Or(parts) => Predicate::any(each(parts)),
        Predicate::Not(inner) => on(kind, inner).negate(),
    }
}

/// The events that a configuration keeps, as they are when its filters see them.
pub(crate) fn kept(keeps: &Predicate) -> Predicate {
    let each = |parts: &[Predicate]| -> Vec<Predicate> { parts.iter().map(kept).collect() };
    match keeps {
        // Sysmon fills it in after filtering.
        Predicate::Atom(atom) if atom.field.eq_ignore_ascii_case("RuleName") => Predicate::False,
        Predicate::And(parts) => Predicate::all(each(parts)),
        Predicate::Or(parts) => Predicate::any(each(parts)),
        Predicate::Not(inner) => kept(inner).negate(),
        other => other.clone(),
    }
}

/// The fields a rule names that the event type does not have, each once, in order.
pub(crate) fn lacking(kind: &EventHistory, predicate: &Predicate) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut add = |field: &str| {
        let known = is_id(field) || own_name(kind, field).is_some();
        if !known && !out.iter().any(|f| f == field) {
            out.push(field.to_owned());
        }
    };
    predicate.leaves(&mut |leaf| match leaf {
        Predicate::Atom(atom) => add(&atom.field),
        Predicate::Fields(pair) => {
            add(&pair.field);
            add(&pair.other);
        }
        _ => {}
    });
    out
}

fn words(kind: &EventHistory, test: &Test) -> Vec<Predicate> {
    let id = constant(test.matches(&kind.id.to_string()));
    let fields = kind.fields.iter().map(|f| f.name.as_str()).chain([MESSAGE]);
    [id].into_iter()
        .chain(fields.map(|f| Predicate::atom(f, test.clone())))
        .collect()
}

fn is_id(field: &str) -> bool {
    ["EventID", "event_id", "EventCode"]
        .iter()
        .any(|n| n.eq_ignore_ascii_case(field))
}

/// The name by which the newest version of Sysmon writes a field, or that of one beside the event; none where events of the type
/// have no such field.
fn own_name<'a>(kind: &'a EventHistory, field: &str) -> Option<&'a str> {
    let own = kind.fields.iter().map(|f| f.name.as_str());
    own.chain(BESIDE)
        .find(|name| name.eq_ignore_ascii_case(field))
}

fn constant(holds: bool) -> Predicate {
    match holds {
        true => Predicate::True,
        false => Predicate::False,
    }
}

//! From a call that leaves no event to the opening that does: the call needs a handle with rights, the handle was opened
//! with at least these, and that opening may be seen.

use crate::map;
use crate::model::calls::{Mapping, NotObserved};
use crate::required_rights;
use crate::rights;
use crate::storage::ApiId;
use serde::Serialize;

/// The opening of a handle that calls need, and what is seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opening {
    /// The kind of object, as in the table of access rights.
    pub object: &'static str,
    /// What the documentation asks for.
    pub mask: u32,
    /// That mask with the rights the kernel adds: what an event then holds at least.
    pub logged: u32,
    /// What the system service alone checks, where that is less: enough for a caller of the service itself.
    pub kernel_check: Option<u32>,
    /// The rights of `mask`.
    pub rights: Vec<&'static str>,
    /// The calls that open such an object.
    pub calls: Vec<ApiId>,
    /// The arrows of these calls.
    pub arrows: Vec<&'static Mapping>,
    /// Where such an opening is known to be silent.
    pub not_observed: Vec<&'static NotObserved>,
}

impl Opening {
    /// The condition on Sysmon's event 10, where that sees it: `GrantedAccess` has at least these bits.
    pub fn sysmon_mask(&self) -> Option<u32> {
        let seen = self.arrows.iter().any(|m| m.event.id == "sysmon:10");
        let least = self.kernel_check.unwrap_or(self.logged);
        (seen && least != 0).then_some(least)
    }
}

/// The openings that `calls` need, one for each kind of object.
pub fn openings(calls: &[ApiId]) -> Vec<Opening> {
    let needs = required_rights::of(calls);
    let objects = needs.objects.iter();
    objects
        .filter_map(|o| {
            let opening = opening(o.object.id, o.documented.mask)?;
            let kernel_check = o.kernel.as_ref().map(|k| k.logged);
            Some(Opening {
                kernel_check,
                ..opening
            })
        })
        .collect()
}

/// The opening of an object with `mask`; `None` where there is no such kind of object.
pub fn opening(object: &str, mask: u32) -> Option<Opening> {
    let object = rights::object(object)?;
    let calls: Vec<_> = ApiId::all()
        .filter(|a| a.opens == Some(object.id))
        .collect();
    let by_these = |m: &&Mapping| m.api.is_some_and(|a| calls.contains(&a)) && opens(m);
    let arrows = map::arrows().filter(by_these).collect();
    let silent = |n: &&NotObserved| n.apis.iter().any(|a| calls.contains(a));
    Some(Opening {
        object: object.id,
        mask,
        logged: object.with_implied(mask),
        kernel_check: None,
        rights: object.decode(mask).names,
        arrows,
        not_observed: map::not_observed().filter(silent).collect(),
        calls,
    })
}

/// Whether an arrow of an opening call is about the opening itself, and not about what it makes on the way.
fn opens(arrow: &Mapping) -> bool {
    matches!(
        arrow.event.id,
        "sysmon:10" | "security:4656" | "audit-api-calls:5" | "audit-api-calls:6"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(call: &str) -> Vec<Opening> {
        openings(&[ApiId::named(call).unwrap()])
    }

    #[test]
    fn writing_memory_is_silent_and_the_opening_is_not() {
        let opening = &of("WriteProcessMemory")[0];
        assert_eq!((opening.object, opening.mask), ("process", 0x28));
        assert_eq!(opening.sysmon_mask(), Some(0x20));
        assert!(
            opening
                .calls
                .contains(&ApiId::named("OpenProcess").unwrap())
        );
        let silent = &of("SetThreadContext")[0];
        assert_eq!((silent.object, silent.sysmon_mask()), ("thread", None));
        assert!(!silent.not_observed.is_empty());
        assert!(of("CreateProcess").is_empty());
    }

    #[test]
    fn every_opening_has_a_call() {
        for api in ApiId::all() {
            for opening in openings(&[api]) {
                let known = [
                    "process",
                    "thread",
                    "token",
                    "file",
                    "registry-key",
                    "service",
                ];
                if known.contains(&opening.object) {
                    assert!(!opening.calls.is_empty(), "{api}: {}", opening.object);
                }
            }
        }
    }
}

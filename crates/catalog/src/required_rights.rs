//! From a sequence of calls to the handle rights it takes: the documented minimum, what the kernel alone checks, and the
//! mask as a sensor logs it. It counts what the tables say; a call they have nothing on is named as such and adds nothing.

use crate::model::calls::*;
use crate::rights::{self, Object, UnknownRight};
use crate::storage::ApiId;
use crate::tables;
use serde::Serialize;

/// The rights a sequence of calls takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequiredRights {
    /// One entry per kind of object, in the order the calls first need it.
    pub objects: Vec<RequiredOnObject>,
    /// Calls that take no handle.
    pub without_handle: Vec<&'static ApiRights>,
    /// Calls whose rights are not known.
    pub unknown: Vec<ApiId>,
    /// Privileges that matter, with the call.
    pub privileges: Vec<(ApiId, &'static str)>,
}

/// The rights needed on one kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequiredOnObject {
    /// The kind of object.
    #[serde(serialize_with = "object_id")]
    pub object: &'static Object,
    /// What the documentation asks for.
    pub documented: LeastRights,
    /// What the system services behind the calls check, where that is less. A caller of one's own system calls needs no
    /// more, so this is what a condition should test.
    pub kernel: Option<LeastRights>,
    /// Rights that are needed as well under a condition.
    pub sometimes: Vec<Sometimes>,
}

/// A sum of rights with the reason for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeastRights {
    /// The sum: what to ask for.
    pub mask: u32,
    /// The sum with the rights the kernel adds: what a sensor logs.
    pub logged: u32,
    /// The rights, lowest bit first.
    pub rights: Vec<Reasoned>,
}

/// A right and who needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reasoned {
    /// The right.
    pub name: &'static str,
    /// Its bits.
    pub mask: u32,
    /// The calls that need it.
    pub by: Vec<RightReason>,
}

/// Why a right is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RightReason {
    /// The call.
    pub api: ApiId,
    /// The row that says so, with its source and mark.
    pub row: &'static ApiRights,
    /// The parameter.
    pub param: &'static str,
    /// The condition, where it is not always needed.
    pub when: Option<&'static str>,
}

/// Rights needed under a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sometimes {
    /// The call.
    pub api: ApiId,
    /// The rights and the condition.
    pub case: &'static RightsCase,
}

/// The row about a call's rights.
pub fn row(api: ApiId) -> Option<&'static ApiRights> {
    tables::api_rights().iter().find(|r| r.api == api)
}

/// The calls that need `right` on an object of kind `object`.
pub fn users_of(object: &Object, right: u32) -> Vec<&'static ApiRights> {
    let needs = |r: &&ApiRights| {
        r.handles
            .iter()
            .any(|h| h.object == object.id && h.mask & right == right)
    };
    tables::api_rights().iter().filter(needs).collect()
}

/// Rights that are known to go together.
pub fn right_sets() -> &'static [RightSet] {
    tables::right_sets()
}

/// The rights that `calls` take, in sum.
pub fn of(calls: &[ApiId]) -> RequiredRights {
    let mut needs = RequiredRights {
        objects: Vec::new(),
        without_handle: Vec::new(),
        unknown: Vec::new(),
        privileges: Vec::new(),
    };
    let mut handles = Vec::new();
    let mut kernel_handles = Vec::new();
    for &api in calls {
        let Some(row) = row(api) else {
            needs.unknown.push(api);
            continue;
        };
        needs
            .privileges
            .extend(row.privileges.iter().map(|p| (api, *p)));
        if row.handles.is_empty() {
            needs.without_handle.push(row);
        }
        handles.extend(row.handles.iter().map(|h| (api, row, h)));
        // A Win32 call asks for what its page says; the service it ends in checks its own.
        let services: Vec<_> = api
            .native
            .iter()
            .filter_map(|s| self::row(s.call))
            .collect();
        let service = services.iter().find(|r| !r.handles.is_empty()).copied();
        let checked = service.unwrap_or(row);
        kernel_handles.extend(checked.handles.iter().map(|h| (checked.api, checked, h)));
    }
    for object in rights::objects() {
        let of_object = |all: &[Handle]| {
            all.iter()
                .filter(|(.., h)| h.object == object.id)
                .copied()
                .collect::<Vec<_>>()
        };
        let own = of_object(&handles);
        if own.is_empty() {
            continue;
        }
        let documented = minimum(object, &own);
        let kernel = minimum(object, &of_object(&kernel_handles));
        let sometimes = own
            .iter()
            .flat_map(|(api, _, h)| h.plus.iter().map(|case| Sometimes { api: *api, case }));
        let kernel = (kernel.mask != documented.mask).then_some(kernel);
        needs.objects.push(RequiredOnObject {
            object,
            documented,
            kernel,
            sometimes: sometimes.collect(),
        });
    }
    needs
        .objects
        .sort_by_key(|o| handles.iter().position(|(.., h)| h.object == o.object.id));
    needs
}

type Handle = (ApiId, &'static ApiRights, &'static HandleRights);

/// The least sum that satisfies every handle: of alternatives, the one that adds the fewest rights to what is needed anyway.
fn minimum(object: &'static Object, handles: &[Handle]) -> LeastRights {
    let fixed = handles
        .iter()
        .filter(|(.., h)| h.alternatives.is_empty())
        .fold(0, |mask, (.., h)| mask | h.mask);
    let mut mask = fixed;
    let mut needed: Vec<(u32, RightReason)> = Vec::new();
    for &(api, row, handle) in handles {
        let own = [(handle.mask, handle.when)];
        let others = handle.alternatives.iter().map(|c| (c.mask, c.when));
        // A right that another implies is there already, so it costs nothing.
        let cost = |extra: u32| {
            let new = (extra & !object.with_implied(mask)).count_ones();
            (new, (extra & !mask).count_ones())
        };
        let (extra, when) = own
            .into_iter()
            .chain(others)
            .min_by_key(|(extra, _)| cost(*extra))
            .unwrap_or((0, None));
        mask |= extra & !object.with_implied(mask) | extra & fixed;
        needed.push((
            extra,
            RightReason {
                api,
                row,
                param: handle.param,
                when,
            },
        ));
    }
    let reasoned = |name: &'static str, bit: u32| {
        let by = needed
            .iter()
            .filter(|(extra, _)| extra & bit != 0)
            .map(|(_, reason)| *reason)
            .collect();
        Reasoned {
            name,
            mask: bit,
            by,
        }
    };
    let decoded = object.decode(mask);
    let mut rights: Vec<_> = decoded
        .names
        .iter()
        .filter_map(|n| object.right(n).map(|bit| reasoned(n, bit)))
        .collect();
    if decoded.unknown != 0 {
        rights.push(reasoned("(bits without a name)", decoded.unknown));
    }
    LeastRights {
        mask,
        logged: object.with_implied(mask),
        rights,
    }
}

fn object_id<S: serde::Serializer>(
    object: &&'static Object,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(object.id)
}

/// What a mask holds against what it is said to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MaskCheck {
    /// The mask in question.
    pub mask: u32,
    /// The sum of the rights claimed for it.
    pub sum: u32,
    /// That sum as a sensor logs it.
    pub logged: u32,
    /// Claimed rights the mask does not hold.
    pub lacks: Vec<&'static str>,
    /// Rights the mask holds that nobody claimed and no claimed right implies.
    pub unclaimed: Vec<&'static str>,
    /// Bits of the mask that are no known right.
    pub unknown: u32,
    /// The published claims about this mask.
    pub claims: Vec<&'static Claim>,
}

impl MaskCheck {
    /// Whether the mask is the sum, as asked for or as logged.
    pub fn holds(&self) -> bool {
        self.mask == self.sum || self.mask == self.logged
    }
}

/// Checks `mask` against the rights claimed for it. Without any, against those of the published claim about this mask.
///
/// # Errors
///
/// The first name that is no right of the object.
pub fn check(
    object: &'static Object,
    mask: u32,
    claimed: &[&str],
) -> Result<MaskCheck, UnknownRight> {
    let claims: Vec<_> = tables::claims()
        .iter()
        .filter(|c| c.claimed == mask && c.object == object.id)
        .collect();
    let names: Vec<&str> = match (claimed, claims.first()) {
        ([], Some(claim)) => claim.rights.to_vec(),
        _ => claimed.to_vec(),
    };
    let sum = object.sum(names.iter().copied())?;
    let lacking = sum & !mask;
    let logged = object.with_implied(sum);
    let extra = object.decode(mask & !logged);
    Ok(MaskCheck {
        mask,
        sum,
        logged,
        lacks: object.decode(lacking).names,
        unclaimed: extra.names,
        unknown: extra.unknown,
        claims,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn calls(names: &[&str]) -> Vec<ApiId> {
        names.iter().map(|n| ApiId::named(n).unwrap()).collect()
    }

    #[test]
    fn the_rights_of_a_remote_thread() {
        let needs = of(&calls(&[
            "OpenProcess",
            "VirtualAllocEx",
            "WriteProcessMemory",
            "CreateRemoteThread",
        ]));
        let [process] = &needs.objects[..] else {
            panic!("one kind of object: {needs:?}")
        };
        assert_eq!(
            (process.documented.mask, process.documented.logged),
            (0x43A, 0x143A)
        );
        // The right sets of the catalog say the same, by another way.
        assert!(right_sets().iter().any(|s| s.mask == 0x43A));
        let kernel = process.kernel.as_ref().unwrap();
        assert_eq!((kernel.mask, kernel.logged), (0x2A, 0x2A));
        let vm_write = process
            .documented
            .rights
            .iter()
            .find(|r| r.name == "PROCESS_VM_WRITE")
            .unwrap();
        let by: Vec<_> = vm_write.by.iter().map(|r| r.api.slug()).collect();
        assert_eq!(by, ["WriteProcessMemory", "CreateRemoteThread"]);
        assert!(vm_write.by.iter().all(|r| !r.row.source.is_empty()));
        assert_eq!(needs.without_handle[0].api.slug(), "OpenProcess");
    }

    #[test]
    fn alternatives_cost_nothing_where_they_are_there_anyway() {
        // OpenProcessToken is content with either QUERY right; ReadProcessMemory needs neither.
        let alone = of(&calls(&["OpenProcessToken", "ReadProcessMemory"]));
        assert_eq!(alone.objects[0].documented.mask, 0x1010);
        let with_query = of(&calls(&["OpenProcessToken", "VirtualQueryEx"]))
            .objects
            .remove(0)
            .documented;
        assert_eq!(with_query.mask, 0x400);
        assert_eq!(
            with_query.rights[0].by.len(),
            2,
            "both calls are named for the one right"
        );
    }

    #[test]
    fn several_kinds_of_object_and_unknown_calls() {
        let needs = of(&calls(&[
            "OpenProcess",
            "VirtualAllocEx",
            "QueueUserAPC",
            "GetAsyncKeyState",
        ]));
        let kinds: Vec<_> = needs.objects.iter().map(|o| o.object.id).collect();
        assert_eq!(kinds, ["process", "thread"]);
        assert_eq!(needs.unknown, calls(&["GetAsyncKeyState"]));
        let dump = of(&calls(&["MiniDumpWriteDump"]));
        assert_eq!(dump.objects[0].documented.logged, 0x1410);
        assert_eq!(dump.objects[0].sometimes[0].case.mask, 0x40);
        assert_eq!(dump.objects[1].documented.mask, 0x1F_FFFF);
    }

    #[test]
    fn the_published_mask_is_not_what_it_is_said_to_be() {
        let process = rights::object("process").unwrap();
        let claim = check(process, 0x1440, &[]).unwrap();
        assert!(!claim.holds());
        assert_eq!(claim.sum, 0x143A);
        assert_eq!(claim.unclaimed, ["PROCESS_DUP_HANDLE"]);
        assert_eq!(
            claim.lacks,
            [
                "PROCESS_CREATE_THREAD",
                "PROCESS_VM_OPERATION",
                "PROCESS_VM_READ",
                "PROCESS_VM_WRITE"
            ]
        );
        assert_eq!(claim.claims[0].id, "hunt-mask-1440");
        let names = claim.claims[0].rights.to_vec();
        assert_eq!(check(process, 0x1440, &names).unwrap().sum, 0x143A);
        assert!(check(process, 0x143A, &names).unwrap().holds());
        assert!(
            check(
                process,
                0x1410,
                &["PROCESS_VM_READ", "process_query_information"]
            )
            .unwrap()
            .holds()
        );
        assert_eq!(
            check(process, 0x10, &["PROCESS_FLY"]),
            Err(UnknownRight {
                name: "PROCESS_FLY".to_owned()
            })
        );
    }

    #[test]
    fn every_row_of_rights_can_be_asked_for_alone() {
        for row in tables::api_rights() {
            let needs = of(&[row.api]);
            for object in &needs.objects {
                assert!(object.documented.mask != 0, "{}", row.api);
                let sum = object
                    .documented
                    .rights
                    .iter()
                    .fold(0, |mask, r| mask | r.mask);
                assert_eq!(sum, object.documented.mask, "{}", row.api);
                assert!(
                    object.documented.rights.iter().all(|r| !r.by.is_empty()),
                    "{}",
                    row.api
                );
            }
        }
    }
}

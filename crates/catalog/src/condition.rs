//! A mask of rights as a condition for detection: SQL that tests bits, and what is left of it where masks are compared as
//! text (Sigma, Sysmon's own filter). The loss is counted and said, never hidden.

use crate::rights::{self, Object};
use serde::Serialize;

/// A condition on granted rights, in the languages of the trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conditions {
    /// The rights that must all be there.
    pub mask: u32,
    /// The field that holds the mask.
    pub field: &'static str,
    /// The events that have it, with the filter that picks the object type.
    pub events: &'static str,
    /// SQL over Scotoma's tables.
    pub sql: String,
    /// SQL for Spark, where the field is text.
    pub spark: String,
    /// The masks to list where only text can be compared: the sum itself, named sums, and masks met in recordings.
    pub masks: Vec<u32>,
    /// A Sigma selection with those masks.
    pub sigma: String,
    /// A Sysmon rule with those masks; `None` where no Sysmon event carries the rights of this object type.
    pub sysmon: Option<String>,
    /// How many further bits a mask may have besides: 2 to this power masks hold the rights, at most.
    pub free_bits: u32,
    /// What comparing text loses.
    pub loses: String,
}

/// The conditions under which `mask` is granted on an object.
pub fn for_rights(object: &Object, mask: u32) -> Conditions {
    // Event 10 is about processes alone; every other handle request shows only where a SACL audits the object.
    let process = object.id == "process";
    let (field, events) = if process {
        ("GrantedAccess", "sysmon:10")
    } else {
        ("AccessMask", "security:4656, security:4663")
    };
    let kind = object.type_names.first().copied().unwrap_or_default();
    let only = if process {
        String::new()
    } else {
        format!("ObjectType = '{kind}' and\n")
    };
    let masks = masks(object, mask);
    let listed: Vec<String> = masks.iter().map(|m| format!("{m:#x}")).collect();
    let items: String = listed.iter().map(|m| format!("\n    - '{m}'")).collect();
    let selection = if process {
        String::new()
    } else {
        format!("  ObjectType: '{kind}'\n")
    };
    let named = object
        .rights
        .iter()
        .map(|r| r.mask)
        .chain(standard(object))
        .fold(0, |all, bit| all | bit);
    let free_bits = (named & !mask).count_ones();
    // Rules on one field are alternatives; one a line reads better than `is any`, and older schemas know it too.
    let rules: String = listed
        .iter()
        .map(|m| format!("  <GrantedAccess condition=\"is\">{m}</GrantedAccess>\n"))
        .collect();
    let sysmon =
        process.then(|| format!("<ProcessAccess onmatch=\"include\">\n{rules}</ProcessAccess>"));
    Conditions {
        mask,
        field,
        events,
        sql: format!("{only}has_rights({field}, '{mask:#x}')"),
        spark: format!(
            "{only}(cast(conv(substring({field}, 3), 16, 10) as bigint) & {mask}) = {mask}"
        ),
        sigma: format!("selection:\n{selection}  {field}:{items}"),
        sysmon,
        free_bits,
        loses: format!(
            "Sigma and Sysmon compare {field} as text. The list has {} of up to {} masks that hold these rights; a request \
             for one right more or less than listed is not matched. Log all access to the targets that matter and test the \
             bits afterwards.",
            masks.len(),
            1u64 << free_bits
        ),
        masks,
    }
}

fn standard(object: &Object) -> impl Iterator<Item = u32> + '_ {
    rights::all()
        .standard
        .iter()
        .filter(|r| object.standard.contains(&r.name))
        .map(|r| r.mask)
}

/// The known masks that hold `mask`, as they are logged, smallest first.
fn masks(object: &Object, mask: u32) -> Vec<u32> {
    let sums = object.composites.iter().map(|c| c.mask);
    let common = rights::all()
        .common_masks
        .iter()
        .filter(|_| object.id == "process")
        .map(|c| c.mask);
    // Sums are asked for and logged with what they imply; the common masks were read from logs.
    let sums = [mask]
        .into_iter()
        .chain(sums)
        .map(|m| object.with_implied(m));
    let mut masks: Vec<u32> = sums.chain(common).collect();
    masks.retain(|m| m & mask == mask);
    masks.sort_unstable();
    masks.dedup();
    masks
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_six_rights_in_every_language() {
        let ready = for_rights(rights::object("process").unwrap(), 0x143A);
        assert_eq!(ready.sql, "has_rights(GrantedAccess, '0x143a')");
        assert_eq!(
            ready.spark,
            "(cast(conv(substring(GrantedAccess, 3), 16, 10) as bigint) & 5178) = 5178"
        );
        assert_eq!(ready.masks, [0x143A, 0x1F_1FFF, 0x1F_3FFF, 0x1F_FFFF]);
        assert_eq!(
            ready.sigma,
            "selection:\n  GrantedAccess:\n    - '0x143a'\n    - '0x1f1fff'\n    - '0x1f3fff'\n    - '0x1fffff'"
        );
        assert!(
            ready
                .sysmon
                .unwrap()
                .contains(">0x143a</GrantedAccess>\n  <GrantedAccess condition=\"is\">0x1f1fff<")
        );
        // 14 specific and 5 standard rights, of which 6 are fixed.
        assert_eq!(ready.free_bits, 13);
        assert!(ready.loses.contains("4 of up to 8192"));
    }

    #[test]
    fn every_listed_mask_holds_the_rights() {
        for object in rights::objects() {
            for right in object.rights {
                let ready = for_rights(object, right.mask);
                assert!(!ready.masks.is_empty());
                assert!(
                    ready.masks.iter().all(|m| m & right.mask == right.mask),
                    "{}",
                    right.name
                );
            }
        }
    }

    #[test]
    fn other_objects_show_only_where_they_are_audited() {
        let ready = for_rights(rights::object("token").unwrap(), 0x2);
        assert_eq!(ready.sysmon, None);
        assert_eq!(
            ready.sql,
            "ObjectType = 'Token' and\nhas_rights(AccessMask, '0x2')"
        );
        assert_eq!(ready.events, "security:4656, security:4663");
    }
}

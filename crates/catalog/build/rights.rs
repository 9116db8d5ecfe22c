//! What must hold of the access rights before they are compiled in: a right is one bit, no bit has two names within one
//! kind, every named right exists, every sum stays within its type.

use crate::model::rights::{AccessRights, Object};

pub fn check(access: &AccessRights) -> Result<(), String> {
    let mut names = std::collections::BTreeSet::new();
    for object in &access.objects {
        for name in object.aliases.iter().chain([&object.id]) {
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(format!(
                    "access_rights.yaml: two object types answer to {name:?}"
                ));
            }
        }
        check_object(access, object)
            .map_err(|e| format!("access_rights.yaml: {}: {e}", object.id))?;
    }
    Ok(())
}

fn check_object(access: &AccessRights, object: &Object) -> Result<(), String> {
    let mut seen = 0u32;
    for right in &object.rights {
        if right.mask.count_ones() != 1 || right.mask > 0x8000 {
            return Err(format!(
                "{} = {:#x} is not one object-specific bit",
                right.name, right.mask
            ));
        }
        if seen & right.mask != 0 {
            return Err(format!(
                "{} = {:#x}: the bit has a name already",
                right.name, right.mask
            ));
        }
        seen |= right.mask;
    }
    for name in &object.standard {
        let right = access.standard.iter().find(|r| r.name == *name);
        seen |= right
            .ok_or_else(|| format!("no standard right {name}"))?
            .mask;
    }
    let known = |name: &str| object.rights.iter().any(|r| r.name == name);
    for implied in &object.implied {
        for name in [&implied.have, &implied.grants] {
            if !known(name) {
                return Err(format!("implied right {name} does not exist"));
            }
        }
    }
    // A header's ALL_ACCESS also fills bits nobody named; every other sum, and every mapping, is made of named ones.
    for sum in &object.composites {
        if !sum.name.contains("ALL_ACCESS") && sum.mask & !seen != 0 {
            return Err(format!(
                "{} has unnamed bits {:#x}",
                sum.name,
                sum.mask & !seen
            ));
        }
    }
    for mapping in &object.generic {
        for mask in [Some(mapping.read), Some(mapping.write), mapping.execute] {
            let rest = mask.unwrap_or_default() & !seen;
            if rest != 0 && mapping.documented {
                return Err(format!("generic mapping has unnamed bits {rest:#x}"));
            }
        }
    }
    Ok(())
}

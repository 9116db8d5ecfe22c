//! Access rights: from names to masks and back, per object type. It knows what a mask holds, not who asked for it, and it
//! does not guess an object type: the same bit is another right on another kind of object.

use crate::model::rights::AccessRights;
pub use crate::model::rights::{CommonMask, Composite, GenericMapping, Implied, Object, Right};

/// What a mask holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedMask {
    /// The rights by name, lowest bit first: specific, then standard, then those of a request.
    pub names: Vec<&'static str>,
    /// The bits that no known right of this object type has. `PROCESS_ALL_ACCESS` fills two such bits (`0xC000`).
    pub unknown: u32,
    /// The named sum the mask is equal to, such as `PROCESS_ALL_ACCESS`.
    pub composite: Option<&'static str>,
}

/// A name that is no right of the kind of object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no right is called {name:?}")]
pub struct UnknownRight {
    /// The name.
    pub name: String,
}

/// The table as a whole.
pub fn all() -> &'static AccessRights {
    &crate::tables::ACCESS_RIGHTS
}

/// The object types, in the table's order.
pub fn objects() -> &'static [Object] {
    all().objects
}

/// The object type called `name` in any case: our name (`registry-key`), a short form (`key`, `scm`) or the type name that
/// Windows prints in Security events (`Key`, `SERVICE OBJECT`). `File` is the plain file, not the named pipe.
pub fn object(name: &str) -> Option<&'static Object> {
    let name = name.trim();
    let is = |other: &&str| other.eq_ignore_ascii_case(name);
    let by_name = objects()
        .iter()
        .find(|o| is(&o.id) || o.aliases.iter().any(is));
    by_name.or_else(|| objects().iter().find(|o| o.type_names.iter().any(is)))
}

/// The object types that have a right or named sum of this name, in any case. Standard rights belong to nearly all.
pub fn objects_with(right: &str) -> Vec<&'static Object> {
    objects()
        .iter()
        .filter(|o| o.right(right).is_some())
        .collect()
}

/// The number in `text`: hexadecimal with `0x` in either case, or decimal, blanks around it ignored. `None` for anything
/// else, and for what does not fit 32 bits.
///
/// ```
/// assert_eq!(catalog::rights::parse_mask("0x1F3fff"), Some(0x1f3fff));
/// assert_eq!(catalog::rights::parse_mask("5178"), Some(0x143a));
/// assert_eq!(catalog::rights::parse_mask("1fffff"), None);
/// ```
pub fn parse_mask(text: &str) -> Option<u32> {
    let text = text.trim();
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // `from_str_radix` takes a sign, which no mask has.
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

impl Object {
    /// The mask of a right (specific, standard if the type supports it, or generic) or of a named sum, in any case. Of a
    /// sum with several values (`PROCESS_ALL_ACCESS`) the current Windows' value.
    pub fn right(&self, name: &str) -> Option<u32> {
        self.right_named(name).map(|(_, mask)| mask)
    }

    /// Like [`Object::right`], with the name as the headers spell it.
    pub fn right_named(&self, name: &str) -> Option<(&'static str, u32)> {
        let name = name.trim();
        let sums = self.composites.iter().map(|c| (c.name, c.mask));
        self.bits()
            .map(|r| (r.name, r.mask))
            .chain(sums)
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    /// The sum of the named rights.
    ///
    /// # Errors
    ///
    /// The first name that this type does not have.
    pub fn sum<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<u32, UnknownRight> {
        names.into_iter().try_fold(0, |mask, name| {
            let bits = self.right(name).ok_or_else(|| UnknownRight {
                name: name.to_owned(),
            })?;
            Ok(mask | bits)
        })
    }

    /// The rights in `mask`, and the bits that are none.
    pub fn decode(&self, mask: u32) -> DecodedMask {
        let mut unknown = mask;
        let mut names = Vec::with_capacity(mask.count_ones() as usize);
        for right in self.bits().filter(|r| mask & r.mask != 0) {
            names.push(right.name);
            unknown &= !right.mask;
        }
        DecodedMask {
            names,
            unknown,
            composite: self.composite(mask).map(|c| c.name),
        }
    }

    /// The named sum that `mask` is equal to, if it is a sum of more than one right.
    pub fn composite(&self, mask: u32) -> Option<&'static Composite> {
        self.composites
            .iter()
            .find(|c| c.mask == mask && mask.count_ones() > 1)
    }

    /// `mask` with the rights the kernel adds by itself: what a sensor logs for a request of `mask`.
    ///
    /// ```
    /// let process = catalog::rights::object("process").expect("in the table");
    /// assert_eq!(process.with_implied(0x0410), 0x1410);
    /// ```
    pub fn with_implied(&self, mask: u32) -> u32 {
        let mut mask = mask;
        loop {
            let added = self.implied.iter().filter_map(|i| {
                let (have, grants) = (self.right(i.have)?, self.right(i.grants)?);
                (mask & have == have).then_some(grants)
            });
            let next = added.fold(mask, |mask, right| mask | right);
            if next == mask {
                return mask;
            }
            mask = next;
        }
    }

    /// `mask` with its generic rights replaced by what they stand for on current Windows, together with the mapping used.
    /// `None` if it holds a generic right whose meaning for this type is not known.
    pub fn map_generic(&self, mask: u32) -> Option<(u32, Option<&'static GenericMapping>)> {
        const GENERIC: u32 = 0xF000_0000;
        if mask & GENERIC == 0 {
            return Some((mask, None));
        }
        let mapping = self.generic.first()?;
        let parts = [
            (0x8000_0000, Some(mapping.read)),
            (0x4000_0000, Some(mapping.write)),
            (0x2000_0000, mapping.execute),
            (0x1000_0000, mapping.all),
        ];
        let mut mapped = mask & !GENERIC;
        for (generic, rights) in parts {
            if mask & generic != 0 {
                mapped |= rights?;
            }
        }
        Some((mapped, Some(mapping)))
    }

    /// Every named bit, lowest first.
    pub fn bits(&self) -> impl Iterator<Item = &'static Right> + '_ {
        let standard = all()
            .standard
            .iter()
            .filter(|r| self.standard.contains(&r.name));
        self.rights.iter().chain(standard).chain(all().request)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn process() -> &'static Object {
        object("process").unwrap()
    }

    const SIX: [&str; 6] = [
        "PROCESS_CREATE_THREAD",
        "PROCESS_QUERY_INFORMATION",
        "PROCESS_QUERY_LIMITED_INFORMATION",
        "PROCESS_VM_OPERATION",
        "PROCESS_VM_WRITE",
        "PROCESS_VM_READ",
    ];

    #[test]
    fn the_published_sum_is_143a_and_1440_is_something_else() {
        assert_eq!(process().sum(SIX), Ok(0x143A));
        let decoded = process().decode(0x1440);
        assert_eq!(
            decoded.names,
            [
                "PROCESS_DUP_HANDLE",
                "PROCESS_QUERY_INFORMATION",
                "PROCESS_QUERY_LIMITED_INFORMATION"
            ]
        );
        assert_eq!(decoded.unknown, 0);
    }

    #[test]
    fn names_in_any_case_and_unknown_names() {
        assert_eq!(process().right("process_vm_write"), Some(0x20));
        assert_eq!(process().right(" SYNCHRONIZE "), Some(0x0010_0000));
        assert_eq!(process().right("GENERIC_READ"), Some(0x8000_0000));
        assert_eq!(process().right("PROCESS_ALL_ACCESS"), Some(0x001F_FFFF));
        assert_eq!(process().right("THREAD_RESUME"), None);
        assert_eq!(
            process().sum(["PROCESS_VM_READ", "VM_FLY"]),
            Err(UnknownRight {
                name: "VM_FLY".to_owned()
            })
        );
        assert_eq!(object("token").unwrap().right("SYNCHRONIZE"), None);
    }

    #[test]
    fn object_types_by_every_name() {
        for (name, id) in [
            ("Process", "process"),
            ("key", "registry-key"),
            ("Key", "registry-key"),
            ("SERVICE OBJECT", "service"),
            ("sc_manager object", "service-control-manager"),
            ("File", "file"),
            ("pipe", "named-pipe"),
        ] {
            assert_eq!(object(name).unwrap().id, id, "{name}");
        }
        assert!(object("nothing").is_none());
        assert_eq!(objects().len(), 18);
        let rights: usize = objects().iter().map(|o| o.rights.len()).sum();
        assert_eq!(rights, 127, "126 documented rights and THREAD_ALERT");
    }

    #[test]
    fn unnamed_bits_are_told() {
        let all = process().decode(0x001F_FFFF);
        assert_eq!(
            (all.unknown, all.composite),
            (0xC000, Some("PROCESS_ALL_ACCESS"))
        );
        assert_eq!(
            process().decode(0x001F_0FFF).composite,
            Some("PROCESS_ALL_ACCESS")
        );
        assert_eq!(
            object("token").unwrap().decode(0x0010_0008).unknown,
            0x0010_0000
        );
        assert_eq!(process().decode(0).names, Vec::<&str>::new());
        // `FILE_MAP_READ` is another name for one right, not a sum.
        assert_eq!(object("section").unwrap().decode(4).composite, None);
    }

    #[test]
    fn implied_rights() {
        assert_eq!(process().with_implied(0x001F_0FFF), 0x001F_3FFF);
        assert_eq!(process().with_implied(0x43A), 0x143A);
        assert_eq!(process().with_implied(0x2A), 0x2A);
        assert_eq!(object("thread").unwrap().with_implied(0x40), 0x840);
    }

    #[test]
    fn generic_rights() {
        let (mask, mapping) = process().map_generic(0x8000_0000).unwrap();
        assert_eq!((mask, mapping.unwrap().documented), (0x0002_0410, false));
        let key = object("key").unwrap();
        assert_eq!(key.map_generic(0xC000_0001).unwrap().0, 0x0002_001F);
        assert_eq!(key.map_generic(0x0002_0019).unwrap(), (0x0002_0019, None));
        // What current Windows makes of them, not what the headers of old named so.
        let token = object("token").unwrap();
        assert_eq!(token.map_generic(0xA000_0000).unwrap().0, 0x0002_001F);
        let thread = object("thread").unwrap();
        assert_eq!(thread.map_generic(0x2000_0000).unwrap().0, 0x0012_1800);
        assert_eq!(thread.map_generic(0x1000_0000).unwrap().0, 0x001F_FFFF);
        // No source has all rights of a service; saying so beats guessing them.
        assert!(
            object("service")
                .unwrap()
                .map_generic(0x1000_0000)
                .is_none()
        );
    }

    #[test]
    fn masks_as_text() {
        for (text, mask) in [
            ("0x1fffff", Some(0x1f_ffff)),
            (" 0X10 ", Some(16)),
            ("16", Some(16)),
            ("0xffffffff", Some(u32::MAX)),
        ] {
            assert_eq!(parse_mask(text), mask, "{text}");
        }
        for text in [
            "",
            "0x",
            "-1",
            "+1",
            "0x+1",
            "0x1ffffffff",
            "4294967296",
            "1f",
            "0x 1",
            "%%4416",
        ] {
            assert_eq!(parse_mask(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn decoding_loses_nothing(mask: u32, which in 0usize..18) {
            let object = &objects()[which];
            let decoded = object.decode(mask);
            let sum = object.sum(decoded.names.iter().copied()).unwrap();
            prop_assert_eq!(sum & decoded.unknown, 0);
            prop_assert_eq!(sum | decoded.unknown, mask);
        }

        #[test]
        fn implied_rights_only_add_and_settle(mask: u32, which in 0usize..18) {
            let object = &objects()[which];
            let logged = object.with_implied(mask);
            prop_assert_eq!(logged & mask, mask);
            prop_assert_eq!(object.with_implied(logged), logged);
        }

        #[test]
        fn any_text_is_a_mask_or_none(text in "\\PC*") {
            let _ = parse_mask(&text);
        }

        #[test]
        fn masks_survive_printing(mask: u32) {
            prop_assert_eq!(parse_mask(&format!("{mask:#x}")), Some(mask));
            prop_assert_eq!(parse_mask(&mask.to_string()), Some(mask));
        }
    }
}

//! Functions of the detection trade: access rights by name, file names, call traces.
//! They read what the sensor wrote; what a right allows, or whether a frame is an attack, they do not say.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{ArrayRef, BooleanArray, Int32Array};
use datafusion::common::{Result, exec_err};

use spark::functions::udf::{Args, Scalar, boolean, build_text, int, text, texts};
use spark::functions::{bits, build_texts};

/// The functions beside Spark's.
pub const FUNCTIONS: &[Scalar] = &[
    // has_rights(GrantedAccess, 'PROCESS_VM_WRITE|PROCESS_CREATE_THREAD'): whether all the named rights (or all bits of a mask,
    // as number or hexadecimal text) are granted.
    Scalar::new(&["has_rights"], 2, 2, boolean, has_rights),
    // access_names(GrantedAccess): the rights of a process handle by name, A|B|..., bits without a name in hexadecimal.
    Scalar::new(&["access_names"], 1, 1, text, access_names),
    // file_name(path): what follows the last slash or backslash.
    Scalar::new(&["file_name"], 1, 1, text, |a| {
        let path = a.text(0)?;
        Ok(build_text(a.rows, |row| {
            path.get(row).map(|p| file_name(p).to_owned())
        }))
    }),
    // call_trace_unknown(CallTrace): the frames that lie in no module, UNKNOWN(...), as an array.
    Scalar::new(&["call_trace_unknown"], 1, 1, texts, |a| {
        let trace = a.text(0)?;
        build_texts(a.rows, |row| {
            Some(
                unknown_frames(trace.get(row)?)
                    .map(|f| Some(f.to_owned()))
                    .collect(),
            )
        })
    }),
    // call_trace_unknown_count(CallTrace): how many frames lie in no module.
    Scalar::new(&["call_trace_unknown_count"], 1, 1, int, |a| {
        let trace = a.text(0)?;
        let out: Int32Array = (0..a.rows)
            .map(|row| {
                Some(i32::try_from(unknown_frames(trace.get(row)?).count()).unwrap_or(i32::MAX))
            })
            .collect();
        Ok(Arc::new(out))
    }),
];

/// The rights of a process handle: name and mask, sums of several bits after the single ones.
static RIGHTS: LazyLock<Vec<(&'static str, i64)>> = LazyLock::new(|| {
    let process = catalog::rights::object("process").into_iter();
    process
        .flat_map(|p| {
            let single = p.bits().map(|r| (r.name, r.mask));
            single.chain(p.composites.iter().map(|c| (c.name, c.mask)))
        })
        .map(|(name, mask)| (name, i64::from(mask)))
        .collect()
});

/// The mask that a text of rights names: names or masks with `|`, `+` or `,` between them.
fn mask_of(rights: &str) -> Result<i64> {
    let mut mask = 0;
    for part in rights
        .split(['|', '+', ','])
        .map(str::trim)
        .filter(|p| !p.is_empty())
    {
        let named = RIGHTS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(part))
            .map(|(_, mask)| *mask);
        match named.or_else(|| bits(part)) {
            Some(bits) => mask |= bits,
            None => {
                let near = ::text::nearest(part, RIGHTS.iter().map(|(n, _)| *n), 3);
                return exec_err!(
                    "has_rights: a process has no right {part:?}; nearest: {}",
                    near.join(", ")
                );
            }
        }
    }
    if mask == 0 {
        return exec_err!("has_rights: {rights:?} names no right");
    }
    Ok(mask)
}

fn has_rights(args: &Args<'_>) -> Result<ArrayRef> {
    let granted = args.mask(0)?;
    let wanted = args.text(1)?;
    let mask_in = |row: usize| wanted.get(row).map(mask_of).transpose();
    let constant = wanted.constant().map(mask_in).transpose()?;
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let mask = match constant {
            Some(mask) => mask,
            None => mask_in(row)?,
        };
        out.push(match (granted.get(row), mask) {
            (Some(granted), Some(mask)) => Some(granted & mask == mask),
            _ => None,
        });
    }
    Ok(Arc::new(BooleanArray::from(out)))
}

fn access_names(args: &Args<'_>) -> Result<ArrayRef> {
    let granted = args.mask(0)?;
    Ok(build_text(args.rows, |row| granted.get(row).map(names_of)))
}

fn names_of(mask: i64) -> String {
    let mut rest = mask;
    let mut names = Vec::new();
    for (name, bit) in RIGHTS.iter().filter(|(_, bit)| bit.count_ones() == 1) {
        if mask & bit != 0 {
            names.push((*name).to_owned());
            rest &= !bit;
        }
    }
    if rest != 0 {
        names.push(format!("0x{rest:x}"));
    }
    names.join("|")
}

/// What follows the last slash or backslash.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

/// The frames of a call trace, which `|` separates, that name no module.
fn unknown_frames(trace: &str) -> impl Iterator<Item = &str> {
    trace
        .split('|')
        .map(str::trim)
        .filter(|frame| frame.starts_with("UNKNOWN("))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn masks_and_names() {
        assert_eq!(
            mask_of("PROCESS_VM_WRITE|PROCESS_CREATE_THREAD").unwrap(),
            0x22
        );
        assert_eq!(mask_of("process_vm_write, 0x2").unwrap(), 0x22);
        assert_eq!(mask_of("PROCESS_ALL_ACCESS").unwrap(), 0x1f_ffff);
        assert!(
            mask_of("PROCESS_VM_WRIT")
                .unwrap_err()
                .to_string()
                .contains("PROCESS_VM_WRITE")
        );
        assert!(mask_of("").is_err());
        assert_eq!(names_of(0x22), "PROCESS_CREATE_THREAD|PROCESS_VM_WRITE");
        assert_eq!(names_of(0xc002), "PROCESS_CREATE_THREAD|0xc000");
        assert_eq!(names_of(0), "");
    }

    #[test]
    fn frames_and_files() {
        let trace = r"C:\Windows\SYSTEM32\ntdll.dll+9c534|UNKNOWN(00007FFB1C2B0A1F)|C:\x.dll+1|UNKNOWN(0000000000000001)";
        assert_eq!(
            unknown_frames(trace).collect::<Vec<_>>(),
            ["UNKNOWN(00007FFB1C2B0A1F)", "UNKNOWN(0000000000000001)"]
        );
        assert_eq!(file_name(r"C:\Windows\System32\lsass.exe"), "lsass.exe");
        assert_eq!(file_name("/usr/bin/sh"), "sh");
        assert_eq!(file_name("System"), "System");
        assert_eq!(file_name(r"C:\dir\"), "");
    }
}

//! The functions of hunts as Spark's SQL functions (Spark 4): no Python on the workers.

use super::NamedStatement;
use super::expression::bits;

/// The statements that make them, in an order in which each finds those it calls.
pub fn functions() -> Vec<NamedStatement> {
    let process = || catalog::rights::object("process").into_iter();
    let rights: Vec<(&str, u32)> = process()
        .flat_map(|object| object.bits().map(|r| (r.name, r.mask)))
        .collect();
    let sums = process().flat_map(|object| object.composites.iter().map(|c| (c.name, c.mask)));
    let known = rights.iter().fold(0, |all, (_, mask)| all | mask);
    let by_name: Vec<String> = rights
        .iter()
        .copied()
        .chain(sums)
        .map(|(name, mask)| format!("WHEN '{name}' THEN {mask}L"))
        .collect();
    let one = format!(
        "CASE upper(trim(p)) {} WHEN '' THEN 0L ELSE coalesce({}, \
         CAST(raise_error(concat('has_rights: a process has no right ', p)) AS BIGINT)) END",
        by_name.join(" "),
        bits("p")
    );
    let names: Vec<String> = rights
        .iter()
        .map(|(name, mask)| format!("CASE WHEN b & {mask}L <> 0 THEN '{name}' END"))
        .collect();
    let names = names.join(", ");
    let make = |name: &str, signature: &str, body: &str| {
        (
            name.to_owned(),
            format!("CREATE OR REPLACE TEMPORARY FUNCTION {name}{signature} RETURN {body}"),
        )
    };
    vec![
        make("scotoma_bits", "(m STRING) RETURNS BIGINT", &bits("m")),
        make(
            "scotoma_mask",
            "(r STRING) RETURNS BIGINT",
            &format!("aggregate(split(r, '[|+,]'), 0L, (a, p) -> a | {one})"),
        ),
        make(
            "has_rights",
            "(m STRING, r STRING) RETURNS BOOLEAN",
            "(scotoma_bits(m) & scotoma_mask(r)) = scotoma_mask(r)",
        ),
        make(
            "scotoma_names",
            "(b BIGINT) RETURNS STRING",
            &format!(
                "concat_ws('|', {names}, CASE WHEN b & ~{known}L <> 0 THEN concat('0x', lower(hex(b & ~{known}L))) END)"
            ),
        ),
        make(
            "access_names",
            "(m STRING) RETURNS STRING",
            "CASE WHEN scotoma_bits(m) IS NOT NULL THEN scotoma_names(scotoma_bits(m)) END",
        ),
        make(
            "file_name",
            "(p STRING) RETURNS STRING",
            r"regexp_extract(p, '[^\\\\/]*$', 0)",
        ),
        make(
            "call_trace_unknown",
            "(t STRING) RETURNS ARRAY<STRING>",
            "filter(transform(split(t, '[|]'), f -> trim(f)), f -> startswith(f, 'UNKNOWN('))",
        ),
        make(
            "call_trace_unknown_count",
            "(t STRING) RETURNS INT",
            "size(call_trace_unknown(t))",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_of_a_process_is_known_by_its_name() {
        let made = functions();
        let mask = made.iter().find(|(name, _)| name == "scotoma_mask");
        assert!(mask.is_some_and(|(_, text)| text.contains("WHEN 'PROCESS_VM_READ' THEN 16L")));
        assert_eq!(made.len(), 8);
    }
}

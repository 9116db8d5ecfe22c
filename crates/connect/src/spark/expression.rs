//! Pieces of Spark SQL that mean under ANSI mode what the readers do with a value: nothing here fails on a value it cannot
//! read; it gives NULL.

use schema::ossem::Take;

/// A name in backticks.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text, with Spark's escapes.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A signed number from decimal or `0x` text. Sail has no negative base for `conv`, so only what needs it asks for one.
pub(super) fn bits(value: &str) -> String {
    let text = format!("trim({value})");
    format!(
        "CASE WHEN {text} RLIKE '^0[xX][0-9a-fA-F]{{1,15}}$' THEN try_cast(conv(substr({text}, 3), 16, 10) AS BIGINT) \
         WHEN {text} RLIKE '^0[xX][0-9a-fA-F]{{16}}$' THEN try_cast(conv(substr({text}, 3), 16, -10) AS BIGINT) \
         WHEN {text} RLIKE '^[+-]?[0-9]+([.][0-9]*)?$' THEN try_cast(regexp_extract({text}, '^[+-]?[0-9]+', 0) AS BIGINT) END"
    )
}

/// A time in UTC; where it names no zone the session's must not count.
pub(super) fn time(value: &str) -> String {
    let text = format!("trim({value})");
    format!(
        "CASE WHEN {text} RLIKE '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]+)?$' \
         THEN try_cast(concat({text}, 'Z') AS TIMESTAMP) ELSE try_cast({text} AS TIMESTAMP) END"
    )
}

/// A truth value from `true` and `false` in any case.
pub(super) fn boolean(value: &str) -> String {
    format!("CASE lower(trim({value})) WHEN 'true' THEN true WHEN 'false' THEN false END")
}

/// A part of a text.
pub(super) fn take(part: Take, key: &str, value: &str) -> String {
    match part {
        Take::FileName => format!(r"regexp_extract({value}, '[^\\\\/]*$', 0)"),
        Take::AccountDomain => format!(
            r"CASE WHEN instr({value}, '\\') > 0 THEN regexp_extract({value}, '(?s)^(.*)\\\\[^\\\\]*$', 1) END"
        ),
        Take::AccountName => format!(r"substring_index({value}, '\\', -1)"),
        Take::Pair => {
            let pattern = format!(r"'(?is)(?:^|,)\\s*{key}\\s*=([^,]*)'");
            format!(
                "CASE WHEN {value} RLIKE {pattern} THEN regexp_extract({value}, {pattern}, 1) END"
            )
        }
        Take::Ipv6 => format!("CASE WHEN {value} LIKE '%:%' THEN {value} END"),
    }
}

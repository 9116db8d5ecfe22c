//! Every function a query may call, with Spark's meaning: scalar functions of our own, and the engine's aggregates and window
//! functions where they mean the same. A name that is not here does not exist for a query.

mod aggregate;
mod array;
mod cast;
pub(crate) mod convert;
mod format;
mod general;
mod hash;
mod java_regex;
mod java_time;
mod json;
mod number;
mod regex;
mod series;
mod span;
mod text;
mod time;
pub mod udf;
mod url;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

pub use array::build_texts;
pub use convert::{bits, double_text, timestamp_text};
use udf::{Scalar, SparkFunction};

/// How a function is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Aggregate,
    Window,
}

/// What the rewriter needs to know of a function a query calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    engine: &'static str,
    min: usize,
    max: usize,
}

impl Spec {
    pub fn engine_name(&self) -> &'static str {
        self.engine
    }

    pub fn takes(&self, count: usize) -> bool {
        (self.min..=self.max).contains(&count)
    }

    /// How many arguments it takes, in words.
    pub fn arity(&self) -> String {
        let noun = |n: usize| if n == 1 { "argument" } else { "arguments" };
        match (self.min, self.max) {
            (min, max) if min == max => format!("{min} {}", noun(min)),
            (min, usize::MAX) => format!("{min} or more {}", noun(min.max(2))),
            (min, max) => format!("{min} to {max} arguments"),
        }
    }
}

const FAMILIES: &[&[Scalar]] = &[
    text::FUNCTIONS,
    format::FUNCTIONS,
    regex::FUNCTIONS,
    number::FUNCTIONS,
    cast::FUNCTIONS,
    general::FUNCTIONS,
    array::FUNCTIONS,
    json::FUNCTIONS,
    time::FUNCTIONS,
    series::FUNCTIONS,
    span::FUNCTIONS,
    hash::FUNCTIONS,
    url::FUNCTIONS,
];

/// Aggregates: the names a query uses, the engine's name, and how many arguments.
const AGGREGATES: &[(&[&str], &str, usize, usize)] = &[
    (&["count"], "count", 1, usize::MAX),
    (&["approx_count_distinct"], "count", 1, 2),
    (&["count_if"], "count", 1, 1),
    (&["sum"], "sum", 1, 1),
    (&["avg", "mean"], "avg", 1, 1),
    (&["min"], "min", 1, 1),
    (&["max"], "max", 1, 1),
    (&["first", "first_value", "any_value"], "first_value", 1, 2),
    (&["last", "last_value"], "last_value", 1, 2),
    (&["stddev", "stddev_samp", "std"], "stddev", 1, 1),
    (&["stddev_pop"], "stddev_pop", 1, 1),
    (&["variance", "var_samp"], "var", 1, 1),
    (&["var_pop"], "var_pop", 1, 1),
    (&["corr"], "corr", 2, 2),
    (&["covar_samp"], "covar_samp", 2, 2),
    (&["covar_pop"], "covar_pop", 2, 2),
    (&["median"], "spark_percentile", 1, 1),
    (&["percentile"], "spark_percentile", 2, 2),
    (
        &["percentile_approx", "approx_percentile"],
        "percentile_approx",
        2,
        3,
    ),
    (&["collect_list", "array_agg"], "collect_list", 1, 1),
    (&["collect_set"], "collect_set", 1, 1),
    (&["max_by", "min_by"], "first_value", 2, 2),
    (&["bool_and", "every"], "bool_and", 1, 1),
    (&["bool_or", "some", "any"], "bool_or", 1, 1),
    (&["bit_and"], "bit_and", 1, 1),
    (&["bit_or"], "bit_or", 1, 1),
    (&["bit_xor"], "bit_xor", 1, 1),
    (&["grouping"], "grouping", 1, 1),
];

const WINDOWS: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "nth_value",
];

/// Functions that the rewriter turns into other forms, and the generators of rows.
const SPECIAL: &[&str] = &[
    "if",
    "iff",
    "nvl2",
    "nullif",
    "equal_null",
    "zeroifnull",
    "nullifzero",
    "timestampdiff",
    "timediff",
    "timestampadd",
    "isnull",
    "isnotnull",
    "not",
    "decode",
    "now",
    "current_timestamp",
    "current_date",
    "curdate",
    "explode",
    "explode_outer",
    "posexplode",
    "posexplode_outer",
];

static SCALARS: LazyLock<HashMap<&'static str, Scalar>> = LazyLock::new(|| {
    FAMILIES
        .iter()
        .flat_map(|f| f.iter())
        .flat_map(|s| s.names.iter().map(move |n| (*n, *s)))
        .collect()
});

static ENGINE: LazyLock<HashMap<&'static str, Arc<ScalarUDF>>> = LazyLock::new(|| {
    FAMILIES
        .iter()
        .flat_map(|f| f.iter())
        .map(|s| {
            (
                s.names[0],
                Arc::new(ScalarUDF::new_from_impl(SparkFunction::new(*s))),
            )
        })
        .collect()
});

/// What kind of function a query means by this (lower-case) name; `further` are functions beside Spark's.
pub(crate) fn kind(name: &str, further: &[Scalar]) -> Option<Kind> {
    if aggregate(name).is_some() {
        Some(Kind::Aggregate)
    } else if WINDOWS.contains(&name) {
        Some(Kind::Window)
    } else {
        scalar(name, further).map(|_| Kind::Scalar)
    }
}

/// The scalar function a query means by this name; `further` are functions beside Spark's.
pub(crate) fn scalar(name: &str, further: &[Scalar]) -> Option<Spec> {
    let s = SCALARS
        .get(name)
        .or_else(|| further.iter().find(|s| s.names.contains(&name)))?;
    // The engine's own name of a cast is not for queries.
    let shown = s.public && !name.starts_with("cast_") && !name.ends_with("_of");
    shown.then_some(Spec {
        engine: s.names[0],
        min: s.min,
        max: s.max,
    })
}

/// The aggregate a query means by this name.
pub(crate) fn aggregate(name: &str) -> Option<Spec> {
    let (_, engine, min, max) = AGGREGATES
        .iter()
        .find(|(names, ..)| names.contains(&name))?;
    Some(Spec {
        engine,
        min: *min,
        max: *max,
    })
}

/// Whether the rewritten query means an aggregate by this name.
pub(crate) fn is_engine_aggregate(name: &str) -> bool {
    AGGREGATES.iter().any(|(_, engine, ..)| *engine == name)
}

/// Whether a query can call a function of this (lower-case) name.
pub(crate) fn is_known(name: &str, further: &[Scalar]) -> bool {
    kind(name, further).is_some() || SPECIAL.contains(&name)
}

/// Every name a query can call, sorted; `further` are functions beside Spark's.
pub fn names(further: &[Scalar]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = SCALARS
        .keys()
        .copied()
        .filter(|n| scalar(n, &[]).is_some())
        .chain(further.iter().flat_map(|s| s.names.iter().copied()))
        .chain(
            AGGREGATES
                .iter()
                .flat_map(|(names, ..)| names.iter().copied()),
        )
        .chain(WINDOWS.iter().copied())
        .chain(SPECIAL.iter().copied())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// One of our functions under the engine's name for it.
///
/// # Panics
/// Never for a name in the tables above, which is all the crate asks for.
#[allow(clippy::panic)]
pub(crate) fn engine(name: &str) -> Arc<ScalarUDF> {
    match ENGINE.get(name) {
        Some(udf) => Arc::clone(udf),
        None => panic!("no function {name}"),
    }
}

/// All scalar functions to register; `further` are functions beside Spark's.
pub(crate) fn scalars(further: &[Scalar]) -> Vec<Arc<ScalarUDF>> {
    let mut all: Vec<Arc<ScalarUDF>> = ENGINE.values().cloned().collect();
    all.extend(
        further
            .iter()
            .map(|s| Arc::new(ScalarUDF::new_from_impl(SparkFunction::new(*s)))),
    );
    all.sort_by(|a, b| a.name().cmp(b.name()));
    all.push(datafusion::functions::datetime::now(
        &datafusion::config::ConfigOptions::default(),
    ));
    all
}

/// All aggregates to register.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    aggregate::all()
}

/// All window functions to register.
pub(crate) fn windows() -> Vec<Arc<WindowUDF>> {
    datafusion::functions_window::all_default_window_functions()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_one_home() {
        let mut seen = std::collections::HashSet::new();
        for scalar in FAMILIES.iter().flat_map(|f| f.iter()) {
            for name in scalar.names {
                assert!(seen.insert(*name), "{name} twice");
            }
        }
        for (names, ..) in AGGREGATES {
            for name in *names {
                assert!(seen.insert(*name), "{name} twice");
            }
        }
    }

    #[test]
    fn internal_names_are_not_for_queries() {
        for name in ["cast_int", "unify", "row_key", "to_array", "divide"] {
            assert!(scalar(name, &[]).is_none(), "{name}");
        }
        assert!(scalar("lower", &[]).is_some());
    }
}

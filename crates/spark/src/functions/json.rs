//! JSON kept as text: paths into it and its arrays. It parses on demand and keeps nothing; what is not JSON is null.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int32Array};
use datafusion::common::{Result, exec_err};
use serde_json::Value;

use super::udf::{Args, Scalar, build_text, int, text, texts};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // get_json_object(json, path): the value at $.a.b[0]; text without its quotes, anything else as JSON.
    Scalar::new(&["get_json_object"], 2, 2, text, get_json_object),
    // json_array_length(json): how many items the array has.
    Scalar::new(&["json_array_length"], 1, 1, int, |args| {
        let value = args.text(0)?;
        let out: Int32Array = (0..args.rows)
            .map(|row| {
                array_items(value.get(row)?)
                    .map(|items| i32::try_from(items.len()).unwrap_or(i32::MAX))
            })
            .collect();
        Ok(Arc::new(out))
    }),
    // json_object_keys(json): the keys of the outermost object.
    Scalar::new(&["json_object_keys"], 1, 1, texts, object_keys),
    // from_json(json, 'array<string>'): the items of an array. Other schemas are an error.
    Scalar::new(&["from_json"], 2, 2, texts, from_json),
];

/// The items of a JSON array: text as it is, null as null, anything else as JSON. `None` where the text is no array.
pub(crate) fn array_items(text: &str) -> Option<Vec<Option<String>>> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    match serde_json::from_str(text).ok()? {
        Value::Array(items) => Some(items.into_iter().map(plain).collect()),
        _ => None,
    }
}

fn plain(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(s) => Some(s),
        other => Some(other.to_string()),
    }
}

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
    EveryItem,
}

fn path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Field(name.to_owned()));
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix("['") {
            let (name, after) = after.split_once("']")?;
            steps.push(Step::Field(name.to_owned()));
            rest = after;
        } else {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(if index == "*" {
                Step::EveryItem
            } else {
                Step::Item(index.parse().ok()?)
            });
            rest = after;
        }
    }
    Some(steps)
}

fn follow<'v>(value: &'v Value, steps: &[Step], found: &mut Vec<&'v Value>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(value);
        return;
    };
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) if name == "*" => {
            fields.values().for_each(|v| follow(v, rest, found))
        }
        (Step::Field(name), Value::Object(fields)) => {
            if let Some(v) = fields.get(name) {
                follow(v, rest, found);
            }
        }
        (Step::Field(_), Value::Array(items)) => items.iter().for_each(|v| follow(v, steps, found)),
        (Step::Item(n), Value::Array(items)) => {
            if let Some(v) = items.get(*n) {
                follow(v, rest, found);
            }
        }
        (Step::EveryItem, Value::Array(items)) => items.iter().for_each(|v| follow(v, rest, found)),
        _ => {}
    }
}

fn at_path(json: &str, steps: &[Step]) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    let mut found = Vec::new();
    follow(&value, steps, &mut found);
    let many = steps.contains(&Step::EveryItem);
    match found.as_slice() {
        [] => None,
        [Value::String(s)] if many => Some(Value::String(s.clone()).to_string()),
        [one] => plain((*one).clone()),
        several => Some(Value::Array(several.iter().map(|v| (*v).clone()).collect()).to_string()),
    }
}

fn get_json_object(args: &Args<'_>) -> Result<ArrayRef> {
    let (value, paths) = (args.text(0)?, args.text(1)?);
    // Spark reads a path nobody can follow as null.
    let constant = if paths.scalar {
        paths.get(0).and_then(path)
    } else {
        None
    };
    Ok(build_text(args.rows, |row| {
        let json = value.get(row)?;
        match (&constant, paths.scalar) {
            (Some(steps), _) => at_path(json, steps),
            (None, true) => None,
            (None, false) => at_path(json, &path(paths.get(row)?)?),
        }
    }))
}

fn object_keys(args: &Args<'_>) -> Result<ArrayRef> {
    let value = args.text(0)?;
    super::array::build_texts(args.rows, |row| {
        match serde_json::from_str(value.get(row)?).ok()? {
            Value::Object(fields) => Some(fields.into_iter().map(|(k, _)| Some(k)).collect()),
            _ => None,
        }
    })
}

fn from_json(args: &Args<'_>) -> Result<ArrayRef> {
    let schema = args.constant(1, "schema")?.unwrap_or_default();
    if !schema
        .replace(' ', "")
        .eq_ignore_ascii_case("array<string>")
    {
        return exec_err!(
            "from_json: only the schema 'array<string>' is supported, not {schema:?}; read single fields with get_json_object"
        );
    }
    let value = args.text(0)?;
    super::array::build_texts(args.rows, |row| array_items(value.get(row)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_find_what_spark_finds() {
        let json = r#"{"a":{"b":"x","n":5,"l":[1,"two",null]},"k l":[{"v":1},{"v":2}]}"#;
        let get = |p: &str| at_path(json, &path(p).unwrap());
        assert_eq!(get("$.a.b").as_deref(), Some("x"));
        assert_eq!(get("$.a.n").as_deref(), Some("5"));
        assert_eq!(get("$.a.l[1]").as_deref(), Some("two"));
        assert_eq!(get("$.a.l[2]"), None);
        assert_eq!(get("$.a.l").as_deref(), Some(r#"[1,"two",null]"#));
        assert_eq!(get("$['k l'][*].v").as_deref(), Some("[1,2]"));
        assert_eq!(get("$.nope"), None);
        assert_eq!(path("a.b"), None);
    }

    #[test]
    fn arrays_as_text() {
        assert_eq!(
            array_items(r#"["a",null,3]"#),
            Some(vec![Some("a".into()), None, Some("3".into())])
        );
        assert_eq!(array_items("plain"), None);
        assert_eq!(array_items("[broken"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(json in ".{0,40}", p in ".{0,20}") {
            let _ = path(&p).and_then(|steps| at_path(&json, &steps));
        }
    }
}

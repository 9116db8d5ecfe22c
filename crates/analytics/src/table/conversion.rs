//! What makes a typed value, or a part, of the text a sensor wrote, once per distinct value. Text that spells no such
//! value gives NULL. It refuses to know which column needs which.

use std::net::Ipv6Addr;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::Result;
use schema::ossem::{Take, Type};
use telemetry::header::Kind;

use crate::detection_functions::file_name;

/// What to make of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    Int,
    Time,
    Bool,
    FileName,
    AccountDomain,
    AccountName,
    Pair(String),
    Ipv6,
}

/// The type of columns of this type.
pub(super) fn data_type(kind: Type) -> DataType {
    match kind {
        Type::Text => Kind::Text.data_type(),
        Type::Int => Kind::Int.data_type(),
        Type::Time => Kind::Time.data_type(),
        Type::Bool => DataType::Boolean,
    }
}

impl Conversion {
    /// Of text to this type; `None` where there is nothing to do.
    pub(super) fn typed(kind: Type) -> Option<Self> {
        match kind {
            Type::Text => None,
            Type::Int => Some(Self::Int),
            Type::Time => Some(Self::Time),
            Type::Bool => Some(Self::Bool),
        }
    }

    /// Of text to this part of it.
    pub(super) fn part(what: Take, key: Option<&str>) -> Self {
        match what {
            Take::FileName => Self::FileName,
            Take::AccountDomain => Self::AccountDomain,
            Take::AccountName => Self::AccountName,
            Take::Pair => Self::Pair(key.unwrap_or_default().to_owned()),
            Take::Ipv6 => Self::Ipv6,
        }
    }

    /// The converted column.
    pub(super) fn column(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let text = Kind::Text.data_type();
        let array = match *array.data_type() == text {
            true => Arc::clone(array),
            false => cast(array, &text)?,
        };
        let dictionary = array.as_dictionary::<Int32Type>();
        let values = dictionary.values().as_string::<i32>();
        let each = || values.iter().map(Option::unwrap_or_default);
        // The value of a null is unused: keys that are null stay null below.
        let converted: ArrayRef = match self {
            Self::Int => Arc::new(each().map(spark::functions::bits).collect::<Int64Array>()),
            Self::Bool => Arc::new(each().map(boolean).collect::<BooleanArray>()),
            Self::Time => Arc::new(
                each()
                    .map(telemetry::time::parse)
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
            Self::FileName => return Ok(texts(dictionary, |t| Some(file_name(t)))),
            Self::AccountDomain => {
                return Ok(texts(dictionary, |t| t.rsplit_once('\\').map(|(d, _)| d)));
            }
            Self::AccountName => {
                return Ok(texts(dictionary, |t| {
                    Some(t.rsplit_once('\\').map_or(t, |(_, n)| n))
                }));
            }
            Self::Pair(key) => return Ok(texts(dictionary, |t| pair(t, key))),
            Self::Ipv6 => {
                return Ok(texts(dictionary, |t| {
                    t.parse::<Ipv6Addr>().is_ok().then_some(t)
                }));
            }
        };
        Ok(take(&converted, dictionary.keys(), None)?)
    }
}

/// Parts of the old values under the old keys; rows whose value has no such part are null.
fn texts(
    old: &DictionaryArray<Int32Type>,
    part: impl for<'t> Fn(&'t str) -> Option<&'t str>,
) -> ArrayRef {
    let values = old.values().as_string::<i32>();
    let parts: Vec<Option<&str>> = values.iter().map(|t| t.and_then(&part)).collect();
    let keys = match parts.contains(&None) {
        false => old.keys().clone(),
        true => {
            let has = |key: &i32| usize::try_from(*key).is_ok_and(|k| parts[k].is_some());
            old.keys()
                .iter()
                .map(|key| key.filter(has))
                .collect::<Int32Array>()
        }
    };
    let parts: StringArray = parts
        .into_iter()
        .map(|p| Some(p.unwrap_or_default()))
        .collect();
    Arc::new(DictionaryArray::new(keys, Arc::new(parts)))
}

fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else {
        text.eq_ignore_ascii_case("false").then_some(false)
    }
}

/// The value of `key` in `KEY=value,KEY=value`.
fn pair<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.split(',')
        .filter_map(|p| p.split_once('='))
        .find(|(k, _)| k.trim().eq_ignore_ascii_case(key))
        .map(|(_, v)| v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_sysmon_writes_them() {
        assert_eq!(spark::functions::bits("0X1F3FFF"), Some(0x1f3fff));
        assert_eq!(spark::functions::bits(" 3536 "), Some(3536));
        assert_eq!(spark::functions::bits("-"), None);
        assert_eq!(boolean("True"), Some(true));
        assert_eq!(file_name(r"C:\Windows\System32\notepad.exe"), "notepad.exe");
        assert_eq!(file_name("System"), "System");
        assert_eq!(pair("SHA1=AB,MD5=CD", "md5"), Some("CD"));
    }
}

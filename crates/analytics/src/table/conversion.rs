//! The functions behind `sysmon_events`: what makes a typed value, or a part, of the text a sensor wrote. Each is run
//! once per distinct value. Text that spells no such value gives NULL. It refuses to know which column needs which.

use std::net::Ipv6Addr;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use telemetry::header::Kind;
use telemetry::ossem::{Take, Type};

use crate::functions::{convert, file_name};

/// What to make of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Conversion {
    Int,
    Time,
    Bool,
    FileName,
    AccountDomain,
    AccountName,
    Pair(String),
    Ipv6,
}

/// `raw` as this type.
pub(super) fn typed(raw: Expr, kind: Type) -> Expr {
    match kind {
        Type::Text => raw,
        Type::Int => call(Conversion::Int, raw),
        Type::Time => call(Conversion::Time, raw),
        Type::Bool => call(Conversion::Bool, raw),
    }
}

/// This part of `raw`.
pub(super) fn part(raw: Expr, what: Take, key: Option<&str>) -> Expr {
    let conversion = match what {
        Take::FileName => Conversion::FileName,
        Take::AccountDomain => Conversion::AccountDomain,
        Take::AccountName => Conversion::AccountName,
        Take::Pair => Conversion::Pair(key.unwrap_or_default().to_owned()),
        Take::Ipv6 => Conversion::Ipv6,
    };
    call(conversion, raw)
}

fn call(conversion: Conversion, raw: Expr) -> Expr {
    ScalarUDF::new_from_impl(Convert {
        conversion,
        signature: Signature::any(1, Volatility::Immutable),
    })
    .call(vec![raw])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Convert {
    conversion: Conversion,
    signature: Signature,
}

impl ScalarUDFImpl for Convert {
    fn name(&self) -> &str {
        match self.conversion {
            Conversion::Int => "sysmon_int",
            Conversion::Time => "sysmon_time",
            Conversion::Bool => "sysmon_bool",
            Conversion::FileName => "sysmon_file_name",
            Conversion::AccountDomain => "sysmon_account_domain",
            Conversion::AccountName => "sysmon_account_name",
            Conversion::Pair(_) => "sysmon_pair",
            Conversion::Ipv6 => "sysmon_ipv6",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.conversion {
            Conversion::Int => Kind::Int.data_type(),
            Conversion::Time => Kind::Time.data_type(),
            Conversion::Bool => DataType::Boolean,
            _ => Kind::Text.data_type(),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [argument] = args.args.as_slice() else {
            return exec_err!("{} takes one argument", self.name());
        };
        let array = argument.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(self.column(&array)?))
    }
}

impl Convert {
    fn column(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let text = Kind::Text.data_type();
        let array = if *array.data_type() == text {
            Arc::clone(array)
        } else {
            cast(array, &text)?
        };
        let dictionary = array.as_dictionary::<Int32Type>();
        let values = dictionary.values().as_string::<i32>();
        let each = || values.iter().map(Option::unwrap_or_default);
        // The value of a null is unused: keys that are null stay null below.
        let converted: ArrayRef = match &self.conversion {
            Conversion::Int => Arc::new(each().map(convert::bits).collect::<Int64Array>()),
            Conversion::Bool => Arc::new(each().map(boolean).collect::<BooleanArray>()),
            Conversion::Time => Arc::new(
                each()
                    .map(telemetry::time::parse)
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
            Conversion::FileName => return texts(dictionary, each().map(file_name).map(Some)),
            Conversion::AccountDomain => {
                return texts(
                    dictionary,
                    each().map(|t| t.rsplit_once('\\').map(|(d, _)| d)),
                );
            }
            Conversion::AccountName => {
                return texts(
                    dictionary,
                    each().map(|t| Some(t.rsplit_once('\\').map_or(t, |(_, n)| n))),
                );
            }
            Conversion::Pair(key) => return texts(dictionary, each().map(|t| pair(t, key))),
            Conversion::Ipv6 => {
                return texts(
                    dictionary,
                    each().map(|t| t.parse::<Ipv6Addr>().is_ok().then_some(t)),
                );
            }
        };
        Ok(take(&converted, dictionary.keys(), None)?)
    }
}

/// New values under the old keys.
fn texts<'t>(
    old: &DictionaryArray<Int32Type>,
    new: impl Iterator<Item = Option<&'t str>>,
) -> Result<ArrayRef> {
    Ok(Arc::new(
        old.with_values(Arc::new(new.collect::<StringArray>())),
    ))
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
        assert_eq!(convert::bits("0X1F3FFF"), Some(0x1f3fff));
        assert_eq!(convert::bits(" 3536 "), Some(3536));
        assert_eq!(convert::bits("-"), None);
        assert_eq!(boolean("True"), Some(true));
        assert_eq!(file_name(r"C:\Windows\System32\notepad.exe"), "notepad.exe");
        assert_eq!(file_name("System"), "System");
        assert_eq!(pair("SHA1=AB,MD5=CD", "md5"), Some("CD"));
    }
}

//! The kinds of values that columns hold.

use arrow::datatypes::{DataType, TimeUnit};
use serde::Deserialize;

/// What kind of value a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Dictionary-encoded text, exactly as the sensor or the shipper wrote it.
    Text,
    /// A signed 64-bit integer.
    Int,
    /// Microseconds since 1970 in UTC.
    Time,
}

impl Kind {
    /// The Arrow type of a column of this kind.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Self::Int => DataType::Int64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

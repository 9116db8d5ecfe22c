//! A batch's columns as the counters need them: text as distinct values with a key per row, event ids and times as
//! numbers. It refuses to know what they mean.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit};
use predicate::eval::{Distinct, EvalError, column};
use schema::{Attribution, LogSource, Sensor};

/// Why a batch cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// A column cannot be read as what it should hold.
    #[error(transparent)]
    Column(#[from] EvalError),
}

/// A text column; one that the batch does not have holds no value in any row.
pub(crate) enum Texts<'a> {
    None,
    /// As the event table has it: nothing is copied.
    Dictionary {
        keys: &'a [i32],
        nulls: Option<&'a NullBuffer>,
        values: &'a StringArray,
    },
    /// Any other form.
    Other(Distinct<'a>),
}

/// The key of a row without a value.
pub(crate) const ABSENT: u32 = u32::MAX;

impl<'a> Texts<'a> {
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Result<Self, CountError> {
        let Some(array) = find(batch, name) else {
            return Ok(Self::None);
        };
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>()
            && let Some(values) = dictionary.values().as_string_opt::<i32>()
        {
            let keys = dictionary.keys();
            return Ok(Self::Dictionary {
                keys: keys.values(),
                nulls: keys.nulls().filter(|n| n.null_count() > 0),
                values,
            });
        }
        Ok(column(batch, name)?.map_or(Self::None, Self::Other))
    }

    /// The key of a row's value: a place among the distinct values, or [`ABSENT`].
    #[inline]
    pub(crate) fn key(&self, row: usize) -> u32 {
        match self {
            Self::None => ABSENT,
            Self::Dictionary { keys, nulls, .. } => match nulls {
                Some(nulls) if nulls.is_null(row) => ABSENT,
                // Keys are not negative; one that lies is beyond the values and thereby absent.
                _ => keys[row] as u32,
            },
            Self::Other(distinct) => distinct.keys[row],
        }
    }

    /// The dictionary, to be known again in another batch.
    pub(crate) fn dictionary(&self) -> Option<Values> {
        match self {
            Self::Dictionary { values, .. } => Some(Values((*values).clone())),
            _ => None,
        }
    }

    pub(crate) fn value(&self, key: u32) -> Option<&str> {
        let key = key as usize;
        match self {
            Self::None => None,
            Self::Dictionary { values, .. } => {
                (key < values.len() && values.is_valid(key)).then(|| values.value(key))
            }
            Self::Other(distinct) => distinct.values.get(key)?.as_deref(),
        }
    }

    /// How many values there are, whether or not a row has them.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Dictionary { values, .. } => values.len(),
            Self::Other(distinct) => distinct.values.len(),
        }
    }

    /// What each value is, by key; the last is for rows without one.
    pub(crate) fn each<T>(&self, mut f: impl FnMut(Option<&str>) -> T) -> PerValue<T> {
        let keys = 0..u32::try_from(self.len()).unwrap_or(ABSENT);
        PerValue(keys.chain([ABSENT]).map(|key| f(self.value(key))).collect())
    }
}

/// The dictionary of a text column, kept beyond its batch.
#[derive(Debug)]
pub(crate) struct Values(StringArray);

impl Values {
    /// Whether this is the very dictionary of a batch's column, so that its keys mean the same.
    pub(crate) fn serve(&self, texts: &Texts<'_>) -> bool {
        // What is kept is not freed, so the same place in memory is the same values.
        let place = |v: &StringArray| (v.value_offsets().as_ptr(), v.values().as_ptr());
        match texts {
            Texts::Dictionary { values, .. } => {
                self.0.len() == values.len()
                    && (values.is_empty() || place(&self.0) == place(values))
            }
            _ => false,
        }
    }
}

/// Something known of each distinct value.
pub(crate) struct PerValue<T>(Vec<T>);

impl<T: Copy> PerValue<T> {
    #[inline]
    pub(crate) fn of(&self, key: u32) -> T {
        let last = self.0.len() - 1;
        self.0[(key as usize).min(last)]
    }
}

/// The column with a name, else the one that the event table has under another name for the same.
fn find<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a ArrayRef> {
    let fields = batch.schema_ref().fields();
    let named = |name: &str| {
        fields
            .iter()
            .position(|f| f.name().eq_ignore_ascii_case(name))
    };
    let at = named(name).or_else(|| named(&telemetry::header::canonical(name)))?;
    Some(batch.column(at))
}

/// The instants of a column in microseconds. Text is read as logs spell times; what is no instant is none.
pub(crate) fn times(batch: &RecordBatch, name: &str) -> Result<Int64Array, CountError> {
    let Some(array) = find(batch, name) else {
        return Ok(Int64Array::new_null(batch.num_rows()));
    };
    if let DataType::Timestamp(_, zone) = array.data_type() {
        let to = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
        let array = cast(array, &to)
            .and_then(|a| cast(&a, &DataType::Int64))
            .map_err(error(name))?;
        return Ok(array.as_primitive::<Int64Type>().clone());
    }
    let texts = Texts::of(batch, name)?;
    let parsed = texts.each(|v| v.and_then(telemetry::time::parse));
    Ok((0..batch.num_rows())
        .map(|row| parsed.of(texts.key(row)))
        .collect())
}

/// The whole numbers of a column; what is none counts as absent.
pub(crate) fn numbers(batch: &RecordBatch, name: &str) -> Result<Int64Array, CountError> {
    let Some(array) = find(batch, name) else {
        return Ok(Int64Array::new_null(batch.num_rows()));
    };
    let array = cast(array, &DataType::Int64).map_err(error(name))?;
    Ok(array.as_primitive::<Int64Type>().clone())
}

/// A row's number, if it has one.
#[inline]
pub(crate) fn at(array: &Int64Array, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

fn error(name: &str) -> impl Fn(arrow::error::ArrowError) -> EvalError {
    let column = name.to_owned();
    move |source| EvalError::Column {
        column: column.clone(),
        source,
    }
}

/// Whose each row of a batch is.
pub(crate) struct Sources<'a> {
    channel: Texts<'a>,
    provider: Texts<'a>,
    by_channel: PerValue<Attribution>,
    by_provider: PerValue<Attribution>,
}

impl<'a> Sources<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Result<Self, CountError> {
        let channel = Texts::of(batch, "Channel")?;
        let provider = Texts::of(batch, "Provider")?;
        let said =
            |v: Option<&str>, of: fn(&str) -> Attribution| v.map_or(Attribution::Unknown, of);
        Ok(Self {
            by_channel: channel.each(|v| said(v, Attribution::of_channel)),
            by_provider: provider.each(|v| said(v, Attribution::of_provider)),
            channel,
            provider,
        })
    }

    /// The sensor whose event the row holds.
    #[inline]
    pub(crate) fn sensor(&self, row: usize) -> Option<Sensor> {
        let provider = self.by_provider.of(self.provider.key(row));
        self.by_channel.of(self.channel.key(row)).sensor(provider)
    }

    pub(crate) fn provider(&self) -> &Texts<'a> {
        &self.provider
    }

    pub(crate) fn channel(&self, row: usize) -> Option<&str> {
        self.channel.value(self.channel.key(row))
    }

    /// The keys of a row's channel and provider: rows that have the same have the same source.
    pub(crate) fn keys(&self, row: usize) -> (u32, u32) {
        (self.channel.key(row), self.provider.key(row))
    }

    /// What the header of a row says of its source.
    pub(crate) fn source(&self, row: usize) -> LogSource<'_> {
        let (channel, provider) = self.keys(row);
        LogSource::of(self.channel.value(channel), self.provider.value(provider))
    }
}

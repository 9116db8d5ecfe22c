//! Aggregates: the engine's where they mean what Spark's mean, and Spark's percentiles, which are values that occur.
//! The percentiles here are exact: the memory they take grows with the distinct values, not with the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::functions_aggregate as engine;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use datafusion_spark::function::aggregate::collect::{SparkCollectList, SparkCollectSet};

use super::convert;

/// All aggregates a query can call, under the engine's names.
pub(crate) fn all() -> Vec<Arc<AggregateUDF>> {
    vec![
        engine::count::count_udaf(),
        engine::sum::sum_udaf(),
        engine::average::avg_udaf(),
        engine::min_max::min_udaf(),
        engine::min_max::max_udaf(),
        engine::first_last::first_value_udaf(),
        engine::first_last::last_value_udaf(),
        engine::stddev::stddev_udaf(),
        engine::stddev::stddev_pop_udaf(),
        engine::variance::var_samp_udaf(),
        engine::variance::var_pop_udaf(),
        engine::correlation::corr_udaf(),
        engine::covariance::covar_samp_udaf(),
        engine::covariance::covar_pop_udaf(),
        engine::bool_and_or::bool_and_udaf(),
        engine::bool_and_or::bool_or_udaf(),
        engine::bit_and_or_xor::bit_and_udaf(),
        engine::bit_and_or_xor::bit_or_udaf(),
        engine::bit_and_or_xor::bit_xor_udaf(),
        engine::grouping::grouping_udaf(),
        Arc::new(AggregateUDF::from(SparkCollectList::new())),
        Arc::new(AggregateUDF::from(SparkCollectSet::new())),
        Arc::new(AggregateUDF::from(Percentile::new(false))),
        Arc::new(AggregateUDF::from(Percentile::new(true))),
    ]
}

/// `percentile_approx` (a value that occurs) and `percentile` (between two values, where it falls between).
#[derive(Debug, PartialEq, Eq, Hash)]
struct Percentile {
    interpolates: bool,
    signature: Signature,
}

impl Percentile {
    fn new(interpolates: bool) -> Self {
        Self {
            interpolates,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        if self.interpolates {
            "spark_percentile"
        } else {
            "percentile_approx"
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let item = match types.first() {
            Some(t) if t.is_integer() && !self.interpolates => DataType::Int64,
            Some(t) if t.is_numeric() || *t == DataType::Null => DataType::Float64,
            _ => return plan_err!("{} takes numbers", self.name()),
        };
        Ok(match types.get(1) {
            Some(DataType::List(_)) => convert::list_of(item),
            _ => item,
        })
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |name: &str, item| {
            Arc::new(Field::new(
                format!("{}[{name}]", args.name),
                convert::list_of(item),
                true,
            ))
        };
        Ok(vec![
            field("values", DataType::Float64),
            field("counts", DataType::Int64),
            field("asked", DataType::Float64),
        ])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Counts {
            interpolates: self.interpolates,
            returns: args.return_field.data_type().clone(),
            asked: if args.exprs.len() > 1 {
                Vec::new()
            } else {
                vec![0.5]
            },
            counts: BTreeMap::new(),
        }))
    }
}

/// How often each value has been seen, under a key that orders as the numbers do.
#[derive(Debug)]
struct Counts {
    interpolates: bool,
    returns: DataType,
    asked: Vec<f64>,
    counts: BTreeMap<i64, i64>,
}

/// Bits that order as the numbers do, NaN last.
fn key(value: f64) -> i64 {
    let value = if value == 0.0 { 0.0 } else { value };
    let bits = value.to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned() >> 1).cast_signed())
}

fn value(key: i64) -> f64 {
    f64::from_bits((key ^ (((key >> 63).cast_unsigned() >> 1).cast_signed())).cast_unsigned())
}

impl Counts {
    fn ask(&mut self, percentage: &ArrayRef) -> Result<()> {
        if !self.asked.is_empty() || percentage.is_empty() {
            return Ok(());
        }
        let numbers: ArrayRef = match percentage.data_type() {
            DataType::List(_) => percentage.as_list::<i32>().value(0),
            _ => percentage.slice(0, 1),
        };
        let numbers = convert::to_fractional(&numbers)?;
        self.asked = numbers.iter().flatten().collect();
        if self.asked.is_empty() || self.asked.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return exec_err!("a percentage lies between 0 and 1");
        }
        Ok(())
    }

    /// The value at a rank counted from 0.
    fn at(&self, rank: i64) -> f64 {
        let mut seen = 0;
        for (key, count) in &self.counts {
            seen += count;
            if seen > rank {
                return value(*key);
            }
        }
        f64::NAN
    }

    fn answer(&self, percentage: f64) -> Option<f64> {
        let total: i64 = self.counts.values().sum();
        if total == 0 {
            return None;
        }
        if self.interpolates {
            let position = (total - 1) as f64 * percentage;
            let (low, high) = (position.floor() as i64, position.ceil() as i64);
            let (a, b) = (self.at(low), self.at(high));
            return Some(if low == high || a == b {
                a
            } else {
                (high as f64 - position) * a + (position - low as f64) * b
            });
        }
        let rank = (percentage * total as f64).ceil() as i64;
        Some(self.at((rank - 1).max(0)))
    }
}

impl Accumulator for Counts {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(percentage) = values.get(1) {
            self.ask(percentage)?;
        }
        for v in convert::to_fractional(&values[0])?.iter().flatten() {
            *self.counts.entry(key(v)).or_insert(0) += 1;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let answers: Vec<Option<f64>> = self.asked.iter().map(|p| self.answer(*p)).collect();
        let answers: ArrayRef = Arc::new(Float64Array::from(answers));
        match &self.returns {
            DataType::List(item) => {
                if self.counts.is_empty() {
                    return ScalarValue::try_from(&self.returns);
                }
                let items = cast(&answers, item.data_type())?;
                Ok(ScalarValue::List(Arc::new(one_list(items)?)))
            }
            _ if answers.is_empty() => ScalarValue::try_from(&self.returns),
            to => ScalarValue::try_from_array(&cast(&answers, to)?, 0),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.counts.len() * 3 * size_of::<i64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values: Float64Array = self.counts.keys().map(|k| Some(value(*k))).collect();
        let counts: Int64Array = self.counts.values().map(|c| Some(*c)).collect();
        let asked = Float64Array::from(self.asked.clone());
        let columns: [ArrayRef; 3] = [Arc::new(values), Arc::new(counts), Arc::new(asked)];
        columns
            .into_iter()
            .map(|c| Ok(ScalarValue::List(Arc::new(one_list(c)?))))
            .collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, counts, asked] = states else {
            return exec_err!("a percentile state has three parts");
        };
        for row in 0..values.len() {
            let values = values.as_list::<i32>().value(row);
            let counts = counts.as_list::<i32>().value(row);
            for (v, c) in values
                .as_primitive::<Float64Type>()
                .iter()
                .zip(counts.as_primitive::<Int64Type>())
            {
                if let (Some(v), Some(c)) = (v, c) {
                    *self.counts.entry(key(v)).or_insert(0) += c;
                }
            }
            if self.asked.is_empty() {
                let asked = asked.as_list::<i32>().value(row);
                self.asked = asked
                    .as_primitive::<Float64Type>()
                    .iter()
                    .flatten()
                    .collect();
            }
        }
        Ok(())
    }
}

fn one_list(items: ArrayRef) -> Result<ListArray> {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = datafusion::arrow::buffer::OffsetBuffer::from_lengths([items.len()]);
    Ok(ListArray::try_new(field, offsets, items, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(values: &[f64], interpolates: bool) -> Counts {
        let mut counts = BTreeMap::new();
        for v in values {
            *counts.entry(key(*v)).or_insert(0) += 1;
        }
        Counts {
            interpolates,
            returns: DataType::Float64,
            asked: Vec::new(),
            counts,
        }
    }

    #[test]
    fn keys_order_as_numbers() {
        let numbers = [f64::NEG_INFINITY, -2.5, -0.0, 1e-300, 3.0, f64::INFINITY];
        assert!(numbers.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(numbers.iter().all(|n| value(key(*n)) == *n));
    }

    #[test]
    fn percentiles_are_sparks() {
        let values = [0.0, 1.0, 2.0, 10.0];
        assert_eq!(counts(&values, false).answer(0.5), Some(1.0));
        assert_eq!(counts(&values, false).answer(0.0), Some(0.0));
        assert_eq!(counts(&values, false).answer(1.0), Some(10.0));
        assert_eq!(counts(&values, true).answer(0.5), Some(1.5));
        assert_eq!(counts(&[], false).answer(0.5), None);
    }
}

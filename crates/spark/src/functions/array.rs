//! Functions over arrays; text that spells a JSON array counts as one. An index nobody has is null, never an error.
//! What an array's items mean is left to the caller.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListArray, ListBuilder,
    StringBuilder, UInt32Array, make_comparator, new_empty_array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{SortOptions, cast, concat, sort_to_indices, take};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_err};

use super::convert;
use super::udf::{Args, Column, Scalar, boolean, build_text, int, text, texts};

pub(crate) const FUNCTIONS: &[Scalar] = &[
    // The array itself, or the one a JSON text spells.
    Scalar::new(&["to_array"], 1, 1, list_type, |a| {
        Ok(Arc::new(convert::to_list(&a.values[0].array)?))
    })
    .internal()
    .identity_for(|t| matches!(t.first(), Some(DataType::List(_)))),
    // The array, or one null item where it is null or empty.
    Scalar::new(&["outer_array"], 1, 1, list_type, outer_array)
        .internal()
        .sees_nulls(),
    // The positions of an array's items, from 0.
    Scalar::new(
        &["array_positions_of"],
        1,
        1,
        |_| Ok(convert::list_of(DataType::Int32)),
        positions,
    )
    .internal(),
    // array(a, b, ...): these values.
    Scalar::new(&["array"], 0, usize::MAX, array_type, array).sees_nulls(),
    // array[n], counted from 0.
    Scalar::new(&["get_item", "get"], 2, 2, item_type, |a| item(a, false)),
    // element_at(array, n): counted from 1, from the end where negative.
    Scalar::new(&["element_at", "try_element_at"], 2, 2, item_type, |a| {
        item(a, true)
    }),
    // size(array): how many items; -1 for null.
    Scalar::new(&["size", "cardinality"], 1, 1, int, |a| size(a, Some(-1))).sees_nulls(),
    // array_size(array): how many items.
    Scalar::new(&["array_size"], 1, 1, int, |a| size(a, None)),
    // array_contains(array, value): whether it is among the items; null where it is not but an item is null.
    Scalar::new(&["array_contains"], 2, 2, boolean, contains),
    // array_position(array, value): its place from 1, 0 where it is not there.
    Scalar::new(&["array_position"], 2, 2, |_| Ok(DataType::Int64), position),
    // array_join(array, separator, null text): the items as one text, nulls left out or replaced.
    Scalar::new(&["array_join"], 2, 3, |_| Ok(DataType::Utf8), join),
    // sort_array(array, ascending): nulls first when ascending, last when not.
    Scalar::new(&["sort_array"], 1, 2, list_type, sort_array),
    // array_sort(array): ascending, nulls last.
    Scalar::new(&["array_sort"], 1, 1, list_type, |a| {
        sorted(a, |_| Some((true, false)))
    }),
    // array_distinct(array): each value once, in the order of first appearance.
    Scalar::new(&["array_distinct"], 1, 1, list_type, |a| {
        set(a, Set::Distinct)
    }),
    // array_union(a, b): the values of either, each once.
    Scalar::new(&["array_union"], 2, 2, list_type, |a| set(a, Set::Union)),
    // array_intersect(a, b): the values of both, each once.
    Scalar::new(&["array_intersect"], 2, 2, list_type, |a| {
        set(a, Set::Intersect)
    }),
    // array_except(a, b): the values of a that b lacks, each once.
    Scalar::new(&["array_except"], 2, 2, list_type, |a| set(a, Set::Except)),
    // arrays_overlap(a, b): whether they share a value.
    Scalar::new(&["arrays_overlap"], 2, 2, boolean, overlap),
    // array_remove(array, value): without it.
    Scalar::new(&["array_remove"], 2, 2, list_type, remove),
    // array_min(array): the smallest item.
    Scalar::new(&["array_min"], 1, 1, item_type, |a| {
        extreme(a, Ordering::Less)
    }),
    // array_max(array): the largest item.
    Scalar::new(&["array_max"], 1, 1, item_type, |a| {
        extreme(a, Ordering::Greater)
    }),
    // slice(array, from, length): a stretch, counted from 1, from the end where negative.
    Scalar::new(&["slice"], 3, 3, list_type, slice),
    // flatten(array of arrays): one array.
    Scalar::new(&["flatten"], 1, 1, flat_type, flatten),
];

fn list_type(types: &[DataType]) -> Result<DataType> {
    Ok(match types.first() {
        Some(list @ DataType::List(_)) => list.clone(),
        _ => convert::list_of(DataType::Utf8),
    })
}

fn item_type(types: &[DataType]) -> Result<DataType> {
    match types.first() {
        Some(DataType::List(item)) => Ok(item.data_type().clone()),
        _ => text(types),
    }
}

fn flat_type(types: &[DataType]) -> Result<DataType> {
    match types.first() {
        Some(DataType::List(item)) if matches!(item.data_type(), DataType::List(_)) => {
            Ok(item.data_type().clone())
        }
        _ => texts(types),
    }
}

pub(super) fn array_type(types: &[DataType]) -> Result<DataType> {
    let plain: Vec<DataType> = types
        .iter()
        .map(|t| match t {
            DataType::Dictionary(_, v) => v.as_ref().clone(),
            t => t.clone(),
        })
        .collect();
    Ok(convert::list_of(
        convert::common_type(&plain)
            .filter(|t| *t != DataType::Null)
            .unwrap_or(DataType::Utf8),
    ))
}

/// Builds a column of text arrays row by row.
///
/// # Errors
/// Where the array builder refuses.
pub fn build_texts(
    rows: usize,
    mut items: impl FnMut(usize) -> Option<Vec<Option<String>>>,
) -> Result<ArrayRef> {
    let mut out = ListBuilder::new(StringBuilder::new())
        .with_field(Field::new_list_field(DataType::Utf8, true));
    for row in 0..rows {
        match items(row) {
            Some(items) => {
                items
                    .iter()
                    .for_each(|i| out.values().append_option(i.as_deref()));
                out.append(true);
            }
            None => out.append(false),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Builds a column of arrays out of one optional array per row.
pub(super) fn build(item_type: &DataType, rows: Vec<Option<ArrayRef>>) -> Result<ArrayRef> {
    let lengths = rows.iter().map(|r| r.as_ref().map_or(0, |a| a.len()));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    let parts: Vec<&dyn Array> = rows.iter().flatten().map(AsRef::as_ref).collect();
    let values = if parts.is_empty() {
        new_empty_array(item_type)
    } else {
        concat(&parts)?
    };
    let field = Arc::new(Field::new_list_field(item_type.clone(), true));
    Ok(Arc::new(ListArray::try_new(
        field,
        offsets,
        values,
        Some(nulls),
    )?))
}

pub(super) fn item_of(args: &Args<'_>) -> DataType {
    match &args.returns {
        DataType::List(item) => item.data_type().clone(),
        other => other.clone(),
    }
}

fn each(
    args: &Args<'_>,
    mut of: impl FnMut(ArrayRef, usize) -> Result<Option<ArrayRef>>,
) -> Result<ArrayRef> {
    let list = args.list(0)?;
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        rows.push(match list.get(row) {
            Some(items) => of(items, row)?,
            None => None,
        });
    }
    build(&item_of(args), rows)
}

fn indexed(items: &ArrayRef, indices: impl IntoIterator<Item = usize>) -> Result<ArrayRef> {
    let indices: UInt32Array = indices.into_iter().map(|i| u32::try_from(i).ok()).collect();
    Ok(take(items, &indices, None)?)
}

fn outer_array(args: &Args<'_>) -> Result<ArrayRef> {
    let list = args.list(0)?;
    let item = item_of(args);
    let null = datafusion::arrow::array::new_null_array(&item, 1);
    let rows = (0..args.rows)
        .map(|row| {
            Some(
                list.get(row)
                    .filter(|l| !l.is_empty())
                    .unwrap_or_else(|| Arc::clone(&null)),
            )
        })
        .collect();
    build(&item, rows)
}

fn positions(args: &Args<'_>) -> Result<ArrayRef> {
    let list = args.list(0)?;
    let rows = (0..args.rows)
        .map(|row| {
            let count = i32::try_from(list.get(row)?.len()).unwrap_or(i32::MAX);
            Some(Arc::new(
                (0..count)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .collect::<Int32Array>(),
            ) as ArrayRef)
        })
        .collect();
    build(&DataType::Int32, rows)
}

fn array(args: &Args<'_>) -> Result<ArrayRef> {
    let item = item_of(args);
    let columns = columns_of(args, &item)?;
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let parts: Vec<ArrayRef> = columns
            .iter()
            .map(|(c, scalar)| c.slice(if *scalar { 0 } else { row }, 1))
            .collect();
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        rows.push(Some(if parts.is_empty() {
            new_empty_array(&item)
        } else {
            concat(&parts)?
        }));
    }
    build(&item, rows)
}

pub(super) fn columns_of(args: &Args<'_>, item: &DataType) -> Result<Vec<(ArrayRef, bool)>> {
    args.values
        .iter()
        .map(|arg| {
            let flat = convert::flatten(&arg.array)?;
            let column: ArrayRef = match item {
                DataType::Utf8 => Arc::new(convert::to_text(&flat)?),
                other => cast(&flat, other)?,
            };
            Ok((column, arg.scalar))
        })
        .collect()
}

fn item(args: &Args<'_>, from_one: bool) -> Result<ArrayRef> {
    let (list, index) = (args.list(0)?, args.whole(1)?);
    if from_one && (0..args.rows).any(|row| index.get(row) == Some(0) && !list.is_null(row)) {
        return exec_err!("element_at: items are counted from 1");
    }
    let at = |items: usize, index: i64| -> Option<usize> {
        let n = match (from_one, index) {
            (false, n) => n,
            (true, n) if n < 0 => i64::try_from(items).ok()?.checked_add(n)?,
            (true, n) => n - 1,
        };
        usize::try_from(n).ok().filter(|n| *n < items)
    };
    // One gather over all the items, whatever their type.
    let values = list.array.values();
    let picks: UInt32Array = (0..args.rows)
        .map(|row| {
            let l = if list.scalar { 0 } else { row };
            if list.array.is_null(l) {
                return None;
            }
            let start = usize::try_from(list.array.value_offsets()[l]).ok()?;
            let n = at(
                usize::try_from(list.array.value_length(l)).ok()?,
                index.get(row)?,
            )?;
            u32::try_from(start + n).ok()
        })
        .collect();
    let picked = take(values, &picks, None)?;
    if picked.data_type() == &args.returns {
        Ok(picked)
    } else {
        Ok(cast(&picked, &args.returns)?)
    }
}

fn size(args: &Args<'_>, of_null: Option<i32>) -> Result<ArrayRef> {
    let list = args.list(0)?;
    let out: Int32Array = (0..args.rows)
        .map(|row| {
            list.get(row)
                .map(|l| i32::try_from(l.len()).unwrap_or(i32::MAX))
                .or(of_null)
        })
        .collect();
    Ok(Arc::new(out))
}

/// Items and a value as text, in which equality is Spark's for the types arrays here have.
fn texts_of(items: &ArrayRef) -> Result<Vec<Option<String>>> {
    Ok(convert::to_text(items)?
        .iter()
        .map(|i| i.map(str::to_owned))
        .collect())
}

fn find(
    list: &Column<ListArray>,
    value: &Column<datafusion::arrow::array::StringArray>,
    row: usize,
) -> Result<Option<(Option<usize>, bool)>> {
    let (Some(items), Some(value)) = (list.get(row), value.get(row)) else {
        return Ok(None);
    };
    let items = convert::to_text(&items)?;
    Ok(Some((
        items.iter().position(|i| i == Some(value)),
        items.null_count() > 0,
    )))
}

fn contains(args: &Args<'_>) -> Result<ArrayRef> {
    let (list, value) = (args.list(0)?, args.text(1)?);
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        out.push(match find(&list, &value, row)? {
            Some((Some(_), _)) => Some(true),
            Some((None, false)) => Some(false),
            _ => None,
        });
    }
    Ok(Arc::new(BooleanArray::from(out)))
}

fn position(args: &Args<'_>) -> Result<ArrayRef> {
    let (list, value) = (args.list(0)?, args.text(1)?);
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        out.push(
            find(&list, &value, row)?
                .map(|(at, _)| at.map_or(0, |n| i64::try_from(n + 1).unwrap_or(i64::MAX))),
        );
    }
    Ok(Arc::new(Int64Array::from(out)))
}

fn join(args: &Args<'_>) -> Result<ArrayRef> {
    let (list, separator) = (args.list(0)?, args.text(1)?);
    let null = if args.len() > 2 {
        Some(args.text(2)?)
    } else {
        None
    };
    let mut failed = Ok(());
    let out = build_text(args.rows, |row| {
        let (items, separator) = (list.get(row)?, separator.get(row)?);
        let items = match convert::to_text(&items) {
            Ok(items) => items,
            Err(e) => {
                failed = Err(e);
                return None;
            }
        };
        let replaced = null.as_ref().map(|n| n.get(row));
        let parts: Vec<&str> = items
            .iter()
            .filter_map(|i| match (i, replaced) {
                (Some(i), _) => Some(i),
                (None, Some(with)) => with,
                (None, None) => None,
            })
            .collect();
        Some(parts.join(separator))
    });
    failed.map(|()| out)
}

fn sorted(args: &Args<'_>, order: impl Fn(usize) -> Option<(bool, bool)>) -> Result<ArrayRef> {
    each(args, |items, row| {
        let Some((ascending, nulls_first)) = order(row) else {
            return Ok(None);
        };
        let options = SortOptions {
            descending: !ascending,
            nulls_first,
        };
        let indices = sort_to_indices(&items, Some(options), None)?;
        Ok(Some(take(&items, &indices, None)?))
    })
}

fn sort_array(args: &Args<'_>) -> Result<ArrayRef> {
    let ascending = if args.len() > 1 {
        Some(args.text(1)?)
    } else {
        None
    };
    sorted(args, |row| {
        let ascending = match &ascending {
            Some(a) => convert::boolean(a.get(row)?)?,
            None => true,
        };
        Some((ascending, ascending))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Distinct,
    Union,
    Intersect,
    Except,
}

fn set(args: &Args<'_>, kind: Set) -> Result<ArrayRef> {
    let other = if kind == Set::Distinct {
        None
    } else {
        Some(args.list(1)?)
    };
    each(args, |items, row| {
        let mine = texts_of(&items)?;
        let theirs_items = match &other {
            Some(other) => match other.get(row) {
                Some(items) => Some(items),
                None => return Ok(None),
            },
            None => None,
        };
        let theirs: Vec<Option<String>> = theirs_items
            .as_ref()
            .map(texts_of)
            .transpose()?
            .unwrap_or_default();
        let lookup: HashSet<&Option<String>> = theirs.iter().collect();
        let mut seen = HashSet::new();
        let keep = |value: &Option<String>| match kind {
            Set::Intersect => lookup.contains(value),
            Set::Except => !lookup.contains(value),
            _ => true,
        };
        let kept: Vec<usize> = mine
            .iter()
            .enumerate()
            .filter(|(_, v)| keep(v) && seen.insert((*v).clone()))
            .map(|(n, _)| n)
            .collect();
        let mut result = indexed(&items, kept)?;
        if kind == Set::Union
            && let Some(more) = theirs_items
        {
            let added: Vec<usize> = theirs
                .iter()
                .enumerate()
                .filter(|(_, v)| seen.insert((*v).clone()))
                .map(|(n, _)| n)
                .collect();
            let more = cast(&indexed(&more, added)?, result.data_type())?;
            result = concat(&[&result, &more])?;
        }
        Ok(Some(result))
    })
}

fn overlap(args: &Args<'_>) -> Result<ArrayRef> {
    let (a, b) = (args.list(0)?, args.list(1)?);
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        out.push(match (a.get(row), b.get(row)) {
            (Some(a), Some(b)) => {
                let (a, b) = (texts_of(&a)?, texts_of(&b)?);
                let shared = a
                    .iter()
                    .flatten()
                    .any(|v| b.iter().flatten().any(|w| v == w));
                let nulls =
                    !a.is_empty() && !b.is_empty() && (a.contains(&None) || b.contains(&None));
                if shared {
                    Some(true)
                } else {
                    (!nulls).then_some(false)
                }
            }
            _ => None,
        });
    }
    Ok(Arc::new(BooleanArray::from(out)))
}

fn remove(args: &Args<'_>) -> Result<ArrayRef> {
    let value = args.text(1)?;
    each(args, |items, row| {
        let Some(value) = value.get(row) else {
            return Ok(None);
        };
        let texts = convert::to_text(&items)?;
        let kept: Vec<usize> = texts
            .iter()
            .enumerate()
            .filter(|(_, v)| *v != Some(value))
            .map(|(n, _)| n)
            .collect();
        Ok(Some(indexed(&items, kept)?))
    })
}

fn extreme(args: &Args<'_>, wanted: Ordering) -> Result<ArrayRef> {
    let list = args.list(0)?;
    let mut picks = Vec::with_capacity(args.rows);
    let values = Arc::clone(list.array.values());
    let compare = make_comparator(&values, &values, SortOptions::default())?;
    for row in 0..args.rows {
        let l = if list.scalar { 0 } else { row };
        let range = list.array.value_offsets()[l]..list.array.value_offsets()[l + 1];
        let mut best: Option<usize> = None;
        for n in range.filter_map(|n| usize::try_from(n).ok()) {
            if list.array.is_valid(l)
                && values.is_valid(n)
                && best.is_none_or(|b| compare(n, b) == wanted)
            {
                best = Some(n);
            }
        }
        picks.push(best.and_then(|b| u32::try_from(b).ok()));
    }
    Ok(take(&values, &UInt32Array::from(picks), None)?)
}

fn slice(args: &Args<'_>) -> Result<ArrayRef> {
    let (from, length) = (args.whole(1)?, args.whole(2)?);
    if (0..args.rows).any(|row| from.get(row) == Some(0) || length.get(row).is_some_and(|l| l < 0))
    {
        return exec_err!("slice: items are counted from 1, and a length is not negative");
    }
    each(args, |items, row| {
        let (Some(from), Some(length)) = (from.get(row), length.get(row)) else {
            return Ok(None);
        };
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let start = if from > 0 { from - 1 } else { count + from };
        if start < 0 || start >= count {
            return Ok(Some(items.slice(0, 0)));
        }
        let length = length.min(count - start);
        Ok(Some(items.slice(
            usize::try_from(start).unwrap_or(0),
            usize::try_from(length).unwrap_or(0),
        )))
    })
}

fn flatten(args: &Args<'_>) -> Result<ArrayRef> {
    let item = item_of(args);
    let list = args.list(0)?;
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        rows.push(match list.get(row) {
            Some(outer) => match outer.as_list_opt::<i32>() {
                Some(inner) if inner.null_count() == 0 => {
                    let parts: Vec<ArrayRef> = (0..inner.len()).map(|n| inner.value(n)).collect();
                    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
                    Some(if parts.is_empty() {
                        new_empty_array(&item)
                    } else {
                        concat(&parts)?
                    })
                }
                Some(_) => None,
                None => return exec_err!("flatten takes an array of arrays"),
            },
            None => None,
        });
    }
    build(&item, rows)
}

/// `reverse(array)`.
pub(crate) fn reversed(args: &Args<'_>) -> Result<ArrayRef> {
    each(args, |items, _| {
        Ok(Some(indexed(&items, (0..items.len()).rev())?))
    })
}

/// `concat(array, array, ...)`.
pub(crate) fn concatenated(args: &Args<'_>) -> Result<ArrayRef> {
    let item = item_of(args);
    let lists = (0..args.len())
        .map(|n| args.list(n))
        .collect::<Result<Vec<_>>>()?;
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let parts: Option<Vec<ArrayRef>> = lists.iter().map(|l| l.get(row)).collect();
        rows.push(match parts {
            Some(parts) => {
                let parts = parts
                    .iter()
                    .map(|p| Ok(cast(p, &item)?))
                    .collect::<Result<Vec<ArrayRef>>>()?;
                let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
                Some(concat(&parts)?)
            }
            None => None,
        });
    }
    build(&item, rows)
}

//! Records of the same templates, with values in the same places, have the same keys: where the values of one went, those of
//! the next go, without a record in between. This module refuses to know why a value goes where it goes.

use hashbrown::HashMap;

use super::token::{Shape, Value};
use crate::table::batch_builder::FastPath;
use crate::table::header::Kind;
use crate::value::RawValue;
use crate::value::binxml as value;

/// Ways remembered; past that, all are forgotten and learned anew.
const MAX_WAYS: usize = 1 << 12;

/// A template that is kept, and the shape of its values.
pub(super) type HalfKey = (u64, Shape);

/// A record's template, and the one whose instance is embedded in a value.
pub(super) type Key = [Option<HalfKey>; 2];

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The value of this number, those of an embedded instance behind the others, for a column of this kind.
    Value(u32, Kind),
    /// A text of the template: where it starts and ends among the texts, and the number it is known by.
    Text(u32, u32, u32),
}

/// The way of a record's values.
pub(super) struct CompiledTemplate {
    pub(super) way: FastPath<Source>,
    texts: Box<str>,
    /// How often the value used most is used.
    uses: usize,
}

impl CompiledTemplate {
    /// What a record of so many bytes costs, in pieces of 16 bytes.
    pub(super) fn cost(&self, len: usize) -> usize {
        len.saturating_mul(self.uses) / 16 + self.way.len() + 1
    }

    #[inline(always)]
    pub(super) fn value<'v>(
        &'v self,
        from: Source,
        values: &[Value],
        data: &'v [u8],
    ) -> RawValue<'v> {
        match from {
            Source::Value(index, kind) => value::scalar(values[index as usize], data, kind),
            Source::Text(start, end, number) => {
                let text = self.texts.get(start as usize..end as usize);
                RawValue::KnownText(text.unwrap_or_default(), number)
            }
        }
    }
}

/// The ways known so far, and the records that have none.
#[derive(Default)]
pub(super) struct TemplateCache(HashMap<Key, Option<CompiledTemplate>>);

impl TemplateCache {
    #[inline]
    pub(super) fn get(&self, key: &Key) -> Option<&CompiledTemplate> {
        self.0.get(key)?.as_ref()
    }

    /// Whether there is nothing more to learn.
    pub(super) fn is_known(&self, key: &Key) -> bool {
        match self.0.get(key) {
            Some(Some(known)) => known.way.is_whole(),
            Some(None) => true,
            None => false,
        }
    }

    pub(super) fn learn(&mut self, key: Key, way: Option<CompiledTemplate>) {
        if self.0.len() >= MAX_WAYS {
            self.0.clear();
        }
        self.0.insert(key, way);
    }
}

/// Where the fields of the record at hand come from.
#[derive(Default)]
pub(super) struct Trace {
    sources: Vec<Source>,
    texts: String,
    /// Somebody will ask, and all fields so far are accounted for.
    on: bool,
}

impl Trace {
    pub(super) fn begin(&mut self, on: bool) {
        self.sources.clear();
        self.texts.clear();
        self.on = on;
    }

    #[inline]
    pub(super) fn value(&mut self, index: usize, kind: Kind) {
        if self.on {
            self.sources.push(Source::Value(index as u32, kind));
        }
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str, number: u32) {
        if self.on {
            let start = self.texts.len() as u32;
            self.texts.push_str(text);
            let end = self.texts.len() as u32;
            self.sources.push(Source::Text(start, end, number));
        }
    }

    /// A field that cannot be accounted for.
    pub(super) fn discard_value(&mut self) {
        self.on = false;
    }

    /// A way told by the fields' numbers as one told by where they come from.
    pub(super) fn way(&self, way: FastPath<u32>) -> Option<CompiledTemplate> {
        if !self.on {
            return None;
        }
        let way = way.map(|field| self.sources.get(field as usize).copied())?;
        let mut uses: HashMap<u32, usize> = HashMap::new();
        for source in way.sources() {
            if let Source::Value(index, _) = source {
                *uses.entry(index).or_default() += 1;
            }
        }
        Some(CompiledTemplate {
            way,
            texts: self.texts.as_str().into(),
            uses: uses.into_values().max().unwrap_or_default(),
        })
    }
}

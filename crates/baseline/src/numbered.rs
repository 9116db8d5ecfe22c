//! Texts as numbers that mean the same in every batch, whatever the batch's own dictionary: each distinct value of a
//! dictionary is looked up once, and a dictionary that comes again with the next batch not at all. It refuses to know
//! what the texts are.

use hashbrown::HashMap;

use crate::columns::{ABSENT, Texts, Values};

/// Different texts, each with a number.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    // Seeded: texts come from whoever wrote the log.
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
    bytes: usize,
}

impl Interner {
    /// The number of a text; none for a new one where there are `most` already.
    pub(crate) fn number(&mut self, text: &str, most: usize) -> Option<u32> {
        if let Some(n) = self.numbers.get(text) {
            return Some(*n);
        }
        if self.texts.len() >= most {
            return None;
        }
        let n = u32::try_from(self.texts.len()).ok()?;
        self.texts.push(text.into());
        self.numbers.insert(text.into(), n);
        self.bytes += text.len();
        Some(n)
    }

    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        Some(self.texts.get(number as usize)?)
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.texts.clear();
        self.bytes = 0;
    }
}

/// A key whose value was not looked up yet.
const UNKNOWN: u32 = u32::MAX - 1;

/// The numbers of one column.
#[derive(Debug, Default)]
pub(crate) struct Numbered {
    texts: Interner,
    /// The dictionary that `table` is for.
    dictionary: Option<Values>,
    /// Numbers by key; the last place is for rows without a value.
    table: Vec<u32>,
}

impl Numbered {
    /// Turns to the column of another batch.
    pub(crate) fn begin(&mut self, texts: &Texts<'_>) {
        if self.dictionary.as_ref().is_some_and(|d| d.serve(texts)) {
            return;
        }
        self.dictionary = texts.dictionary();
        self.table.clear();
        self.table.resize(texts.len(), UNKNOWN);
        self.table.push(ABSENT);
    }

    /// The number of a row's value, or [`ABSENT`], also for a new value where there are `most` already.
    #[inline]
    pub(crate) fn number(&mut self, texts: &Texts<'_>, row: usize, most: usize) -> u32 {
        let key = (texts.key(row) as usize).min(self.table.len() - 1);
        match self.table[key] {
            UNKNOWN => self.look_up(texts, key, most),
            number => number,
        }
    }

    #[cold]
    fn look_up(&mut self, texts: &Texts<'_>, key: usize, most: usize) -> u32 {
        let value = u32::try_from(key).ok().and_then(|key| texts.value(key));
        let number = value.and_then(|v| self.texts.number(v, most));
        self.table[key] = number.unwrap_or(ABSENT);
        self.table[key]
    }

    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        self.texts.text(number)
    }

    /// Bytes of all texts.
    pub(crate) fn bytes(&self) -> usize {
        self.texts.bytes
    }

    /// Forgets all numbers.
    pub(crate) fn clear(&mut self) {
        self.texts.clear();
        self.dictionary = None;
        self.table.clear();
    }
}

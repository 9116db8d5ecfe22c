//! From the binary XML of a record to its values. What a template lays out was worked out once (`program`); everything
//! irregular - streams without templates, arrays, text between elements - is walked here as it comes.

mod irregular;
mod known;
mod remains;

use bumpalo::Bump;
use rustc_hash::FxHashMap;

use super::compiled_template::Trace;
use super::element_context::Place;
use super::program::{Program, Step};
use super::templates::{Copied, Templates};
use super::token::{self, BINXML, Cursor, DEFINITION_HEADER, Damage, Read, UTF16, Value};
use super::tree::{self, Element, Part};
use crate::table::batch_builder::BatchBuilder;
use crate::table::header::{self, Kind};
use crate::table::key_id::KeyId;
use crate::table::plan::Position;
use crate::table::record::Record;
use crate::value::RawValue;
use crate::value::binxml as value;

/// What the records of one chunk may cost together, in values and pieces of 16 bytes. Real chunks cost some ten
/// thousands; one made to use the same value over and over could otherwise grow without bound.
const CHUNK_BUDGET: usize = 1 << 20;

/// Streams may nest this deep in one another.
const MAX_NESTING: usize = 64;

/// The values of a template instance: a range of [`Walker::values`].
#[derive(Clone, Copy)]
pub(super) struct Frame {
    base: usize,
    len: usize,
    /// There is a template, whose elements are repeated for the items of an array.
    template: bool,
}

impl Frame {
    /// Outside of templates.
    pub(super) const NONE: Self = Self {
        base: 0,
        len: 0,
        template: false,
    };
}

/// A template's definition in this chunk.
#[derive(Clone, Copy)]
struct Definition<'b> {
    root: &'b Element<'b>,
    copied: Copied<'b>,
}

/// Reads the records of one chunk.
pub(super) struct Walker<'b, 'r> {
    pub(super) data: &'b [u8],
    pub(super) arena: &'b Bump,
    pub(super) rows: &'r mut BatchBuilder,
    pub(super) record: Record<'b>,
    values: Vec<Value>,
    trace: Trace,
    kept: &'r mut Templates,
    definitions: FxHashMap<u32, Read<Definition<'b>>>,
    programs: FxHashMap<(u32, Place), &'b Program<'b>>,
    budget: usize,
    /// Bytes of values added to the record but not paid for yet.
    owed: usize,
    nesting: usize,
    /// Everything is walked, nothing compiled.
    walk: bool,
}

impl<'b, 'r> Walker<'b, 'r> {
    pub(super) fn new(
        data: &'b [u8],
        arena: &'b Bump,
        kept: &'r mut Templates,
        rows: &'r mut BatchBuilder,
        walk: bool,
    ) -> Self {
        Self {
            data,
            arena,
            rows,
            record: Record::default(),
            values: Vec::with_capacity(64),
            trace: Trace::default(),
            kept,
            definitions: FxHashMap::default(),
            programs: FxHashMap::default(),
            budget: CHUNK_BUDGET,
            owed: 0,
            nesting: 0,
            walk,
        }
    }

    /// Reads the record whose binary XML stands between these offsets, and offers it to the rows.
    pub(super) fn read(&mut self, at: usize, end: usize, position: Position<'_>) -> Read<()> {
        self.record.clear();
        self.nesting = 0;
        self.owed = 0;
        let key = self.key(at, end);
        if let Some(key) = &key
            && self.straight(key, end - at, position)?
        {
            return Ok(());
        }
        let learn = key.filter(|key| !self.kept.ways.is_known(key));
        self.trace.begin(learn.is_some());
        self.values.clear();
        self.stream(at, end, Place::RECORD, 0)?;
        match learn {
            None => {
                // A record of an event log is an event, whatever it lacks.
                if !self.rows.push(&self.record, position, self.arena) {
                    self.rows.push_any(&self.record, position, self.arena);
                    self.rows.pushed += 1;
                }
            }
            Some(key) => {
                let told = self.rows.push_and_plan(&self.record, position, self.arena);
                let way = told.and_then(|way| self.trace.way(way));
                self.kept.ways.learn(key, way);
            }
        }
        Ok(())
    }

    /// Reads a stream whose elements stand at `place`.
    fn stream(&mut self, at: usize, end: usize, place: Place, depth: usize) -> Read<()> {
        let cursor = Cursor::new(self.data, at, end);
        if self.nesting >= MAX_NESTING {
            return cursor.fail("streams nested too deep");
        }
        self.nesting += 1;
        if let Some(body) = token::single_instance(&cursor) {
            let mut inside = Cursor { at: body, ..cursor };
            let base = self.values.len();
            let definition = token::instance(&mut inside, &mut self.values)?;
            let rest = self.data.get(inside.at..cursor.end).unwrap_or_default();
            if matches!(rest, [] | [0, ..]) {
                let frame = self.frame(base);
                self.instance(definition, frame, place, depth)?;
                self.values.truncate(base);
                self.nesting -= 1;
                return Ok(());
            }
            self.values.truncate(base);
        }
        self.charge(at, end.saturating_sub(at))?;
        let mut whole = cursor;
        let tree = tree::build(&mut whole, false, self.arena)?;
        for &root in tree.roots {
            self.child(root, Frame::NONE, place, depth)?;
        }
        self.nesting -= 1;
        Ok(())
    }

    /// The values from `base` on, of an instance just read.
    fn frame(&self, base: usize) -> Frame {
        Frame {
            base,
            len: self.values.len() - base,
            template: true,
        }
    }

    /// Reads an instance of the template defined at this offset.
    fn instance(&mut self, definition: u32, frame: Frame, place: Place, depth: usize) -> Read<()> {
        let program = self.program_at(definition, place)?;
        let values = self.values.get(frame.base..frame.base + frame.len);
        let arrays = values.unwrap_or_default().iter().any(Value::is_array);
        if self.walk || arrays && self.must_walk(program, frame) {
            let root = self.template(definition)?.root;
            return self.element(root, frame, place, false, depth);
        }
        self.run(program, frame, depth)
    }

    /// Whether an array repeats an element in a way that the steps do not provide for.
    fn must_walk(&self, program: &Program<'_>, frame: Frame) -> bool {
        let array = |slot: &u16| self.value(frame, *slot).is_some_and(|v| v.is_array());
        program.no_arrays.iter().any(array)
    }

    fn program_at(&mut self, definition: u32, place: Place) -> Read<&'b Program<'b>> {
        if let Some(program) = self.programs.get(&(definition, place)) {
            return Ok(program);
        }
        let program = self.program(definition, place)?;
        self.programs.insert((definition, place), program);
        Ok(program)
    }

    /// The steps of the template defined at this offset.
    fn program(&mut self, definition: u32, place: Place) -> Read<&'b Program<'b>> {
        if let Some(kept) = self.kept.find(self.data, definition, place) {
            let program = Program::kept(kept, self.arena);
            self.charge(definition as usize, size_of_val(program.steps))?;
            return Ok(program);
        }
        let template = self.template(definition)?;
        let (program, lasting) = Program::compile(template.root, place, self);
        if lasting {
            let copied = template.copied;
            let kept = self
                .kept
                .keep(self.data, definition, place, copied, program);
            if let Some(kept) = kept {
                return Ok(Program::kept(kept, self.arena));
            }
        }
        Ok(program)
    }

    fn template(&mut self, definition: u32) -> Read<Definition<'b>> {
        if let Some(known) = self.definitions.get(&definition) {
            return *known;
        }
        let read = self.read_template(definition as usize);
        self.definitions.insert(definition, read);
        read
    }

    fn read_template(&mut self, definition: usize) -> Read<Definition<'b>> {
        let mut header = Cursor::new(self.data, definition, self.data.len());
        header.skip(DEFINITION_HEADER - 4)?;
        let size = header.u32()? as usize;
        let start = header.at;
        header.skip(size)?;
        self.charge(start, size)?;
        let end = header.at;
        let mut body = Cursor::new(self.data, start, end);
        let tree = tree::build(&mut body, true, self.arena)?;
        let marks = tree.marks;
        match tree.roots {
            [Part::Element(root)] => Ok(Definition {
                root,
                copied: Copied { start, end, marks },
            }),
            _ => Err(Damage {
                at: definition,
                what: "a template without one root element",
            }),
        }
    }

    fn run(&mut self, program: &'b Program<'b>, frame: Frame, depth: usize) -> Read<()> {
        // Every step looks at one value at most; what it adds to the record is decoded only if that is paid for.
        self.charge(0, 16 * program.steps.len())?;
        let mut steps = program.steps.iter();
        while let Some(step) = steps.next() {
            match *step {
                Step::Text {
                    node,
                    start,
                    end,
                    number,
                } => {
                    let text = program.texts.get(start as usize..end as usize);
                    let text = text.unwrap_or_default();
                    self.record.push(node, RawValue::KnownText(text, number));
                    self.trace.text(text, number);
                }
                Step::Attribute {
                    node,
                    slot,
                    optional,
                    kind,
                    empty,
                } => {
                    let Some(v) = self.value(frame, slot) else {
                        continue;
                    };
                    if v.kind == BINXML || (optional && self.is_empty(v)) {
                        continue;
                    }
                    self.show(v, frame.base + usize::from(slot), node, kind, empty);
                }
                Step::Leaf {
                    node,
                    slot,
                    kind,
                    place,
                    wanted,
                    empty,
                } => match self.value(frame, slot) {
                    Some(v) if v.kind == BINXML && v.len > 0 => {
                        let at = v.at as usize;
                        self.stream(at, at + v.len as usize, place, depth + 1)?;
                    }
                    _ if !wanted => {}
                    Some(v) if v.is_array() => self.spread(v, node, empty)?,
                    Some(v) => self.show(v, frame.base + usize::from(slot), node, kind, empty),
                    None if empty => self.push_wanted(node, RawValue::Text(""))?,
                    None => {}
                },
                Step::Guard { slot, skip } => {
                    if self.value(frame, slot).is_some_and(|v| v.is_null()) && skip > 0 {
                        steps.nth(skip as usize - 1);
                    }
                }
                Step::Walk {
                    element,
                    place,
                    expand,
                } => {
                    let element = program.elements[element as usize];
                    self.element(element, frame, place, expand, depth)?;
                }
            }
        }
        let owed = std::mem::take(&mut self.owed);
        self.charge(0, owed)
    }

    /// Adds the value in this place.
    #[inline(always)]
    fn show(&mut self, v: Value, index: usize, node: KeyId, kind: Kind, empty: bool) {
        self.owed += v.len as usize;
        let raw = value::scalar(v, self.data, kind);
        if empty || !is_blank(raw) {
            self.record.push(node, raw);
            self.trace.value(index, kind);
        }
    }

    /// An array as the only content of an element without attributes: the element is there for each item.
    fn spread(&mut self, v: Value, node: KeyId, empty: bool) -> Read<()> {
        let items = value::items(v, self.data);
        // None at all is an element without content.
        if items.is_empty() && empty {
            self.push_wanted(node, RawValue::Text(""))?;
        }
        for item in items {
            let raw = value::scalar(item, self.data, Kind::Text);
            if !is_blank(raw) || empty {
                self.push_wanted(node, raw)?;
            }
        }
        Ok(())
    }

    /// What kind of value the column wants that this node feeds.
    pub(super) fn kind(&mut self, node: KeyId) -> Kind {
        let feed = self.rows.names().info(node).feed;
        feed.map_or(Kind::Text, |f| {
            header::columns()[usize::from(f.column)].kind
        })
    }

    fn value(&self, frame: Frame, slot: u16) -> Option<Value> {
        let slot = usize::from(slot);
        if slot >= frame.len {
            return None;
        }
        self.values.get(frame.base + slot).copied()
    }

    /// Whether a place for an optional value stays empty.
    fn is_empty(&self, v: Value) -> bool {
        let bytes = v.bytes(self.data);
        match v.kind {
            UTF16 => token::until_nul(bytes).is_empty(),
            kind => value::is_blank(kind, bytes),
        }
    }

    fn push(&mut self, node: KeyId, raw: RawValue<'b>) -> Read<()> {
        if !self.rows.wants(node) {
            return Ok(());
        }
        self.push_wanted(node, raw)
    }

    fn push_wanted(&mut self, node: KeyId, raw: RawValue<'b>) -> Read<()> {
        let len = match raw {
            RawValue::Text(t) | RawValue::KnownText(t, _) => t.len(),
            RawValue::Utf16(b)
            | RawValue::Escaped(b)
            | RawValue::KnownEscaped(b, _)
            | RawValue::Typed(_, b) => b.len(),
            RawValue::Int(_) | RawValue::Time(_) => 0,
        };
        self.charge(0, len + 16)?;
        self.record.push(node, raw);
        self.trace.discard_value();
        Ok(())
    }

    /// Pays for work on so many bytes.
    fn charge(&mut self, at: usize, bytes: usize) -> Read<()> {
        let left = self.budget.checked_sub(bytes / 16 + 1);
        self.budget = left.ok_or(Damage {
            at,
            what: "the chunk's records repeat their values without end",
        })?;
        Ok(())
    }
}

/// A name without its namespace prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

pub(super) fn is_blank(raw: RawValue<'_>) -> bool {
    match raw {
        RawValue::Text(t) | RawValue::KnownText(t, _) => t.is_empty(),
        RawValue::Utf16(b) => matches!(b, [] | [0, 0, ..]),
        RawValue::Escaped(b) | RawValue::KnownEscaped(b, _) => b.is_empty(),
        RawValue::Typed(kind, b) => value::is_blank(kind, b),
        RawValue::Int(_) | RawValue::Time(_) => false,
    }
}

//! Deleted records. Something newer may have taken the place of their templates; what is left then is values without names.
//! Those of the header stand in the same order in the templates of nearly all providers, and their types tell whether
//! they do; the others are numbered. Nothing is read by a template that is not the record's own.

use super::super::element_context::{Inside, Place};
use super::super::token::{self, BINXML, Cursor, Read, Value};
use super::{Walker, is_blank};
use crate::table::header::Kind;
use crate::table::key_id::{DATA, ROOT, SYSTEM};
use crate::table::plan::Position;
use crate::value::binxml;

/// A value of the header: its place among all values, its path in `System`, its type, and whether a record without it is
/// none.
struct HeaderSlot(usize, &'static [&'static str], u8, bool);

const HEADER: [HeaderSlot; 13] = [
    HeaderSlot(0, &["Level"], 0x04, false),
    HeaderSlot(1, &["Opcode"], 0x04, false),
    HeaderSlot(2, &["Task"], 0x06, false),
    HeaderSlot(3, &["EventID"], 0x06, true),
    HeaderSlot(5, &["Keywords"], 0x15, false),
    HeaderSlot(6, &["TimeCreated", "SystemTime"], 0x11, true),
    HeaderSlot(8, &["Execution", "ProcessID"], 0x08, false),
    HeaderSlot(9, &["Execution", "ThreadID"], 0x08, false),
    HeaderSlot(10, &["EventRecordID"], 0x0a, true),
    HeaderSlot(11, &["Version"], 0x04, false),
    HeaderSlot(12, &["Security", "UserID"], 0x13, false),
    HeaderSlot(14, &["Provider", "Name"], 0x01, false),
    HeaderSlot(16, &["Channel"], 0x01, false),
];

/// Where the event's own data may stand.
const AFTER_HEADER: usize = 17;

const EVENT: Place = Place {
    inside: Inside::Event,
    node: ROOT,
};

impl Walker<'_, '_> {
    /// Reads a deleted record whose binary XML stands between these offsets, and offers it to the rows.
    pub(in super::super) fn read_deleted(
        &mut self,
        at: usize,
        end: usize,
        position: Position<'_>,
    ) -> Read<()> {
        if self.is_whole(at, end)? {
            return self.read(at, end, position);
        }
        self.record.clear();
        self.nesting = 0;
        self.owed = 0;
        self.trace.begin(false);
        self.charge(at, end.saturating_sub(at))?;
        self.instance_values(at, end)?;
        for HeaderSlot(slot, path, kind, needed) in HEADER {
            let found = self.values.get(slot).copied().filter(|v| v.kind == kind);
            match found {
                Some(value) => self.header_value(path, value)?,
                None if needed => {
                    return Cursor::new(self.data, at, end).fail("its template is overwritten");
                }
                None => {}
            }
        }
        let data = self.values.iter().skip(AFTER_HEADER);
        let data = data.copied().find(|v| v.kind == BINXML && v.len > 0);
        if let Some(data) = data {
            self.own_data(data)?;
        }
        if !self.rows.push(&self.record, position, self.arena) {
            self.rows.push_any(&self.record, position, self.arena);
            self.rows.pushed += 1;
        }
        Ok(())
    }

    /// Whether the templates are there that the record and what is embedded in it name.
    fn is_whole(&mut self, at: usize, end: usize) -> Read<bool> {
        let own = |at: usize, end: usize| {
            let cursor = Cursor::new(self.data, at, end);
            token::single_instance(&cursor).is_some_and(|body| is_own_template(self.data, body))
        };
        if !own(at, end) {
            return Ok(false);
        }
        self.instance_values(at, end)?;
        let embedded = self.values.iter().filter(|v| v.kind == BINXML && v.len > 0);
        let place = |v: &Value| (v.at as usize, v.at as usize + v.len as usize);
        let mut places = embedded.map(place);
        Ok(places.all(|(at, end)| {
            let cursor = Cursor::new(self.data, at, end);
            let body = token::single_instance(&cursor);
            body.is_none_or(|body| is_own_template(self.data, body))
        }))
    }

    /// The values of the only thing in this stream.
    fn instance_values(&mut self, at: usize, end: usize) -> Read<()> {
        self.values.clear();
        let cursor = Cursor::new(self.data, at, end);
        let Some(body) = token::single_instance(&cursor) else {
            return cursor.fail("no template");
        };
        let mut inside = Cursor { at: body, ..cursor };
        token::instance(&mut inside, &mut self.values).map(drop)
    }

    fn header_value(&mut self, path: &[&str], value: Value) -> Read<()> {
        let mut node = SYSTEM;
        for key in path {
            node = self.rows.names().child(node, key.as_bytes());
        }
        let kind = self.kind(node);
        let raw = binxml::scalar(value, self.data, kind);
        match is_blank(raw) {
            true => Ok(()),
            false => self.push(node, raw),
        }
    }

    /// The event's own data: by its template if that is there, else numbered.
    fn own_data(&mut self, data: Value) -> Read<()> {
        let (at, end) = (data.at as usize, data.at as usize + data.len as usize);
        let cursor = Cursor::new(self.data, at, end);
        let body = token::single_instance(&cursor);
        let Some(body) = body.filter(|body| !is_own_template(self.data, *body)) else {
            return self.stream(at, end, EVENT, 1);
        };
        let base = self.values.len();
        token::instance(&mut Cursor { at: body, ..cursor }, &mut self.values)?;
        let node = self.rows.names().child(DATA, b"Data");
        for n in base..self.values.len() {
            let value = self.values[n];
            match value.kind {
                BINXML => {}
                _ if value.is_array() => self.spread(value, node, false)?,
                _ => {
                    let raw = binxml::scalar(value, self.data, Kind::Text);
                    if !is_blank(raw) {
                        self.push(node, raw)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether what lies where an instance expects its template is that template. `body` is where the instance begins, behind
/// its token.
fn is_own_template(data: &[u8], body: usize) -> bool {
    let Some((id, at)) = data
        .get(body + 1..body + 5)
        .zip(data.get(body + 5..body + 9))
    else {
        return false;
    };
    let at = at.first_chunk().map_or(0, |b| u32::from_le_bytes(*b)) as usize;
    // A definition begins with the place of another, and goes on with what tells it.
    data.get(at + 4..at + 8) == Some(id)
}

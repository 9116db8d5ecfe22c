//! Records like one before: told by their templates and the shape of their values, whose way is known.

use super::super::compiled_template::{HalfKey, Key, Source};
use super::super::element_context::Place;
use super::super::token::{self, Cursor, Read, Shape, Value};
use super::Walker;
use crate::table::plan::Position;

impl Walker<'_, '_> {
    /// What decides which way a record's values go, if they may go straight. Leaves its values in `values`.
    pub(super) fn key(&mut self, at: usize, end: usize) -> Option<Key> {
        self.values.clear();
        if self.walk {
            return None;
        }
        let (outer, embedded) = self.half(at, end, Place::RECORD)?;
        let Some((v, place)) = embedded else {
            return Some([Some(outer), None]);
        };
        let at = v.at as usize;
        match self.half(at, at + v.len as usize, place)? {
            (inner, None) => Some([Some(outer), Some(inner)]),
            _ => None,
        }
    }

    /// One instance's part in it, and the value and place of what is embedded in it.
    #[inline]
    fn half(
        &mut self,
        at: usize,
        end: usize,
        place: Place,
    ) -> Option<(HalfKey, Option<(Value, Place)>)> {
        let cursor = Cursor::new(self.data, at, end);
        let body = token::single_instance(&cursor)?;
        let mut inside = Cursor { at: body, ..cursor };
        let base = self.values.len();
        let definition = token::instance(&mut inside, &mut self.values).ok()?;
        let rest = self.data.get(inside.at..cursor.end).unwrap_or_default();
        if !matches!(rest, [] | [0, ..]) {
            return None;
        }
        let values = self.values.get(base..)?;
        let (shape, embedded) = Shape::of(values, self.data)?;
        let embedded = embedded.and_then(|slot| Some((slot, *values.get(usize::from(slot))?)));
        let program = self.program_at(definition, place).ok()?;
        let embedded = match embedded {
            Some((slot, v)) => Some((v, program.embeds(slot)?)),
            None => None,
        };
        Some(((program.id?, shape), embedded))
    }

    /// Puts the values of a record of `len` bytes where those of one like it went; `false` if that is not known.
    pub(super) fn straight(&mut self, key: &Key, len: usize, position: Position<'_>) -> Read<bool> {
        let Some(way) = self.kept.ways.get(key) else {
            return Ok(false);
        };
        let cost = way.cost(len);
        let (values, data) = (&*self.values, self.data);
        let Some(left) = self.budget.checked_sub(cost) else {
            return self.charge(0, usize::MAX).map(|()| false);
        };
        self.budget = left;
        let value = |source: Source| way.value(source, values, data);
        Ok(self
            .rows
            .push_with_plan(&way.way, value, position, self.arena))
    }
}

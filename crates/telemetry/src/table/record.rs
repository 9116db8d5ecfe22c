//! One record as a reader found it: keys already told apart, values not yet decoded, so that a record that a filter
//! drops costs no decoding.

use crate::table::key_id::KeyId;
use crate::table::record_layout::LayoutId;
use crate::value::RawValue;

/// The fields of one record in the order the input has them.
#[derive(Debug, Default)]
pub struct Record<'a> {
    pub(crate) fields: Vec<(KeyId, RawValue<'a>)>,
    /// It is a nested Winlogbeat document, whichever of its fields were asked for.
    pub(crate) beat: bool,
    /// What its fields are, if the reader can tell without looking.
    pub(crate) shape: LayoutId,
    /// It has a value, whether or not anybody asked for it.
    pub(crate) any: bool,
    /// One of its keys says that its event is in a shape that readers do not know.
    pub(crate) wrapped: bool,
}

impl<'a> Record<'a> {
    /// Adds a field. Repeated keys are welcome: the table keeps every value.
    #[inline]
    pub fn push(&mut self, node: KeyId, value: RawValue<'a>) {
        self.fields.push((node, value));
    }

    /// Makes room for the next record.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.beat = false;
        self.shape = LayoutId::UNKNOWN;
        self.any = false;
        self.wrapped = false;
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

//! How the crate holds the model: static, as the build script wrote it. An id is the place of a row in its table; it
//! dereferences to the row, prints as the row's name, and serialises as that name.

use crate::model::{calls::*, map::*, techniques::*};
use crate::tables;
use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

pub type Text = &'static str;
pub type List<T> = &'static [T];

macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident is $row:ident in $table:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id(pub(crate) u16);

        impl $id {
            /// Every row's id, in the table's order.
            pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
                (0..tables::$table().len() as u16).map(Self)
            }

            /// The row with exactly this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::all().find(|id| id.slug() == name)
            }

            /// The name of the row, unique within its table.
            pub fn slug(self) -> &'static str {
                self.row().id
            }

            /// The row.
            pub fn row(self) -> &'static $row {
                // The build script made the number from the table; see `build/check.rs`.
                &tables::$table()[usize::from(self.0)]
            }
        }

        impl Deref for $id {
            type Target = $row;
            fn deref(&self) -> &$row {
                self.row()
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.slug())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($id), self.slug())
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.slug())
            }
        }

        #[cfg(test)]
        impl schemars::JsonSchema for $id {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($id).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let what = format!("The `id` of a {}.", stringify!($row));
                schemars::json_schema!({ "type": "string", "description": what })
            }
        }
    )*};
}

ids! {
    /// Names a [`Source`].
    SourceId is Source in sources;
    /// Names a [`Sensor`].
    SensorId is Sensor in sensors;
    /// Names a [`Mechanism`].
    MechanismId is Mechanism in mechanisms;
    /// Names an [`Event`], `sensor:number`.
    EventId is Event in events;
    /// Names an [`Api`].
    ApiId is Api in apis;
    /// Names a [`Behaviour`].
    BehaviourId is Behaviour in behaviours;
    /// Names a way of [`Tampering`].
    TamperingId is Tampering in tampering;
    /// Names a [`Component`].
    ComponentId is Component in components;
}

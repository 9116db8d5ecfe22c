//! Turns a serialisable value into the Rust expression of the same value, so that the data files become static tables.
//! It knows Rust's literals and the catalog's ids, and nothing of what the data means.

use serde::ser::{self, Serialize};
use std::collections::HashMap;
use std::fmt::{self, Display, Write};

/// For every id type (`MechanismId`), the place of each slug in its table.
pub type RowPlaces = HashMap<&'static str, HashMap<String, usize>>;

/// The Rust expression for `value`.
pub fn literal<T: Serialize>(value: &T, places: &RowPlaces) -> Result<String, LiteralError> {
    let mut writer = LiteralWriter {
        out: String::new(),
        places,
        id: None,
    };
    value.serialize(&mut writer)?;
    Ok(writer.out)
}

/// A value that has no literal, or an id that names no row.
#[derive(Debug)]
pub struct LiteralError(String);

impl Display for LiteralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LiteralError {}

impl ser::Error for LiteralError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct LiteralWriter<'a> {
    out: String,
    places: &'a RowPlaces,
    /// The id type whose slug comes next.
    id: Option<&'static str>,
}

impl LiteralWriter<'_> {
    fn put(&mut self, text: impl Display) -> Result<(), LiteralError> {
        write!(self.out, "{text}").map_err(|e| LiteralError(e.to_string()))
    }
}

/// `from-source` to `FromSource`.
fn pascal(name: &str) -> String {
    name.split(['-', '_'])
        .map(|part| {
            let mut chars = part.chars();
            chars.next().map_or(String::new(), |first| {
                first.to_ascii_uppercase().to_string() + chars.as_str()
            })
        })
        .collect()
}

macro_rules! numbers {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<(), LiteralError> { self.put(value) })*
    };
}

macro_rules! refused {
    ($($method:ident($($arg:ident: $type:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $($arg: $type),*) -> Result<$ok, LiteralError> {
            $(let _ = $arg;)*
            Err(LiteralError(concat!("no literal for ", stringify!($method)).into()))
        })*
    };
}

impl ser::Serializer for &mut LiteralWriter<'_> {
    type Ok = ();
    type Error = LiteralError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = ser::Impossible<(), LiteralError>;
    type SerializeTupleVariant = ser::Impossible<(), LiteralError>;
    type SerializeMap = ser::Impossible<(), LiteralError>;
    type SerializeStruct = Self;
    type SerializeStructVariant = ser::Impossible<(), LiteralError>;

    numbers! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    }

    fn serialize_str(self, value: &str) -> Result<(), LiteralError> {
        match self.id.take() {
            None => self.put(format_args!("{value:?}")),
            Some(id) => {
                let place = self.places.get(id).and_then(|places| places.get(value));
                let place = place
                    .ok_or_else(|| LiteralError(format!("{id}: nothing is called {value:?}")))?;
                self.put(place)
            }
        }
    }

    fn serialize_none(self) -> Result<(), LiteralError> {
        self.put("None")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), LiteralError> {
        self.put("Some(")?;
        value.serialize(&mut *self)?;
        self.put(")")
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), LiteralError> {
        self.put(format_args!("{name}::{}", pascal(variant)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), LiteralError> {
        self.put(format_args!("{name}("))?;
        self.id = Some(name);
        value.serialize(&mut *self)?;
        self.put(")")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, LiteralError> {
        self.put("&[")?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, LiteralError> {
        self.put("(")?;
        Ok(self)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self, LiteralError> {
        self.put(format_args!("{name}{{"))?;
        Ok(self)
    }

    refused! {
        serialize_f32(v: f32) -> ();
        serialize_f64(v: f64) -> ();
        serialize_char(v: char) -> ();
        serialize_bytes(v: &[u8]) -> ();
        serialize_unit() -> ();
        serialize_unit_struct(n: &'static str) -> ();
        serialize_tuple_struct(n: &'static str, l: usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(n: &'static str, i: u32, v: &'static str, l: usize) -> Self::SerializeTupleVariant;
        serialize_map(l: Option<usize>) -> Self::SerializeMap;
        serialize_struct_variant(n: &'static str, i: u32, v: &'static str, l: usize) -> Self::SerializeStructVariant;
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), LiteralError> {
        self.put(format_args!("{name}::{}(", pascal(variant)))?;
        value.serialize(&mut *self)?;
        self.put(")")
    }
}

impl ser::SerializeSeq for &mut LiteralWriter<'_> {
    type Ok = ();
    type Error = LiteralError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LiteralError> {
        value.serialize(&mut **self)?;
        self.put(",")
    }
    fn end(self) -> Result<(), LiteralError> {
        self.put("]")
    }
}

impl ser::SerializeTuple for &mut LiteralWriter<'_> {
    type Ok = ();
    type Error = LiteralError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LiteralError> {
        value.serialize(&mut **self)?;
        self.put(",")
    }
    fn end(self) -> Result<(), LiteralError> {
        self.put(")")
    }
}

impl ser::SerializeStruct for &mut LiteralWriter<'_> {
    type Ok = ();
    type Error = LiteralError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), LiteralError> {
        self.put(format_args!("{key}:"))?;
        value.serialize(&mut **self)?;
        self.put(",")
    }
    fn end(self) -> Result<(), LiteralError> {
        self.put("}\n")
    }
}

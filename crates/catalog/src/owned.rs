//! The model over owned text, as it is read from files, and how it becomes the static text of the tables. The shapes are
//! those of `model`, included a second time; nothing here says them again.

/// How the model is held while it is read.
mod storage {
    pub type Text = String;
    pub type List<T> = Vec<T>;

    macro_rules! ids {
        ($($id:ident by $place:ident;)*) => {$(
            #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
            pub struct $id(pub String);

            impl super::IntoStatic for $id {
                type Static = crate::storage::$id;
                fn into_static(self, places: &super::PlacesByName) -> Result<Self::Static, String> {
                    let place = places.$place.get(&self.0).copied();
                    place
                        .map(crate::storage::$id)
                        .ok_or_else(|| format!("no row is called {:?}", self.0))
                }
            }
        )*};
    }
    ids! {
        SourceId by sources;
        SensorId by sensors;
        MechanismId by mechanisms;
        EventId by events;
        ApiId by apis;
        ComponentId by components;
    }
}

use std::collections::HashMap;

/// The place of every row of a table that others refer to, by its name.
#[derive(Debug, Default)]
pub(crate) struct PlacesByName {
    pub(crate) sources: HashMap<String, u16>,
    pub(crate) sensors: HashMap<String, u16>,
    pub(crate) mechanisms: HashMap<String, u16>,
    pub(crate) events: HashMap<String, u16>,
    pub(crate) apis: HashMap<String, u16>,
    pub(crate) components: HashMap<String, u16>,
}

/// What is read becomes what the tables hold. The text stays for as long as the program runs.
pub(crate) trait IntoStatic {
    type Static: 'static;
    /// The value over static text; an error names a reference that leads nowhere.
    fn into_static(self, places: &PlacesByName) -> Result<Self::Static, String>;
}

impl IntoStatic for String {
    type Static = &'static str;
    fn into_static(self, _: &PlacesByName) -> Result<&'static str, String> {
        Ok(Box::leak(self.into_boxed_str()))
    }
}

impl<T: IntoStatic> IntoStatic for Vec<T> {
    type Static = &'static [T::Static];
    fn into_static(self, places: &PlacesByName) -> Result<Self::Static, String> {
        let rows: Result<Vec<_>, _> = self.into_iter().map(|r| r.into_static(places)).collect();
        Ok(Box::leak(rows?.into_boxed_slice()))
    }
}

impl<T: IntoStatic> IntoStatic for Option<T> {
    type Static = Option<T::Static>;
    fn into_static(self, places: &PlacesByName) -> Result<Self::Static, String> {
        self.map(|value| value.into_static(places)).transpose()
    }
}

macro_rules! as_it_is {
    ($($type:ty)*) => {
        $(impl IntoStatic for $type {
            type Static = $type;
            fn into_static(self, _: &PlacesByName) -> Result<$type, String> {
                Ok(self)
            }
        })*
    };
}
as_it_is! { bool u32 u64 }

/// The static shapes by their plain names.
pub(crate) mod fixed {
    pub(crate) use crate::model::{
        Mark, calls::*, evidence::*, map::*, rights::*, techniques::*, when::*,
    };
}

macro_rules! model {
    () => {};
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$about:meta])* pub $field:ident: $type:ty,)*
    } $($rest:tt)*) => {
        #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub struct $name { $($(#[$about])* pub $field: $type,)* }

        impl crate::owned::IntoStatic for $name {
            type Static = crate::owned::fixed::$name;
            fn into_static(self, places: &crate::owned::PlacesByName) -> Result<Self::Static, String> {
                Ok(crate::owned::fixed::$name { $($field: self.$field.into_static(places)?,)* })
            }
        }
        model! { $($rest)* }
    };
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$about:meta])* $variant:ident,)*
    } $($rest:tt)*) => {
        #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
        $(#[$meta])*
        pub enum $name { $($(#[$about])* $variant,)* }

        impl crate::owned::IntoStatic for $name {
            type Static = crate::owned::fixed::$name;
            fn into_static(self, _: &crate::owned::PlacesByName) -> Result<Self::Static, String> {
                Ok(match self { $(Self::$variant => crate::owned::fixed::$name::$variant,)* })
            }
        }
        model! { $($rest)* }
    };
}

// The build script reads the same files as a third form; a shape is written once.
#[allow(clippy::duplicate_mod, dead_code)]
#[path = "model/mod.rs"]
pub(crate) mod model;

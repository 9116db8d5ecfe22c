//! The knowledge Scotoma stands on, as data with its sources: which Windows API calls reach which registration
//! mechanisms, which events those give, what they do not see and how they are silenced; which access rights calls need.
//!
//! The rows live in `data/*.yaml`. The build script checks them and compiles them in as static tables, so that nothing is
//! parsed when a question is asked. Every row keeps its sources and its [`Mark`]. This crate knows nothing of recorded
//! events, of configurations or of rules.

/// How the crate holds the model: static, as the build script wrote it.
mod storage {
    pub type Text = &'static str;
    pub type List<T> = &'static [T];
}

macro_rules! model {
    ($($(#[$meta:meta])* pub $kind:ident $name:ident { $($body:tt)* })*) => {
        $(#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)] $(#[$meta])*
        pub $kind $name { $($body)* })*
    };
}

mod model;
pub mod rights;

pub use model::Mark;

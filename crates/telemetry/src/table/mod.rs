//! From keys and values to columns: what a key means, which value fills the header, and the batches.

pub(crate) mod batch_builder;
mod column;
mod dictionary;
pub mod header;
mod header_resolution;
pub(crate) mod key_id;
mod key_meaning;
pub(crate) mod key_predictor;
pub(crate) mod key_tree;
mod keys;
pub(crate) mod layout_plan;
pub mod plan;
mod prefix_words;
pub(crate) mod record;
pub(crate) mod record_layout;
pub(crate) mod value_cache;

#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod parquet_columns;
pub mod spark;

pub use parquet_columns::{ColumnsError, columns};

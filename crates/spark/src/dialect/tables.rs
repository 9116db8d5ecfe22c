//! What the dialect needs to be told about the tables a query may name.
//! It refuses to know what a table holds: fields are discovered while reading, so a name nobody has seen yet is legal.

use crate::functions::udf::Scalar;

/// The tables and views a query can name, and how their columns answer to the names people use.
pub trait Tables {
    /// The name a table is registered under (lower case), for a name as a query writes it, in any case; `None` if unknown.
    fn table(&self, name: &str) -> Option<String>;

    /// All names a query can use, for suggestions.
    fn names(&self) -> Vec<String>;

    /// The lower-case column that `name` stands for in the registered table `table`: a known field in any case, or an alias
    /// of a header field (`event_id`, `Hostname`, `@timestamp`). `None` when no such column is known so far, which is legal:
    /// the name is then reported in [`Mention`] under its own lower-case spelling.
    fn canonical(&self, table: &str, name: &str) -> Option<String>;

    /// Functions that a query can call beside Spark's.
    fn functions(&self) -> &'static [Scalar] {
        &[]
    }

    /// All columns of the table under their display names, in order: what `*` stands for.
    fn columns(&self, table: &str) -> Vec<String>;
}

/// A column of a table that a query mentions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mention {
    /// The registered name of the table.
    pub table: String,
    /// The lower-case column name the rewritten query uses; the table must have it when the query is planned.
    pub column: String,
    /// The name as the query wrote it (first occurrence).
    pub written: String,
    /// Whether the catalog knew the column. When false, the name may be a field that no event has.
    pub known: bool,
}

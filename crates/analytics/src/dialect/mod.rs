//! Spark SQL for recorded events: the user's query in, a query the engine plans out, with every name resolved and every
//! difference between the two dialects settled. It refuses to read data, and refuses every statement that does anything but read.

mod build;
mod call;
mod coerce;
mod display;
mod error;
mod expr;
mod from;
mod lateral;
mod literal;
mod operators;
mod parser;
mod query;
mod resolve;
mod scope;
mod select;
mod session;
mod tables;

use datafusion::common::DFSchema;
use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::parser::{ExplainStatement, Statement};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;

pub(crate) use error::nearest;
pub use error::{Position, SqlError, SqlErrorKind};
pub(crate) use literal::like_pattern;
pub use session::{SessionOptions, session_context, session_state};
pub use tables::{Mention, OutputName, Tables};

/// A query that is ready to be planned.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The rewritten statement: lower-case column names only, no two output columns alike.
    pub statement: Statement,
    /// The names of the output columns as the query wrote them, in order. They may repeat.
    pub output_names: Vec<OutputName>,
    /// The columns of tables that the query mentions; each must exist in its table when the statement is planned.
    pub mentioned: Vec<Mention>,
    /// Whether the query asks for the plan rather than for rows.
    pub explains: bool,
}

/// Reads a Spark SQL query and resolves its names against `tables`.
///
/// # Errors
/// Where the text is not one read-only query, names a table, function or column that does not exist, or uses something that
/// is not supported. The error knows the line and column in `sql`.
pub fn prepare(sql: &str, tables: &dyn Tables) -> Result<Prepared, SqlError> {
    let (ask, query) = parser::parse(sql)?;
    let mut resolver = resolve::Resolver::new(tables);
    let (query, outputs) = resolver.query(*query, None)?;
    let output_names = resolver.output_names(&outputs);
    let statement = Statement::Statement(Box::new(SqlStatement::Query(Box::new(query))));
    let (statement, explains) = match ask {
        parser::Ask::Rows => (statement, false),
        parser::Ask::Explain { verbose, analyze } => {
            let options = ExplainStatementOptions {
                analyze,
                verbose,
                ..Default::default()
            };
            let explain = ExplainStatement {
                options,
                statement: Box::new(statement),
            };
            (Statement::Explain(explain), true)
        }
    };
    Ok(Prepared {
        statement,
        output_names,
        mentioned: resolver.into_mentions(),
        explains,
    })
}

impl Prepared {
    /// The display names of the planned query's columns: what the query wrote, and `name_of(table, column)` for the columns
    /// that a wildcard brought in.
    pub fn column_names(
        &self,
        schema: &DFSchema,
        name_of: impl Fn(&str, &str) -> String,
    ) -> Vec<String> {
        if self.explains {
            return schema.fields().iter().map(|f| f.name().clone()).collect();
        }
        let mut names = Vec::with_capacity(schema.fields().len());
        let named = |n: &OutputName| matches!(n, OutputName::Named(_));
        let mut fields = schema.iter().peekable();
        for (n, output) in self.output_names.iter().enumerate() {
            match output {
                OutputName::Named(name) => {
                    fields.next();
                    names.push(name.clone());
                }
                OutputName::Wildcard {
                    table, relation, ..
                } => {
                    // A last wildcard takes what the names after it leave; one before another ends where its relation ends.
                    let after = self.output_names[n + 1..]
                        .iter()
                        .all(named)
                        .then(|| self.output_names.len() - n - 1);
                    while let Some((qualifier, field)) = fields.peek() {
                        let more = match after {
                            Some(after) => schema.fields().len() - names.len() > after,
                            None => qualifier.is_some_and(|q| q.table() == relation),
                        };
                        if !more {
                            break;
                        }
                        names.push(name_of(table, field.name()));
                        fields.next();
                    }
                }
            }
        }
        names
    }
}

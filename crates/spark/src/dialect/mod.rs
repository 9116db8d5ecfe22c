//! Spark SQL for recorded events: the user's query in, a query the engine plans out, with every name resolved and every
//! difference between the two dialects settled. It refuses to read data, and refuses every statement that does anything but read.

mod build;
mod call;
mod coerce;
mod display;
mod doubts;
mod error;
mod expr;
mod from;
mod ids;
mod lateral;
mod like;
mod literal;
mod missing;
mod operators;
mod parser;
mod plan;
mod query;
mod resolve;
mod scope;
mod select;
mod session;
mod tables;
mod tokens;
mod units;

use std::collections::BTreeMap;

use datafusion::common::DFSchema;
use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::parser::{ExplainStatement, Statement};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;

pub use error::{Position, SqlError, SqlErrorKind};
pub use ids::EVENT_ID;
pub use ids::LookedAt;
pub(crate) use literal::like_pattern;
pub use plan::{TableSources, logical_plan};
pub use session::{SessionOptions, session_context, session_state};
pub use tables::{Mention, Tables};

/// A query that is ready to be planned.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The rewritten statement: lower-case column names only, no two output columns alike.
    pub statement: Statement,
    /// The names of the output columns as the query wrote them, in order. They may repeat.
    pub output_names: Vec<String>,
    /// The tables that the query reads, under their registered names, and the events it looks at in each.
    pub tables: BTreeMap<String, LookedAt>,
    /// The columns of tables that the query mentions; each must exist in its table when the statement is planned.
    pub mentioned: Vec<Mention>,
    /// Whether the query asks for the plan rather than for rows.
    pub explains: bool,
    /// What a person should know of the query's literals, in words.
    pub doubts: Vec<String>,
}

/// Reads a Spark SQL query and resolves its names against `tables`.
///
/// # Errors
/// Where the text is not one read-only query, names a table, function or column that does not exist, or uses something that
/// is not supported. The error knows the line and column in `sql`.
pub fn prepare(sql: &str, tables: &dyn Tables) -> Result<Prepared, SqlError> {
    let (ask, query, doubts) = parser::parse(sql)?;
    let mut resolver = resolve::Resolver::new(tables);
    let (query, outputs) = resolver.query(*query, None)?;
    let output_names = outputs.into_iter().map(|c| c.name).collect();
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
    let (tables, mentioned) = resolver.into_parts();
    Ok(Prepared {
        statement,
        output_names,
        tables,
        mentioned,
        explains,
        doubts,
    })
}

impl Prepared {
    /// The display names of the planned query's columns, as the query wrote them.
    pub fn column_names(&self, schema: &DFSchema) -> Vec<String> {
        if self.explains {
            return schema.fields().iter().map(|f| f.name().clone()).collect();
        }
        self.output_names.clone()
    }
}

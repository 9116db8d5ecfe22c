//! Filters must reach the table as plain comparisons of its columns, or the reader cannot skip anything.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use common::Recorded;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use spark::dialect::{SessionOptions, prepare, session_context};

#[derive(Debug)]
struct Watched {
    schema: SchemaRef,
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl TableProvider for Watched {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut seen = self.seen.lock().unwrap();
        seen.clear();
        seen.extend(filters.iter().map(ToString::to_string));
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        Ok(Arc::new(EmptyExec::new(schema)))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

fn pushed(condition: &str) -> Vec<String> {
    let tables = Recorded::of(
        &["events"],
        r#"{"EventID":1,"Channel":"a","Image":"b","LogonType":"3"}"#,
    );
    let sql = format!("SELECT count(*) FROM events WHERE {condition}");
    let prepared = prepare(&sql, &tables).unwrap();
    let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let schema = Schema::new(vec![
        Field::new("eventid", DataType::Int64, true),
        Field::new("channel", text(), true),
        Field::new("image", text(), true),
        Field::new("logontype", text(), true),
        Field::new(
            "timecreated",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
    ]);
    let table = Arc::new(Watched {
        schema: Arc::new(schema),
        seen: Mutex::default(),
    });
    let context = session_context(&SessionOptions::default(), &[]);
    context
        .register_table("events", Arc::clone(&table) as Arc<dyn TableProvider>)
        .unwrap();
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            let plan = context
                .state()
                .statement_to_plan(prepared.statement.clone())
                .await
                .unwrap();
            context
                .execute_logical_plan(plan)
                .await
                .unwrap()
                .collect()
                .await
                .unwrap();
        });
    let seen = table.seen.lock().unwrap();
    seen.iter().map(|f| f.replace("events.", "")).collect()
}

#[test]
fn filters_reach_the_table_as_plain_comparisons() {
    for (condition, expected) in [
        ("EventID = 10", vec!["eventid = Int64(10)"]),
        ("EventID = '10'", vec!["eventid = Int64(10)"]),
        (
            "event_id == 10 AND Channel = \"x\"",
            vec![
                "eventid = Int64(10)",
                "channel = Dictionary(Int32, Utf8(\"x\"))",
            ],
        ),
        (
            "EventID IN ('1', '4')",
            vec!["eventid = Int64(1) OR eventid = Int64(4)"],
        ),
        ("Image LIKE '%x.exe'", vec!["image LIKE Utf8(\"%x.exe\")"]),
        (
            "EventID BETWEEN 1 AND 10",
            vec!["eventid >= Int64(1)", "eventid <= Int64(10)"],
        ),
        (
            "`@timestamp` > '2020-08-07'",
            vec!["timecreated > TimestampMicrosecond(1596758400000000, Some(\"UTC\"))"],
        ),
        (
            "(EventID = 1 OR EventID = 5) AND Image IS NOT NULL",
            vec![
                "eventid = Int64(1) OR eventid = Int64(5)",
                "image IS NOT NULL",
            ],
        ),
    ] {
        assert_eq!(pushed(condition), expected, "{condition}");
    }
    for (condition, part) in [
        ("LogonType = 3", "cast_bigint(logontype) = Int64(3)"),
        ("lower(Channel) = 'security'", "lower(channel) = "),
        ("Image RLIKE '.*x'", "rlike(image, Utf8(\".*x\"))"),
    ] {
        let found = pushed(condition);
        assert!(
            found.iter().any(|f| f.contains(part)),
            "{condition}: {found:?}"
        );
    }
}

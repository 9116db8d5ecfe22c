//! Times that do not say all of themselves, read by the user's word or by the file's own other dates.
#![allow(clippy::unwrap_used)]

mod common;

use common::{file, read, read_with};
use telemetry::{DayOrder, Options};

fn csv(times: &[&str]) -> String {
    let rows: String = times.iter().map(|t| format!("1,Security,{t}\n")).collect();
    format!("EventID,Channel,TimeCreated\n{rows}")
}

fn times(content: &str, options: Options) -> (Vec<Option<String>>, u64) {
    let (_guard, path) = file("x", content.as_bytes());
    let table = read_with(&[path], options);
    (
        table.column("timecreated"),
        table.report.diagnostics.unread_times,
    )
}

#[test]
fn the_file_or_the_user_says_where_the_day_stands() {
    let text = csv(&["07/10/2026 08:15:30", "07/20/2026 08:15:30"]);
    let (found, unread) = times(&text, Options::default());
    let expected = ["2026-07-10T08:15:30.000Z", "2026-07-20T08:15:30.000Z"];
    assert_eq!(found, expected.map(|t| Some(t.to_owned())));
    assert_eq!(unread, 0);
    let doubtful = csv(&["07/10/2026 08:15:30"]);
    assert_eq!(times(&doubtful, Options::default()), (vec![None], 1));
    let options = |order| Options {
        day_order: Some(order),
        ..Options::default()
    };
    let (found, _) = times(&doubtful, options(DayOrder::DayFirst));
    assert_eq!(found[0].as_deref(), Some("2026-10-07T08:15:30.000Z"));
    let (found, _) = times(&doubtful, options(DayOrder::MonthFirst));
    assert_eq!(found[0].as_deref(), Some("2026-07-10T08:15:30.000Z"));
    // Two files, each by its own word.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a"),
        csv(&["07/10/2026 08:15:30", "20/10/2026 08:15:30"]),
    )
    .unwrap();
    std::fs::write(folder.path().join("b"), &text).unwrap();
    std::fs::write(folder.path().join("c"), &doubtful).unwrap();
    let table = read(&[folder.path().to_owned()]);
    let found = table.column("timecreated");
    assert_eq!(found[0].as_deref(), Some("2026-10-07T08:15:30.000Z"));
    assert_eq!(found[2].as_deref(), Some("2026-07-10T08:15:30.000Z"));
    assert_eq!(found[4], None);
}

#[test]
fn a_zone_holds_for_times_that_name_none() {
    let options = Options {
        zone: Some("Europe/Berlin".parse().unwrap()),
        ..Options::default()
    };
    let text = csv(&["2026-07-10 10:15:30", "2026-07-10T08:15:30Z", "1783671330"]);
    let (found, _) = times(&text, options);
    assert_eq!(found, vec![Some("2026-07-10T08:15:30.000Z".to_owned()); 3]);
}

#[test]
fn declarations_of_namespaces_are_no_columns() {
    let event = r##"{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},
        "@xmlns":"x","$xmlns:a":"y","System":{"EventID":1,"Channel":"Security"},"EventData":{"@xmlns":"z","A":"1"}}}"##;
    let (_guard, path) = file("x", event.as_bytes());
    let table = read(&[path]);
    let columns: Vec<&String> = table.columns.keys().collect();
    assert!(!columns.iter().any(|c| c.contains("xmlns")), "{columns:?}");
    assert_eq!(table.column("a"), [Some("1".to_owned())]);
}

/// However deep a shipper wrote it, the path of a field leads to its column.
#[test]
fn paths_written_as_one_key_lead_to_their_columns() {
    let event = r#"{"EventID":1,"Channel":"Security","winlog.event_data.TargetObject":"x","agent.version":"8"}"#;
    let (_guard, path) = file("x", event.as_bytes());
    let table = read(&[path]);
    assert_eq!(table.column("targetobject"), [Some("x".to_owned())]);
    assert_eq!(table.column("agent.version"), [Some("8".to_owned())]);
}

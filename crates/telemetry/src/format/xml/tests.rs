//! What is in the XML is in the table: checked on XML written here, and against another reader on recordings.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::array_value_to_string;
use proptest::prelude::*;

use super::*;
use crate::probe;
use crate::table::plan::Plan;

type Row = BTreeMap<String, String>;

/// The rows of a block: the columns that have a value, by lower-case name.
fn rows(block: &[u8]) -> (Vec<Row>, Diagnostics) {
    let (batch, diagnostics) = probe::xml(block, &probe::xml_plan(block));
    let Some(batch) = batch else {
        return (Vec::new(), diagnostics);
    };
    let schema = batch.schema();
    let cell =
        |column: &ArrayRef, r: usize| match column.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(instants) => crate::value::time::format(instants.value(r)),
            None => array_value_to_string(column, r).unwrap(),
        };
    let row = |r: usize| {
        let cells = schema.fields().iter().zip(batch.columns());
        cells
            .filter(|(_, column)| column.is_valid(r))
            .map(|(field, column)| (field.name().clone(), cell(column, r)))
            .collect()
    };
    ((0..batch.num_rows()).map(row).collect(), diagnostics)
}

/// The only row of a block that has no problem, without what says where it was.
fn row(text: &str) -> Row {
    let (mut rows, diagnostics) = rows(text.as_bytes());
    assert_eq!(diagnostics.listed[..], [], "{text}");
    assert_eq!(rows.len(), 1, "{text}");
    let mut row = rows.remove(0);
    row.remove("source_file");
    row.remove("source_offset");
    row
}

fn expected(cells: &[(&str, &str)]) -> Row {
    cells
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

/// The value of `x` in the events of a block, and the problems.
fn xs(text: &str) -> (Vec<String>, Vec<String>) {
    let (rows, diagnostics) = rows(text.as_bytes());
    let xs = rows
        .into_iter()
        .map(|mut r| r.remove("x").unwrap_or_default())
        .collect();
    let problems = diagnostics
        .listed
        .iter()
        .map(|d| format!("{} {}", d.offset.unwrap(), d.problem))
        .collect();
    (xs, problems)
}

fn event(x: &str) -> String {
    format!(
        "<Event><System><EventID>1</EventID></System><EventData><Data Name='x'>{x}</Data></EventData></Event>"
    )
}

#[test]
fn the_header_and_the_data() {
    let text = r#"<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<Events><Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-Sysmon" Guid="{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"/><EventID Qualifiers="16384">10</EventID><Version>3</Version><Level>4</Level><Task>10</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime="2020-08-07T18:32:07.5551239Z"/><EventRecordID>123</EventRecordID><Correlation/><Execution ProcessID="3212" ThreadID="4020"/><Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>WS5</Computer><Security UserID="S-1-5-18"/></System><EventData><Data Name="SourceImage">C:\a &amp; b.exe</Data><Data Name="RuleName"></Data><Data Name="Hashes"/><Data Name="GrantedAccess"> 0x1f3fff </Data></EventData></Event></Events>"#;
    let cells = expected(&[
        ("provider", "Microsoft-Windows-Sysmon"),
        ("providerguid", "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"),
        ("eventid", "10"),
        ("system.eventid.qualifiers", "16384"),
        ("system.version", "3"),
        ("level", "4"),
        ("task", "10"),
        ("opcode", "0"),
        ("keywords", "0x8000000000000000"),
        ("timecreated", "2020-08-07T18:32:07.555123Z"),
        ("eventrecordid", "123"),
        ("executionprocessid", "3212"),
        ("executionthreadid", "4020"),
        ("channel", "Microsoft-Windows-Sysmon/Operational"),
        ("computer", "WS5"),
        ("userid", "S-1-5-18"),
        ("sourceimage", r"C:\a & b.exe"),
        ("rulename", ""),
        ("hashes", ""),
        ("grantedaccess", " 0x1f3fff "),
    ]);
    assert_eq!(row(text), cells);
    // The same in single quotes, with a prefix, and laid out over lines.
    let single = text.replace('"', "'");
    assert_eq!(row(&single), cells);
    let prefixed = text
        .replace("</", "</e:")
        .replace('<', "<e:")
        .replace("<e:/e:", "</e:")
        .replace("<e:?", "<?")
        .replace("xmlns=", "xmlns:e=");
    assert_eq!(row(&prefixed), cells);
    let pretty = text
        .replace("><", ">\r\n  <")
        .replace("\"RuleName\">\r\n  <", "\"RuleName\"><");
    assert_eq!(row(&pretty), cells);
}

#[test]
fn data_of_every_shape() {
    let data = |inner: &str| row(&format!("<Event>{inner}</Event>"));
    assert_eq!(
        data(
            "<EventData Name='n' x:y='z' xmlns:x='u'><Data>1</Data><Data>2</Data><Data Name=''/><Binary>00</Binary></EventData>"
        ),
        expected(&[
            ("name", "n"),
            ("y", "z"),
            ("data", "1"),
            ("data#2", "2"),
            ("data#3", ""),
            ("binary", "00")
        ])
    );
    assert_eq!(
        data(
            "<EventData><Data Name='a' Type='t'>1</Data><Data Name='a'>2</Data><Data Name='Level'>x</Data></EventData>"
        ),
        expected(&[
            ("a", "1"),
            ("a.type", "t"),
            ("a#2", "2"),
            ("eventdata.level", "x")
        ])
    );
    assert_eq!(
        data("<EventData>alone</EventData>"),
        expected(&[("eventdata", "alone")])
    );
    assert_eq!(
        data(
            "<UserData><LogFileCleared xmlns='u'><SubjectUserName>bob</SubjectUserName><a><b>1</b>beside<b>2</b></a><e/></LogFileCleared></UserData>"
        ),
        expected(&[
            ("userdata", "LogFileCleared"),
            ("subjectusername", "bob"),
            ("a.b", "1"),
            ("a", "beside"),
            ("a.b#2", "2"),
            ("e", ""),
        ])
    );
    assert_eq!(
        data("<UserData><Event xmlns='other'><k>v</k></Event></UserData>"),
        expected(&[("userdata", "Event"), ("k", "v")])
    );
    assert_eq!(
        data(
            "<System/><EventData/><RenderingInfo Culture='en-US'><Message>It\nhappened.</Message><Level>Information</Level><Keywords><Keyword>a</Keyword><Keyword>b</Keyword></Keywords></RenderingInfo><BinaryEventData>FF</BinaryEventData>"
        ),
        expected(&[
            ("renderinginfo.culture", "en-US"),
            ("message", "It\nhappened."),
            ("renderinginfo.level", "Information"),
            ("renderinginfo.keywords.keyword", "a"),
            ("renderinginfo.keywords.keyword#2", "b"),
            ("binaryeventdata", "FF"),
        ])
    );
}

#[test]
fn text_is_what_the_sensor_wrote() {
    for (raw, text) in [
        ("a&lt;b&#x1;c&#10;", "a<b\u{1}c\n"),
        (
            "raw \u{1}\u{7f} and\r\nlines",
            "raw \u{1}\u{7f} and\r\nlines",
        ),
        (
            "<![CDATA[<Event> & ]]>&amp;<!-- no <Event> -->tail",
            "<Event> & &tail",
        ),
        ("&unknown; & alone", "&unknown; & alone"),
        (" ", " "),
        ("#012", "#012"),
        ("é😀", "é😀"),
    ] {
        assert_eq!(row(&event(raw))["x"], text, "{raw}");
    }
    let (rows, diagnostics) = rows(
        &event("a\u{1}b")
            .into_bytes()
            .iter()
            .map(|b| if *b == 1 { 0xff } else { *b })
            .collect::<Vec<_>>(),
    );
    assert_eq!(
        (rows[0]["x"].as_str(), diagnostics.damaged),
        ("a\u{fffd}b", 0)
    );
}

#[test]
fn a_broken_event_costs_itself() {
    let (good, tail) = (event("1"), event("2"));
    for (broken, problem) in [
        (
            "<Event><EventData><Data Name='x'>cut",
            "0 damaged record: another <Event> begins before this one ends",
        ),
        (
            "<Event><EventData><Data Name='x>y</Data></EventData></Event>",
            "0 not XML",
        ),
        ("<Event><EventData></Event>", "0 not XML"),
        ("<Event></Events></Event>", "0 not XML"),
        ("<Event/>", "0 not an event"),
        ("<Event a=1><EventData/></Event>", "0 not XML"),
        (
            "<Event><!DOCTYPE a [<!ENTITY b 'c'>]><EventData/></Event>",
            "0 not XML: a DOCTYPE",
        ),
        ("<Event><EventData><![CDATA[", "0 not XML"),
        ("<Event><EventData><!-- ", "0 not XML"),
    ] {
        let text = format!("{good}{broken}\n{tail}");
        let (xs, problems) = xs(&text);
        assert_eq!(xs, ["1", "2"], "{broken}");
        let [found] = problems.as_slice() else {
            panic!("{broken}: {problems:?}")
        };
        let (at, found) = found.split_once(' ').unwrap();
        let at: usize = at.parse().unwrap();
        assert!(
            (good.len()..good.len() + broken.len() + 8).contains(&at),
            "{broken}: {at}"
        );
        assert!(
            found.starts_with(problem.split_once(' ').unwrap().1),
            "{broken}: {found}"
        );
    }
    let (xs, problems) = xs(&format!("{good}{}", &tail[..tail.len() - 3]));
    assert_eq!(xs, ["1"]);
    assert_eq!(
        problems,
        [format!(
            "{} not XML: syntax error: tag not closed: `>` not found before end of input",
            good.len() + tail.len() - 8
        )]
    );
    let deep = format!(
        "<Event><UserData>{}{}</UserData></Event>",
        "<a>".repeat(70),
        "</a>".repeat(70)
    );
    assert_eq!(xs_of(&format!("{deep}{good}")), ["1"]);
    let wide = format!(
        "<Event {}/>",
        (0..300).map(|i| format!("a{i}='' ")).collect::<String>()
    );
    assert_eq!(xs_of(&format!("{wide}{good}")), ["1"]);
}

fn xs_of(text: &str) -> Vec<String> {
    let (xs, problems) = xs(text);
    assert_eq!(problems.len(), 1);
    xs
}

#[test]
fn what_is_deeper_than_names_go_is_kept() {
    let text = format!(
        "<Event><EventData>{}v{}</EventData></Event>",
        "<a>".repeat(50),
        "</a>".repeat(50)
    );
    let row = row(&text);
    assert_eq!(row.values().collect::<Vec<_>>(), ["v"]);
}

#[test]
fn what_hides_events_and_what_does_not() {
    let (one, two) = (event("1"), event("2"));
    assert_eq!(
        xs(&format!("<!-- {one} -->\n{two}")),
        (vec!["2".to_owned()], vec![])
    );
    let dtd =
        format!("<!DOCTYPE e [<!ENTITY a \"{one}\"><!ENTITY x SYSTEM 'file:///etc/passwd'>]>");
    let text = format!("{dtd}<Events>{}{two}</Events>", event("&a;&x;"));
    let refused = format!("0 not XML: {DOCTYPE}");
    assert_eq!(
        xs(&text),
        (vec!["&a;&x;".to_owned(), "2".to_owned()], vec![refused])
    );
    // Words of a syslog are no markup.
    let text = format!("Nov 21 10:00:00 h app: <!-- <!DOCTYPE\nNov 21 10:00:00 h sysmon: {one}\n");
    assert_eq!(xs(&text), (vec!["1".to_owned()], vec![]));
    assert_eq!(xs(&format!("<!-- {one}")).0, ["1"]);
}

#[test]
fn events_inside_a_syslog() {
    let lines = [
        "Nov 21 10:00:00 host sysmon: ",
        "<134>Nov 21 10:00:00 host sysmon[12]: ",
        "<13>1 2024-11-21T10:00:00Z host sysmon 12 - - \u{feff}",
        "2024-11-21T10:00:00+01:00 host sysmon: ",
        "MESSAGE=",
    ];
    for prefix in lines {
        let text = format!(
            "Nov 21 10:00:00 host kernel: Event <EventID> of <Events>\n{prefix}{}\n_PID=1\n\n{prefix}{}\n{prefix}{}",
            event("1#012#0122 #999#9"),
            event("two\nlines #012"),
            event("3"),
        );
        let (rows, diagnostics) = rows(text.as_bytes());
        let xs: Vec<_> = rows.iter().map(|r| r["x"].as_str()).collect();
        assert_eq!(xs, ["1\n\n2 #999#9", "two\nlines #012", "3"], "{prefix}");
        assert_eq!(
            (diagnostics.damaged, diagnostics.other_lines),
            (0, 2),
            "{prefix}"
        );
        assert_eq!(
            rows[0]["source_offset"],
            text.find("<Event>").unwrap().to_string()
        );
    }
    let folded = event("1").replace("><", ">#012  <");
    assert_eq!(
        row(&format!("Nov 21 10:00:00 host sysmon: {folded}\n")),
        expected(&[("eventid", "1"), ("x", "1")])
    );
    // A line that was cut off by the syslog takes nothing with it.
    let cut = &event("0")[..70];
    let text = format!(
        "h sysmon: {cut}\nh cron: nothing\nh sysmon: {}\n",
        event("1")
    );
    assert_eq!(xs_of(&text), ["1"]);
}

#[test]
fn offsets_are_those_of_the_file() {
    let text = [
        b"h: ".as_slice(),
        &[0xff, 0xfe],
        event("1").as_bytes(),
        b"\n",
        event("2").as_bytes(),
    ]
    .concat();
    let (rows, _) = rows(&text);
    let offsets: Vec<_> = rows.iter().map(|r| r["source_offset"].as_str()).collect();
    assert_eq!(offsets, ["5", &(6 + event("1").len()).to_string()]);
}

#[test]
fn event_data_inside_a_string() {
    let embedded = |text: &str| {
        let plan = Plan {
            columns: ["a", "b", "dataitem.type", "userdata"]
                .map(str::to_owned)
                .to_vec(),
            filter: crate::filter::RowFilter::default(),
            discover: false,
        };
        let mut rows = BatchBuilder::new(&plan);
        let arena = Bump::new();
        let mut record = Record::default();
        let whole = read_embedded(text, &mut rows, &mut record, &arena);
        let values: Vec<_> = record.fields.iter().map(|(_, v)| v.text(&arena)).collect();
        whole
            .then(|| values.join("|"))
            .or_else(|| values.is_empty().then(String::new))
    };
    let data = "<EventData xmlns='u'><Data Name='a'>1 &gt; 0</Data><Data Name=\"b\"/></EventData>";
    for text in [
        data.to_owned(),
        format!("\u{feff} {data}\r\n"),
        format!("<?xml version='1.0'?>{data}"),
    ] {
        assert_eq!(embedded(&text).unwrap(), "1 > 0|", "{text}");
    }
    assert_eq!(
        embedded(&format!(
            "<DataItem type=\"System.XmlData\">{data}</DataItem>"
        ))
        .unwrap(),
        "System.XmlData|1 > 0|"
    );
    assert_eq!(
        embedded("<UserData><w><a>1</a></w></UserData>").unwrap(),
        "w|1"
    );
    for bad in [
        "",
        "text",
        "<EventData>",
        "<EventData><Data Name='a'>1</Data>",
        "<EventData/>words",
        "<EventData><Data Name='a'>1</EventData>",
    ] {
        assert_eq!(embedded(bad).as_deref(), Some(""), "{bad}");
    }
}

#[test]
fn many_faults_cost_no_more_than_some_readings() {
    let begin = std::time::Instant::now();
    for fault in [
        "<Event a=\"",
        "<Event><!--",
        "<Event><![CDATA[",
        "<!--",
        "<!DOCTYPE ",
        "<Event><UserData><Event a='1'>",
        "x <Event/>",
        "<Event><a>",
        "\n<!-->",
    ] {
        let text = fault.repeat((1 << 20) / fault.len());
        rows(text.as_bytes());
    }
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

mod recordings;

/// Text with everything that needs escaping in it.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[&<>\"'#;012 \\r\\n\\]!x-]{0,20}".prop_map(|s| s)
    ]
}

fn escape(text: &str, style: u8) -> String {
    match style {
        0 => text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;"),
        1 => text
            .chars()
            .map(|c| format!("&#x{:X};", u32::from(c)))
            .collect(),
        _ => format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>")),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        events in proptest::collection::vec(proptest::collection::btree_map("f_[a-z]{1,6}", (value(), 0u8..3), 0..6), 1..5),
        between in "[ \\n]{0,3}",
    ) {
        let mut text = String::new();
        for (i, event) in events.iter().enumerate() {
            text.push_str(&format!("<Event><System><EventRecordID>{i}</EventRecordID></System><EventData>"));
            for (name, (value, style)) in event {
                text.push_str(&format!("<Data Name=\"{name}\">{}</Data>", escape(value, *style)));
            }
            text.push_str(&format!("</EventData></Event>{between}"));
        }
        let (rows, diagnostics) = rows(text.as_bytes());
        prop_assert_eq!(&diagnostics.listed[..], &[][..]);
        prop_assert_eq!(rows.len(), events.len());
        for (i, (mut row, event)) in rows.into_iter().zip(events).enumerate() {
            row.retain(|k, _| !k.starts_with("source_"));
            let mut expected: Row = event.into_iter().map(|(k, (v, _))| (k, v)).collect();
            expected.insert("eventrecordid".to_owned(), i.to_string());
            prop_assert_eq!(row, expected);
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        rows(&bytes);
    }

    #[test]
    fn any_markup_is_read(parts in proptest::collection::vec(
        prop_oneof![
            Just("<Event>"), Just("</Event>"), Just("<Event a='"), Just("<EventData>"), Just("</EventData>"), Just("<Data Name='x'>"),
            Just("</Data>"), Just("<System>"), Just("</System>"), Just("<UserData>"), Just("</UserData>"), Just("<a/>"), Just("<a b=\"c\" d>"),
            Just("</a>"), Just("text"), Just("&amp;"), Just("&"), Just("<!--"), Just("-->"), Just("<![CDATA["), Just("]]>"), Just("<?"), Just("?>"),
            Just("<!DOCTYPE"), Just("["), Just(">"), Just("<"), Just("'"), Just("\""), Just("\n"), Just("é"), Just("\u{feff}"), Just("#012"), Just("h: "),
        ], 0..40)) {
        let text = parts.concat();
        rows(text.as_bytes());
        let plan = Plan::discovery();
        let (mut rows, arena) = (BatchBuilder::new(&plan), Bump::new());
        let mut record = Record::default();
        if !read_embedded(&text, &mut rows, &mut record, &arena) {
            prop_assert!(record.is_empty());
        }
    }

    #[test]
    fn faults_spare_the_other_events(
        broken in proptest::collection::vec((0usize..120, "[<>&'\"=/a]{0,2}"), 0..4),
    ) {
        // Each fault lies in an event of its own, between two that are whole.
        let mut text = event("0");
        for (at, fault) in &broken {
            let damaged = event("damaged");
            let at = 7 + at % (damaged.len() - 7);
            text.push_str(&damaged[..at]);
            text.push_str(fault);
            text.push('\n');
            text.push_str(&event("whole"));
        }
        let (xs, problems) = xs(&text);
        let whole = xs.iter().filter(|x| *x == "whole").count();
        prop_assert_eq!(whole, broken.len(), "{} {:?}", text, problems);
        prop_assert!(xs.len() + problems.len() > 2 * broken.len(), "{} {:?}", text, problems);
    }
}

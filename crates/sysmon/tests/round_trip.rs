//! A configuration compiled, decompiled and compiled again gives the same bytes, whatever it is made of; and the two
//! front ends agree on what both accept wherever the specification gives them no reason to differ.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sysmon::blob::{self, BinaryVersion};
use sysmon::decompile::decompile;
use sysmon::schema;
use sysmon::{Config, Engine};

/// Text of a field as it stands in a file: what the front ends read alike.
fn plain_value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a-cA-C;%\\\\.-]{1,4}",
        1 => Just("&amp;".to_owned()),
        1 => Just("&lt;&gt;".to_owned()),
        1 => Just("&#x1F600;é".to_owned()),
        1 => Just("&#13;".to_owned()),
        1 => Just(" ".to_owned()),
        1 => Just("\r\n\t".to_owned()),
        1 => Just("]]&gt;".to_owned()),
    ];
    let value = prop::collection::vec(piece, 0..4).prop_map(|p| p.concat());
    // The front ends differ over what is nothing but blanks.
    value.prop_map(|v| {
        if v.trim().is_empty() {
            String::new()
        } else {
            v
        }
    })
}

/// Likewise, also with what they read differently.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => plain_value(),
        1 => (plain_value(), plain_value()).prop_map(|(a, b)| format!("{a}<!-- c -->{b}")),
        1 => (plain_value(), "[a <>&]{0,3}").prop_map(|(a, b)| format!("{a}<![CDATA[{b}]]>")),
        1 => "[ \t\n]{1,3}",
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => "[a-c&é ]{1,6}".prop_map(|n| format!(" name=\"{}\"", n.replace('&', "&amp;"))),
        1 => (120usize..140).prop_map(|n| format!(" name=\"{}\"", "n".repeat(n))),
    ]
}

fn field(fields: &'static [&'static str], value: BoxedStrategy<String>) -> BoxedStrategy<String> {
    (prop::sample::select(fields), 0usize..17, name(), value)
        .prop_map(|(field, op, name, value)| {
            let condition = sysmon::rules::Op::ALL
                .get(op)
                .map_or(String::new(), |op| format!(" condition=\"{}\"", op.name()));
            format!("<{field}{condition}{name}>{value}</{field}>")
        })
        .boxed()
}

/// An event element with fields that at least one of its event types has.
fn element(
    tag: &'static str,
    fields: &'static [&'static str],
    value: BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    let one = field(fields, value);
    let relation =
        prop::sample::select(vec!["", " groupRelation=\"and\"", " groupRelation=\"or\""]);
    let rule = (relation, name(), prop::collection::vec(one.clone(), 1..4))
        .prop_map(|(r, n, fs)| format!("<Rule{r}{n}>{}</Rule>", fs.concat()));
    let content = prop::collection::vec(prop_oneof![3 => one, 1 => rule], 0..5);
    let verdict = prop::sample::select(vec![
        " onmatch=\"include\"",
        " onmatch=\"exclude\"",
        " default=\"include\"",
        " default=\"exclude\"",
        "",
    ]);
    (verdict, content)
        .prop_map(move |(v, c)| format!("<{tag}{v}>{}</{tag}>", c.concat()))
        .boxed()
}

fn file(value: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    const PROCESS: &[&str] = &["Image", "CommandLine", "User", "ProcessId"];
    // Each of these is in some event of the series; not every set of them is in one.
    const REGISTRY: &[&str] = &["TargetObject", "Details", "NewName", "EventType"];
    const WMI: &[&str] = &["Operation", "User", "Query", "Consumer", "Name"];
    let event = prop_oneof![
        element("ProcessCreate", PROCESS, value.clone()),
        element("FileDelete", &["Image", "IsExecutable"], value.clone()),
        element("RegistryEvent", REGISTRY, value.clone()),
        element("WmiEvent", WMI, value),
    ];
    let part = prop_oneof![
        event.clone(),
        (any::<bool>(), name(), prop::collection::vec(event, 0..3)).prop_map(|(and, n, es)| {
            let relation = if and { "and" } else { "or" };
            let es = es.concat();
            format!("<RuleGroup groupRelation=\"{relation}\"{n}>{es}</RuleGroup>")
        }),
    ];
    let version = prop::sample::select(vec!["4.30", "4.50", "4.81", "4.90", "5.0"]);
    (version, prop::collection::vec(part, 0..6)).prop_map(|(version, parts)| {
        let parts = parts.concat();
        format!(
            "<Sysmon schemaversion=\"{version}\"><EventFiltering>{parts}</EventFiltering></Sysmon>"
        )
    })
}

fn compiled(xml: &str, engine: Engine) -> (Config, Vec<u8>) {
    let config = Config::parse_text("t.xml", xml, engine);
    let bytes = blob::encode(&config.rules, BinaryVersion::NEWEST);
    (config, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn decompiled_files_compile_to_the_same_bytes(xml in file(any_value().boxed())) {
        for engine in [Engine::Strict, Engine::Lenient] {
            let (config, bytes) = compiled(&xml, engine);
            prop_assert!(config.accepted, "{:?}", config.diagnostics);
            if bytes.is_empty() {
                continue;
            }
            let decoded = blob::decode(&bytes).unwrap();
            // What was begun and taken back leaves stale bytes that no file can ask for, and Sysmon may write where it
            // stood, over what has come to stand there.
            if config.rules.elements.iter().any(|e| e.undone) {
                continue;
            }
            prop_assert!(decoded.problems.is_empty(), "{:?}", decoded.problems);
            let made = decompile(&decoded.rules, &[]);
            let (again, same) = compiled(&made.xml, engine);
            prop_assert!(again.accepted, "{:?}\n{}", again.diagnostics, made.xml);
            prop_assert!(same == bytes, "{engine:?}\n{xml}\n{}", made.xml);
        }
    }

    #[test]
    fn front_ends_compile_what_they_read_alike_to_the_same_bytes(xml in file(plain_value().boxed())) {
        let (strict, a) = compiled(&xml, Engine::Strict);
        let (lenient, b) = compiled(&xml, Engine::Lenient);
        prop_assert!(strict.accepted && lenient.accepted);
        let blank = strict.rules.kept().flat_map(|e| e.filters()).any(|f| {
            !f.value.is_empty() && f.value.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
        });
        // A text of nothing but blanks is kept by one of them.
        prop_assert!(a == b || blank, "{xml}");
    }

    #[test]
    fn what_a_schema_version_lacks_only_the_validating_front_end_refuses(
        at in 0usize..21,
        event in any::<prop::sample::Index>(),
        field in any::<prop::sample::Index>(),
    ) {
        let newest = schema::newest();
        let tagged: Vec<_> = newest.events.iter().filter(|e| e.tag.is_some()).collect();
        let event = tagged[event.index(tagged.len())];
        let (tag, name) = (event.tag.as_deref().unwrap(), &event.fields[field.index(event.fields.len())]);
        let schema = &schema::all()[at.min(schema::all().len() - 1)];
        let version = schema.version;
        let xml = format!("<Sysmon schemaversion=\"{version}\"><EventFiltering><{tag} onmatch=\"include\"><{name}>x</{name}></{tag}></EventFiltering></Sysmon>");
        let knows = schema.series(tag).any(|e| e.field(name).is_some());
        let old = version < schema::SchemaVersion::new(4, 0);
        prop_assert_eq!(Config::parse_text("t", &xml, Engine::Strict).accepted, knows && !old, "{}", &xml);
        prop_assert_eq!(Config::parse_text("t", &xml, Engine::Lenient).accepted, !old, "{}", &xml);
    }
}

#[test]
fn relations_are_any_text_but_where_the_document_type_lists_them() {
    use sysmon::rules::Relation;
    let relation = |attribute: &str, engine| {
        let xml = format!(
            "<Sysmon schemaversion=\"4.90\"><EventFiltering><RuleGroup groupRelation=\"or\"><ProcessCreate onmatch=\"include\"><Rule groupRelation=\"{attribute}\"><Image>x</Image></Rule></ProcessCreate></RuleGroup></EventFiltering></Sysmon>"
        );
        let config = Config::parse_text("t", &xml, engine);
        config.rules.elements[0].rule(1).unwrap().relation
    };
    let group = |attribute: &str, engine| {
        let xml = format!(
            "<Sysmon schemaversion=\"4.90\"><EventFiltering><RuleGroup groupRelation=\"{attribute}\"><ProcessCreate onmatch=\"include\"/></RuleGroup></EventFiltering></Sysmon>"
        );
        let config = Config::parse_text("t", &xml, engine);
        config.rules.elements.first().map(|e| e.relation)
    };
    for engine in [Engine::Strict, Engine::Lenient] {
        assert_eq!(relation("OR", engine), Relation::Or);
        assert_eq!(relation(" or", engine), Relation::And, "{engine:?}");
        assert_eq!(relation("either", engine), Relation::And);
    }
    assert_eq!(relation("", Engine::Strict), Relation::And);
    assert_eq!(relation("", Engine::Lenient), Relation::Or);
    assert_eq!(group(" or ", Engine::Strict), Some(Relation::Or));
    assert_eq!(group(" or ", Engine::Lenient), Some(Relation::And));
    assert_eq!(group("OR", Engine::Strict), None, "refused");
    assert_eq!(
        group("", Engine::Lenient),
        Some(Relation::And),
        "the default of 4.90"
    );
}

//! Input made to break a reader: it must end in a clear word, soon, and without a panic.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sysmon::blob::{self, BinaryVersion};
use sysmon::text::Environment;
use sysmon::{Config, Engine, deployed, diff, explain, lint, render, show};

const ENGINES: [Engine; 2] = [Engine::Strict, Engine::Lenient];

/// Everything that can be done with a file.
fn exercise(bytes: &[u8]) -> [Config; 2] {
    ENGINES.map(|engine| {
        let config = Config::parse("x", bytes, engine);
        let found = lint::check(&config);
        for d in &found {
            assert!(
                d.span.start <= d.span.end && d.span.end <= config.source.text.len(),
                "{d:?}"
            );
            assert!(config.source.text.is_char_boundary(d.span.start), "{d:?}");
        }
        let few = &found[..found.len().min(20)];
        let report = render::Report {
            source: &config.source,
            diagnostics: few,
        };
        let _ = (
            render::text(&report, render::Style::Plain, None),
            render::json(&[report]),
            render::github(&report),
        );
        let _ = show::text(&config);
        let event = sysmon::event::Event {
            id: 1,
            fields: [("Image".to_owned(), "C:\\a.exe".to_owned())].into(),
        };
        let _ = explain::explain(&config, &Environment::new(), &event)
            .text(&config, &Environment::new());
        let made = blob::encode(&config.rules, BinaryVersion::NEWEST);
        if !made.is_empty() {
            let decoded = blob::decode(&made).unwrap();
            assert!(
                diff::diff(&config.rules, &decoded.rules).is_empty(),
                "{:?}",
                decoded.problems
            );
        }
        assert!(config.accepted || !config.diagnostics.is_empty());
        config
    })
}

fn message(config: &Config) -> &str {
    assert!(!config.accepted);
    &config.diagnostics[0].message
}

#[test]
fn nesting() {
    let deep = |n: usize| {
        format!(
            "<Sysmon schemaversion=\"4.90\"><EventFiltering>{}{}</EventFiltering></Sysmon>",
            "<a>".repeat(n),
            "</a>".repeat(n)
        )
    };
    let [strict, lenient] = exercise(deep(10_000).as_bytes());
    assert!(message(&strict).contains("nested deeper than 256"));
    // The forgiving front end finds nothing it knows in there.
    assert!(lenient.accepted && lenient.rules.elements.is_empty());
    let [_, many] = exercise(deep(400_000).as_bytes());
    assert!(many.accepted);
    let [strict, lenient] = exercise("<a>".repeat(10_000).as_bytes());
    assert!(message(&strict).contains("nested deeper"));
    assert!(message(&lenient).contains("not closed"));
}

#[test]
fn sizes() {
    let long = format!(
        "<Sysmon schemaversion=\"4.90\"><EventFiltering><ProcessCreate onmatch=\"{}\"/></EventFiltering></Sysmon>",
        "x".repeat(20_000_000)
    );
    let [strict, lenient] = exercise(long.as_bytes());
    assert!(message(&strict).contains("attribute value longer than"));
    assert!(lenient.accepted, "an unknown word means the default");
    let huge = vec![b'<'; 100 << 20];
    for config in exercise(&huge) {
        assert!(message(&config).contains("at most"), "{}", message(&config));
    }
    let crowd = "<Sysmon schemaversion=\"4.90\">".to_owned() + &"<a/>".repeat(1_200_000);
    for config in exercise(crowd.as_bytes()) {
        assert!(
            message(&config).contains("more than 1000000"),
            "{}",
            message(&config)
        );
    }
}

#[test]
fn entities() {
    let mut dtd = String::from("<?xml version=\"1.0\"?><!DOCTYPE Sysmon [<!ENTITY a0 \"ha\">");
    for i in 1..30 {
        dtd.push_str(&format!("<!ENTITY a{i} \"&a{};&a{};\">", i - 1, i - 1));
    }
    dtd.push_str("]><Sysmon schemaversion=\"4.90\"><EventFiltering><ProcessCreate onmatch=\"include\"><Image>&a29;</Image></ProcessCreate></EventFiltering></Sysmon>");
    let [strict, lenient] = exercise(dtd.as_bytes());
    assert!(message(&strict).contains("DOCTYPE"));
    assert_eq!(
        lenient.rules.elements[0].filters().next().unwrap().value,
        "&a29;"
    );
}

#[test]
fn encodings() {
    let xml = "<Sysmon schemaversion=\"4.90\"><EventFiltering/></Sysmon>";
    let wide: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(exercise(&wide).iter().all(|c| c.accepted));
    for cut in 0..wide.len() {
        exercise(&wide[..cut]);
    }
    let mut lone = wide.clone();
    lone.extend([0x00, 0xD8, b'<']);
    exercise(&lone);
    let big: Vec<u8> = [0xFE, 0xFF]
        .into_iter()
        .chain(xml.encode_utf16().flat_map(u16::to_be_bytes))
        .collect();
    for config in exercise(&big) {
        assert!(
            message(&config).contains("big-endian"),
            "{}",
            message(&config)
        );
    }
    assert!(message(&exercise(b" ".repeat(5000).as_slice())[0]).contains("no `<`"));
}

fn soup() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "<Sysmon schemaversion=\"4.90\">",
        "<EventFiltering>",
        "</EventFiltering>",
        "</Sysmon>",
        "<RuleGroup groupRelation=\"or\">",
        "</RuleGroup>",
        "<ProcessCreate onmatch=\"include\">",
        "<ProcessCreate onmatch='exclude'/>",
        "</ProcessCreate>",
        "<RegistryEvent onmatch=\"include\">",
        "</RegistryEvent>",
        "<Image condition=\"is any\">",
        "<Image>",
        "</Image>",
        "<Details>",
        "</Details>",
        "<NewName/>",
        "<Rule name=\"é\">",
        "</Rule>",
        "a;b",
        ";;",
        "%windir%",
        "&amp;",
        "&#x1F600;",
        "&#0;",
        "&x;",
        "<!-- -->",
        "<![CDATA[ x ]]>",
        "<?pi?>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]>",
        "\"",
        "<",
        ">",
        "'",
        "=",
        "\r\n",
        "\u{FEFF}",
        "日",
        "<HashAlgorithms>*</HashAlgorithms>",
        "<CheckRevocation/>",
        "<NetworkConnect>a,b</NetworkConnect>",
        "name=\"",
        " ",
        "\0",
    ]);
    prop::collection::vec(part, 0..40).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn tag_soup(inner in soup(), wrap in any::<bool>()) {
        let text = if wrap {
            format!("<Sysmon schemaversion=\"4.90\"><EventFiltering>{inner}</EventFiltering></Sysmon>")
        } else {
            inner
        };
        exercise(text.as_bytes());
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
        let _ = deployed::read(&bytes);
    }

    /// A blob with numbers anywhere: what is read compiles again, and nothing is read twice.
    #[test]
    fn damaged_blobs(edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u32>(), 0u32..4000]), 0..6), cut in any::<prop::sample::Index>(), whole in any::<bool>()) {
        let xml = "<Sysmon schemaversion=\"4.90\"><EventFiltering><ProcessCreate onmatch=\"include\"><Rule name=\"r\" groupRelation=\"and\"><Image name=\"x\">a</Image><User condition=\"contains any\">b;c</User></Rule><Company>d</Company></ProcessCreate><RegistryEvent onmatch=\"exclude\"><Details>x</Details></RegistryEvent></EventFiltering></Sysmon>";
        let mut blob = blob::encode(&Config::parse_text("x", xml, Engine::Strict).rules, BinaryVersion::NEWEST);
        for (at, value) in edits {
            let at = at.index(blob.len() / 4) * 4;
            blob[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        if !whole {
            blob.truncate(cut.index(blob.len()));
        }
        if let Ok(found) = deployed::read(&blob) {
            let made = found.to_xml();
            if let Some(rules) = found.rules() {
                prop_assert!(rules.elements.len() <= blob.len() / 16 + 1);
                prop_assert!(rules.elements.iter().map(|e| e.records.len()).sum::<usize>() <= blob.len());
            }
            Config::parse_text("x", &made.xml, Engine::Lenient);
        }
    }

    /// What is written can be read back by both front ends, whatever the values and names are.
    #[test]
    fn decompiled_values_survive(value in "[ -~\\t\\n\\r\u{e9}\u{1F600}\u{2028}]{0,12}", name in "[ -~\\t\u{e9}]{0,12}") {
        let rules = sysmon::rules::RuleSet {
            version: sysmon::schema::SchemaVersion::new(4, 90),
            rule_reports_own_name: false,
            elements: vec![sysmon::rules::Element {
                event_id: 1,
                tag: "ProcessCreate".into(),
                on_match: sysmon::schema::Verdict::Include,
                relation: sysmon::rules::Relation::And,
                undone: false,
                span: Default::default(),
                records: vec![sysmon::rules::Record::Filter(sysmon::rules::Filter {
                    field: 4,
                    field_name: "Image".into(),
                    op: sysmon::rules::Op::Contains,
                    value,
                    name,
                    rule: None,
                    span: Default::default(),
                    value_span: Default::default(),
                })],
            }],
        };
        let blob = blob::encode(&rules, BinaryVersion::NEWEST);
        let made = sysmon::decompile::decompile(&rules, &[]);
        for engine in ENGINES {
            let config = Config::parse_text("x", &made.xml, engine);
            prop_assert!(config.accepted, "{:?}\n{}", config.diagnostics, made.xml);
            prop_assert_eq!(&blob::encode(&config.rules, BinaryVersion::NEWEST), &blob, "{}", made.xml);
        }
    }
}

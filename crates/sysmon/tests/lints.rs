//! The lints on small configurations, one per code, and the page made from their documentation.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use sysmon::diagnostic::{Diagnostic, Safety};
use sysmon::render::{self, Report, Style};
use sysmon::{Config, Engine, fix, lint};

mod common;

fn wrap(body: &str) -> String {
    format!("<Sysmon schemaversion=\"4.90\"><EventFiltering>{body}</EventFiltering></Sysmon>")
}

fn group(relation: &str, body: &str) -> String {
    wrap(&format!(
        "<RuleGroup groupRelation=\"{relation}\">{body}</RuleGroup>"
    ))
}

fn include(filters: &str) -> String {
    group(
        "or",
        &format!("<ProcessCreate onmatch=\"include\">{filters}</ProcessCreate>"),
    )
}

fn exclude(filters: &str) -> String {
    group(
        "or",
        &format!("<ProcessCreate onmatch=\"exclude\">{filters}</ProcessCreate>"),
    )
}

fn found(xml: &str) -> Vec<Diagnostic> {
    let config = Config::parse_text("t.xml", xml, Engine::Strict);
    assert!(config.accepted, "{:?}", config.diagnostics);
    lint::check(&config)
}

fn codes(xml: &str) -> Vec<&'static str> {
    let mut codes: Vec<_> = found(xml)
        .iter()
        .map(|d| d.code)
        .filter(|c| *c != "SC104")
        .collect();
    codes.dedup();
    codes
}

#[test]
fn each_lint_speaks_and_stays_silent() {
    let two = "<ProcessCreate onmatch=\"exclude\"><Image condition=\"begin with\">C:\\a</Image></ProcessCreate>";
    let rule = |relation: &str, body: &str| include(&format!("<Rule {relation}>{body}</Rule>"));
    let and = "groupRelation=\"and\"";
    let cases: Vec<(&str, String, String)> = vec![
        ("SC101", wrap(&two.repeat(2)), wrap(two)),
        (
            "SC102",
            wrap(
                "<DriverLoad onmatch=\"exclude\"/><DriverLoad onmatch=\"include\"><Signed>false</Signed></DriverLoad>",
            ),
            wrap("<DriverLoad onmatch=\"exclude\"/>"),
        ),
        (
            "SC103",
            wrap("<ProcessCreate onmatch=\"include\"/>"),
            wrap("<ProcessCreate onmatch=\"exclude\"/>"),
        ),
        (
            "SC105",
            wrap(
                "<ProcessCreate onmatch=\"include\"><User>me</User><Company>x</Company></ProcessCreate>",
            ),
            include("<User>me</User><Company>x</Company>"),
        ),
        (
            "SC106",
            rule(and, "<User>a</User><User>b</User>"),
            rule(and, "<User>a</User><User condition=\"begin with\">A</User>"),
        ),
        (
            "SC106",
            rule(
                and,
                "<User condition=\"begin with\">ab</User><User condition=\"begin with\">b</User>",
            ),
            rule(
                and,
                "<User condition=\"begin with\">ab</User><User condition=\"end with\">b</User>",
            ),
        ),
        (
            "SC107",
            rule("", "<User>a</User><Company>b</Company>"),
            rule("groupRelation=\"or\"", "<User>a</User><Company>b</Company>"),
        ),
        (
            "SC108",
            rule(
                and,
                "<User>x</User><CommandLine condition=\"excludes all\">a;b</CommandLine>",
            ),
            rule(
                and,
                "<User>x</User><CommandLine condition=\"excludes all\">a</CommandLine>",
            ),
        ),
        (
            "SC109",
            wrap(
                "<NetworkConnect onmatch=\"include\"><DestinationPort condition=\"more than\">1024</DestinationPort></NetworkConnect>",
            ),
            include("<User condition=\"more than\">b</User>"),
        ),
        (
            "SC110",
            include("<CommandLine condition=\"contains any\">a;</CommandLine>"),
            include("<CommandLine condition=\"is any\">a;</CommandLine>"),
        ),
        (
            "SC111",
            include("<Image condition=\"is any\">C:\\a.exe; C:\\b.exe</Image>"),
            include("<CommandLine condition=\"contains any\"> /a ; /b </CommandLine>"),
        ),
        (
            "SC112",
            include("<Image condition=\"end with\">\\a.exe;\\b.exe</Image>"),
            include("<CommandLine condition=\"contains\">a;b</CommandLine>"),
        ),
        (
            "SC113",
            include("<User>a</User><Company condition=\"is not\">x</Company>"),
            rule(
                and,
                "<User>a</User><Company condition=\"is not\">x</Company>",
            ),
        ),
        (
            "SC114",
            include("<RuleName>x</RuleName>"),
            include("<User>x</User>"),
        ),
        (
            "SC115",
            wrap("<RegistryEvent onmatch=\"include\"><User>a</User></RegistryEvent>"),
            wrap(
                "<RegistryEvent onmatch=\"include\"><TargetObject>a</TargetObject></RegistryEvent>",
            ),
        ),
        (
            "SC116",
            wrap(
                "<RuleGroup groupRelation=\"or\"><ProcessCreate onmatch=\"exclude\"><Rule name=\"n\" groupRelation=\"and\"><User>a</User><Company>b</Company></Rule></ProcessCreate><ProcessCreate onmatch=\"include\"><User>c</User></ProcessCreate></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><ProcessCreate onmatch=\"exclude\"><Rule name=\"n\" groupRelation=\"and\"><User>a</User><Company>b</Company></Rule></ProcessCreate><ProcessCreate onmatch=\"include\"><User name=\"x\">c</User></ProcessCreate></RuleGroup>",
            ),
        ),
        (
            "SC117",
            include("<Image condition=\"image\">\\cmd.exe</Image>"),
            include("<Image condition=\"image\">C:\\cmd.exe</Image>"),
        ),
        (
            "SC118",
            include("<Image>cmd.exe</Image>"),
            include("<Image>System</Image>"),
        ),
        (
            "SC119",
            include("<Image condition=\"end with\">cmd.exe</Image>"),
            include("<Image condition=\"end with\">\\cmd.exe</Image>"),
        ),
        (
            "SC120",
            include("<ParentCommandLine>%%SystemRoot%%\\x</ParentCommandLine>"),
            include("<CommandLine>%%SystemRoot%%\\x</CommandLine>"),
        ),
        (
            "SC121",
            include("<User condition=\"contains\"></User>"),
            include("<User condition=\"contains\">a</User>"),
        ),
        (
            "SC122",
            include("<Image>C:\\a.exe </Image>"),
            include("<CommandLine condition=\"contains\"> a </CommandLine>"),
        ),
        (
            "SC123",
            include("<User>ä</User>"),
            include("<User>日本</User>"),
        ),
        (
            "SC124",
            rule(
                &format!("name=\"{}\" {and}", "x".repeat(130)),
                "<User>a</User>",
            ),
            rule(
                &format!("name=\"{}\" {and}", "x".repeat(127)),
                "<User>a</User>",
            ),
        ),
        (
            "SC125",
            include("<User>a</User><User>A</User>"),
            include("<User>a</User><Company>a</Company>"),
        ),
        (
            "SC126",
            include("<User condition=\"contains\">b</User><User>abc</User>"),
            include("<User>abc</User><User condition=\"contains\">b</User>"),
        ),
        (
            "SC127",
            include("<Image condition=\"contains\">\\*.exe</Image>"),
            include("<CommandLine condition=\"contains\">*</CommandLine>"),
        ),
        (
            "SC128",
            exclude("<Image condition=\"begin with\">C:\\ProgramData\\x\\</Image>"),
            exclude("<Image>C:\\Program Files\\x\\a.exe</Image>"),
        ),
        (
            "SC129",
            exclude("<Image condition=\"image\">a.exe</Image>"),
            include("<Image condition=\"image\">a.exe</Image>"),
        ),
        (
            "SC130",
            include("<User>a</User>").replace("4.90", "4.91"),
            include("<User>a</User>"),
        ),
    ];
    for (code, bad, good) in &cases {
        assert_eq!(codes(bad), [*code], "{bad}");
        assert!(!codes(good).contains(code), "{good}");
    }
    let tested: Vec<&str> = cases.iter().map(|c| c.0).chain(["SC104"]).collect();
    for lint in lint::all().iter().filter(|l| l.code > "SC100") {
        assert!(tested.contains(&lint.code), "{} has no case", lint.code);
    }
}

#[test]
fn covered_conditions() {
    let pairs = [
        ("is any\">a;b", "is\">B", true),
        ("is any\">a;b", "is any\">b;c", false),
        ("contains any\">x;b", "end with\">abc", true),
        ("contains any\">x;b", "contains all\">b;q", false),
        ("begin with\">C:\\", "begin with\">c:\\win", true),
        ("begin with\">C:\\", "contains\">c:\\win", false),
        ("end with\">.exe", "image\">a.exe", true),
        ("end with\">\\a.exe", "image\">a.exe", false),
        ("image\">a.exe", "is\">C:\\A.exe", true),
        ("image\">a.exe", "image\">a.exe", false),
        ("is\">a.exe", "image\">a.exe", false),
    ];
    for (first, second, dead) in pairs {
        let f = |c: &str| format!("<Image condition=\"{c}</Image>");
        let xml = include(&(f(first) + &f(second)));
        assert_eq!(
            codes(&xml).contains(&"SC126"),
            dead,
            "{first} then {second}"
        );
    }
    let xml = include(
        "<Image condition=\"contains\">x</Image><Rule groupRelation=\"and\"><User>a</User><Image>axb</Image></Rule>",
    );
    assert!(codes(&xml).contains(&"SC126"));
}

#[test]
fn the_page_is_made_from_the_lints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lints.md");
    let page = lint::page();
    if std::env::var_os("SCOTOMA_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        page,
        "run with SCOTOMA_BLESS=1"
    );
    for lint in lint::all() {
        assert!(
            lint.text
                .starts_with(&format!("# {} {}\n", lint.code, lint.name)),
            "{}",
            lint.code
        );
        for part in [
            "What it does:",
            "Why it matters:",
            "Example:",
            "Use instead:",
            "Source:",
        ] {
            assert!(
                lint.text.contains(&format!("\n{part}")),
                "{} lacks {part}",
                lint.code
            );
        }
        assert_eq!(
            lint::find(&lint.code.to_lowercase()).unwrap().code,
            lint.code
        );
        assert_eq!(lint::find(lint.name).unwrap().code, lint.code);
    }
}

#[test]
fn front_end_findings_are_documented() {
    let Some(dir) = common::vectors() else { return };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in std::fs::read_dir(dir.join("configs/bad")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for engine in [Engine::Strict, Engine::Lenient] {
            let config = Config::parse("x", &bytes, engine);
            if !config.accepted {
                assert!(
                    !config.diagnostics.is_empty(),
                    "{path:?} {engine:?}: rejected without a word"
                );
            }
            for d in lint::check(&config) {
                assert!(lint::find(d.code).is_some(), "{}", d.code);
                assert!(d.span.end <= config.source.text.len(), "{path:?} {d:?}");
                *seen.entry(d.code).or_default() += 1;
            }
        }
    }
    println!("{seen:?}");
}

#[test]
fn what_the_forgiving_front_end_passes_over_is_told() {
    let xml = r#"text<Sysmon schemaversion="4.90" foo="1"><HashAlgorithm>md5</HashAlgorithm>
<EventFiltering><ProcessCreat onmatch="include"><Image>x</Image></ProcessCreat>
<processterminate onmatch="include"/>
<Wrapper><FileCreate onmatch="include" OnMatch="x"><Image Condition="is" name="a" name="b">a</Image>stray</FileCreate></Wrapper>
<RuleGroup grouprelation="or"><ProcessTerminate onmatch="include"><Image>a<!-- c -->b</Image></ProcessTerminate></RuleGroup>
</EventFiltering></Sysmon>"#;
    let config = Config::parse_text("t.xml", xml, Engine::Lenient);
    assert!(config.accepted);
    let found: Vec<(&str, &str)> = config
        .diagnostics
        .iter()
        .map(|d| (d.code, config.source.slice(d.span)))
        .collect();
    assert_eq!(
        found,
        [
            ("SC013", "text"),
            ("SC010", "foo=\"1\""),
            ("SC017", "HashAlgorithm"),
            ("SC009", "ProcessCreat"),
            ("SC009", "processterminate"),
            ("SC009", "Wrapper"),
            ("SC010", "OnMatch=\"x\""),
            ("SC010", "Condition=\"is\""),
            ("SC010", "name=\"b\""),
            ("SC013", "stray"),
            ("SC010", "grouprelation=\"or\""),
            ("SC005", "b"),
        ]
    );
    let notes = |i: usize| config.diagnostics[i].notes.concat();
    assert!(notes(2).contains("<HashAlgorithms>") && notes(3).contains("<ProcessCreate>"));
    let crowd = format!(
        "<Sysmon schemaversion=\"4.90\"><EventFiltering>{}</EventFiltering></Sysmon>",
        "<a/>".repeat(5000)
    );
    let config = Config::parse_text("t.xml", &crowd, Engine::Lenient);
    assert_eq!(config.diagnostics.len(), 100);
    assert!(config.diagnostics[99].notes.concat().contains("4900 more"));
    // Nothing to tell of files that both front ends read alike.
    let plain = include("<Image>a</Image>");
    assert!(
        Config::parse_text("t.xml", &plain, Engine::Lenient)
            .diagnostics
            .is_empty()
    );
}

#[test]
fn renderings() {
    let xml = include("\n  <User>a</User>\n  <User>A</User>\n<Image>cmd.exe</Image>");
    let config = Config::parse_text("dir/t.xml", &xml, Engine::Strict);
    let mut found = lint::check(&config);
    found.retain(|d| d.code != "SC104");
    let report = Report {
        source: &config.source,
        diagnostics: &found,
    };
    let text = render::text(&report, Style::Plain, None);
    assert!(
        text.contains("warning[SC125]: the same condition stands here twice"),
        "{text}"
    );
    assert!(text.contains("--> dir/t.xml:3:4"), "{text}");
    let json = render::json(&[report]);
    assert_eq!(
        (json[0]["line"].as_u64(), json[0]["column"].as_u64()),
        (Some(3), Some(4))
    );
    assert_eq!(json[1]["code"], "SC118");
    let sarif = render::sarif(&[report]);
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "SC125");
    assert_eq!(
        sarif["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0]["deletedRegion"]
            ["startLine"],
        3
    );
    let github = render::github(&report);
    assert!(
        github.starts_with(
            "::warning file=dir/t.xml,line=3,endLine=3,col=4,endColumn=8,title=SC125::"
        ),
        "{github}"
    );
    let fixed = fix::apply(&config.source, &found, Safety::Safe);
    assert_eq!((fixed.applied, fixed.skipped), (1, 0));
    assert!(!fixed.text.contains("<User>A</User>") && fixed.text.contains("<Image>cmd.exe"));
    let all = fix::apply(&config.source, &found, Safety::Unsafe);
    assert!(
        all.text
            .contains("<Image condition=\"image\">cmd.exe</Image>"),
        "{}",
        all.text
    );
}

/// Safe fixes keep every decision and rule name on the recorded configurations.
#[test]
fn safe_fixes_change_no_decision() {
    let Some(dir) = common::vectors() else { return };
    let mut applied = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text
            .lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        let head = lines.next().unwrap();
        let env = serde_json::from_value(head["env"].clone()).unwrap();
        let bytes =
            std::fs::read(dir.join("configs").join(head["config"].as_str().unwrap())).unwrap();
        let before = Config::parse("x", &bytes, Engine::Lenient);
        let fixed = fix::apply(&before.source, &lint::check(&before), Safety::Safe);
        if fixed.applied == 0 {
            continue;
        }
        applied += fixed.applied;
        let after = Config::parse_text("x", &fixed.text, Engine::Lenient);
        for line in lines {
            let event = serde_json::from_value(line).unwrap();
            let a = sysmon::reference::decide(&before.rules, &env, &event);
            let b = sysmon::reference::decide(&after.rules, &env, &event);
            assert_eq!((a.log, &a.rule), (b.log, &b.rule), "{path:?}");
        }
    }
    println!("{applied} fixes");
    assert!(applied > 0);
}

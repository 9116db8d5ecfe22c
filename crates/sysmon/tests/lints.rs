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
        (
            "SC101",
            wrap(&(two.to_owned() + &two.replace("C:\\a", "C:\\b"))),
            wrap(two),
        ),
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
                "<ProcessCreate onmatch=\"include\"><Product>me</Product><Company>x</Company></ProcessCreate>",
            ),
            include("<Product>me</Product><Company>x</Company>"),
        ),
        (
            "SC106",
            rule(and, "<Product>a</Product><Product>b</Product>"),
            rule(
                and,
                "<Product>a</Product><Product condition=\"begin with\">A</Product>",
            ),
        ),
        (
            "SC106",
            rule(
                and,
                "<Product condition=\"begin with\">ab</Product><Product condition=\"begin with\">b</Product>",
            ),
            rule(
                and,
                "<Product condition=\"begin with\">ab</Product><Product condition=\"end with\">b</Product>",
            ),
        ),
        (
            "SC107",
            rule("", "<Product>a</Product><Company>b</Company>"),
            rule(
                "groupRelation=\"or\"",
                "<Product>a</Product><Company>b</Company>",
            ),
        ),
        (
            "SC108",
            rule(
                and,
                "<Product>x</Product><CommandLine condition=\"excludes all\">a;b</CommandLine>",
            ),
            rule(
                and,
                "<Product>x</Product><CommandLine condition=\"excludes all\">a</CommandLine>",
            ),
        ),
        (
            "SC109",
            wrap(
                "<NetworkConnect onmatch=\"include\"><DestinationPort condition=\"more than\">1024</DestinationPort></NetworkConnect>",
            ),
            include("<Product condition=\"more than\">b</Product>"),
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
            include("<Product>a</Product><Company condition=\"is not\">x</Company>"),
            rule(
                and,
                "<Product>a</Product><Company condition=\"is not\">x</Company>",
            ),
        ),
        (
            "SC114",
            include("<RuleName>x</RuleName>"),
            include("<Product>x</Product>"),
        ),
        (
            "SC115",
            wrap(
                "<RegistryEvent onmatch=\"include\"><User condition=\"contains\">a</User></RegistryEvent>",
            ),
            wrap(
                "<RegistryEvent onmatch=\"include\"><TargetObject>a</TargetObject></RegistryEvent>",
            ),
        ),
        (
            "SC116",
            wrap(
                "<RuleGroup groupRelation=\"or\"><ProcessCreate onmatch=\"exclude\"><Rule name=\"n\" groupRelation=\"and\"><Product>a</Product><Company>b</Company></Rule></ProcessCreate><ProcessCreate onmatch=\"include\"><Product>c</Product></ProcessCreate></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><ProcessCreate onmatch=\"exclude\"><Rule name=\"n\" groupRelation=\"and\"><Product>a</Product><Company>b</Company></Rule></ProcessCreate><ProcessCreate onmatch=\"include\"><Product name=\"x\">c</Product></ProcessCreate></RuleGroup>",
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
            include("<Product condition=\"contains\"></Product>"),
            include("<Product condition=\"contains\">a</Product>"),
        ),
        (
            "SC122",
            include("<Image>C:\\a.exe </Image>"),
            include("<CommandLine condition=\"contains\"> a </CommandLine>"),
        ),
        (
            "SC123",
            include("<Product>ä</Product>"),
            include("<Product>日本</Product>"),
        ),
        (
            "SC124",
            rule(
                &format!("name=\"{}\" {and}", "x".repeat(130)),
                "<Product>a</Product>",
            ),
            rule(
                &format!("name=\"{}\" {and}", "x".repeat(127)),
                "<Product>a</Product>",
            ),
        ),
        (
            "SC125",
            include("<Product>a</Product><Product>A</Product>"),
            include("<Product>a</Product><Company>a</Company>"),
        ),
        (
            "SC126",
            include("<Product condition=\"contains\">b</Product><Product>abc</Product>"),
            include("<Product>abc</Product><Product condition=\"contains\">b</Product>"),
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
            include("<Product>a</Product>").replace("4.90", "4.91"),
            include("<Product>a</Product>"),
        ),
        (
            "SC131",
            wrap(
                "<RuleGroup groupRelation=\"or\"><RegistryEvent onmatch=\"include\"><TargetObject condition=\"begin with\">HKCU\\Software\\Run</TargetObject></RegistryEvent></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><RegistryEvent onmatch=\"include\"><TargetObject condition=\"begin with\">HKLM\\Software\\Run</TargetObject></RegistryEvent></RuleGroup>",
            ),
        ),
        (
            "SC131",
            wrap(
                "<RuleGroup groupRelation=\"or\"><RegistryEvent onmatch=\"include\"><TargetObject condition=\"contains\">HKEY_LOCAL_MACHINE\\x</TargetObject></RegistryEvent></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><RegistryEvent onmatch=\"include\"><TargetObject condition=\"contains\">\\HKEY</TargetObject></RegistryEvent></RuleGroup>",
            ),
        ),
        (
            "SC131",
            wrap(
                "<RuleGroup groupRelation=\"or\"><RegistryEvent onmatch=\"include\"><TargetObject condition=\"begin with\">HKLM\\System\\ControlSet001\\x</TargetObject></RegistryEvent></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><RegistryEvent onmatch=\"include\"><TargetObject condition=\"contains\">\\ControlSet</TargetObject></RegistryEvent></RuleGroup>",
            ),
        ),
        (
            "SC132",
            wrap(
                "<RuleGroup groupRelation=\"or\"><PipeEvent onmatch=\"include\"><PipeName condition=\"is\">lsass</PipeName></PipeEvent></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><PipeEvent onmatch=\"include\"><PipeName condition=\"contains\">lsass</PipeName></PipeEvent></RuleGroup>",
            ),
        ),
        (
            "SC132",
            wrap(
                "<RuleGroup groupRelation=\"or\"><PipeEvent onmatch=\"include\"><PipeName condition=\"is\">\\\\.\\pipe\\lsass</PipeName></PipeEvent></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><PipeEvent onmatch=\"include\"><PipeName condition=\"image\">lsass</PipeName></PipeEvent></RuleGroup>",
            ),
        ),
        (
            "SC133",
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationIp condition=\"is\">::1</DestinationIp></NetworkConnect></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationIp condition=\"is\">0:0:0:0:0:0:0:1</DestinationIp></NetworkConnect></RuleGroup>",
            ),
        ),
        (
            "SC133",
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationIp condition=\"is\">10.0.0.0/8</DestinationIp></NetworkConnect></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationIp condition=\"begin with\">10.</DestinationIp></NetworkConnect></RuleGroup>",
            ),
        ),
        (
            "SC133",
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationIp condition=\"begin with\">fe80::</DestinationIp></NetworkConnect></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationIp condition=\"begin with\">fe80:0:</DestinationIp></NetworkConnect></RuleGroup>",
            ),
        ),
        (
            "SC134",
            wrap(
                "<RuleGroup groupRelation=\"or\"><FileCreate onmatch=\"include\"><Image condition=\"begin with\">C:\\\\Program Files\\\\</Image></FileCreate></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><FileCreate onmatch=\"include\"><Image condition=\"begin with\">\\\\server\\share</Image></FileCreate></RuleGroup>",
            ),
        ),
        (
            "SC135",
            wrap(
                "<RuleGroup groupRelation=\"or\"><ProcessAccess onmatch=\"include\"><GrantedAccess condition=\"is\">0x0810</GrantedAccess></ProcessAccess></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><ProcessAccess onmatch=\"include\"><GrantedAccess condition=\"is\">0x810</GrantedAccess></ProcessAccess></RuleGroup>",
            ),
        ),
        (
            "SC135",
            wrap(
                "<RuleGroup groupRelation=\"or\"><ProcessAccess onmatch=\"include\"><GrantedAccess condition=\"is any\">0x1F0FFF;2097151</GrantedAccess></ProcessAccess></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><ProcessAccess onmatch=\"include\"><GrantedAccess condition=\"end with\">ff</GrantedAccess></ProcessAccess></RuleGroup>",
            ),
        ),
        (
            "SC136",
            include(
                "<ProcessGuid condition=\"is\">297BC33E-9DE2-5F2D-2208-000000000400</ProcessGuid>",
            ),
            include("<ProcessGuid condition=\"contains\">297bc33e-9de2</ProcessGuid>"),
        ),
        (
            "SC137",
            include("<Hashes condition=\"is\">7272CE348764A37891EB0F5F61EF1C70</Hashes>"),
            include("<Hashes condition=\"contains\">7272CE348764A37891EB0F5F61EF1C70</Hashes>"),
        ),
        (
            "SC138",
            include("<Image condition=\"begin with\">\\Device\\HarddiskVolume2\\Windows</Image>"),
            include("<Image condition=\"begin with\">C:\\Windows</Image>"),
        ),
        (
            "SC139",
            include("<User condition=\"is\">SYSTEM</User>"),
            include("<User condition=\"image\">SYSTEM</User>"),
        ),
        (
            "SC140",
            include("<IntegrityLevel condition=\"is\">Administrator</IntegrityLevel>"),
            include("<IntegrityLevel condition=\"begin with\">med</IntegrityLevel>"),
        ),
        (
            "SC140",
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><Initiated condition=\"is\">yes</Initiated></NetworkConnect></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><Initiated condition=\"is\">TRUE</Initiated></NetworkConnect></RuleGroup>",
            ),
        ),
        (
            "SC141",
            include("<ParentImage condition=\"is\">\"C:\\Program Files\\a.exe\"</ParentImage>"),
            include(
                "<CommandLine condition=\"contains\">\"C:\\Program Files\\a.exe\"</CommandLine>",
            ),
        ),
        (
            "SC142",
            include("<CommandLine condition=\"image\">cmd.exe</CommandLine>"),
            include("<OriginalFileName condition=\"image\">cmd.exe</OriginalFileName>"),
        ),
        (
            "SC143",
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationPort condition=\"contains\">443</DestinationPort></NetworkConnect></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationPort condition=\"contains\">65535</DestinationPort></NetworkConnect></RuleGroup>",
            ),
        ),
        (
            "SC143",
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationIp condition=\"begin with\">10.1</DestinationIp></NetworkConnect></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationIp condition=\"begin with\">10.1.</DestinationIp></NetworkConnect></RuleGroup>",
            ),
        ),
        (
            "SC144",
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationPort condition=\"is\">https</DestinationPort></NetworkConnect></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><NetworkConnect onmatch=\"include\"><DestinationPort condition=\"is\">443</DestinationPort></NetworkConnect></RuleGroup>",
            ),
        ),
        (
            "SC145",
            include(
                "<CommandLine condition=\"contains\">net.exe user</CommandLine></ProcessCreate><ProcessCreate onmatch=\"exclude\"><CommandLine condition=\"contains\">net.exe use</CommandLine>",
            ),
            include(
                "<CommandLine condition=\"contains\">net.exe use</CommandLine></ProcessCreate><ProcessCreate onmatch=\"exclude\"><CommandLine condition=\"contains\">net.exe user</CommandLine>",
            ),
        ),
        (
            "SC146",
            include(
                &"<Rule groupRelation=\"and\"><Product>a</Product><Company>b</Company></Rule>"
                    .repeat(2),
            ),
            include(
                "<Rule groupRelation=\"and\"><Product>a</Product><Company>b</Company></Rule><Rule groupRelation=\"and\"><Product>a</Product><Company>c</Company></Rule>",
            ),
        ),
        (
            "SC147",
            wrap(
                "<RuleGroup groupRelation=\"or\"><RegistryEvent onmatch=\"include\"><TargetObject condition=\"contains\">Run</TargetObject></RegistryEvent><RegistryEvent onmatch=\"exclude\"><TargetObject condition=\"begin with\">HKLM</TargetObject><TargetObject condition=\"begin with\">HKU</TargetObject><TargetObject condition=\"begin with\">HKCR</TargetObject></RegistryEvent></RuleGroup>",
            ),
            wrap(
                "<RuleGroup groupRelation=\"or\"><RegistryEvent onmatch=\"include\"><TargetObject condition=\"contains\">Run</TargetObject></RegistryEvent><RegistryEvent onmatch=\"exclude\"><TargetObject condition=\"begin with\">HKLM</TargetObject><TargetObject condition=\"begin with\">HKU</TargetObject></RegistryEvent></RuleGroup>",
            ),
        ),
        (
            "SC148",
            include("<!-- scotoma: ignore SC118 --><Product>a</Product>"),
            include("<!-- scotoma: ignore SC118 name-as-path is meant --><Image>cmd.exe</Image>"),
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
fn comments_silence_findings_with_a_reason() {
    let xml = |comment: &str| {
        include(&format!(
            "\n<!-- {comment} -->\n<Image>cmd.exe</Image>\n<Image>calc.exe</Image>"
        ))
    };
    let count = |comment: &str| {
        let config = Config::parse_text("t.xml", &xml(comment), Engine::Strict);
        let found = lint::findings(&config);
        let left = found.shown.iter().filter(|d| d.code == "SC118").count();
        (left, found.silenced)
    };
    assert_eq!(count("nothing"), (2, 0));
    assert_eq!(count("scotoma: ignore SC118 known"), (1, 1));
    assert_eq!(count("scotoma: ignore name-as-path,sc119 known"), (1, 1));
    assert_eq!(count("scotoma: ignore-file SC118 known"), (0, 2));
    assert_eq!(count("scotoma: ignore SC118"), (2, 0));
    assert_eq!(count("scotoma: ignore SC999 known"), (2, 0));
}

#[test]
fn covered_conditions() {
    let pairs = [
        ("is any\">a;b", "is\">B", true),
        ("is any\">a;b", "is any\">b;c", false),
        ("contains any\">x;b", "end with\">abc", true),
        ("contains any\">x;b", "contains all\">b;q", true),
        ("contains all\">x;b", "contains\">xb", false),
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
        "<Image condition=\"contains\">x</Image><Rule groupRelation=\"and\"><Product>a</Product><Image>axb</Image></Rule>",
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
    let xml = include("\n  <Product>a</Product>\n  <Product>A</Product>\n<Image>cmd.exe</Image>");
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
            "::warning file=dir/t.xml,line=3,endLine=3,col=4,endColumn=11,title=SC125::"
        ),
        "{github}"
    );
    let fixed = fix::apply(&config.source, &found, Safety::Safe);
    assert_eq!((fixed.applied, fixed.skipped), (1, 0));
    assert!(!fixed.text.contains("<Product>A</Product>") && fixed.text.contains("<Image>cmd.exe"));
    let all = fix::apply(&config.source, &found, Safety::Unsafe);
    assert!(
        all.text
            .contains("<Image condition=\"image\">cmd.exe</Image>"),
        "{}",
        all.text
    );
}

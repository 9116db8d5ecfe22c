//! The article's story, and what must hold of every line: what is called unseen is dropped, and a remedy that is called tried
//! works.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use analytics::pack::{self, Hunt};
use catalog::BehaviourId;
use sight::chain::{DetectionStack, LinkKind, LinkState, TechniqueSight, walk};
use sight::simulate::{SimulationOptions, Variant};
use sysmon::event::Event;
use sysmon::reference;
use sysmon::text::Environment;
use sysmon::{Config, Engine};

fn config(xml: &str) -> Config {
    let config = Config::parse_text("test.xml", xml, Engine::Strict);
    assert!(config.accepted, "{:?}", config.diagnostics);
    config
}

/// The configuration that logs remote threads and nothing else.
fn remote_threads() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/remote-threads.xml");
    std::fs::read_to_string(path).unwrap()
}

fn published() -> Vec<Hunt> {
    let hunts = pack::built_in().unwrap().into_iter();
    hunts
        .filter(|h| h.id == "reflective_dll_injection_published")
        .collect()
}

fn seen(config: &Config, hunts: &[Hunt], technique: &str, variant: Variant) -> TechniqueSight {
    let stack = DetectionStack {
        config: Some(config),
        environment: Environment::new(),
        rules: &[],
        hunts,
        tampering: None,
    };
    let technique = BehaviourId::named(technique).unwrap();
    let options = SimulationOptions::default();
    let mut lines = walk(&[technique], Some(variant), &stack, &options).unwrap();
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

fn decided(config: &Config, line: &TechniqueSight) -> bool {
    let example = serde_json::to_value(line.event.as_ref().unwrap()).unwrap();
    let event: Event = serde_json::from_value(example).unwrap();
    let event = event.as_before_filtering();
    reference::decide(&config.rules, &Environment::new(), &event).log
}

#[test]
fn the_published_join_can_never_fire_and_with_the_remedy_it_does() {
    let xml = remote_threads();
    let before = config(&xml);
    let hunts = published();
    let line = seen(&before, &hunts, "inj-reflective-dll", Variant::AllAccess);
    let state = |name: &str| {
        let mut links = line.of(LinkKind::Configuration);
        links.find(|l| l.name.starts_with(name)).unwrap().state
    };
    assert_eq!(state("event 8 "), LinkState::Seen);
    assert_eq!(state("event 10 "), LinkState::Filtered);
    let hunt = line.of(LinkKind::Analytic).next().unwrap();
    assert_eq!(hunt.state, LinkState::Filtered);
    assert!(hunt.why.contains("event 10"), "{}", hunt.why);
    let broken = line.break_link().unwrap();
    assert_eq!(broken.kind, LinkKind::Configuration);
    assert!(broken.why.contains("by default it is not logged"));
    assert_eq!(line.event.as_ref().unwrap().id, 10);
    assert!(!decided(&before, &line));

    let remedy = &line.remedies[0];
    assert!(remedy.verified && remedy.catches == ["reflective_dll_injection_published"]);
    let mended = xml.replace(
        "</EventFiltering>",
        &format!("{}</EventFiltering>", remedy.change),
    );
    let after = seen(
        &config(&mended),
        &hunts,
        "inj-reflective-dll",
        Variant::AllAccess,
    );
    assert!(after.holds());
    let hunt = after.of(LinkKind::Analytic).next().unwrap();
    assert_eq!(hunt.state, LinkState::Seen);
}

#[test]
fn with_the_rights_the_technique_needs_the_published_mask_is_not_held() {
    let everything = remote_threads().replace(
        "</EventFiltering>",
        "<ProcessAccess onmatch=\"exclude\"/></EventFiltering>",
    );
    let line = seen(
        &config(&everything),
        &published(),
        "inj-reflective-dll",
        Variant::Api,
    );
    let broken = line.break_link().unwrap();
    assert_eq!(broken.kind, LinkKind::Analytic);
    assert_eq!(broken.state, LinkState::NotMatched);
    // The corrected hunt is there, and is proposed because it fires.
    let proposed = line.remedies.iter().flat_map(|r| &r.catches);
    assert!(
        proposed
            .into_iter()
            .any(|c| c == "reflective_dll_injection_corrected")
    );
}

#[test]
fn an_exclusion_is_named_with_its_line_and_narrowed() {
    let xml = "<Sysmon schemaversion=\"4.90\">\n<EventFiltering>\n<RuleGroup groupRelation=\"or\">\n\
               <ProcessAccess onmatch=\"exclude\">\n\
               <SourceImage condition=\"end with\">powershell.exe</SourceImage>\n\
               <TargetImage condition=\"end with\">notepad.exe</TargetImage>\n\
               </ProcessAccess>\n</RuleGroup>\n</EventFiltering>\n</Sysmon>\n";
    let before = config(xml);
    let line = seen(
        &before,
        &published(),
        "inj-reflective-dll",
        Variant::AllAccess,
    );
    let broken = line.break_link().unwrap();
    assert_eq!(broken.line, Some(5));
    assert!(
        broken.why.contains("SourceImage end with"),
        "{}",
        broken.why
    );
    assert!(!decided(&before, &line));
    let narrowed = line.remedies.iter().find(|r| r.verified).unwrap();
    assert!(narrowed.what.contains("line 5") && narrowed.what.contains("line 6"));
}

#[test]
fn without_a_configuration_it_is_what_sysmon_could_see() {
    let stack = DetectionStack {
        config: None,
        environment: Environment::new(),
        rules: &[],
        hunts: &[],
        tampering: None,
    };
    let all: Vec<BehaviourId> = BehaviourId::all().collect();
    let lines = walk(&all, None, &stack, &SimulationOptions::default()).unwrap();
    for line in &lines {
        let technique = BehaviourId::named(&line.technique).unwrap();
        let mut expected = technique.expected.iter();
        let visible = expected.any(|e| e.event.sensor.slug() == "sysmon");
        assert_eq!(line.holds(), visible, "{}", line.technique);
        assert_eq!(line.of(LinkKind::Configuration).count(), 0);
        if !visible {
            assert_eq!(line.break_link().unwrap().kind, LinkKind::Event);
        }
    }
}

#[test]
fn rules_match_or_say_which_condition_fails() {
    let rules = "title: Dump by comsvcs\nid: 6a4c2d1e-0000-4000-8000-000000000001\n\
                 logsource: {product: windows, category: process_creation}\n\
                 detection:\n  selection:\n    CommandLine|contains: 'comsvcs'\n  condition: selection\n\
                 tags: [attack.t1003.001]\n---\n\
                 title: Dump by another name\nlogsource: {product: windows, category: process_creation}\n\
                 detection:\n  selection:\n    Image|endswith: '\\procdump.exe'\n  condition: selection\n\
                 tags: [attack.t1003.001]\n";
    let pack = sigma::Pack::parse(Path::new("r.yml"), rules, &sigma::Placeholders::new());
    assert_eq!(pack.rules.len(), 2);
    let everything = config(
        "<Sysmon schemaversion=\"4.90\"><EventFiltering><ProcessCreate onmatch=\"exclude\"/></EventFiltering></Sysmon>",
    );
    let stack = DetectionStack {
        config: Some(&everything),
        environment: Environment::new(),
        rules: &pack.rules,
        hunts: &[],
        tampering: None,
    };
    let technique = BehaviourId::named("cred-lsass-comsvcs").unwrap();
    let lines = walk(&[technique], None, &stack, &SimulationOptions::default()).unwrap();
    let line = &lines[0];
    assert!(line.holds());
    let analytics: Vec<_> = line.of(LinkKind::Analytic).collect();
    assert_eq!(analytics[0].state, LinkState::Seen);
    assert_eq!(analytics[1].state, LinkState::NotMatched);
    assert!(
        analytics[1].why.contains("rundll32.exe"),
        "{}",
        analytics[1].why
    );
}

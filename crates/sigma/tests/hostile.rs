//! Rules built to hurt end in a refusal with a position, or are read.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use proptest::prelude::*;
use sigma::{Pack, Placeholders};

fn parse(text: &str) -> Pack {
    Pack::parse(Path::new("rule.yml"), text, &Placeholders::new())
}

fn rule(detection: &str) -> String {
    format!(
        "title: t\nlogsource: {{product: windows, category: process_creation}}\ndetection:\n{detection}"
    )
}

fn refused_at(text: &str) -> usize {
    let pack = parse(text);
    assert!(pack.rules.is_empty());
    assert_eq!(pack.refused.len(), 1, "{:?}", pack.refused);
    pack.refused[0].line
}

#[test]
fn deep_nesting_is_refused() {
    let open = "(".repeat(10_000);
    let deep = format!(
        "  a:\n    Image: x\n  condition: {open}a{}\n",
        ")".repeat(10_000)
    );
    assert_eq!(refused_at(&rule(&deep)), 6);
    let not = format!(
        "  a:\n    Image: x\n  condition: {}a\n",
        "not ".repeat(10_000)
    );
    assert_eq!(refused_at(&rule(&not)), 6);
    let lists = format!(
        "  a: {}{}\n  condition: a\n",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(refused_at(&rule(&lists)), 4);
}

#[test]
fn too_many_values_are_refused() {
    let values: String = (0..100_000).map(|n| format!("    - v{n}\n")).collect();
    let many = format!("  a:\n    Image:\n{values}  condition: a\n");
    assert_eq!(
        refused_at(&rule(&many)),
        5 - usize::from(many.len() > 1 << 20) * 4
    );
}

#[test]
fn conditions_that_explode_are_refused() {
    let values: String = (0..1_000).map(|n| format!("    - v{n}\n")).collect();
    let names = vec!["a"; 1_000].join(" or ");
    let many = format!("  a:\n    Image:\n{values}  condition: {names}\n");
    assert_eq!(refused_at(&rule(&many)), 4);
    let dashes = " -a".repeat(500);
    let spelt = format!("  a:\n    CommandLine|windash|contains: '{dashes}'\n  condition: a\n");
    assert_eq!(parse(&rule(&spelt)).rules.len(), 1);
    let aliases: String = (1..30)
        .map(|n| format!("  x{n}: &x{n} [*x{0}, *x{0}]\n", n - 1))
        .collect();
    let laughs = format!("  x0: &x0 [a, b]\n{aliases}  condition: x0\n");
    assert!(!parse(&rule(&laughs)).refused.is_empty());
}

#[test]
fn refusals_name_the_line() {
    let text = rule("  a:\n    Image: x\n  b:\n    User|begins: x\n  condition: a\n");
    let second = format!(
        "{}---\n{}",
        rule("  a:\n    Image: x\n  condition: a\n"),
        rule("  a:\n    User|re: '(a'\n  condition: a\n")
    );
    assert_eq!(refused_at(&text), 7);
    let pack = parse(&second);
    assert_eq!(pack.rules.len(), 1);
    assert_eq!(pack.refused[0].line, 12);
}

#[test]
fn filters_narrow_the_rules_they_name() {
    let filter = "---\ntitle: f\nlogsource: {product: windows, category: process_creation}\nfilter:\n  rules: [t]\n  own:\n    User: me\n  condition: not own\n";
    let text = rule("  a:\n    Image: x\n  condition: a\n") + filter;
    let pack = parse(&text);
    assert!(pack.refused.is_empty(), "{:?}", pack.refused);
    let predicate = &pack.rules[0].feeds[0].predicate;
    assert!(predicate.holds(&[("Image", Some("x")), ("User", Some("you"))]));
    assert!(!predicate.holds(&[("Image", Some("x")), ("User", Some("me"))]));
}

#[test]
fn placeholders_are_filled_from_their_values() {
    let text = rule("  a:\n    User|expand: 'corp\\%admins%'\n  condition: a\n");
    assert_eq!(parse(&text).refused.len(), 1);
    let values = Placeholders::from([(
        "admins".to_owned(),
        vec!["alice".to_owned(), "b*".to_owned()],
    )]);
    let pack = Pack::parse(Path::new("rule.yml"), &text, &values);
    let predicate = &pack.rules[0].feeds[0].predicate;
    assert!(predicate.holds(&[("User", Some(r"CORP\Alice"))]));
    assert!(predicate.holds(&[("User", Some(r"corp\bob"))]));
    assert!(!predicate.holds(&[("User", Some(r"corp\carol"))]));
}

proptest! {
    #[test]
    fn no_text_brings_it_down(text in "(title|detection|condition|sel|: |\\n|  |- |\\||re|all|of|\\*|'|\\(|%a%|[a-z\\\\]){0,60}") {
        let pack = parse(&text);
        let again = parse(&rule(&format!("  sel:\n    Image|contains: x\n  condition: {}\n", text.replace('\n', " "))));
        for refusal in pack.refused.iter().chain(&again.refused) {
            prop_assert!(refusal.line >= 1);
        }
    }
}

//! The pictures of the map: complete, well-formed, without overlap, without the network.
#![allow(clippy::unwrap_used)]

use catalog::draw::{MapPlan, dot, html, svg};
use catalog::map::{arrows, line, not_observed};
use catalog::{EventId, MechanismId, find};
use std::collections::BTreeSet;

fn number(node: roxmltree::Node<'_, '_>, name: &str) -> u32 {
    node.attribute(name).unwrap().parse().unwrap()
}

#[test]
fn everything_is_drawn() {
    let picture = svg(&MapPlan::all());
    let document = roxmltree::Document::parse(&picture).unwrap();
    let of = |name: &str| -> BTreeSet<String> {
        document
            .descendants()
            .filter_map(|n| n.attribute(name))
            .map(str::to_owned)
            .collect()
    };
    for mechanism in MechanismId::all() {
        assert!(of("data-m").contains(mechanism.slug()), "{mechanism}");
    }
    for event in EventId::all().filter(|e| e.mechanism.is_some()) {
        assert!(of("data-e").contains(event.slug()), "{event}");
    }
    let drawn: BTreeSet<_> = document
        .descendants()
        .filter(|n| n.attribute("class").is_some_and(|c| c.starts_with("row")))
        .map(|n| {
            (
                n.attribute("data-a").unwrap(),
                n.attribute("data-e").unwrap_or("silence"),
            )
        })
        .collect();
    for arrow in arrows() {
        let api = arrow.api.map_or("", |a| a.slug());
        assert!(drawn.contains(&(api, arrow.event.slug())), "{}", arrow.id);
    }
    for silence in not_observed() {
        assert!(
            silence
                .apis
                .iter()
                .all(|a| drawn.contains(&(a.slug(), "silence"))),
            "{}",
            silence.id
        );
    }
}

#[test]
fn boxes_do_not_overlap_and_nothing_leaves_the_picture() {
    let picture = svg(&MapPlan::all());
    let document = roxmltree::Document::parse(&picture).unwrap();
    let root = document.root_element();
    let (width, height) = (number(root, "width"), number(root, "height"));
    let boxes: Vec<_> = document
        .descendants()
        .filter(|n| n.attribute("class") == Some("box"))
        .map(|n| {
            (
                number(n, "x"),
                number(n, "y"),
                number(n, "width"),
                number(n, "height"),
            )
        })
        .collect();
    assert!(boxes.len() > 100);
    for (place, a) in boxes.iter().enumerate() {
        assert!(a.0 + a.2 <= width && a.1 + a.3 <= height, "{a:?}");
        for b in &boxes[place + 1..] {
            let apart =
                a.0 + a.2 <= b.0 || b.0 + b.2 <= a.0 || a.1 + a.3 <= b.1 || b.1 + b.3 <= a.1;
            assert!(apart, "{a:?} and {b:?}");
        }
    }
    for text in document.descendants().filter(|n| n.has_tag_name("text")) {
        assert!(number(text, "y") <= height && number(text, "x") < width);
    }
}

#[test]
fn the_page_needs_no_network_and_its_data_is_json() {
    let page = html(&MapPlan::all());
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    for address in [
        "http://", "https://", "//cdn", "src=", "@import", "url(http",
    ] {
        assert!(!outside.contains(address), "{address}");
    }
    for marker in ["/*STYLE*/", "<!--MAP-->", "/*DATA*/", "/*SCRIPT*/"] {
        assert!(!page.contains(marker), "{marker}");
    }
    let data = page
        .split("const DATA = ")
        .nth(1)
        .unwrap()
        .split(";\n\"use strict\"")
        .next()
        .unwrap();
    assert!(!data.contains('<'));
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        data["apis"]["WriteProcessMemory"]["not_observed"][0]["sensor"],
        "Sysmon"
    );
    assert_eq!(data["events"]["sysmon:10"]["mechanism"], "object-callback");
    // Whatever the panel links to is there.
    let techniques = data["techniques"].as_object().unwrap();
    for (name, technique) in techniques {
        for call in technique["win32"].as_array().unwrap() {
            assert!(
                data["apis"][call.as_str().unwrap()].is_object(),
                "{name}: {call}"
            );
        }
        for expected in technique["expected"].as_array().unwrap() {
            let event = expected["event"].as_str().unwrap();
            assert!(data["events"][event].is_object(), "{name}: {event}");
        }
    }
    for used in data["apis"]["OpenProcess"]["techniques"]
        .as_array()
        .unwrap()
    {
        assert!(techniques.contains_key(used.as_str().unwrap()), "{used}");
    }
}

#[test]
fn a_part_of_the_map_is_that_part() {
    let lines: Vec<_> = find("CreateRemoteThread")
        .into_iter()
        .map(|m| line(m.subject))
        .collect();
    let picture = svg(&MapPlan::of(&lines));
    assert!(picture.contains("data-e=\"sysmon:8\""));
    assert!(!picture.contains("data-e=\"sysmon:11\""));
    // A silence is drawn too: it is the answer.
    let lines: Vec<_> = find("WriteProcessMemory")
        .into_iter()
        .map(|m| line(m.subject))
        .collect();
    let picture = svg(&MapPlan::of(&lines));
    assert!(picture.contains("Known to leave no Sysmon event"));
    assert!(picture.contains("data-e=\"threat-intelligence:14\""));
    assert!(svg(&MapPlan::of(&[])).starts_with("<svg"));
}

#[test]
fn the_graph_names_every_node_once_and_balances() {
    let graph = dot(&MapPlan::all());
    assert_eq!(graph.matches('{').count(), graph.matches('}').count());
    for arrow in arrows().filter(|a| a.api.is_some()) {
        let edge = format!(
            "\"{}\" -> \"{}/{}\"",
            arrow.api.unwrap(),
            arrow.event.sensor,
            arrow.mechanism
        );
        assert!(graph.contains(&edge), "{edge}");
    }
    assert_eq!(dot(&MapPlan::all()), graph);
}

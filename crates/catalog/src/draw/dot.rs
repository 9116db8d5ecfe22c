//! The map as a Graphviz graph.

use super::plan::{MapPlan, Section};
use crate::storage::ApiId;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The plan as DOT: one cluster per sensor, one node per call, mechanism and event.
pub fn dot(plan: &MapPlan) -> String {
    let mut out = String::from(
        "digraph map {\n  rankdir=LR; ranksep=2; nodesep=0.12;\n  node [fontname=\"sans-serif\" fontsize=10 shape=box];\n",
    );
    let mut calls = BTreeSet::new();
    for section in &plan.sections {
        cluster(&mut out, section);
        arrows(&mut out, section, &mut calls);
        for silence in &section.not_observed {
            let node = format!("{}/silence", silence.id);
            let _ = writeln!(
                out,
                "  {} [label={} shape=note style=dashed];",
                quoted(&node),
                quoted(&format!(
                    "not observed by {}: {}",
                    section.sensor.name, silence.why
                ))
            );
            for api in silence.apis {
                calls.insert(*api);
                let _ = writeln!(
                    out,
                    "  {} -> {} [style=dashed arrowhead=tee];",
                    quoted(api.slug()),
                    quoted(&node)
                );
            }
        }
    }
    for mechanism in &plan.unused {
        let _ = writeln!(
            out,
            "  {} [label={} style=dashed];",
            quoted(mechanism.slug()),
            quoted(mechanism.name)
        );
    }
    for api in calls {
        let _ = writeln!(out, "  {} [shape=plaintext];", quoted(api.slug()));
    }
    out.push_str("}\n");
    out
}

/// A sensor with its mechanisms and their events.
fn cluster(out: &mut String, section: &Section) {
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "  subgraph {} {{\n    label={};",
        quoted(&format!("cluster_{}", section.sensor)),
        quoted(section.sensor.name)
    );
    for block in &section.blocks {
        let mechanism = format!("{}/{}", section.sensor, block.mechanism);
        let _ = writeln!(
            out,
            "    {} [label={} style=filled fillcolor=\"#eeeeee\"];",
            quoted(&mechanism),
            quoted(block.mechanism.name)
        );
        for group in &block.groups {
            let name = group.event.name.unwrap_or_default();
            let _ = writeln!(
                out,
                "    {} [label={} shape=cds];",
                quoted(group.event.slug()),
                quoted(&format!("{} {name}", group.event))
            );
            let _ = writeln!(
                out,
                "    {} -> {};",
                quoted(&mechanism),
                quoted(group.event.slug())
            );
        }
    }
    out.push_str("  }\n");
}

/// The arrows from calls to a sensor's mechanisms.
fn arrows(out: &mut String, section: &Section, calls: &mut BTreeSet<ApiId>) {
    for (block, arrow) in section.blocks.iter().flat_map(|b| {
        b.groups
            .iter()
            .flat_map(move |g| g.arrows.iter().map(move |a| (b, a)))
    }) {
        let Some(api) = arrow.api else { continue };
        calls.insert(api);
        let style = match arrow.mark {
            crate::Mark::FromSource | crate::Mark::Observed => "solid",
            crate::Mark::Derived => "dashed",
            crate::Mark::Doubtful | crate::Mark::Refuted => "dotted",
        };
        let mechanism = format!("{}/{}", section.sensor, block.mechanism);
        let _ = writeln!(
            out,
            "  {} -> {} [style={style} tooltip={}];",
            quoted(api.slug()),
            quoted(&mechanism),
            quoted(arrow.event.slug())
        );
    }
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

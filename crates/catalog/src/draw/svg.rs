//! The map as SVG. Rows are a fixed height, every box spans the rows it belongs to, every arrow is horizontal.

use super::plan::{EventGroup, MapPlan, MechanismBlock, Section};
use crate::Mark;
use crate::map::components_of;
use crate::model::calls::{Assessment, Mapping, NotObserved};
use std::fmt::Write;

/// Height of a row.
const ROW: u32 = 16;
/// Right edge of the calls.
const CALLS: u32 = 318;
/// The mechanisms' boxes.
const MECHANISM: (u32, u32) = (420, 690);
/// The events' boxes.
const EVENT: (u32, u32) = (758, 1068);
/// Width of the picture.
const WIDTH: u32 = 1080;

/// The plan as a stand-alone SVG that follows the reader's light or dark scheme.
pub fn svg(plan: &MapPlan) -> String {
    let mut picture = Picture {
        out: String::new(),
        y: 8,
    };
    for section in &plan.sections {
        picture.section(section);
    }
    picture.unused(plan);
    let height = picture.y + 8;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         class=\"map\" role=\"img\" aria-label=\"Windows API calls, the mechanisms that notice them, the events that result\">\n\
         <style>{}</style>\n\
         <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path d=\"M0 0L8 4L0 8z\" class=\"head\"/></marker></defs>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" class=\"ground\"/>\n{}</svg>\n",
        include_str!("../../assets/map.svg.css"),
        picture.out
    )
}

/// A line of SVG. Writing to a String cannot fail.
macro_rules! put {
    ($picture:ident, $($text:tt)*) => {{
        let _ = writeln!($picture.out, $($text)*);
    }};
}

struct Picture {
    out: String,
    y: u32,
}

impl Picture {
    fn section(&mut self, section: &Section) {
        let sensor = section.sensor;
        put!(self, "<g class=\"section {}\">", escape(sensor.slug()));
        self.y += 26;
        let baseline = self.y - 6;
        put!(
            self,
            "<text x=\"8\" y=\"{baseline}\" class=\"sensor\">{}</text>",
            escape(sensor.name)
        );
        for (x, title, class) in [
            (CALLS, "API calls", "small call"),
            (MECHANISM.0, "mechanism", "small"),
            (EVENT.0, "event", "small"),
        ] {
            put!(
                self,
                "<text x=\"{x}\" y=\"{baseline}\" class=\"{class}\">{title}</text>"
            );
        }
        put!(
            self,
            "<path d=\"M8 {0}H{1}\" class=\"rule\"/>",
            self.y,
            WIDTH - 12
        );
        self.y += 10;
        for block in &section.blocks {
            self.block(block);
        }
        if !section.not_observed.is_empty() {
            self.y += 6;
            let title = format!("Known to leave no {} event", sensor.name);
            put!(
                self,
                "<text x=\"8\" y=\"{}\" class=\"strong\">{}</text>",
                self.y + 12,
                escape(&title)
            );
            self.y += 22;
            section.not_observed.iter().for_each(|s| self.silence(s));
        }
        put!(self, "</g>");
        self.y += 14;
    }

    fn block(&mut self, block: &MechanismBlock) {
        let mechanism = block.mechanism;
        let top = self.y;
        let name = wrap(mechanism.name, 36);
        let imports: Vec<_> = mechanism.imports.iter().take(2).map(|i| i.name).collect();
        let label = (name.len() + imports.len()) as u32 * 14 + 10;
        let heights: Vec<u32> = block.groups.iter().map(height).collect();
        let needed = heights.iter().sum::<u32>() + 8 * (heights.len() as u32 - 1);
        // A mechanism with one short event still needs room for its own label.
        let slack = label.saturating_sub(needed);
        let bottom = top + needed + slack;
        let (left, right) = MECHANISM;
        put!(
            self,
            "<g class=\"mechanism\" data-m=\"{}\">",
            escape(mechanism.slug())
        );
        put!(
            self,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"5\" class=\"box\"/>",
            right - left,
            bottom - top
        );
        // A tall box says its name again every screen.
        let repeats = ((bottom - top) / 480).max(1);
        for part in 0..repeats {
            let middle = top + (bottom - top) * (2 * part + 1) / (2 * repeats);
            let mut y = middle.saturating_sub(label / 2) + 14;
            let middle_x = (left + right) / 2;
            for line in &name {
                put!(
                    self,
                    "<text x=\"{middle_x}\" y=\"{y}\" class=\"strong middle\">{}</text>",
                    escape(line)
                );
                y += 14;
            }
            for import in &imports {
                put!(
                    self,
                    "<text x=\"{middle_x}\" y=\"{y}\" class=\"small middle\">{}</text>",
                    escape(import)
                );
                y += 14;
            }
        }
        put!(self, "</g>");
        let extra = slack / heights.len().max(1) as u32;
        for (group, height) in block.groups.iter().zip(heights) {
            self.group(group, height + extra);
            self.y += 8;
        }
        self.y = bottom + 12;
    }

    fn group(&mut self, group: &EventGroup, height: u32) {
        let event = group.event;
        let mechanism = event.mechanism.map(|m| m.slug()).unwrap_or_default();
        let top = self.y;
        let rows = group.arrows.len() as u32 * ROW;
        let mut y = top + (height - rows.min(height)) / 2 + ROW - 4;
        for arrow in &group.arrows {
            self.arrow(arrow, mechanism, y);
            y += ROW;
        }
        let (left, right) = EVENT;
        let middle = top + height / 2;
        put!(
            self,
            "<g class=\"event\" data-e=\"{}\" data-m=\"{}\">",
            escape(event.slug()),
            escape(mechanism)
        );
        put!(
            self,
            "<path d=\"M{} {middle}H{}\" class=\"arrow\" marker-end=\"url(#head)\"/>",
            MECHANISM.1,
            left - 2
        );
        put!(
            self,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{height}\" rx=\"5\" class=\"box\"/>\
             <rect x=\"{left}\" y=\"{top}\" width=\"5\" height=\"{height}\" rx=\"2\" class=\"stripe\"/>",
            right - left
        );
        let tag = event.sysmon.and_then(|s| s.rule_tag);
        let title = match tag {
            Some(tag) => format!("{event}  {tag}"),
            None => event.slug().to_owned(),
        };
        let names = wrap(event.name.unwrap_or("(name not known)"), 40);
        let components: Vec<_> = components_of(event).iter().map(|c| c.name).collect();
        let mut lines = vec![("strong", title)];
        lines.extend(names.into_iter().map(|n| ("plain", n)));
        if !components.is_empty() {
            lines.push(("small", shorten(&components.join(", "), 48)));
        }
        // The title always; the rest where the box has room.
        lines.truncate(((height - 6) / 14).max(1) as usize);
        let mut y = middle - lines.len() as u32 * 7 + 11;
        for (class, line) in lines {
            put!(
                self,
                "<text x=\"{}\" y=\"{y}\" class=\"{class}\">{}</text>",
                left + 14,
                escape(&line)
            );
            y += 14;
        }
        put!(self, "</g>");
        self.y += height;
    }

    fn arrow(&mut self, arrow: &Mapping, mechanism: &str, y: u32) {
        let class = match arrow.mark {
            Mark::FromSource | Mark::Observed => "sure",
            Mark::Derived => "derived",
            Mark::Doubtful | Mark::Refuted => "doubtful",
        };
        let name = arrow.api.map_or("(no API named)", |a| a.slug());
        let module = arrow
            .api
            .and_then(|a| a.modules.first().copied())
            .unwrap_or_default();
        let when = crate::derive::in_words(arrow.when);
        let aside = match (arrow.assessment, (!when.is_empty()).then_some(when)) {
            (Some(Assessment::Prerequisite), _) => " (comes before)".to_owned(),
            (Some(Assessment::NotAnApi), _) => " (no API)".to_owned(),
            (Some(Assessment::Doubtful), _) => " (doubtful)".to_owned(),
            (None, Some(when)) => format!(" ({when})"),
            (None, None) => String::new(),
        };
        let aside = shorten(&aside, 24);
        // The call's name matters; where both do not fit, its module gives way.
        let room = name.chars().count() + aside.chars().count() <= 36;
        let module = if room { module } else { "" };
        put!(
            self,
            "<g class=\"row {class}\" data-a=\"{}\" data-e=\"{}\" data-m=\"{}\"><title>{}</title>\
             <rect x=\"4\" y=\"{}\" width=\"{}\" height=\"{ROW}\" class=\"hit\"/>\
             <text x=\"8\" y=\"{y}\" class=\"small\">{}</text>\
             <text x=\"{CALLS}\" y=\"{y}\" class=\"call\">{}<tspan class=\"small\">{}</tspan></text>\
             <path d=\"M{} {line}H{}\" class=\"arrow\" marker-end=\"url(#head)\"/></g>",
            escape(arrow.api.map(|a| a.slug()).unwrap_or_default()),
            escape(arrow.event.slug()),
            escape(mechanism),
            escape(&format!(
                "{name} → {mechanism} → {} [{}]",
                arrow.event,
                mark(arrow.mark)
            )),
            y - 12,
            MECHANISM.0 - 6,
            escape(module),
            escape(name),
            escape(&aside),
            CALLS + 6,
            MECHANISM.0 - 2,
            line = y - 4
        );
    }

    fn silence(&mut self, silence: &NotObserved) {
        let expected = silence
            .event
            .map_or_else(|| "no event".to_owned(), |e| format!("no {e}"));
        let lines = wrap(&format!("{expected}: {}", silence.why), 96);
        let height = (silence.apis.len().max(lines.len()) as u32) * ROW;
        let top = self.y;
        put!(self, "<g class=\"quiet\">");
        for (place, api) in silence.apis.iter().enumerate() {
            let y = top + place as u32 * ROW + ROW - 4;
            put!(
                self,
                "<g class=\"row silence\" data-a=\"{}\"><rect x=\"4\" y=\"{}\" width=\"{}\" height=\"{ROW}\" class=\"hit\"/>\
                 <text x=\"{CALLS}\" y=\"{y}\" class=\"call\">{}</text>\
                 <path d=\"M{} {line}H{}\" class=\"arrow\"/><text x=\"{}\" y=\"{}\" class=\"cross\">✕</text></g>",
                escape(api.slug()),
                y - 12,
                MECHANISM.0 - 6,
                escape(api.slug()),
                CALLS + 6,
                CALLS + 54,
                CALLS + 58,
                y,
                line = y - 4
            );
        }
        let mut y = top + (height - lines.len() as u32 * ROW) / 2 + ROW - 4;
        for line in &lines {
            put!(
                self,
                "<text x=\"{}\" y=\"{y}\" class=\"why\">{}</text>",
                MECHANISM.0,
                escape(line)
            );
            y += ROW;
        }
        put!(
            self,
            "<path d=\"M{} {}V{}\" class=\"rule\"/></g>",
            MECHANISM.0 - 10,
            top + 2,
            top + height - 2
        );
        self.y += height + 8;
    }

    fn unused(&mut self, plan: &MapPlan) {
        if plan.unused.is_empty() {
            return;
        }
        self.y += 26;
        let title = "Mechanisms whose events are not in the catalog";
        put!(
            self,
            "<text x=\"8\" y=\"{}\" class=\"sensor\">{title}</text>",
            self.y - 6
        );
        put!(
            self,
            "<path d=\"M8 {0}H{1}\" class=\"rule\"/>",
            self.y,
            WIDTH - 12
        );
        self.y += 10;
        for mechanism in &plan.unused {
            let imports: Vec<_> = mechanism.imports.iter().map(|i| i.name).collect();
            let y = self.y + ROW - 4;
            put!(
                self,
                "<g class=\"mechanism\" data-m=\"{}\"><text x=\"8\" y=\"{y}\">{}</text>\
                 <text x=\"{}\" y=\"{y}\" class=\"small\">{}</text></g>",
                escape(mechanism.slug()),
                escape(mechanism.name),
                MECHANISM.0,
                escape(&shorten(&imports.join(", "), 100)),
            );
            self.y += ROW + 2;
        }
    }
}

fn height(group: &EventGroup) -> u32 {
    (group.arrows.len() as u32 * ROW + 4).max(36)
}

fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::FromSource => "from-source",
        Mark::Observed => "observed",
        Mark::Derived => "derived",
        Mark::Doubtful => "doubtful",
        Mark::Refuted => "refuted",
    }
}

/// Text as SVG and HTML take it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// `text` in lines of at most `width` characters, broken at blanks and, where a word is longer, after `_` or `-`.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find([' ', '_', '-']).map_or(rest.len(), |at| at + 1);
        let (word, tail) = rest.split_at(at);
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() && line.chars().count() + word.trim_end().chars().count() > width {
                lines.push(word.to_owned());
            } else {
                line.push_str(word);
            }
        }
        rest = tail;
    }
    lines.iter().map(|l| l.trim_end().to_owned()).collect()
}

fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

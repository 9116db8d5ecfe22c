//! A static site: a page for every call and every event, with an address that a rule or a report can cite.

use std::path::Path;

use anyhow::Context;
use catalog::map::line;
use catalog::{ApiId, EventId, FoundRow, Subject};

use crate::output::page::Page;

/// Whether `path` is meant as a folder: it is one, or it has no ending.
pub(super) fn is_folder(path: &Path) -> bool {
    path.is_dir() || (!path.is_file() && path.extension().is_none())
}

/// Writes the site and says how many pages it has.
pub(super) fn write(folder: &Path) -> anyhow::Result<usize> {
    let calls: Vec<_> = ApiId::all()
        .map(|a| (a.slug(), file_name("call", a.slug()), Subject::Api(a)))
        .collect();
    let events: Vec<_> = EventId::all()
        .map(|e| (e.slug(), file_name("event", e.slug()), Subject::Event(e)))
        .collect();
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    let names: Vec<(&str, &str)> = calls
        .iter()
        .chain(&events)
        .map(|(name, file, _)| (*name, file.as_str()))
        .collect();
    for (name, file, subject) in calls.iter().chain(&events) {
        let mut page = Page::of_width(100);
        let found = FoundRow {
            subject: *subject,
            by: None,
            mentioned: false,
        };
        super::answer::show(&mut page, &found, &line(*subject), true);
        put(file, html(name, &linked(&page.finish(), &names)))?;
    }
    let list = |title: &str, rows: &[(&'static str, String, Subject)]| {
        let items: String = rows
            .iter()
            .map(|(name, file, subject)| {
                let of = match subject {
                    Subject::Event(e) => e.name.unwrap_or_default(),
                    _ => "",
                };
                format!(
                    "<li><a href=\"{file}\">{}</a> {}</li>\n",
                    escape(name),
                    escape(of)
                )
            })
            .collect();
        format!("<h2>{title}</h2>\n<ul>\n{items}</ul>\n")
    };
    let index = list("Calls", &calls) + &list("Events", &events);
    put("index.html", html("The map", &index))?;
    Ok(names.len() + 1)
}

/// `sysmon:10` becomes `event-sysmon-10.html`: letters, digits and dashes, the same on every system.
fn file_name(kind: &str, name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    format!("{kind}-{plain}.html")
}

/// The text with every name that has a page as a link to it.
fn linked(text: &str, pages: &[(&str, &str)]) -> String {
    let mut out = String::from("<pre>");
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // A colon after a name ends the sentence's part, not the name.
        let name = word.trim_end_matches([':', '-']);
        match pages
            .iter()
            .find(|(page, _)| *page == name && !name.is_empty())
        {
            Some((_, file)) => {
                out += &format!(
                    "<a href=\"{file}\">{}</a>{}",
                    escape(name),
                    escape(&word[name.len()..])
                );
            }
            None => out += &escape(word),
        }
        let other = after.find(is_name).unwrap_or(after.len());
        out += &escape(&after[..other]);
        rest = &after[other..];
    }
    out + "</pre>\n"
}

fn html(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{} - Scotoma</title>\n<style>:root {{ color-scheme: light dark }} body {{ font: 15px/1.5 system-ui; \
         max-width: 60rem; margin: 1rem auto; padding: 0 1rem }} pre {{ white-space: pre-wrap; font: 14px/1.5 ui-monospace, monospace }}</style>\
         </head>\n<body>\n<p><a href=\"index.html\">The map</a></p>\n{body}</body></html>\n",
        escape(title)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_links_and_text_stays_text() {
        let pages = [
            ("OpenProcess", "call-OpenProcess.html"),
            ("sysmon:10", "event-sysmon-10.html"),
        ];
        assert_eq!(
            linked("OpenProcess gives sysmon:10: <b>", &pages),
            "<pre><a href=\"call-OpenProcess.html\">OpenProcess</a> gives <a href=\"event-sysmon-10.html\">sysmon:10</a>: &lt;b&gt;</pre>\n"
        );
        assert_eq!(
            file_name("call", "IWbemServices::PutInstance"),
            "call-IWbemServices--PutInstance.html"
        );
    }

    #[test]
    fn no_two_pages_have_one_name() {
        let mut names: Vec<_> = ApiId::all()
            .map(|a| file_name("call", a.slug()).to_lowercase())
            .collect();
        names.extend(EventId::all().map(|e| file_name("event", e.slug())));
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}

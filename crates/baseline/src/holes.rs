//! What the holes of a recording mean for its baseline, in words.

use telemetry::holes::LogHoles;
use text::{grouped, plural};

/// Logs that are named; the others are counted.
const MAX_NAMED: usize = 10;

/// Notes for the reader: where events were lost or records are missing, counts and rates are lower bounds. `once` says
/// that records which are there twice were counted once.
pub fn hole_notes(logs: &[LogHoles], once: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let name = |log: &LogHoles| {
        let host = log.host.as_deref().unwrap_or("a machine without a name");
        let channel = log.channel.as_deref().unwrap_or("no channel");
        format!("{host} ({channel})")
    };
    let list = |which: &dyn Fn(&LogHoles) -> Option<String>| {
        let said: Vec<String> = logs.iter().filter_map(which).collect();
        let more = said.len().saturating_sub(MAX_NAMED);
        let mut list = said[..said.len() - more].join(", ");
        if more > 0 {
            list += &format!(", and {} more", grouped(more as u64));
        }
        (!said.is_empty()).then_some(list)
    };
    let lost = list(&|log| {
        let reports = plural(log.losses, "report");
        (log.losses > 0).then(|| format!("{reports} on {}", name(log)))
    });
    if let Some(lost) = lost {
        notes.push(format!(
            "Sysmon lost events and says so (255 QUEUE): {lost}; counts and rates there are lower bounds"
        ));
    }
    let missing = list(&|log| {
        let gaps = plural(log.gaps, "gap");
        let missing = grouped(log.missing);
        (log.missing > 0).then(|| format!("{missing} in {gaps} on {}", name(log)))
    });
    if let Some(missing) = missing {
        notes.push(format!(
            "numbers of records are missing: {missing}; if these logs were not filtered, counts and rates are lower bounds"
        ));
    }
    let twice =
        list(&|log| (log.twice > 0).then(|| format!("{} on {}", grouped(log.twice), name(log))));
    if let Some(twice) = twice {
        notes.push(match once {
            true => format!("records that are there twice were counted once: {twice}"),
            false => format!("records are there twice and were counted each time: {twice}"),
        });
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_named_by_machine() {
        let log = |host: &str, losses, missing, twice| LogHoles {
            host: Some(host.to_owned()),
            channel: Some("c".to_owned()),
            losses,
            missing,
            gaps: 1,
            twice,
            ..LogHoles::default()
        };
        assert_eq!(hole_notes(&[], true), [""; 0]);
        let notes = hole_notes(&[log("A", 160, 0, 0), log("B", 0, 1200, 2)], true);
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert!(notes[0].contains("160 reports on A (c)"), "{notes:?}");
        assert!(notes[1].contains("1,200 in 1 gap on B (c)"), "{notes:?}");
        assert!(notes[2].contains("counted once: 2 on B"), "{notes:?}");
        let many: Vec<LogHoles> = (0..30).map(|n| log(&n.to_string(), 1, 0, 0)).collect();
        assert!(hole_notes(&many, true)[0].contains("and 20 more"));
    }
}

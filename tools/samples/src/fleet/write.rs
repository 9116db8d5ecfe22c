//! A fleet as files: one per computer, zstd-compressed NDJSON as Winlogbeat stores it. Computers are worked on hour by
//! hour, so that memory does not grow with the length of a recording.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use super::plan::{HostPlan, Role, Sees, Settings, Uptime, plan};
use super::{boot, load, software};
use crate::model::event::Event;
use crate::model::host::Host;
use crate::model::time::HOUR;
use crate::writer::winlogbeat;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files, one per computer.
    pub files: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes before compression.
    pub bytes: u64,
}

/// Writes a fleet into a folder, which is made where it does not exist.
///
/// # Errors
/// When the disk refuses.
pub fn write(folder: &Path, settings: &Settings) -> io::Result<Written> {
    std::fs::create_dir_all(folder)?;
    let hosts = plan(settings);
    let share = Share::new(settings, &hosts);
    // A strong level pays for what is kept, not for what is read once.
    let level = if settings.events.is_none() { 9 } else { 1 };
    let written = Mutex::new(Ok(Written::default()));
    let next = Mutex::new(hosts.iter());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let one = |host: &HostPlan| -> io::Result<Counted> {
        let name = host.identity.name.split('.').next().unwrap_or("host");
        let file = File::create(folder.join(format!("{name}.ndjson.zst")))?;
        let packed = zstd::Encoder::new(BufWriter::new(file), level)?;
        let mut out = Counter::new(packed);
        let events = record(host, share, &mut |computer, event| {
            winlogbeat::write(&mut out, computer, event)
        })?;
        let bytes = out.bytes;
        out.inner.finish()?.flush()?;
        Ok(Counted { events, bytes })
    };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(host) = next.lock().ok().and_then(|mut n| n.next()) {
                    let result = one(host);
                    let Ok(mut all) = written.lock() else { return };
                    match (result, all.as_mut()) {
                        (Ok(counted), Ok(all)) => {
                            all.files += 1;
                            all.events += counted.events;
                            all.bytes += counted.bytes;
                        }
                        (Err(error), Ok(_)) => *all = Err(error),
                        (_, Err(_)) => return,
                    }
                }
            });
        }
    });
    written
        .into_inner()
        .unwrap_or_else(|_| Err(io::Error::other("a writer failed")))
}

struct Counted {
    events: u64,
    bytes: u64,
}

/// How many events of ordinary work an hour of a computer gets.
#[derive(Clone, Copy)]
struct Share {
    events: u64,
    /// Microseconds that all computers with such work are on.
    time: u64,
}

impl Share {
    fn new(settings: &Settings, hosts: &[HostPlan]) -> Self {
        let time = hosts
            .iter()
            .filter(|h| h.role != Role::Kiosk)
            .flat_map(|h| &h.uptimes)
            .map(|u| u64::try_from(u.to - u.from).unwrap_or(0))
            .sum();
        Self {
            events: settings.events.unwrap_or(0),
            time,
        }
    }

    /// How many there should be after a computer was on for so long.
    fn after(self, time: i64) -> u64 {
        let time = u128::from(u64::try_from(time).unwrap_or(0));
        let events = u128::from(self.events) * time / u128::from(self.time.max(1));
        u64::try_from(events).unwrap_or(u64::MAX)
    }
}

/// Works through one computer's recording and hands over its events in the order of time.
fn record(
    plan: &HostPlan,
    share: Share,
    out: &mut dyn FnMut(&str, &Event) -> io::Result<()>,
) -> io::Result<u64> {
    let begin = plan.uptimes.first().map_or(0, |u| u.from);
    let mut host = Host::boot_with(&plan.identity, begin, plan.random.clone());
    let mut events = 0;
    let mut on_for = 0;
    for uptime in &plan.uptimes {
        let mut running = None;
        let mut actions = uptime.actions.iter().peekable();
        let mut from = uptime.from;
        while from < uptime.to {
            let to = (from - from.rem_euclid(HOUR) + HOUR).min(uptime.to);
            let running = running.get_or_insert_with(|| begin_uptime(&mut host, plan, uptime));
            while let Some((at, action)) = actions.next_if(|(at, _)| *at < to) {
                software::act(&mut host, plan, running, *at, *action);
            }
            on_for += to - from;
            if share.events > 0 && plan.role != Role::Kiosk {
                let due = share.after(on_for).saturating_sub(events);
                let waiting = host.events.iter().filter(|e| sees(plan.sees, e)).count() as u64;
                let seconds = u64::try_from((to - from) / 1_000_000).unwrap_or(1).max(1);
                load::work(
                    &mut host,
                    from,
                    seconds,
                    running,
                    due.saturating_sub(waiting),
                );
            }
            let last = to == uptime.to;
            if last {
                boot::shut_down(&mut host, uptime, running);
            }
            let until = if last { i64::MAX } else { to };
            host.events.retain(|e| sees(plan.sees, e));
            for event in host.drain(until) {
                out(&host.name, &event)?;
                events += 1;
            }
            from = to;
        }
    }
    Ok(events)
}

fn begin_uptime(host: &mut Host, plan: &HostPlan, uptime: &Uptime) -> boot::Running {
    match uptime.boot {
        Some(at) => boot::start_up(host, plan, at, uptime.after_crash),
        None => boot::already_on(host, plan, uptime.from - 40 * HOUR),
    }
}

/// Whether an event leaves its computer.
fn sees(sees: Sees, event: &Event) -> bool {
    match (event.log.channel, sees) {
        ("System", Sees::SysmonAndSystem | Sees::ThreadsAndSystem) => true,
        ("Microsoft-Windows-Sysmon/Operational", Sees::ThreadsAndSystem) => {
            matches!(event.id, 4 | 8 | 16)
        }
        ("Microsoft-Windows-Sysmon/Operational", _) => true,
        _ => false,
    }
}

/// Counts what goes through.
struct Counter<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Counter<W> {
    fn new(inner: W) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<W: Write> Write for Counter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

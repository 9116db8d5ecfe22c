//! A debugger log cut into breaks. A banner begins one; without banners, every stack is one. What stands around a stack
//! (`!process`, `!thread`, a client id, the time) belongs to the break it stands in.

use super::dialect::{Foreign, foreign, without_time};
use super::frame::{StackFrame, number, parse};
use serde::Serialize;

/// Breaks kept of one log.
const MAX_BREAKS: usize = 100_000;
/// Frames kept of one stack; the debugger itself stops at 65535 and prints 256 unless told otherwise.
const MAX_FRAMES: usize = 4096;

/// A process and thread as the kernel numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ClientId {
    /// Process id. Debuggers print it in hexadecimal, events in decimal.
    pub process: u64,
    /// Thread id, where printed.
    pub thread: Option<u64>,
}

/// One stop of the debugger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The line it begins on, from 1.
    pub line: usize,
    /// The breakpoint's number, where a banner names it.
    pub breakpoint: Option<u32>,
    /// The place the debugger stopped at, as printed after the banner.
    pub location: Option<String>,
    /// The process and thread.
    pub client: Option<ClientId>,
    /// The process's image name.
    pub image: Option<String>,
    /// The time printed by `.time`, `.echotime` or `!process`, as text.
    pub time: Option<String>,
    /// The stack, innermost frame first.
    pub frames: Vec<StackFrame>,
}

impl Break {
    fn at(line: usize) -> Self {
        Self {
            line,
            breakpoint: None,
            location: None,
            client: None,
            image: None,
            time: None,
            frames: Vec::new(),
        }
    }
}

/// The breaks in `text`, in its order.
pub fn breaks(text: &str) -> Vec<Break> {
    let mut log = Log {
        breaks: Vec::new(),
        current: None,
        in_table: false,
        doubtful: false,
        bannered: false,
        asked: None,
    };
    for (index, line) in text.lines().enumerate() {
        log.line(index + 1, line);
    }
    log.finish();
    log.breaks
}

struct Log {
    breaks: Vec<Break>,
    current: Option<Break>,
    /// Below a stack's head.
    in_table: bool,
    /// Below the debugger's warning about the frames that follow.
    doubtful: bool,
    /// Whether the log has banners; then they alone begin breaks.
    bannered: bool,
    /// What a `?` command asked for.
    asked: Option<Asked>,
}

#[derive(Clone, Copy)]
enum Asked {
    Process,
    Thread,
}

impl Log {
    fn line(&mut self, number_of_line: usize, raw: &str) {
        let (line, is_command) = without_prompt(without_time(raw));
        if is_command {
            self.in_table = false;
            self.asked = match line.trim_start_matches('?').trim() {
                "@$tpid" if line.starts_with('?') => Some(Asked::Process),
                "@$tid" if line.starts_with('?') => Some(Asked::Thread),
                _ => None,
            };
        }
        if let Some(breakpoint) = banner(line) {
            self.finish();
            self.bannered = true;
            self.start(number_of_line).breakpoint = breakpoint;
            return;
        }
        if is_head(line) {
            self.head(number_of_line);
            return;
        }
        if let Some(foreign) = foreign(line) {
            self.foreign(number_of_line, foreign);
            return;
        }
        if line.contains("Stack unwind information not available")
            || line.contains("Following frames may be wrong")
        {
            self.doubtful = true;
            return;
        }
        if self.context(number_of_line, line) {
            return;
        }
        let wanted = self.in_table
            || self
                .current
                .as_ref()
                .is_none_or(|b| b.frames.is_empty() || !self.bannered);
        if wanted && let Some(mut frame) = parse(line, self.in_table) {
            frame.doubtful = self.doubtful;
            let current = self.start_or_current(number_of_line);
            if current.frames.len() < MAX_FRAMES {
                current.frames.push(frame);
            }
            self.in_table = true;
            return;
        }
        if line.trim().is_empty() {
            self.in_table = false;
            self.doubtful = false;
        }
    }

    fn head(&mut self, number_of_line: usize) {
        self.in_table = true;
        self.doubtful = false;
        // A second stack of a break that has one is a stop of its own, unless banners say where stops begin.
        if !self.bannered && self.current.as_ref().is_some_and(|b| !b.frames.is_empty()) {
            self.finish();
        }
        let current = self.start_or_current(number_of_line);
        if !current.frames.is_empty() {
            // `k` and then `!thread` show the same stack twice.
            self.in_table = false;
        }
    }

    /// A line of a stack that is printed in another form.
    fn foreign(&mut self, number_of_line: usize, foreign: Foreign) {
        let symbol = match foreign {
            Foreign::Head => return self.head(number_of_line),
            Foreign::Process(image) => {
                self.finish();
                self.start(number_of_line).image = Some(image);
                return;
            }
            Foreign::Thread(process, thread, symbol) => {
                // The threads of a process follow its name; each is a stop of its own.
                let image = self.current.as_ref().and_then(|b| b.image.clone());
                if self.current.as_ref().is_some_and(|b| !b.frames.is_empty()) {
                    self.finish();
                }
                let current = self.start(number_of_line);
                current.image = image;
                current.client = Some(ClientId {
                    process,
                    thread: Some(thread),
                });
                symbol
            }
            Foreign::Frame(index, symbol) => {
                // The innermost frame begins a stack where no head did.
                let has_frames = self.current.as_ref().is_some_and(|b| !b.frames.is_empty());
                if index == Some(0) && has_frames && !self.bannered {
                    self.finish();
                }
                symbol
            }
        };
        self.in_table = true;
        let current = self.start_or_current(number_of_line);
        if current.frames.len() < MAX_FRAMES {
            let bare = symbol.starts_with("0x").then(|| number(&symbol)).flatten();
            current.frames.extend(match bare {
                Some(address) => Some(StackFrame::at(address)),
                None => parse(&symbol, true),
            });
        }
    }

    /// Takes what tells process, thread, time or place. Whether it did.
    fn context(&mut self, number_of_line: usize, line: &str) -> bool {
        let trimmed = line.trim();
        if let Some(client) = client_id(trimmed) {
            self.client(number_of_line, trimmed, client);
            return true;
        }
        if let (Some(asked), Some(rest)) =
            (self.asked, trimmed.strip_prefix("Evaluate expression:"))
        {
            self.asked = None;
            let value = rest.split('=').nth(1).and_then(|v| number(v.trim()));
            let current = self.start_or_current(number_of_line);
            match (asked, value, &mut current.client) {
                (Asked::Process, Some(process), None) => {
                    current.client = Some(ClientId {
                        process,
                        thread: None,
                    })
                }
                (Asked::Thread, Some(thread), Some(client)) => {
                    client.thread = client.thread.or(Some(thread))
                }
                _ => {}
            }
            return true;
        }
        if let Some((_, rest)) = trimmed.split_once("UniqueThread")
            && let Some(current) = &mut self.current
            && let Some(client) = &mut current.client
        {
            client.thread = client.thread.or_else(|| first_number(rest));
            return true;
        }
        // `Image: powershell.exe`, but not `ImageFileName : [15] "..."` of a structure seen for another reason.
        if let Some(at) = trimmed.find("Image:")
            && !trimmed.contains("Debugger")
        {
            let name = trimmed[at + 6..].trim().to_owned();
            if let Some(current) = &mut self.current
                && !name.is_empty()
            {
                current.image.get_or_insert(name);
            }
            return true;
        }
        for label in [
            "Debug session time:",
            "Debugger (not debuggee) time:",
            "System time:",
        ] {
            if let Some(time) = trimmed.strip_prefix(label) {
                let current = self.start_or_current(number_of_line);
                current.time.get_or_insert_with(|| time.trim().to_owned());
                return true;
            }
        }
        // `SysmonDrv+0x8f10:` after a banner.
        if let Some(place) = trimmed.strip_suffix(':')
            && self.bannered
            && let Some(current) = &mut self.current
            && current.location.is_none()
            && current.frames.is_empty()
            && !place.contains(char::is_whitespace)
            && (place.contains('!') || place.contains("+0x"))
        {
            current.location = Some(place.to_owned());
            return true;
        }
        false
    }

    /// A process and thread that the log names.
    fn client(&mut self, number_of_line: usize, trimmed: &str, client: ClientId) {
        // A process listed after a complete stop begins the next one.
        if !self.bannered
            && self
                .current
                .as_ref()
                .is_some_and(|b| !b.frames.is_empty() && b.client.is_some())
        {
            self.finish();
        }
        let current = self.start_or_current(number_of_line);
        if let Some((_, path)) = current_process(trimmed).and_then(|r| r.split_once("name:")) {
            let name = path.trim().rsplit('\\').next().unwrap_or_default();
            current.image.get_or_insert_with(|| name.to_owned());
        }
        match &mut current.client {
            None => current.client = Some(client),
            Some(known) if known.process == client.process && known.thread.is_none() => {
                known.thread = client.thread
            }
            Some(_) => {}
        }
    }

    fn start(&mut self, line: usize) -> &mut Break {
        self.in_table = false;
        self.doubtful = false;
        self.current.insert(Break::at(line))
    }

    fn start_or_current(&mut self, line: usize) -> &mut Break {
        self.current.get_or_insert_with(|| Break::at(line))
    }

    fn finish(&mut self) {
        if let Some(done) = self.current.take()
            && (!done.frames.is_empty() || done.client.is_some())
            && self.breaks.len() < MAX_BREAKS
        {
            self.breaks.push(done);
        }
    }
}

/// `0: kd> k` to `k`.
fn without_prompt(line: &str) -> (&str, bool) {
    let Some((prompt, command)) = line.split_once('>') else {
        return (line, false);
    };
    let prompt = prompt.trim();
    let kernel = prompt
        .rsplit(' ')
        .next()
        .is_some_and(|p| p == "kd" || p == "lkd")
        && prompt.len() <= 12;
    let user = prompt.len() <= 9
        && prompt.split_once(':').is_some_and(|(a, b)| {
            !a.is_empty() && [a, b].iter().all(|p| p.chars().all(|c| c.is_ascii_digit()))
        });
    if kernel || user {
        (command.trim(), true)
    } else {
        (line, false)
    }
}

/// `Breakpoint 3 hit`, and the break instruction as the debugger reports it.
fn banner(line: &str) -> Option<Option<u32>> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("Breakpoint ")
        && let Some(number) = rest.strip_suffix(" hit")
    {
        return number.parse().ok().map(Some);
    }
    line.starts_with("Break instruction exception")
        .then_some(None)
}

fn is_head(line: &str) -> bool {
    let line = line.trim();
    line.ends_with("Call Site")
        || line.starts_with("ChildEBP RetAddr")
        || line.starts_with("# ChildEBP")
        || line.starts_with("# Child-SP")
        || line.starts_with("Child-SP")
        || (line.starts_with("RetAddr") && line.contains("Call Site"))
        || (line.contains("Child-SP") && line.contains("Call Site"))
}

/// `Cid: 0dd0`, `Cid 0dd0.1b54`, `ClientId: 0000000000000dd0 . 0000000000001b54`, `UniqueProcess : 0x00000dd0 Void`.
fn client_id(line: &str) -> Option<ClientId> {
    if let Some(at) = line.find("ClientId:") {
        let mut parts = line[at + 9..].split('.');
        let process = first_number(parts.next()?)?;
        return Some(ClientId {
            process,
            thread: parts.next().and_then(first_number),
        });
    }
    // The current process of a debugger in user mode: `.  0  id: dd0  create  name: C:\\a.exe`.
    if let Some(rest) = current_process(line) {
        let process = number(rest.split_whitespace().next()?)?;
        return Some(ClientId {
            process,
            thread: None,
        });
    }
    if let Some(at) = line.find("UniqueProcess") {
        // Not `UniqueProcessId`, a field of another structure with the same meaning.
        let rest = line[at + 13..].trim_start_matches("Id");
        return Some(ClientId {
            process: first_number(rest)?,
            thread: None,
        });
    }
    // A thread of a debugger in user mode: `   0  Id: 1f04.1c44 Suspend: 1 Teb: ...`.
    if let Some((_, rest)) = line.split_once("Id: ")
        && rest.contains(" Suspend:")
    {
        let (process, thread) = rest.split_whitespace().next()?.split_once('.')?;
        return Some(ClientId {
            process: number(process)?,
            thread: number(thread),
        });
    }
    let at = line
        .find("Cid:")
        .map(|at| at + 4)
        .or_else(|| line.find("Cid ").map(|at| at + 4))?;
    // `ParentCid: 1a2c` is another process.
    if line[..at].ends_with("ParentCid:") || line[..at].ends_with("ParentCid ") {
        return None;
    }
    let word = line[at..].split_whitespace().next()?;
    let (process, thread) = word
        .split_once('.')
        .map_or((word, None), |(p, t)| (p, Some(t)));
    let plausible =
        |w: &str| (1..=16).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_hexdigit());
    if !plausible(process) || thread.is_some_and(|t| !plausible(t)) {
        return None;
    }
    Some(ClientId {
        process: number(process)?,
        thread: thread.and_then(number),
    })
}

/// What follows `id: ` where the `|` command lists the current process.
fn current_process(line: &str) -> Option<&str> {
    let (number, rest) = line.strip_prefix('.')?.split_once("id: ")?;
    let counted = number.trim().bytes().all(|b| b.is_ascii_digit());
    (counted && rest.contains("name:")).then_some(rest)
}

/// The first hexadecimal number in a text such as ` : 0x00000000`00000dd0 Void`.
fn first_number(text: &str) -> Option<u64> {
    let is_number = |w: &&str| w.starts_with(|c: char| c.is_ascii_hexdigit());
    number(text.split([' ', ':', '=', '\t']).find(is_number)?)
}

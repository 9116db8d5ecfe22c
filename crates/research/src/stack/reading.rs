//! From a stack to what it shows: the callback and its mechanism, the calls that led there, the way into the kernel, and the
//! rows that would go into the catalog.

use super::frame::Frame;
use super::log::Break;
use catalog::{ApiId, Assessment, EventId, Layer, MechanismId, SignRole, Subject, find, map};
use serde::Serialize;
use std::collections::BTreeSet;

/// The modules whose frames the published method keeps.
const KEPT: [&str; 4] = ["nt", "ntdll", "kernelbase", "kernel32"];

/// What a break shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The frame that was called back, as printed.
    pub callback: Option<String>,
    /// The mechanism that called it.
    pub mechanism: Option<MechanismId>,
    /// The frame that says so.
    pub dispatcher: Option<String>,
    /// The events this can be. More than one where the stack does not decide between them.
    pub events: Vec<EventId>,
    /// The frames of `nt`, `ntdll`, `KERNELBASE` and `KERNEL32` in the order of the calls, the outermost first.
    pub kept: Vec<ApiFrame>,
    /// The way into the kernel.
    pub boundary: Option<Boundary>,
    /// Whether a 32-bit process made the call on 64-bit Windows.
    pub wow64: bool,
    /// The function of a system module that the program called.
    pub entered_by: Option<String>,
    /// The rows this would add to the catalog, or confirms.
    pub observations: Vec<Observation>,
    /// What keeps the reading from being complete.
    pub gaps: Vec<&'static str>,
}

/// A frame that the published filter keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiFrame {
    /// Its place in the stack, from the innermost.
    pub index: usize,
    /// The symbol as printed.
    pub symbol: String,
    /// The calls of the catalog it is.
    pub apis: Vec<ApiId>,
}

/// The way into the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Boundary {
    /// Place of the system call dispatcher in the stack.
    pub index: usize,
    /// The system service, from either side of the boundary.
    pub service: Option<String>,
    /// The frame that made the system call.
    pub from: Option<String>,
    /// Whether that frame is no system call stub of `ntdll` or `win32u`: a system call of the program's own.
    pub direct: bool,
}

/// How an observation stands to the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// The catalog has this arrow.
    Known,
    /// It knows the call and not the arrow.
    NewArrow,
    /// It does not know the call.
    NewCall,
}

/// A call seen on the way to a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// The call: the catalog's name where it has one, else the function as printed.
    pub api: String,
    /// The module it was called in.
    pub module: String,
    /// The exact function.
    pub function: String,
    /// The mechanism.
    pub mechanism: MechanismId,
    /// The events it can be.
    pub events: Vec<EventId>,
    /// How this stands to the catalog.
    pub status: Observed,
}

impl Observation {
    /// The row as `data/mappings.yaml` has it, for each event. `source` names the log.
    pub fn yaml(&self, source: &str) -> String {
        let one = |event: &EventId| {
            format!(
                "- id: {event}-{api}\n  api: {api}\n  mechanism: {mechanism}\n  event: \"{event}\"\n  verified: data\n  \
                 mark: observed\n  published: false\n  source: [\"{source}\"]\n",
                api = self.api,
                mechanism = self.mechanism,
                source = source.replace(['"', '\\'], "/"),
            )
        };
        self.events
            .iter()
            .map(one)
            .collect::<String>()
            .replace(":-", "-")
    }
}

/// Reads one break.
pub fn read(stop: &Break) -> Reading {
    let frames = &stop.frames;
    let signs = || map::stack_signs().iter();
    let dispatch = frames.iter().enumerate().find_map(|(index, frame)| {
        let sign =
            signs().find(|s| s.role == SignRole::Dispatches && frame.is(s.module, s.function))?;
        // Every request completes somewhere; it is a sensor's completion routine only if a driver's frame follows.
        let generic = sign.function.ends_with("CompleteRequest");
        let foreign = callback_above(frames, index).and_then(Frame::module_name);
        (!generic || foreign.is_some_and(|m| m != "nt" && m != "fltmgr")).then_some((index, sign))
    });
    let mechanism = dispatch.map(|(_, sign)| sign.mechanism);
    let callback = dispatch
        .and_then(|(index, _)| callback_above(frames, index))
        .map(Frame::symbol);
    let boundary = boundary(frames);
    let kept: Vec<ApiFrame> = kept(frames);
    let events = mechanism.map_or_else(Vec::new, |m| events(frames, m, &kept));
    let mut gaps = Vec::new();
    if frames.is_empty() {
        gaps.push("there is no stack");
    } else if mechanism.is_none() {
        gaps.push("no frame is known to call back; are the kernel's symbols loaded?");
    } else if boundary.is_none() {
        gaps.push("the stack does not cross into user mode: a system thread, or it was cut");
    }
    if stop.client.is_none() {
        gaps.push("no client id stands in the log");
    }
    if frames.iter().any(|f| f.doubtful) {
        gaps.push("the debugger warned that some frames may be wrong");
    }
    let observations = mechanism.map_or_else(Vec::new, |m| observations(frames, m, &events, &kept));
    Reading {
        callback: callback.or_else(|| stop.location.clone()),
        mechanism,
        dispatcher: dispatch.map(|(index, _)| frames[index].symbol()),
        events,
        entered_by: entered_by(frames, boundary.as_ref()),
        wow64: frames
            .iter()
            .any(|f| f.module_name().is_some_and(|m| m.starts_with("wow64"))),
        kept,
        boundary,
        observations,
        gaps,
    }
}

/// The frame called by the one at `index`, past the thunks that control flow guard puts between.
fn callback_above(frames: &[Frame], index: usize) -> Option<&Frame> {
    let thunk = |f: &Frame| {
        f.function
            .as_deref()
            .is_some_and(|n| n.contains("guard_dispatch") || n.contains("CfgDispatch"))
    };
    frames[..index].iter().rev().find(|f| !thunk(f))
}

fn kept(frames: &[Frame]) -> Vec<ApiFrame> {
    let keep = |(index, frame): (usize, &Frame)| {
        let module = frame.module_name()?;
        let function = frame.function.as_deref()?;
        // kernel32 exports thunks of its own: `CreateProcessWStub`, `ExitProcessImplementation`.
        let plain = function
            .strip_suffix("Stub")
            .or_else(|| function.strip_suffix("Implementation"));
        let apis = find::apis(plain.unwrap_or(function))
            .into_iter()
            .filter_map(|m| match m.subject {
                Subject::Api(api) => Some(api),
                _ => None,
            });
        KEPT.contains(&module.as_str()).then(|| ApiFrame {
            index,
            symbol: frame.symbol(),
            apis: apis.collect(),
        })
    };
    frames.iter().enumerate().rev().filter_map(keep).collect()
}

/// The functions that dispatch a system call, on every kind of processor and entry.
const DISPATCHERS: [&str; 9] = [
    "KiSystemServiceCopyEnd",
    "KiSystemServiceExit",
    "KiSystemServiceUser",
    "KiSystemServiceStart",
    "KiSystemServicePostCall",
    "KiSystemServiceRepeat",
    "KiSystemServiceGdiTebAccess",
    "KiFastCallEntry",
    "KiSystemService",
];

fn boundary(frames: &[Frame]) -> Option<Boundary> {
    let dispatches = |f: &Frame| {
        f.module_name().is_some_and(|m| m == "nt")
            && f.function
                .as_deref()
                .is_some_and(|n| DISPATCHERS.contains(&n))
    };
    let index = frames.iter().position(dispatches)?;
    // Where 32-bit code enters the kernel there is a stub of its own.
    let stub = |f: &&Frame| {
        f.function
            .as_deref()
            .is_some_and(|n| matches!(n, "KiFastSystemCallRet" | "KiIntSystemCall"))
    };
    let from = frames[index + 1..].iter().find(|f| !stub(f));
    let passed_stub = frames.get(index + 1).is_some_and(|f| stub(&f));
    let service_of = |f: &Frame| {
        f.function
            .as_deref()
            .filter(|n| n.starts_with("Nt") || n.starts_with("Zw"))
            .map(str::to_owned)
    };
    let service = from
        .and_then(service_of)
        .or_else(|| index.checked_sub(1).and_then(|i| service_of(&frames[i])));
    let direct = from.is_some_and(|f| {
        let module = f.module_name().unwrap_or_default();
        !passed_stub
            && !matches!(
                module.as_str(),
                "ntdll" | "win32u" | "wow64cpu" | "wow64win"
            )
    });
    Some(Boundary {
        index,
        service,
        from: from.map(Frame::symbol),
        direct,
    })
}

/// Modules between a program and the kernel.
const SYSTEM: [&str; 22] = [
    "ntdll",
    "win32u",
    "kernelbase",
    "kernel32",
    "kernel32legacy",
    "advapi32",
    "sechost",
    "user32",
    "gdi32",
    "rpcrt4",
    "combase",
    "ole32",
    "ws2_32",
    "mswsock",
    "dnsapi",
    "psapi",
    "wow64",
    "wow64cpu",
    "wow64win",
    "wow64base",
    "fltlib",
    "ucrtbase",
];

/// Functions a thread begins in; nobody called them.
fn begins_thread(function: &str) -> bool {
    matches!(
        function.trim_start_matches('_'),
        "BaseThreadInitThunk"
            | "RtlUserThreadStart"
            | "BaseThreadStart"
            | "BaseProcessStart"
            | "TppWorkerThread"
    )
}

fn entered_by(frames: &[Frame], boundary: Option<&Boundary>) -> Option<String> {
    let user = &frames[boundary?.index + 1..];
    let system = |f: &&Frame| {
        f.module_name()
            .is_some_and(|m| SYSTEM.contains(&m.as_str()))
            && !f.function.as_deref().is_some_and(begins_thread)
    };
    user.iter().take_while(system).last().map(Frame::symbol)
}

/// Sysmon's events of the mechanism that this stack can lead to.
fn events(frames: &[Frame], mechanism: MechanismId, kept: &[ApiFrame]) -> Vec<EventId> {
    let all: Vec<EventId> = EventId::all()
        .filter(|e| e.mechanism == Some(mechanism) && e.sensor.slug() == "sysmon")
        .collect();
    let narrowed: BTreeSet<EventId> = map::stack_signs()
        .iter()
        .filter(|s| s.mechanism == mechanism && frames.iter().any(|f| f.is(s.module, s.function)))
        .filter_map(|s| s.event)
        .collect();
    // The innermost sign decides: a process that exits also ends its last thread.
    if narrowed.len() == 1 || all.len() <= 1 {
        return if narrowed.is_empty() {
            all
        } else {
            narrowed.into_iter().collect()
        };
    }
    let of_call = |frame: &ApiFrame| -> BTreeSet<EventId> {
        // A function inside the kernel stands on many ways and tells none of them from the others.
        let leads = |a: &&'static catalog::Mapping| {
            let call = a.api.filter(|api| frame.apis.contains(api));
            let weak = matches!(
                a.assessment,
                Some(Assessment::Doubtful | Assessment::Prerequisite)
            );
            a.mechanism == mechanism
                && !weak
                && call.is_some_and(|api| api.layer != Layer::KernelInternal)
        };
        map::arrows()
            .filter(leads)
            .map(|a| a.event)
            .filter(|e| all.contains(e))
            .collect()
    };
    let sets: Vec<BTreeSet<EventId>> = kept.iter().map(of_call).filter(|s| !s.is_empty()).collect();
    let common = sets
        .iter()
        .skip(1)
        .fold(sets.first().cloned().unwrap_or_default(), |a, b| &a & b);
    let any: BTreeSet<EventId> = sets.into_iter().flatten().collect();
    [common, any]
        .into_iter()
        .find(|s| !s.is_empty())
        .map_or(all, |s| s.into_iter().collect())
}

fn observations(
    frames: &[Frame],
    mechanism: MechanismId,
    events: &[EventId],
    kept: &[ApiFrame],
) -> Vec<Observation> {
    let mut seen = BTreeSet::new();
    let mut observations = Vec::new();
    for frame in kept {
        let Some((module, function)) = frame.symbol.split_once('!') else {
            continue;
        };
        let has_arrow = |api: &ApiId| {
            map::arrows().any(|a| {
                a.mechanism == mechanism && events.contains(&a.event) && a.api == Some(*api)
            })
        };
        // Of the names a function answers to, the one with the arrow is meant.
        let known = frame.apis.iter().find(|api| has_arrow(api));
        let name = known.or(frame.apis.first()).map(|a| a.slug());
        // Without a row of its own a function counts as a call if it is a system service; other functions of these modules
        // may be their own internals.
        let service =
            function.starts_with("Nt") && function.chars().nth(2).is_some_and(char::is_uppercase);
        if begins_thread(function) || (name.is_none() && !service) || frames[frame.index].doubtful {
            continue;
        }
        let api = name.unwrap_or(function).to_owned();
        // `nt!NtOpenProcess` is the other end of `ntdll!NtOpenProcess`.
        if !seen.insert(api.clone()) {
            continue;
        }
        let status = match (known.is_some(), name) {
            (true, _) => Observed::Known,
            (false, Some(_)) => Observed::NewArrow,
            (false, None) => Observed::NewCall,
        };
        observations.push(Observation {
            api,
            module: module.to_owned(),
            function: function.to_owned(),
            mechanism,
            events: events.to_vec(),
            status,
        });
    }
    observations
}

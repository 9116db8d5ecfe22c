//! From a stack to what it shows: the callback and its mechanism, the calls that led there, the way into the kernel, and the
//! rows that would go into the catalog.

use super::candidates::{events, observations};
use super::frame::StackFrame;
use super::log::Break;
use catalog::{ApiId, EventId, MechanismId, SignRole, Subject, find, map};
use serde::Serialize;

/// The modules whose frames the published method keeps.
const KEPT: [&str; 4] = ["nt", "ntdll", "kernelbase", "kernel32"];

/// What a break shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackAnalysis {
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
    /// Whether that frame is known and no system call stub of `ntdll` or `win32u`: a system call of the program's own.
    pub direct: bool,
    /// Whether the debugger did not say which module that frame is in. Then nothing is known of how the call was made.
    pub unresolved: bool,
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
    /// It says that the call is not seen in this way.
    SaidSilent,
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
    /// The row of a call that the catalog does not know, as `data/apis.yaml` has it; `None` for one that it knows.
    pub fn call_yaml(&self, source: &str) -> Option<String> {
        let layer = match self.function.starts_with("Nt") {
            true => "native",
            false => "win32",
        };
        // The kernel's end of a service is not what programs import.
        let module = Some(self.module.to_ascii_lowercase()).filter(|m| m != "nt");
        (self.status == Observed::NewCall).then(|| {
            format!(
                "- {{id: {api}, layer: {layer}, modules: [{module}.dll], mark: observed, source: [\"{source}\"]}}\n",
                api = quoted(&self.api),
                module = module.as_deref().unwrap_or("ntdll"),
                source = source.replace(['"', '\\'], "/"),
            )
        })
    }

    /// The row as `data/mappings.yaml` has it, for one of the events. `source` names the log.
    pub fn mapping_yaml(&self, event: EventId, source: &str) -> String {
        let id = format!("{event}-{}", self.api).replace(':', "-");
        format!(
            "- id: {id}\n  api: {api}\n  mechanism: {mechanism}\n  event: \"{event}\"\n  verified: data\n  \
             mark: observed\n  published: false\n  source: [\"{source}\"]\n",
            api = quoted(&self.api),
            mechanism = self.mechanism,
            source = source.replace(['"', '\\'], "/"),
        )
    }
}

/// The name as YAML takes it: COM methods have colons.
fn quoted(name: &str) -> String {
    match name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace(['"', '\\'], "/")),
    }
}

/// Reads one break.
pub fn read(stop: &Break) -> StackAnalysis {
    let frames = &stop.frames;
    let signs = || map::stack_signs().iter();
    let dispatch = frames.iter().enumerate().find_map(|(index, frame)| {
        let called_by = |module| {
            frames
                .get(index + 1)
                .and_then(StackFrame::module_name)
                .as_deref()
                == Some(module)
        };
        let sign = signs().find(|s| {
            s.role == SignRole::Dispatches
                && frame.is(s.module, s.function)
                && s.caller.is_none_or(called_by)
        })?;
        // Every request completes somewhere; it is a sensor's completion routine only if a driver's frame follows.
        let generic = sign.function.ends_with("CompleteRequest");
        let foreign = callback_above(frames, index).and_then(StackFrame::module_name);
        (!generic || foreign.is_some_and(|m| m != "nt" && m != "fltmgr")).then_some((index, sign))
    });
    let mechanism = dispatch.map(|(_, sign)| sign.mechanism);
    let callback = dispatch.and_then(|(index, sign)| {
        // Within the module that dispatches nobody is called back: it writes the event itself.
        let called = callback_above(frames, index)?;
        (called.module_name().as_deref() != Some(sign.module)).then(|| called.symbol())
    });
    let boundary = boundary(frames);
    let kept: Vec<ApiFrame> = kept(frames);
    let events = mechanism.map_or_else(Vec::new, |m| events(frames, m, &kept));
    let mut gaps = Vec::new();
    if frames.is_empty() {
        gaps.push("there is no stack");
    } else if mechanism.is_none() {
        gaps.push("no frame is known to call back; are the kernel's symbols loaded?");
    } else if boundary.is_none() && !in_user_mode(frames) {
        gaps.push("the stack does not cross into user mode: a system thread, or it was cut");
    }
    if boundary.as_ref().is_some_and(|b| b.unresolved) {
        gaps.push("the frames in user mode are not resolved: .reload /user in the context of this process");
    }
    if stop.client.is_none() {
        gaps.push("no client id stands in the log");
    }
    if frames.iter().any(|f| f.doubtful) {
        gaps.push("the debugger warned that some frames may be wrong");
    }
    let entered_by = entered_by(frames, boundary.as_ref());
    let observations = mechanism.map_or_else(Vec::new, |m| {
        let calls = calls(frames);
        observations(frames, m, &events, &calls, entered_by.as_deref())
    });
    StackAnalysis {
        callback: callback.or_else(|| stop.location.clone()),
        mechanism,
        dispatcher: dispatch.map(|(index, _)| frames[index].symbol()),
        events,
        entered_by,
        wow64: frames
            .iter()
            .any(|f| f.module_name().is_some_and(|m| m.starts_with("wow64"))),
        kept,
        boundary,
        observations,
        gaps,
    }
}

/// Whether the stack is one of a debugger in user mode, where no frame is the kernel's.
fn in_user_mode(frames: &[StackFrame]) -> bool {
    let kernel = |f: &StackFrame| f.module_name().is_some_and(|m| m == "nt");
    let ends = frames.last().and_then(|f| f.function.as_deref());
    let innermost = frames.first().and_then(StackFrame::module_name);
    // A stack that was cut at its end still begins in a module of user mode.
    let begins = innermost.is_some_and(|m| SYSTEM.contains(&m.as_str()));
    !frames.iter().any(kernel) && (begins || ends.is_some_and(begins_thread))
}

/// The frame called by the one at `index`, past the thunks that control flow guard puts between.
fn callback_above(frames: &[StackFrame], index: usize) -> Option<&StackFrame> {
    let thunk = |f: &StackFrame| {
        f.function
            .as_deref()
            .is_some_and(|n| n.contains("guard_dispatch") || n.contains("CfgDispatch"))
    };
    frames[..index].iter().rev().find(|f| !thunk(f))
}

fn kept(frames: &[StackFrame]) -> Vec<ApiFrame> {
    frames
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, f)| f.module_name().is_some_and(|m| KEPT.contains(&m.as_str())))
        .filter_map(|(index, frame)| api_frame(index, frame))
        .collect()
}

/// The frames that may be calls: those the published filter keeps, and calls of the catalog in the modules that export them
/// (`DNSAPI!DnsQuery_W`), which the filter leaves out.
fn calls(frames: &[StackFrame]) -> Vec<ApiFrame> {
    let call = |(index, frame): (usize, &StackFrame)| {
        let module = frame.module_name()?;
        let mut call = api_frame(index, frame)?;
        if !KEPT.contains(&module.as_str()) {
            let file = format!("{module}.dll");
            call.apis
                .retain(|api| api.modules.iter().any(|m| m.eq_ignore_ascii_case(&file)));
            if call.apis.is_empty() {
                return None;
            }
        }
        Some(call)
    };
    frames.iter().enumerate().rev().filter_map(call).collect()
}

fn api_frame(index: usize, frame: &StackFrame) -> Option<ApiFrame> {
    let function = frame.function.as_deref()?;
    // kernel32 exports thunks of its own: `CreateProcessWStub`, `ExitProcessImplementation`.
    let plain = function
        .strip_suffix("Stub")
        .or_else(|| function.strip_suffix("Implementation"));
    let named = |name: &str| {
        let found = find::apis(name).into_iter();
        found.filter_map(|m| match m.subject {
            Subject::Api(api) => Some(api),
            _ => None,
        })
    };
    let function = plain.unwrap_or(function);
    let mut apis: Vec<ApiId> = named(function).collect();
    // The published map has some calls with their `A` or `W`, the catalog's own rows are without.
    let base = function.strip_suffix(['A', 'W']).into_iter();
    for api in base.flat_map(named) {
        if !apis.contains(&api) {
            apis.push(api);
        }
    }
    Some(ApiFrame {
        index,
        symbol: frame.symbol(),
        apis,
    })
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

fn boundary(frames: &[StackFrame]) -> Option<Boundary> {
    let dispatches = |f: &StackFrame| {
        f.module_name().is_some_and(|m| m == "nt")
            && f.function
                .as_deref()
                .is_some_and(|n| DISPATCHERS.contains(&n))
    };
    let index = frames.iter().position(dispatches)?;
    // Where 32-bit code enters the kernel there is a stub of its own.
    let stub = |f: &&StackFrame| {
        f.function
            .as_deref()
            .is_some_and(|n| matches!(n, "KiFastSystemCallRet" | "KiIntSystemCall"))
    };
    // On Arm the way into the kernel has further frames of the kernel's own.
    let kernel = |f: &&StackFrame| f.module_name().is_some_and(|m| m == "nt");
    let from = frames[index + 1..].iter().find(|f| !stub(f) && !kernel(f));
    let passed_stub = frames.get(index + 1).is_some_and(|f| stub(&f));
    let service_of = |f: &StackFrame| {
        f.function
            .as_deref()
            .filter(|n| n.starts_with("Nt") || n.starts_with("Zw"))
            .map(str::to_owned)
    };
    let service = from
        .and_then(service_of)
        .or_else(|| index.checked_sub(1).and_then(|i| service_of(&frames[i])));
    let unresolved = from.is_some_and(|f| f.module.is_none());
    let direct = from.is_some_and(|f| {
        let module = f.module_name().unwrap_or_default();
        !passed_stub
            && !unresolved
            && !matches!(
                module.as_str(),
                "ntdll" | "win32u" | "wow64cpu" | "wow64win"
            )
    });
    Some(Boundary {
        index,
        service,
        from: from.map(StackFrame::symbol),
        direct,
        unresolved,
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
pub(super) fn begins_thread(function: &str) -> bool {
    matches!(
        function.trim_start_matches('_'),
        "BaseThreadInitThunk"
            | "RtlUserThreadStart"
            | "BaseThreadStart"
            | "BaseProcessStart"
            | "TppWorkerThread"
    )
}

fn entered_by(frames: &[StackFrame], boundary: Option<&Boundary>) -> Option<String> {
    let user = match boundary {
        Some(boundary) => &frames[boundary.index + 1..],
        None if in_user_mode(frames) => frames,
        None => return None,
    };
    let system = |f: &&StackFrame| {
        f.module_name()
            .is_some_and(|m| SYSTEM.contains(&m.as_str()))
            && !f.function.as_deref().is_some_and(begins_thread)
    };
    user.iter()
        .take_while(system)
        .last()
        .map(StackFrame::symbol)
}

//! Debugger logs of every event type of the published method, read to the observation they show.
#![allow(clippy::unwrap_used)]

use catalog::EventId;
use proptest::prelude::*;
use research::correlate::{RecordedEvent, correlations};
use research::stack::{Break, ClientId, Observed, StackAnalysis, breaks, read};

fn log(name: &str) -> String {
    let path = format!("{}/tests/stacks/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn only(name: &str) -> (Break, StackAnalysis) {
    let mut stops = breaks(&log(name));
    assert_eq!(stops.len(), 1, "{name}: {stops:#?}");
    let stop = stops.remove(0);
    let reading = read(&stop);
    (stop, reading)
}

fn events(reading: &StackAnalysis) -> Vec<&'static str> {
    reading.events.iter().map(|e| e.slug()).collect()
}

#[test]
fn the_worked_example() {
    let (stop, reading) = only("event-01-process-create");
    // Hexadecimal in the debugger, decimal in the event.
    assert_eq!(
        stop.client,
        Some(ClientId {
            process: 3536,
            thread: None
        })
    );
    assert_eq!(stop.image.as_deref(), Some("powershell.exe"));
    assert_eq!(stop.breakpoint, Some(0));
    assert_eq!(reading.callback.as_deref(), Some("SysmonDrv+0x8f10"));
    assert_eq!(reading.mechanism.unwrap().slug(), "process-notify");
    assert_eq!(events(&reading), ["sysmon:1"]);
    assert_eq!(
        reading.entered_by.as_deref(),
        Some("KERNEL32!CreateProcessWStub")
    );
    let kept: Vec<_> = reading.kept.iter().map(|f| f.symbol.as_str()).collect();
    assert_eq!(
        kept,
        [
            "ntdll!RtlUserThreadStart",
            "KERNEL32!BaseThreadInitThunk",
            "KERNEL32!CreateProcessWStub",
            "KERNELBASE!CreateProcessW",
            "KERNELBASE!CreateProcessInternalW",
            "ntdll!NtCreateUserProcess",
            "nt!KiSystemServiceCopyEnd",
            "nt!NtCreateUserProcess",
            "nt!PspInsertThread",
            "nt!PspCallProcessNotifyRoutines",
        ]
    );
    let observed: Vec<_> = reading
        .observations
        .iter()
        .map(|o| (o.api.as_str(), o.status))
        .collect();
    let known = Observed::Known;
    assert_eq!(
        observed,
        [
            ("CreateProcess", known),
            ("CreateProcessInternal", known),
            ("NtCreateUserProcess", known)
        ]
    );
    assert_eq!(reading.gaps, Vec::<&str>::new());
    let boundary = reading.boundary.clone().unwrap();
    assert_eq!(
        (boundary.service.as_deref(), boundary.direct),
        (Some("NtCreateUserProcess"), false)
    );
}

#[test]
fn every_event_type_of_the_method() {
    for (name, mechanism, event, call) in [
        (
            "event-01-process-create",
            "process-notify",
            "sysmon:1",
            "CreateProcess",
        ),
        (
            "event-02-file-time",
            "minifilter",
            "sysmon:2",
            "SetFileTime",
        ),
        (
            "event-05-process-terminate",
            "process-notify",
            "sysmon:5",
            "ExitProcess",
        ),
        ("event-06-driver-load", "image-notify", "sysmon:6", ""),
        (
            "event-07-image-load",
            "image-notify",
            "sysmon:7",
            "LoadLibrary",
        ),
        (
            "event-08-remote-thread",
            "thread-notify",
            "sysmon:8",
            "CreateRemoteThread",
        ),
        (
            "event-08-native",
            "thread-notify",
            "sysmon:8",
            "RtlCreateUserThread",
        ),
        ("event-09-raw-read", "minifilter", "sysmon:9", "CreateFile"),
        (
            "event-10-process-access",
            "object-callback",
            "sysmon:10",
            "OpenProcess",
        ),
        (
            "event-11-file-create",
            "minifilter",
            "sysmon:11",
            "CopyFile",
        ),
        (
            "event-12-registry-key",
            "registry-callback",
            "sysmon:12",
            "RegCreateKeyEx",
        ),
        (
            "event-13-registry-value",
            "registry-callback",
            "sysmon:13",
            "RegSetValueEx",
        ),
        (
            "event-14-registry-rename",
            "registry-callback",
            "sysmon:14",
            "RegRenameKey",
        ),
        ("event-15-stream", "minifilter", "sysmon:15", "CreateFile"),
        (
            "event-17-pipe-create",
            "npfs-device-filter",
            "sysmon:17",
            "CreateNamedPipe",
        ),
        (
            "event-18-pipe-connect",
            "npfs-device-filter",
            "sysmon:18",
            "CreateFile",
        ),
        (
            "event-03-network-connect",
            "etw-kernel-logger",
            "sysmon:3",
            "connect",
        ),
        (
            "event-19-20-21-wmi-subscription",
            "wmi-event-subscription",
            "sysmon:20",
            "",
        ),
        (
            "event-22-dns-query",
            "etw-dns-client",
            "sysmon:22",
            "DnsQuery",
        ),
        (
            "event-23-file-delete",
            "minifilter",
            "sysmon:23",
            "DeleteFile",
        ),
        ("event-24-clipboard", "clipboard-listener", "sysmon:24", ""),
        (
            "event-26-file-delete-logged",
            "minifilter",
            "sysmon:26",
            "NtDeleteFile",
        ),
        (
            "event-27-executable-blocked",
            "minifilter",
            "sysmon:27",
            "CreateFile",
        ),
        (
            "event-28-shredding-blocked",
            "minifilter",
            "sysmon:28",
            "NtWriteFile",
        ),
        (
            "event-29-executable-detected",
            "minifilter",
            "sysmon:29",
            "CreateFile",
        ),
    ] {
        let (stop, reading) = only(name);
        assert_eq!(reading.mechanism.unwrap().slug(), mechanism, "{name}");
        assert!(
            events(&reading).contains(&event),
            "{name}: {:?}",
            events(&reading)
        );
        assert!(stop.client.is_some(), "{name}");
        let observed: Vec<_> = reading
            .observations
            .iter()
            .map(|o| o.api.as_str())
            .collect();
        assert!(
            call.is_empty() || observed.contains(&call),
            "{name}: {observed:?}"
        );
        assert!(stop.frames.iter().all(|f| !f.symbol().is_empty()), "{name}");
    }
}

#[test]
fn a_stack_that_decides_names_one_event() {
    for name in [
        "event-01-process-create",
        "event-05-process-terminate",
        "event-06-driver-load",
        "event-07-image-load",
        "event-08-remote-thread",
        "event-10-process-access",
        "event-12-registry-key",
        "event-13-registry-value",
        "event-14-registry-rename",
        "event-17-pipe-create",
        "event-18-pipe-connect",
        "event-11-file-create",
    ] {
        assert_eq!(only(name).1.events.len(), 1, "{name}");
    }
    // The same calls lead to a raw read and to a stream: the stack alone cannot tell, and says both.
    assert!(only("event-15-stream").1.events.len() > 1);
}

#[test]
fn events_that_no_callback_gives() {
    // The kernel writes the event itself: nothing of the sensor's is on the stack.
    let (stop, reading) = only("event-03-network-connect");
    assert_eq!(stop.client.unwrap().process, 3536);
    assert_eq!(reading.callback.as_deref(), Some("nt!EtwTraceKernelEvent"));
    assert_eq!(reading.dispatcher.as_deref(), Some("nt!EtwpTraceNetwork"));
    assert_eq!(reading.entered_by.as_deref(), Some("WS2_32!connect"));
    assert_eq!(reading.gaps, Vec::<&str>::new());
    // A debugger in user mode: no boundary to cross, the process from its list, and the caller tells the provider.
    let (stop, reading) = only("event-22-dns-query");
    assert_eq!(stop.client.unwrap().process, 3536);
    assert_eq!(stop.image.as_deref(), Some("beacon.exe"));
    assert_eq!((&reading.boundary, reading.gaps.len()), (&None, 0));
    assert_eq!(reading.entered_by.as_deref(), Some("DNSAPI!DnsQuery_W"));
    let elsewhere = log("event-22-dns-query").replace("DNSAPI!McGen", "winhttp!McGen");
    assert_eq!(read(&breaks(&elsewhere)[0]).mechanism, None);
    // Which kind of object was put, the stack does not say.
    let (_, reading) = only("event-19-20-21-wmi-subscription");
    assert_eq!(events(&reading), ["sysmon:19", "sysmon:20", "sysmon:21"]);
}

#[test]
fn a_system_call_of_ones_own() {
    let (_, reading) = only("event-10-direct-syscall");
    let boundary = reading.boundary.clone().unwrap();
    assert!(boundary.direct);
    assert_eq!(boundary.from.as_deref(), Some("dumper+0x1d42"));
    assert_eq!(boundary.service.as_deref(), Some("NtOpenProcess"));
    assert_eq!(reading.entered_by, None);
    assert_eq!(events(&reading), ["sysmon:10"]);
    let observed: Vec<_> = reading
        .observations
        .iter()
        .map(|o| o.api.as_str())
        .collect();
    assert_eq!(observed, ["NtOpenProcess"]);
}

#[test]
fn thirty_two_bits_on_sixty_four() {
    let (_, reading) = only("event-10-wow64");
    assert!(reading.wow64);
    assert!(!reading.boundary.clone().unwrap().direct);
    let observed: Vec<_> = reading
        .observations
        .iter()
        .map(|o| o.api.as_str())
        .collect();
    assert_eq!(observed, ["OpenProcess", "NtOpenProcess"]);
}

#[test]
fn thirty_two_bits() {
    let (stop, reading) = only("x86-image-load");
    assert_eq!(stop.client.unwrap().process, 3536);
    assert_eq!(reading.callback.as_deref(), Some("SysmonDrv+0x5a30"));
    assert_eq!(events(&reading), ["sysmon:7"]);
    assert_eq!(reading.entered_by.as_deref(), Some("kernel32!LoadLibraryW"));
    let boundary = reading.boundary.clone().unwrap();
    assert_eq!(
        (boundary.service.as_deref(), boundary.direct),
        (Some("NtMapViewOfSection"), false)
    );
    // The frames below the debugger's warning are kept and marked.
    assert!(stop.frames.last().unwrap().doubtful);
    assert!(reading.gaps.iter().any(|g| g.contains("warned")));
}

#[test]
fn thread_ids_from_every_command() {
    assert_eq!(
        only("event-08-remote-thread").0.client,
        Some(ClientId {
            process: 6008,
            thread: Some(2600)
        })
    );
    assert_eq!(
        only("event-08-native").0.client,
        Some(ClientId {
            process: 6008,
            thread: Some(2600)
        })
    );
    assert_eq!(
        only("event-05-process-terminate").0.client,
        Some(ClientId {
            process: 0xa10,
            thread: Some(0xb3c)
        })
    );
}

#[test]
fn several_stacks_without_banners() {
    let stops = breaks(&log("several-without-banners"));
    assert_eq!(stops.len(), 2, "{stops:#?}");
    let first = read(&stops[0]);
    assert_eq!(
        stops[0].client,
        Some(ClientId {
            process: 3536,
            thread: Some(0x1b54)
        })
    );
    assert_eq!(first.observations[0].api, "CreateProcessAsUser");
    let second = read(&stops[1]);
    assert_eq!(
        stops[1].client,
        Some(ClientId {
            process: 3536,
            thread: Some(0x1b60)
        })
    );
    assert_eq!(second.mechanism, None);
    assert!(second.gaps[0].contains("no frame is known to call back"));
    assert!(second.observations.is_empty());
}

#[test]
fn several_breaks_in_one_log() {
    let names = [
        "event-01-process-create",
        "event-10-process-access",
        "event-13-registry-value",
        "x86-image-load",
    ];
    let text: String = names.iter().map(|n| log(n)).collect();
    let stops = breaks(&text);
    assert_eq!(stops.len(), names.len());
    for (stop, name) in stops.iter().zip(names) {
        let alone = only(name).0;
        assert_eq!(
            (&stop.frames, stop.client, &stop.image),
            (&alone.frames, alone.client, &alone.image),
            "{name}"
        );
    }
    assert!(stops.windows(2).all(|w| w[0].line < w[1].line));
    // Line ends of Windows change nothing.
    assert_eq!(breaks(&text.replace('\n', "\r\n")), stops);
}

#[test]
fn a_break_is_tied_to_its_event() {
    let (stop, reading) = only("event-01-process-create");
    let event = |slug: &str, time: i64, field: &str, id: u64| RecordedEvent {
        event: EventId::named(slug).unwrap(),
        time: Some(1_596_825_127_555_000 + time),
        processes: vec![(field.to_owned(), id), ("ProcessId".to_owned(), 9999)],
        place: "x".to_owned(),
    };
    let recorded = [
        event("sysmon:1", 90_000_000, "ParentProcessId", 3536),
        event("sysmon:1", 2_000_000, "ParentProcessId", 3536),
        event("sysmon:1", 2_000_000, "ParentProcessId", 3540),
        event("sysmon:5", 2_000_000, "ParentProcessId", 3536),
        event("sysmon:1", -90_000_000, "ParentProcessId", 3536),
        event("sysmon:1", 2_000_000, "OtherProcessId", 3536),
    ];
    let found: Vec<_> = correlations(&stop, &reading, &recorded)
        .iter()
        .map(|t| (t.recorded, t.after))
        .collect();
    assert_eq!(found, [(1, Some(2_000_000)), (0, Some(90_000_000))]);
    // Without a time in the log, the process alone decides, and that shows.
    let timeless = Break { time: None, ..stop };
    assert_eq!(correlations(&timeless, &reading, &recorded).len(), 3);
    assert!(
        correlations(&timeless, &reading, &recorded)
            .iter()
            .all(|t| t.after.is_none())
    );
}

#[test]
fn a_row_for_the_catalog() {
    let (_, reading) = only("event-10-process-access");
    let observation = &reading.observations[0];
    assert_eq!(observation.call_yaml("lab.log"), None);
    let row = observation.mapping_yaml(observation.events[0], "lab.log");
    assert!(
        row.starts_with(
            "- id: sysmon-10-OpenProcess\n  api: OpenProcess\n  mechanism: object-callback\n"
        ),
        "{row}"
    );
    assert!(row.contains("mark: observed") && row.contains("source: [\"lab.log\"]"));
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,300}") {
        for stop in breaks(&text) {
            let _ = read(&stop);
        }
    }

    /// Lines of real logs in any order, cut anywhere.
    #[test]
    fn shuffled_logs_are_read(order in proptest::collection::vec((0usize..400, 0usize..90), 0..60)) {
        let names = ["event-01-process-create", "event-07-image-load", "x86-image-load", "several-without-banners"];
        let all: String = names.iter().map(|n| log(n)).collect();
        let lines: Vec<&str> = all.lines().collect();
        let text: Vec<String> = order
            .into_iter()
            .map(|(line, cut)| lines[line % lines.len()].chars().take(if cut > 80 { 400 } else { cut }).collect())
            .collect();
        for stop in breaks(&text.join("\n")) {
            let reading = read(&stop);
            prop_assert!(reading.kept.len() <= stop.frames.len());
        }
    }
}

fn form(name: &str) -> Vec<(Break, StackAnalysis)> {
    let path = format!("{}/tests/stacks/form-{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let stops = breaks(&text).into_iter();
    stops.map(|stop| (stop.clone(), read(&stop))).collect()
}

#[test]
fn an_opening_in_every_form_it_is_printed_in() {
    for name in [
        "kf-frame-sizes.txt",
        "systeminformer.txt",
        "dx-curstack.txt",
        "stack-window.txt",
        "procmon.csv",
        "stacks-2.txt",
    ] {
        let stops = form(name);
        let (stop, reading) = &stops[0];
        let mechanism = reading.mechanism.map(|m| m.slug());
        assert_eq!(mechanism, Some("object-callback"), "{name}: {stop:#?}");
        assert_eq!(events(reading), ["sysmon:10"], "{name}");
        let boundary = reading.boundary.as_ref().unwrap();
        assert_eq!(boundary.service.as_deref(), Some("NtOpenProcess"), "{name}");
        assert!(!boundary.direct && !boundary.unresolved, "{name}");
        let entered = reading.entered_by.as_deref().unwrap_or_default();
        assert!(
            entered.to_lowercase().starts_with("kernelbase"),
            "{name}: {entered}"
        );
    }
}

#[test]
fn threads_of_one_listing_are_stops_of_their_own() {
    let stops = form("stacks-2.txt");
    let clients: Vec<_> = stops
        .iter()
        .map(|(s, _)| s.client.map(|c| (c.process, c.thread)))
        .collect();
    assert_eq!(
        clients,
        [Some((0x1f04, Some(0x1c44))), Some((0xdd0, Some(0x1b54)))]
    );
    assert_eq!(stops[0].0.image.as_deref(), Some("mimikatz.exe"));
    assert_eq!(stops[1].0.image.as_deref(), Some("powershell.exe"));
    let threads = form("user-all-threads.txt");
    let ids: Vec<_> = threads
        .iter()
        .map(|(s, _)| s.client.and_then(|c| c.thread))
        .collect();
    assert_eq!(ids, [Some(0x1c44), Some(0x23d0), Some(0x1a08)]);
    assert_eq!(
        threads[0].1.entered_by.as_deref(),
        Some("KERNELBASE!OpenProcess")
    );
}

#[test]
fn what_is_not_resolved_is_no_direct_system_call() {
    for name in ["ntdll-no-symbols.txt", "arm64-24h2.txt"] {
        for (_, reading) in form(name) {
            let boundary = reading.boundary.unwrap();
            assert!(!boundary.direct, "{name}: {boundary:?}");
        }
    }
    let (_, reading) = &form("ntdll-no-symbols.txt")[0];
    assert!(reading.boundary.as_ref().unwrap().unresolved);
    assert!(
        reading.gaps.iter().any(|g| g.contains("not resolved")),
        "{:?}",
        reading.gaps
    );
    let (_, arm) = &form("arm64-24h2.txt")[0];
    let from = arm.boundary.as_ref().and_then(|b| b.from.as_deref());
    assert_eq!(from, Some("ntdll!NtCreateUserProcess"));
}

#[test]
fn a_time_before_each_line_and_a_stack_that_was_cut() {
    let (stop, reading) = &form("timestamps-truncated.txt")[0];
    assert_eq!(stop.frames.len(), 5);
    assert_eq!(stop.client.map(|c| c.process), Some(0x1f04));
    assert_eq!(reading.mechanism.map(|m| m.slug()), Some("object-callback"));
    let (_, reading) = &form("ecxr-k.txt")[0];
    assert_eq!(
        reading.entered_by.as_deref(),
        Some("KERNELBASE!OpenProcess")
    );
}

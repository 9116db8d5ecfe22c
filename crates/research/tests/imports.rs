//! What sensors could see, read from real PE files: drivers, a minifilter, a service and a library, built here from source
//! for 32 and 64 bit. Without the compilers the tests skip and say so.
#![allow(clippy::unwrap_used)]

use catalog::MechanismId;
use research::image::{self, Encoding, Image, ImageKind, ImportTable};
use research::sensor::{ImportEvidence, SensorReport, SignStrength, compare, report};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGETS: [&str; 2] = ["x86_64", "i686"];

struct Toolchain {
    folder: tempfile::TempDir,
}

impl Toolchain {
    fn new() -> Option<Self> {
        for tool in ["gcc", "dlltool", "windres"] {
            for target in TARGETS {
                let name = format!("{target}-w64-mingw32-{tool}");
                if Command::new(&name).arg("--version").output().is_err() {
                    println!("skipped: {name} is not installed (Debian: gcc-mingw-w64)");
                    return None;
                }
            }
        }
        Some(Self {
            folder: tempfile::tempdir().unwrap(),
        })
    }

    fn run(&self, target: &str, tool: &str, arguments: &[&str]) {
        let output = Command::new(format!("{target}-w64-mingw32-{tool}"))
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/drivers"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{tool} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn out(&self, target: &str, name: &str) -> PathBuf {
        let folder = self.folder.path().join(target);
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(name)
    }

    fn driver(&self, target: &str, name: &str, more: &[&str]) -> PathBuf {
        let file = self.out(target, &format!("{name}.sys"));
        let entry = if target == "i686" {
            "-Wl,-e,_DriverEntry@8"
        } else {
            "-Wl,-e,DriverEntry"
        };
        let source = format!("{name}.c");
        let mut arguments = vec![
            "-I/usr/share/mingw-w64/include/ddk",
            "-D_WIN32_WINNT=0x0A00",
            "-DNTDDI_VERSION=0x0A000000",
        ];
        arguments.extend([
            "-shared",
            "-nostdlib",
            "-Wl,--subsystem,native",
            entry,
            "-o",
            file.to_str().unwrap(),
            &source,
        ]);
        arguments.extend(more);
        arguments.push("-lntoskrnl");
        self.run(target, "gcc", &arguments);
        file
    }

    fn library(&self, target: &str, name: &str, delayed: bool) -> String {
        let library = self
            .out(target, &format!("lib{name}.a"))
            .to_str()
            .unwrap()
            .to_owned();
        let definition = format!("{name}.def");
        let kind = if delayed {
            "--output-delaylib"
        } else {
            "--output-lib"
        };
        // A 64-bit name carries no count of argument bytes; a 32-bit import drops it.
        let text = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/drivers")
                .join(&definition),
        )
        .unwrap();
        let plain = text.lines().map(|l| {
            if target == "i686" {
                l
            } else {
                l.split('@').next().unwrap()
            }
        });
        let file = self.out(target, &definition);
        std::fs::write(&file, plain.collect::<Vec<_>>().join("\n")).unwrap();
        self.run(
            target,
            "dlltool",
            &[
                "--kill-at",
                "--input-def",
                file.to_str().unwrap(),
                kind,
                &library,
            ],
        );
        library
    }
}

fn read(path: &Path) -> SensorReport {
    report(image::read(path).unwrap(), research::inf::beside(path))
}

fn found(report: &SensorReport, strength: SignStrength) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .filter(|f| f.strength == strength)
        .map(|f| f.mechanism.slug())
        .collect()
}

/// GNU ld lays the delay import descriptors out, but neither fills in the directory that points to them nor ends the list,
/// as Microsoft's linker does. Done here, over code that is not going to be run.
fn announce_delay_imports(file: &Path) {
    use object::{Object, ObjectSection, ObjectSymbol};
    let mut data = std::fs::read(file).unwrap();
    let parsed = object::File::parse(&data[..]).unwrap();
    let is_descriptor = |s: &object::Symbol<'_, '_>| {
        s.name()
            .is_ok_and(|n| n.contains("__DELAY_IMPORT_DESCRIPTOR"))
    };
    let symbol = parsed.symbols().find(is_descriptor).unwrap();
    let section = parsed
        .section_by_index(symbol.section_index().unwrap())
        .unwrap();
    let (address, place) = (
        symbol.address(),
        section.file_range().unwrap().0 + symbol.address() - section.address(),
    );
    let address = (address - parsed.relative_address_base()) as u32;
    let directories = if parsed.is_64() { 112 } else { 96 };
    let header = u32::from_le_bytes(data[0x3C..0x40].try_into().unwrap()) as usize;
    let directory = header + 4 + 20 + directories + 13 * 8;
    data[directory..directory + 4].copy_from_slice(&address.to_le_bytes());
    data[directory + 4..directory + 8].copy_from_slice(&64u32.to_le_bytes());
    data[place as usize + 32..place as usize + 64].fill(0);
    std::fs::write(file, data).unwrap();
}

#[test]
fn a_driver_with_callbacks_of_every_kind() {
    let Some(tools) = Toolchain::new() else {
        return;
    };
    for target in TARGETS {
        let resource = tools.out(target, "notify.o");
        tools.run(
            target,
            "windres",
            &["notify.rc", "-o", resource.to_str().unwrap()],
        );
        let driver = tools.driver(
            target,
            "notify",
            &[resource.to_str().unwrap(), "-Wl,--forceinteg"],
        );
        let report = read(&driver);
        assert_eq!(report.image.diagnostics, Vec::<String>::new());
        assert_eq!(report.image.kind, ImageKind::Driver);
        assert_eq!(report.image.bits, if target == "i686" { 32 } else { 64 });
        assert!(report.image.force_integrity);
        assert_eq!(report.image.certificate, None);
        let strong = [
            "process-notify",
            "thread-notify",
            "image-notify",
            "object-callback",
            "registry-callback",
        ];
        assert_eq!(found(&report, SignStrength::Registers), strong);
        assert_eq!(found(&report, SignStrength::Possible), Vec::<&str>::new());
        let events: Vec<_> = report
            .findings
            .iter()
            .flat_map(|f| &f.events)
            .map(|e| e.slug())
            .collect();
        for event in [
            "sysmon:1",
            "sysmon:5",
            "sysmon:6",
            "sysmon:7",
            "sysmon:8",
            "sysmon:10",
            "sysmon:12",
        ] {
            assert!(events.contains(&event), "{event}");
        }
        assert!(
            report
                .no_sign
                .contains(&MechanismId::named("minifilter").unwrap())
        );
        let version = report.image.version.unwrap();
        assert_eq!(version.file_version.as_deref(), Some("15.21.0.7"));
        assert_eq!(version.string("OriginalFilename"), Some("notify.sys"));
    }
}

#[test]
fn a_minifilter_with_its_altitude() {
    let Some(tools) = Toolchain::new() else {
        return;
    };
    for target in TARGETS {
        let library = tools.library(target, "filter", false);
        let driver = tools.driver(target, "filter", &[&library]);
        std::fs::copy(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drivers/filter.inf"),
            tools.out(target, "filter.inf"),
        )
        .unwrap();
        std::fs::write(
            tools.out(target, "other.inf"),
            "[x]\nHKR,a,\"Altitude\",0,\"320001\"\n",
        )
        .unwrap();
        let report = read(&driver);
        assert_eq!(found(&report, SignStrength::Registers), ["minifilter"]);
        assert_eq!(
            report.altitudes.len(),
            1,
            "the other INF does not name the driver"
        );
        assert_eq!(report.altitudes[0].altitude, "385123");
        assert_eq!(report.altitudes[0].group, Some("FSFilter Activity Monitor"));
        let imported = |e: &ImportEvidence| matches!(e, ImportEvidence::Imported { module, .. } if module == "fltmgr.sys");
        assert_eq!(
            report.findings[0]
                .evidence
                .iter()
                .filter(|e| imported(e))
                .count(),
            3
        );
    }
}

#[test]
fn a_driver_that_resolves_by_name() {
    let Some(tools) = Toolchain::new() else {
        return;
    };
    for target in TARGETS {
        let report = read(&tools.driver(target, "resolver", &[]));
        assert_eq!(found(&report, SignStrength::Registers), Vec::<&str>::new());
        assert_eq!(
            found(&report, SignStrength::ByName),
            ["process-notify", "object-callback"]
        );
        assert_eq!(report.resolvers, ["MmGetSystemRoutineAddress"]);
        for finding in &report.findings {
            let [
                ImportEvidence::Named {
                    encoding: Encoding::Utf16,
                    offset,
                    ..
                },
            ] = finding.evidence[..]
            else {
                panic!("{finding:?}")
            };
            assert!(offset > 0);
        }
    }
}

#[test]
fn a_legacy_filter() {
    let Some(tools) = Toolchain::new() else {
        return;
    };
    for target in TARGETS {
        let report = read(&tools.driver(target, "legacy", &[]));
        assert_eq!(
            found(&report, SignStrength::Registers),
            ["npfs-device-filter", "fs-registration-change"]
        );
    }
}

#[test]
fn a_service_that_consumes_a_provider_and_delays_the_rest() {
    let Some(tools) = Toolchain::new() else {
        return;
    };
    for target in TARGETS {
        let library = tools.library(target, "service", true);
        let file = tools.out(target, "service.exe");
        let arguments = [
            "-O1",
            "-o",
            file.to_str().unwrap(),
            "service.c",
            &library,
            "-ladvapi32",
            "-ldelayimp",
        ];
        tools.run(target, "gcc", &arguments);
        announce_delay_imports(&file);
        let report = read(&file);
        assert_eq!(report.image.kind, ImageKind::Program);
        let strong = found(&report, SignStrength::Registers);
        assert_eq!(
            strong,
            ["etw-dns-client", "eventlog-subscription"],
            "{:?}",
            report.image.diagnostics
        );
        // The functions that consume any provider do not show which other ones.
        assert!(found(&report, SignStrength::Possible).contains(&"etw-threat-intelligence"));
        let delayed = report
            .image
            .imports
            .functions
            .iter()
            .find(|f| f.name == "EvtSubscribe")
            .unwrap();
        assert_eq!(
            (delayed.table, delayed.module.as_str()),
            (ImportTable::Delay, "wevtapi.dll")
        );
    }
}

#[test]
fn a_library_and_a_comparison() {
    let Some(tools) = Toolchain::new() else {
        return;
    };
    let file = tools.out("x86_64", "clipboard.dll");
    tools.run(
        "x86_64",
        "gcc",
        &[
            "-shared",
            "-o",
            file.to_str().unwrap(),
            "clipboard.c",
            "-luser32",
        ],
    );
    let library = read(&file);
    assert_eq!(library.image.kind, ImageKind::Dll);
    assert!(found(&library, SignStrength::Registers).contains(&"clipboard-listener"));
    let resolver = read(&tools.driver("x86_64", "resolver", &[]));
    let notify = read(&tools.driver("x86_64", "notify", &[]));
    let difference = compare(&notify, &resolver);
    let only_first: Vec<_> = difference
        .only_first
        .iter()
        .map(|(m, _)| m.slug())
        .collect();
    assert_eq!(
        only_first,
        ["thread-notify", "image-notify", "registry-callback"]
    );
    assert!(difference.only_second.is_empty());
    assert_eq!(difference.both[0].1, SignStrength::Registers);
    assert_eq!(difference.both[0].2, SignStrength::ByName);
    assert_eq!(
        difference.functions_only_second,
        ["PsSetCreateProcessNotifyRoutineEx2"]
    );
    assert!(compare(&notify, &notify).only_first.is_empty());
}

/// Every prefix, and every byte changed in turn, of a real driver: an answer or an error, and no panic.
#[test]
fn broken_files_are_answered() {
    let Some(tools) = Toolchain::new() else {
        return;
    };
    for target in TARGETS {
        let data = std::fs::read(tools.driver(target, "notify", &[])).unwrap();
        let parse = |data: &[u8]| image::parse("broken", data).map(|i| report(i, Vec::new()));
        for end in (0..data.len()).step_by(13) {
            let _ = parse(&data[..end]);
        }
        let headers = data.len().min(1024);
        for at in (0..headers).step_by(3) {
            for value in [0x00, 0x80, 0xFF] {
                let mut changed = data.clone();
                changed[at] = value;
                let _ = parse(&changed);
            }
        }
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let refused = |data: &[u8]| image::parse("x", data).unwrap_err().to_string();
    assert!(refused(b"").contains("not a PE file"));
    assert!(refused(b"MZ").contains("not a PE file"));
    assert!(refused(b"\x7fELF\x02\x01\x01").contains("not a PE file"));
    let missing = image::read(Path::new("/no/such/driver.sys")).unwrap_err();
    assert!(missing.to_string().contains("/no/such/driver.sys"));
}

#[test]
fn a_signature_is_seen_and_a_false_one_is_told() {
    let Some(tools) = Toolchain::new() else {
        return;
    };
    let mut data = std::fs::read(tools.driver("x86_64", "legacy", &[])).unwrap();
    let header = u32::from_le_bytes(data[0x3C..0x40].try_into().unwrap()) as usize;
    // The fifth directory of a 64-bit optional header.
    let directory = header + 4 + 20 + 112 + 4 * 8;
    let end = data.len() as u32;
    data[directory..directory + 4].copy_from_slice(&end.to_le_bytes());
    data[directory + 4..directory + 8].copy_from_slice(&64u32.to_le_bytes());
    let outside: Image = image::parse("signed", &data).unwrap();
    assert_eq!(outside.certificate, Some(64));
    assert!(outside.diagnostics[0].contains("outside the file"));
    data.extend([0; 64]);
    assert_eq!(
        image::parse("signed", &data).unwrap().diagnostics,
        Vec::<String>::new()
    );
}

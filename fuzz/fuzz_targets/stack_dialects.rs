//! Stacks in the forms of every tool that prints them, with any text where a symbol or a number stands.
#![no_main]

/// What a line looks like; `@` is where the text goes.
const FORMS: [&str; 12] = [
    "@$curstack.Frames",
    "    [0x@]            : nt!ObpCall + 0x10c [Switch To]",
    "[0x1]\t@\t0xa1b3dff0e8\t0x7ffc2c6a2a4e",
    "\"Frame\",\"Module\",\"Location\",\"Address\",\"Path\"",
    "\"@\",\"ntoskrnl.exe\",\"NtOpenProcess + 0x23\",\"0xfffff804\",\"C:\\x\"",
    "\"K 3\",\"@\",\"@ + 0x23\",\"0xfffff804\",\"@\"",
    "3, @",
    "@, ntoskrnl.exe!PsOpenProcess+0x3af",
    "[ffffab0e2d2e4080 @]",
    "1f04.@  ffffab0e2e7d3080 0000000 RUNNING    SysmonDrv+0xa1c0",
    "14:22:11.041: 00 ffffb08f`9f4c7a88 fffff807`6a0b2c3d     @",
    "00      @ ffffb08f`9f4c7a88 fffff807`6a0b2c3d     nt!@+0x10c",
];

libfuzzer_sys::fuzz_target!(|lines: Vec<(u8, String)>| {
    let text: String = lines
        .iter()
        .map(|(form, text)| FORMS[usize::from(*form) % FORMS.len()].replace('@', text) + "\n")
        .collect();
    for stop in research::stack::breaks(&text) {
        // A line is one frame at most; what a symbol holds may itself break lines.
        assert!(stop.frames.len() <= text.lines().count());
        let reading = research::stack::read(&stop);
        assert!(reading.kept.len() <= stop.frames.len());
    }
});

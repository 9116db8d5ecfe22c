//! Text of any encoding Windows tools write, as UTF-8. `wevtutil` and PowerShell redirect into UTF-16; a byte order
//! mark says so, or the zero bytes between ASCII characters do.

use std::io::{Cursor, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// The stream `head` followed by `rest` as UTF-8, without a byte order mark. Bytes that already are UTF-8 or binary
/// pass through untouched.
pub(crate) fn utf8<'r>(head: &'r [u8], rest: &'r mut dyn Read) -> Box<dyn Read + 'r> {
    let stream = |skip: usize| Cursor::new(&head[skip..]);
    match head {
        [0xef, 0xbb, 0xbf, ..] => Box::new(stream(3).chain(rest)),
        [0xff, 0xfe, ..] | [b'<' | b'{' | b'[' | b'\r' | b'\n' | b' ', 0, ..] => {
            decoded(UTF_16LE, stream(0).chain(rest))
        }
        [0xfe, 0xff, ..] | [0, b'<' | b'{' | b'[' | b'\r' | b'\n' | b' ', 0, ..] => {
            decoded(UTF_16BE, stream(0).chain(rest))
        }
        _ => Box::new(stream(0).chain(rest)),
    }
}

fn decoded<'r>(encoding: &'static Encoding, stream: impl Read + 'r) -> Box<dyn Read + 'r> {
    Box::new(
        DecodeReaderBytesBuilder::new()
            .encoding(Some(encoding))
            .strip_bom(true)
            .build(stream),
    )
}

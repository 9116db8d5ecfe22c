//! A writer of EVTX chunks for tests: one template, any values.

use std::collections::HashMap;

use super::super::pieces::CHUNK;

/// Content of a template.
#[derive(Clone, Debug)]
pub(super) enum X {
    /// Name, attributes, content, and the value it depends on.
    Element(&'static str, Vec<(&'static str, X)>, Vec<X>, Option<u16>),
    Text(&'static str),
    /// The value of this number; optional or not.
    Slot(u16, bool),
    Char(u16),
    Entity(&'static str),
    Cdata(&'static str),
}

pub(super) fn element(name: &'static str, content: Vec<X>) -> X {
    X::Element(name, Vec::new(), content, None)
}

pub(super) fn data(name: &'static str, content: X) -> X {
    X::Element("Data", vec![("Name", X::Text(name))], vec![content], None)
}

/// A value of a template instance: its type and bytes.
pub(super) type Typed = (u8, Vec<u8>);

pub(super) fn text(text: &str) -> Typed {
    (0x01, wide(text))
}

pub(super) fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// `Event` with a usual `System`, whose values are 0 (event id) and 1 (time), and this content.
pub(super) fn event(content: Vec<X>) -> X {
    let mut children = vec![element(
        "System",
        vec![
            X::Element(
                "Provider",
                vec![("Name", X::Text("Scotoma-Test"))],
                vec![],
                None,
            ),
            element("EventID", vec![X::Slot(0, false)]),
            X::Element(
                "TimeCreated",
                vec![("SystemTime", X::Slot(1, false))],
                vec![],
                None,
            ),
            element("Channel", vec![X::Text("Test")]),
            element("Security", vec![]),
        ],
    )];
    children.extend(content);
    X::Element(
        "Event",
        vec![("xmlns", X::Text("urn:event"))],
        children,
        None,
    )
}

/// The first values of every [`event`].
pub(super) fn head(id: u16) -> Vec<Typed> {
    let filetime = 133_000_000_000_000_000u64 + u64::from(id);
    vec![
        (0x06, id.to_le_bytes().to_vec()),
        (0x11, filetime.to_le_bytes().to_vec()),
    ]
}

/// A chunk in the making.
pub(super) struct Chunk {
    data: Vec<u8>,
    names: HashMap<&'static str, u32>,
    templates: Vec<u32>,
    first: u64,
    /// Where each record starts.
    pub(super) starts: Vec<usize>,
}

impl Chunk {
    pub(super) fn new() -> Self {
        Self {
            data: vec![0; 512],
            names: HashMap::new(),
            templates: Vec::new(),
            first: 1,
            starts: Vec::new(),
        }
    }

    fn u16(&mut self, v: u16) {
        self.data.extend(v.to_le_bytes());
    }

    fn u32(&mut self, v: u32) {
        self.data.extend(v.to_le_bytes());
    }

    fn name(&mut self, name: &'static str) {
        if let Some(at) = self.names.get(name) {
            return self.u32(*at);
        }
        let at = self.data.len() as u32 + 4;
        self.names.insert(name, at);
        self.u32(at);
        self.u32(0);
        self.u16(0);
        self.u16(name.encode_utf16().count() as u16);
        self.data.extend(wide(name));
        self.u16(0);
    }

    fn counted(&mut self, text: &str) {
        self.u16(text.encode_utf16().count() as u16);
        self.data.extend(wide(text));
    }

    fn x(&mut self, x: &X) {
        match x {
            X::Element(name, attributes, content, dependency) => {
                self.data
                    .push(if attributes.is_empty() { 0x01 } else { 0x41 });
                self.u16(dependency.unwrap_or(u16::MAX));
                self.u32(0);
                self.name(name);
                if !attributes.is_empty() {
                    self.u32(0);
                }
                for (name, value) in attributes {
                    self.data.push(0x06);
                    self.name(name);
                    self.x(value);
                }
                if content.is_empty() {
                    return self.data.push(0x03);
                }
                self.data.push(0x02);
                content.iter().for_each(|x| self.x(x));
                self.data.push(0x04);
            }
            X::Text(text) => {
                self.data.extend([0x05, 0x01]);
                self.counted(text);
            }
            X::Slot(id, optional) => {
                self.data.push(if *optional { 0x0e } else { 0x0d });
                self.u16(*id);
                self.data.push(0x01);
            }
            X::Char(c) => {
                self.data.push(0x08);
                self.u16(*c);
            }
            X::Entity(name) => {
                self.data.push(0x09);
                self.name(name);
            }
            X::Cdata(text) => {
                self.data.push(0x07);
                self.counted(text);
            }
        }
    }

    /// A template instance as a stream; the first of a `number` brings its definition along.
    fn stream(&mut self, number: usize, template: &X, values: &[Typed]) {
        self.data.extend([0x0f, 1, 1, 0, 0x0c, 1]);
        self.u32(number as u32);
        match self.templates.get(number) {
            Some(at) => self.u32(*at),
            None => {
                let at = self.data.len() + 4;
                self.templates.push(at as u32);
                self.u32(at as u32);
                self.u32(0);
                // All have the same identifier: it must not matter.
                self.data.extend([7; 16]);
                self.u32(0);
                let body = self.data.len();
                self.data.extend([0x0f, 1, 1, 0]);
                self.x(template);
                self.data.push(0);
                let size = (self.data.len() - body) as u32;
                self.data[body - 4..body].copy_from_slice(&size.to_le_bytes());
            }
        }
        self.u32(values.len() as u32);
        for (kind, bytes) in values {
            self.u16(bytes.len() as u16);
            self.data.extend([*kind, 0]);
        }
        for (_, bytes) in values {
            self.data.extend(bytes);
        }
        self.data.push(0);
    }

    fn begin(&mut self) -> usize {
        let start = self.data.len();
        let id = self.first + self.starts.len() as u64;
        self.starts.push(start);
        self.data.extend(*b"\x2a\x2a\0\0\0\0\0\0");
        self.data.extend(id.to_le_bytes());
        self.data.extend(133_000_000_000_000_000u64.to_le_bytes());
        start
    }

    fn end(&mut self, start: usize) {
        let size = (self.data.len() - start + 4) as u32;
        self.u32(size);
        self.data[start + 4..start + 8].copy_from_slice(&size.to_le_bytes());
    }

    pub(super) fn record(&mut self, template: &X, values: &[Typed]) {
        self.record_of(0, template, values);
    }

    /// A record of the template with this number; numbers begin at 0 in every chunk.
    pub(super) fn record_of(&mut self, number: usize, template: &X, values: &[Typed]) {
        let start = self.begin();
        self.stream(number, template, values);
        self.end(start);
    }

    /// A record whose last value is an instance of a second template, as Windows writes event data.
    pub(super) fn nested(&mut self, outer: &X, values: &[Typed], inner: &X, data: &[Typed]) {
        let start = self.begin();
        // The inner stream's offsets depend on where it stands: write the outer one around a place of its size.
        let mut size = 0;
        for _ in 0..2 {
            self.data.truncate(start + 24);
            let before = (self.names.clone(), self.templates.clone());
            let mut values = values.to_vec();
            values.push((0x21, vec![0; size]));
            self.stream(0, outer, &values);
            let end = self.data.len() - 1 - size;
            self.data.truncate(end);
            self.stream(1, inner, data);
            if self.data.len() - end != size {
                size = self.data.len() - end;
                (self.names, self.templates) = before;
            }
        }
        self.data.push(0);
        self.end(start);
    }

    /// Where its records end.
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// The chunk with its header and checksums.
    pub(super) fn finish(&self) -> Vec<u8> {
        let mut data = self.data.clone();
        let free = data.len();
        assert!(free <= CHUNK, "the sample is too large for a chunk");
        let last = self.first + self.starts.len() as u64 - 1;
        data[..8].copy_from_slice(b"ElfChnk\0");
        for (at, v) in [(8, self.first), (16, last), (24, self.first), (32, last)] {
            data[at..at + 8].copy_from_slice(&v.to_le_bytes());
        }
        let start = self.starts.last().copied().unwrap_or(512);
        let records = evtx::checksum_ieee(&data[512..]);
        for (at, v) in [
            (40, 128),
            (44, start as u32),
            (48, free as u32),
            (52, records),
        ] {
            data[at..at + 4].copy_from_slice(&v.to_le_bytes());
        }
        let header = [&data[..120], &data[128..512]].concat();
        data[124..128].copy_from_slice(&evtx::checksum_ieee(&header).to_le_bytes());
        data.resize(CHUNK, 0);
        data
    }
}

/// A file of these chunks.
pub(super) fn file(chunks: &[u8]) -> Vec<u8> {
    let count = chunks.len().div_ceil(CHUNK) as u16;
    let mut head = vec![0; 4096];
    head[..8].copy_from_slice(b"ElfFile\0");
    head[16..24].copy_from_slice(&u64::from(count - 1).to_le_bytes());
    head[24..32].copy_from_slice(&1u64.to_le_bytes());
    head[32..36].copy_from_slice(&128u32.to_le_bytes());
    head[36..38].copy_from_slice(&1u16.to_le_bytes());
    head[38..40].copy_from_slice(&3u16.to_le_bytes());
    head[40..42].copy_from_slice(&4096u16.to_le_bytes());
    head[42..44].copy_from_slice(&count.to_le_bytes());
    let sum = evtx::checksum_ieee(&head[..120]);
    head[124..128].copy_from_slice(&sum.to_le_bytes());
    [head.as_slice(), chunks].concat()
}

//! Numbers that look random and are the same on every machine and in every release (SplitMix64).

/// A stream of numbers from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A stream of its own for every name.
    pub(crate) fn named(name: &str) -> Self {
        // FNV-1a: enough to tell names apart.
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` up to, not including, `high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    /// A number below `n`, the smaller the likelier: about as names and addresses are asked for, where the second most
    /// popular has half of what the first has.
    pub(crate) fn rank(&mut self, n: u64) -> u64 {
        let octave = self.between(0, u64::from(n.max(1).ilog2()) + 1);
        let rank = (1 << octave) + self.between(0, 1 << octave) - 1;
        rank % n.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let i = self.between(0, of.len() as u64);
        &of[usize::try_from(i).unwrap_or(0)]
    }

    /// That many hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize, upper: bool) -> String {
        let mut out = String::with_capacity(digits + 16);
        while out.len() < digits {
            let next = self.next();
            out.push_str(&if upper {
                format!("{next:016X}")
            } else {
                format!("{next:016x}")
            });
        }
        out.truncate(digits);
        out
    }
}

//! Rates with their uncertainty: exact intervals of a Poisson rate and of the ratio of two, and Fisher's test whether
//! counts are spread as by chance. It refuses to know what is counted.

use std::collections::HashMap;

use statrs::distribution::{Beta, ChiSquared, ContinuousCDF, Gamma, Normal};

use crate::report::{Interval, Regularity};

/// Above this count the quantiles come from Wilson and Hilferty's approximation, whose relative error there is below
/// one in ten thousand of the interval's width.
const EXACT: u64 = 1_000;

/// Garwood's exact interval (1936) of the mean of a Poisson variable, from one observation: quantiles of the gamma
/// distribution, which are halves of chi-squared quantiles. Its coverage is never below what is stated.
pub fn garwood(count: u64, confidence: f64) -> Interval {
    let tail = (1.0 - confidence.clamp(0.0, 0.999_999)) / 2.0;
    let low = match count {
        0 => 0.0,
        n => gamma_quantile(n as f64, tail),
    };
    Interval {
        value: count as f64,
        low,
        high: gamma_quantile(count as f64 + 1.0, 1.0 - tail),
    }
}

/// The quantile of the gamma distribution with this shape and rate 1.
fn gamma_quantile(shape: f64, p: f64) -> f64 {
    if shape <= EXACT as f64 {
        return Gamma::new(shape, 1.0).map_or(f64::NAN, |g| g.inverse_cdf(p));
    }
    let z = Normal::standard().inverse_cdf(p);
    let c = 1.0 / (9.0 * shape);
    shape * (1.0 - c + z * c.sqrt()).powi(3)
}

/// Intervals of rates, each quantile computed once: most groups have small counts, and the same ones.
#[derive(Debug)]
pub struct Rates {
    confidence: f64,
    known: HashMap<u64, Interval>,
}

impl Rates {
    /// Rates with intervals of this coverage, 0 to 1.
    pub fn new(confidence: f64) -> Self {
        Self {
            confidence,
            known: HashMap::new(),
        }
    }

    /// Events for each unit of exposure; nothing where there was no exposure.
    pub fn rate(&mut self, count: u64, exposure: f64) -> Interval {
        if exposure <= 0.0 {
            return Interval::default();
        }
        let confidence = self.confidence;
        let of = |i: Interval| Interval {
            value: i.value / exposure,
            low: i.low / exposure,
            high: i.high / exposure,
        };
        if count > EXACT {
            return of(garwood(count, confidence));
        }
        of(*self
            .known
            .entry(count)
            .or_insert_with(|| garwood(count, confidence)))
    }
}

/// The ratio of two Poisson rates, `now` over `before`, with the exact conditional interval: given the sum, the count is
/// binomial (Przyborowski and Wilenski, 1940), and its share has Clopper and Pearson's interval (1934).
pub fn ratio(now: (u64, f64), before: (u64, f64), confidence: f64) -> Interval {
    let ((x, t), (y, s)) = (now, before);
    if t <= 0.0 || s <= 0.0 || x + y == 0 {
        return Interval {
            value: 1.0,
            low: 0.0,
            high: f64::INFINITY,
        };
    }
    let tail = (1.0 - confidence.clamp(0.0, 0.999_999)) / 2.0;
    let quantile = |a: u64, b: u64, p: f64| {
        Beta::new(a as f64, b as f64).map_or(f64::NAN, |d| d.inverse_cdf(p))
    };
    let low = if x == 0 {
        0.0
    } else {
        quantile(x, y + 1, tail)
    };
    let high = if y == 0 {
        1.0
    } else {
        quantile(x + 1, y, 1.0 - tail)
    };
    let odds = |p: f64| p / (1.0 - p) * s / t;
    Interval {
        value: (x as f64 / t) / (y as f64 / s),
        low: odds(low),
        high: odds(high),
    }
}

/// Fewest events and buckets from which evenness is told.
const MIN_EVENTS: u64 = 8;
/// The level at which chance is given up.
const LEVEL: f64 = 0.01;

/// Fisher's index of dispersion over `n` counts, of which those that are not zero are given; judged by the chi-squared
/// distribution with `n - 1` degrees of freedom, at one per cent to either side.
pub fn regularity(counts: impl Iterator<Item = u64>, n: u64) -> Regularity {
    let (mut sum, mut squares) = (0u64, 0.0);
    for c in counts {
        sum += c;
        squares += (c as f64) * (c as f64);
    }
    if sum < MIN_EVENTS || n < MIN_EVENTS {
        return Regularity::Unknown;
    }
    let mean = sum as f64 / n as f64;
    let degrees = (n - 1) as f64;
    let dispersion = ((squares - mean * sum as f64) / degrees / mean).max(0.0);
    let Ok(chi) = ChiSquared::new(degrees) else {
        return Regularity::Unknown;
    };
    let below = chi.cdf(dispersion * degrees);
    if below < LEVEL {
        Regularity::Regular { dispersion }
    } else if below > 1.0 - LEVEL {
        Regularity::Bursty { dispersion }
    } else {
        Regularity::Random { dispersion }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not {b}");
    }

    #[test]
    fn garwood_as_in_published_tables() {
        // 95 % limits of a Poisson mean, to the digits the tables give.
        for (count, low, high) in [
            (0, 0.0, 3.689),
            (1, 0.0253, 5.572),
            (2, 0.2422, 7.225),
            (3, 0.6187, 8.767),
            (5, 1.6235, 11.668),
            (10, 4.7954, 18.390),
            (20, 12.2165, 30.888),
            (50, 37.1110, 65.919),
            (100, 81.3640, 121.627),
        ] {
            let i = garwood(count, 0.95);
            near(i.low, low, 6e-4);
            near(i.high, high, 6e-4);
        }
    }

    #[test]
    fn the_approximation_continues_the_exact_quantiles() {
        for p in [0.005, 0.025, 0.975, 0.995] {
            let exact = gamma_quantile(EXACT as f64, p);
            let z = Normal::standard().inverse_cdf(p);
            let c = 1.0 / (9.0 * EXACT as f64);
            let close = EXACT as f64 * (1.0 - c + z * c.sqrt()).powi(3);
            near(close, exact, 1e-4 * (EXACT as f64).sqrt() * 4.0);
        }
        let large = garwood(1 << 40, 0.95);
        assert!(large.low < large.value && large.value < large.high);
    }

    #[test]
    fn ratios_hold_one_where_rates_are_alike() {
        let same = ratio((50, 10.0), (48, 10.0), 0.95);
        assert!(same.low < 1.0 && same.high > 1.0, "{same:?}");
        let more = ratio((50, 10.0), (5, 10.0), 0.95);
        assert!(more.low > 1.0, "{more:?}");
        // 10 of 10 against 0 of 10: Clopper and Pearson's lower limit is 0.6915, as odds 2.2417.
        let none = ratio((10, 1.0), (0, 1.0), 0.95);
        near(none.low, 2.2417, 2e-3);
        assert!(none.high.is_infinite() && none.value.is_infinite());
        let many = ratio((4_000_000, 10.0), (1_000_000, 10.0), 0.95);
        assert!(many.low > 3.9 && many.high < 4.1, "{many:?}");
    }

    #[test]
    fn timers_chance_and_bursts_are_told_apart() {
        let timer = regularity(std::iter::repeat_n(4, 100), 100);
        assert!(matches!(timer, Regularity::Regular { .. }), "{timer:?}");
        let burst = regularity([40, 40].into_iter(), 100);
        assert!(matches!(burst, Regularity::Bursty { .. }), "{burst:?}");
        assert_eq!(regularity([3, 4].into_iter(), 100), Regularity::Unknown);
    }

    /// A number in [0, 1) from a counter, for streams that are the same in every run.
    fn uniform(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Events of a Poisson stream of rate 1 until `mean`.
    fn stream(mean: f64, state: &mut u64) -> u64 {
        let (mut n, mut at) = (0, 0.0);
        loop {
            at -= (1.0 - uniform(state)).ln();
            if at > mean {
                return n;
            }
            n += 1;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn intervals_hold_the_rate_of_simulated_streams(
            mean in 0.05f64..60.0,
            seed in any::<u64>(),
            confidence in prop::sample::select(vec![0.8, 0.9, 0.95]),
        ) {
            let (mut rates, mut state, runs) = (Rates::new(confidence), seed, 2_000);
            let held = (0..runs)
                .filter(|_| {
                    let i = rates.rate(stream(mean, &mut state), 2.0);
                    i.low <= mean / 2.0 && mean / 2.0 <= i.high
                })
                .count();
            // Five standard deviations of the simulation itself below what is stated.
            let slack = 5.0 * (confidence * (1.0 - confidence) / f64::from(runs)).sqrt();
            prop_assert!(held as f64 / f64::from(runs) >= confidence - slack);
        }

        #[test]
        fn intervals_are_ordered(count in any::<u64>(), confidence in 0.5f64..0.999) {
            let i = garwood(count, confidence);
            prop_assert!(i.low <= i.value && i.value <= i.high, "{:?}", i);
        }
    }
}

//! Running figures of a price in floats. For signals only: none of them is money.

/// Exponential moving average with weight 2 / (length + 1), seeded with the first value.
///
/// ```
/// use sandpit_sdk::signals::Ema;
///
/// let mut average = Ema::new(3);
/// assert_eq!(average.update(10.0), 10.0);
/// assert_eq!(average.update(20.0), 15.0);
/// assert!(!average.is_warm());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ema {
    weight: f64,
    value: f64,
    /// Values that are missing until it is warm.
    missing: u32,
    seeded: bool,
}

impl Ema {
    /// Of this length in values; 0 is taken as 1.
    #[must_use]
    pub fn new(length: u32) -> Self {
        let length = length.max(1);
        let weight = 2.0 / (f64::from(length) + 1.0);
        Self { weight, value: 0.0, missing: length, seeded: false }
    }

    /// Takes in a value and says the average.
    #[inline]
    pub fn update(&mut self, value: f64) -> f64 {
        self.value = if self.seeded {
            self.weight * value + (1.0 - self.weight) * self.value
        } else {
            self.seeded = true;
            value
        };
        self.missing = self.missing.saturating_sub(1);
        self.value
    }

    /// The average; zero before the first value.
    #[must_use]
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// Whether it has seen as many values as it is long.
    #[must_use]
    pub const fn is_warm(&self) -> bool {
        self.missing == 0
    }
}

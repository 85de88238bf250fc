//! Means over parts of different weight.

/// Parts with their weights, of which there is some.
pub(super) struct Weighted<'a, T> {
    parts: &'a [(f64, T)],
    all: f64,
}

impl<'a, T> Weighted<'a, T> {
    /// `None` where no part has a weight.
    pub fn new(parts: &'a [(f64, T)]) -> Option<Self> {
        let all: f64 = parts.iter().map(|(weight, _)| weight).sum();
        (all > 0.0).then_some(Self { parts, all })
    }

    /// The mean of a figure.
    pub fn mean(&self, of: impl Fn(&T) -> f64) -> f64 {
        let parts = self.parts.iter();
        parts.map(|(weight, part)| weight * of(part)).sum::<f64>() / self.all
    }
}

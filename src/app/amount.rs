//! Amounts as people type them.

/// A number that is not negative, with an SI prefix where one is wanted.
pub fn read(text: &str) -> Option<f64> {
    let text = text.trim();
    let (number, factor) = match text.chars().last()? {
        'k' => (text.strip_suffix('k')?, 1e3),
        'M' => (text.strip_suffix('M')?, 1e6),
        'G' => (text.strip_suffix('G')?, 1e9),
        'T' => (text.strip_suffix('T')?, 1e12),
        _ => (text, 1.0),
    };
    let number: f64 = number.trim().parse().ok()?;
    let amount = number * factor;
    (amount.is_finite() && amount >= 0.0).then_some(amount)
}

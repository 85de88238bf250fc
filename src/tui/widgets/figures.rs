//! Numbers as people read them.

use crate::cost::Unit;
pub use crate::counts::counted;
use crate::trace::import::told;
use crate::trace::record::{Confidence, StepRecord};

pub use crate::headless::show::confidence;

/// An amount of a ledger: `12.3 MFLOP`, `0.00124 USD`; `unknown` where it is.
pub fn amount(value: Option<f64>, unit: Option<&Unit>) -> String {
    match (value, unit) {
        (Some(value), Some(Unit::Flops)) => format!("{}FLOP", scaled(value)),
        (Some(value), Some(Unit::Money(currency))) => format!("{} {currency}", money(value)),
        _ => "unknown".to_owned(),
    }
}

/// A number with an SI prefix and three figures: `12.3 M`.
pub fn scaled(value: f64) -> String {
    const PREFIXES: [(f64, &str); 6] = [
        (1e18, "E"),
        (1e15, "P"),
        (1e12, "T"),
        (1e9, "G"),
        (1e6, "M"),
        (1e3, "k"),
    ];
    for (factor, prefix) in PREFIXES {
        if value.abs() >= factor {
            return format!("{} {prefix}", figures(value / factor));
        }
    }
    format!("{} ", figures(value))
}

fn figures(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if value.abs() >= 99.95 {
        format!("{value:.0}")
    } else if value.abs() >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn money(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if value.abs() >= 0.1 {
        format!("{value:.2}")
    } else {
        // Two figures after the zeros: prices of single steps are tiny.
        let zeros = (-value.abs().log10()).floor().clamp(0.0, 12.0);
        format!("{value:.*}", zeros as usize + 2)
    }
}

/// Whether a confidence is a probability, so that it has a scale from 0 to 1.
pub fn is_scaled(confidence: &Confidence) -> bool {
    matches!(confidence.source.as_str(), "prob" | told::MEASURED)
}

/// Seconds: `8 ms`, `1.4 s`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

/// The tokens that a step was written in; imported ones may hold none.
pub fn tokens(step: &StepRecord) -> String {
    told::output_tokens(step).map_or_else(
        || "tokens not known".to_owned(),
        |tokens| format!("{tokens} tokens"),
    )
}

/// How long a step took, likewise.
pub fn took(step: &StepRecord) -> String {
    told::seconds(step).map_or_else(|| "not known".to_owned(), seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_three_figures() {
        let flops = |value| amount(Some(value), Some(&Unit::Flops));
        assert_eq!(flops(0.0), "0 FLOP");
        assert_eq!(flops(999.6), "1000 FLOP");
        assert_eq!(flops(12_345_678.0), "12.3 MFLOP");
        assert_eq!(flops(1.876e9), "1.88 GFLOP");
        let usd = |value| amount(Some(value), Some(&Unit::Money("USD".into())));
        assert_eq!(usd(0.001_24), "0.0012 USD");
        assert_eq!(usd(1.5), "1.50 USD");
        assert_eq!(amount(None, Some(&Unit::Flops)), "unknown");
        assert_eq!(amount(Some(1.0), None), "unknown");
    }
}

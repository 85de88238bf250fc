//! What one model's tokens cost: FLOPs from its parameters, or money.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use crate::trace::record::{ModelFacts, PriceFacts, Usage};

/// What a ledger counts in; one unit for a whole pool, never mixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    Flops,
    /// A currency code such as `USD`.
    Money(String),
}

impl Unit {
    /// The unit as a run's head names it.
    pub fn named(name: &str) -> Self {
        match name {
            "flops" => Self::Flops,
            currency => Self::Money(currency.to_owned()),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flops => f.write_str("flops"),
            Self::Money(currency) => f.write_str(currency),
        }
    }
}

/// An amount in the ledger's unit. Money is added as a decimal, so that sums
/// of small prices are exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    Flops(f64),
    Money(Decimal),
}

impl Amount {
    /// The amount as a number, for the log and for drawing.
    pub fn value(self) -> f64 {
        match self {
            Self::Flops(flops) => flops,
            // A decimal has at most 96 bits of mantissa: it always fits an f64's range.
            Self::Money(money) => money.to_f64().unwrap_or(f64::NAN),
        }
    }

    /// The amount of that many units: what [`Amount::value`] gave. `None` for
    /// what is no amount.
    pub(super) fn of(unit: &Unit, value: f64) -> Option<Self> {
        match unit {
            Unit::Flops => value.is_finite().then_some(Self::Flops(value)),
            Unit::Money(_) => Decimal::from_f64(value).map(Self::Money),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Flops(a), Self::Flops(b)) => Self::Flops(a + b),
            (Self::Money(a), Self::Money(b)) => Self::Money(a.saturating_add(b)),
            // One ledger has one unit, so its amounts never mix.
            (mine, _) => mine,
        }
    }
}

/// The prompt of a call as it is billed: each token once, at one of three
/// rates, also where a server's counts do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billed {
    pub uncached: u64,
    /// Read from the cache.
    pub cached: u64,
    /// Written to the cache.
    pub written: u64,
}

impl Billed {
    /// Divides a prompt: cached tokens first, then those written, of what is
    /// left of it; an unknown cached count is none.
    #[must_use]
    pub fn of(usage: Usage) -> Self {
        let cached = usage.cached.unwrap_or(0).min(usage.prompt);
        let written = usage.cache_write.min(usage.prompt - cached);
        Self {
            uncached: usage.prompt - cached - written,
            cached,
            written,
        }
    }
}

/// The rate of one model.
#[derive(Debug, Clone, PartialEq)]
pub enum Rate {
    /// `2·params` FLOPs a token.
    Flops {
        params: f64,
    },
    Money(PriceFacts),
}

impl Rate {
    /// Cost of `output` generated tokens alone (published ledger).
    pub fn output(&self, output: u64) -> Amount {
        match self {
            Self::Flops { params } => Amount::Flops(2.0 * params * output as f64),
            Self::Money(price) => Amount::Money(per_token(price.output, price, output)),
        }
    }

    /// Cost of a whole call (full ledger). Where the cached count is unknown
    /// every token that may have been cached is billed at the dearest prompt
    /// rate, which makes the amount an upper bound.
    pub fn call(&self, usage: Usage) -> Amount {
        let prompt = Billed::of(usage);
        match self {
            Self::Flops { params } => {
                // What is written to the cache is computed first.
                let computed = (prompt.uncached + prompt.written).saturating_add(usage.output);
                Amount::Flops(2.0 * params * computed as f64)
            }
            Self::Money(price) => {
                let cached = price.cached_input.unwrap_or(price.input);
                let written = price.cache_write.unwrap_or(price.input);
                let uncached = match usage.cached {
                    Some(_) => price.input,
                    None => price.input.max(cached).max(written),
                };
                let parts = [
                    (uncached, prompt.uncached),
                    (cached, prompt.cached),
                    (written, prompt.written),
                    (price.output, usage.output),
                ];
                let parts = parts.map(|(rate, tokens)| per_token(rate, price, tokens));
                let sum = |sum: Decimal, part| sum.saturating_add(part);
                Amount::Money(parts.into_iter().fold(Decimal::ZERO, sum))
            }
        }
    }

    /// Nothing, in this rate's unit.
    pub fn zero(&self) -> Amount {
        match self {
            Self::Flops { .. } => Amount::Flops(0.0),
            Self::Money(_) => Amount::Money(Decimal::ZERO),
        }
    }
}

fn per_token(rate: Decimal, price: &PriceFacts, tokens: u64) -> Decimal {
    if price.per.is_zero() {
        return Decimal::ZERO;
    }
    // Multiply first: rates are exact, the quotient may not be.
    rate.checked_mul(Decimal::from(tokens))
        .and_then(|total| total.checked_div(price.per))
        .unwrap_or(Decimal::MAX)
}

/// The unit that a whole pool can be counted in: money where every model has
/// a price in one currency, else FLOPs where every model's parameters are
/// known, else none.
pub(super) fn common_unit(models: &[ModelFacts]) -> Option<Unit> {
    let currency = models.first()?.price.as_ref().map(|p| p.currency.clone());
    if let Some(currency) = currency
        && models
            .iter()
            .all(|m| m.price.as_ref().is_some_and(|p| p.currency == currency))
    {
        return Some(Unit::Money(currency));
    }
    models
        .iter()
        .all(|m| m.params.is_some())
        .then_some(Unit::Flops)
}

/// The rate of `model` in `unit`, where it has one.
pub(super) fn rate_in(model: &ModelFacts, unit: &Unit) -> Option<Rate> {
    match unit {
        Unit::Flops => model.params.map(|params| Rate::Flops { params }),
        Unit::Money(currency) => {
            let price = model.price.clone();
            price
                .filter(|price| price.currency == *currency)
                .map(Rate::Money)
        }
    }
}

//! `percentile:p=P`: the most capable model next iff u_t is below the P-th
//! percentile of the confidences of step t (STEER's §4.3, with which it compares
//! measures of confidence at equal cost).
//!
//! The paper takes the percentile over the traces that run beside each other;
//! here it is frozen in a file, so that a trace alone can be routed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::signal::confidence::Source;
use crate::signal::mixture::FEWEST;
use crate::signal::observation::Observation;
use crate::signal::percentile::{at, percentile};
use crate::trace::record::RouterFacts;

use super::calibration::{CalibrationError, Kind, Loaded, PoolModel};
use super::{Choice, Router, RouterSpec, Slide, Slider};

/// Percentiles 0 to 100.
const POINTS: usize = 101;

/// Confidences of one pool by measure and step index: the content of a
/// `percentile` file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// By the name of the measure; each by rising index.
    pub tables: BTreeMap<String, Vec<IndexTable>>,
}

/// The percentiles of one measure over all steps of one index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexTable {
    /// t, from 1.
    pub index: u32,
    /// Values it was made from.
    pub n: usize,
    /// The 0th to the 100th.
    pub percentiles: Vec<f64>,
}

impl IndexTable {
    /// The percentiles of rising values; `None` of no values.
    pub fn new(index: u32, sorted: &[f64]) -> Option<Self> {
        let points = (0..POINTS).map(|p| percentile(sorted, p as f64));
        Some(Self {
            index,
            n: sorted.len(),
            percentiles: points.collect::<Option<_>>()?,
        })
    }

    /// Whether there are enough values to say anything about the tails.
    pub fn is_enough(&self) -> bool {
        self.n >= FEWEST
    }

    /// The greatest p whose percentile does not lie above a value: 100 where
    /// none does, below 0 where all do.
    pub fn rank(&self, value: f64) -> f64 {
        let all = &self.percentiles;
        let not_above = all.partition_point(|level| *level <= value);
        match (not_above.checked_sub(1), all.get(not_above)) {
            (None, _) => -1.0,
            (Some(_), None) => 100.0,
            (Some(below), Some(high)) => {
                let low = all[below];
                below as f64 + (value - low) / (high - low)
            }
        }
    }

    /// The `p`-th percentile; between two whole ones on the line between them.
    pub fn at(&self, p: f64) -> Option<f64> {
        at(&self.percentiles, p.clamp(0.0, 100.0))
    }
}

impl Percentiles {
    /// The table of a measure for step `index`: the one of the last index up to
    /// it that has enough values.
    pub fn table(&self, signal: Source, index: u32) -> Option<&IndexTable> {
        let tables = self.tables.get(signal.name())?.iter().rev();
        let mut enough = tables.filter(|table| table.is_enough());
        enough.find(|table| table.index <= index)
    }
}

impl Kind for Percentiles {
    const NAME: &'static str = "percentile";

    fn fault(&self) -> Option<String> {
        let sound = |table: &IndexTable| {
            let all = &table.percentiles;
            all.len() == POINTS && all.iter().all(|value| value.is_finite()) && all.is_sorted()
        };
        for (name, tables) in &self.tables {
            if name.parse::<Source>().is_err() {
                return Some(format!("`{name}` is no confidence"));
            }
            if let Some(wrong) = tables.iter().find(|table| !sound(table)) {
                let index = wrong.index;
                return Some(format!(
                    "`{name}` at step {index} has no {POINTS} rising percentiles"
                ));
            }
            if !tables.windows(2).all(|pair| pair[0].index < pair[1].index) {
                return Some(format!("`{name}` is not in the order of its indices"));
            }
        }
        None
    }
}

/// The router; made by `Percentile::new`.
pub struct Percentile {
    p: f64,
    signal: Source,
    spec: RouterSpec,
    percentiles: Loaded<Percentiles>,
}

impl Percentile {
    /// The router of a spec for a pool.
    ///
    /// # Errors
    /// A calibration that is missing or of another pool, or whose logs did not
    /// hold the confidence.
    pub(super) fn new(
        (p, signal, file): (f64, Source, Option<&Path>),
        spec: &RouterSpec,
        pool: &[PoolModel],
    ) -> Result<Self, CalibrationError> {
        const SHIPPED: &[u8] = include_bytes!("../../assets/pair/percentile.json");
        let percentiles = Loaded::<Percentiles>::find(file, SHIPPED, pool)?;
        let found = &percentiles.calibration.found;
        if found.table(signal, u32::MAX).is_none() {
            return Err(CalibrationError::Invalid {
                path: percentiles.path(),
                fault: format!(
                    "it has no step with {FEWEST} values of the confidence `{signal}`: \
                     read another by `signal=`"
                ),
            });
        }
        Ok(Self {
            p,
            signal,
            spec: spec.clone(),
            percentiles,
        })
    }

    /// The percentile that a step is held against, and whose it is.
    fn level(&self, index: u32) -> Option<(f64, &IndexTable)> {
        let found = &self.percentiles.calibration.found;
        let table = found.table(self.signal, index)?;
        Some((table.at(self.p)?, table))
    }
}

impl Router for Percentile {
    fn facts(&self) -> RouterFacts {
        self.spec.facts(self.percentiles.files.clone())
    }

    fn signal(&self) -> Source {
        self.signal
    }

    fn slider(&self) -> Option<Slider> {
        Some(Slider {
            symbol: "p",
            key: "p",
            value: self.p,
            range: Some((0.0, 100.0)),
        })
    }

    fn slide(&self, observation: &Observation) -> Slide {
        let last = observation.models.saturating_sub(1);
        let found = &self.percentiles.calibration.found;
        let table = found.table(self.signal, observation.index);
        match observation.confidence.zip(table) {
            Some((u, table)) => Slide::flip(table.rank(u), 0, last),
            None => Slide::fixed(last),
        }
    }

    fn decide(&self, observation: &Observation, _draw: f64) -> Choice {
        let last = observation.models.saturating_sub(1);
        let index = observation.index;
        let Some(u) = observation.confidence else {
            let why = "confidence unavailable: the most capable model goes on";
            return Choice::certain(last, why);
        };
        let Some((level, table)) = self.level(index) else {
            let why = format!("no percentiles up to step {index}: the most capable model goes on");
            return Choice::certain(last, why);
        };
        let whose = match table.index == index {
            true => format!("of step {index}"),
            // Flagged: it is another step's distribution.
            false => format!(
                "of step {}, the last calibrated before {index}",
                table.index
            ),
        };
        let (action, verb) = match u < level {
            true => (last, "is below"),
            false => (0, "reaches"),
        };
        let p = self.p;
        let reason = format!("confidence {u:.3} {verb} {level:.3}, percentile {p} {whose}");
        Choice {
            threshold: Some(level),
            ..Choice::certain(action, reason)
        }
    }
}

#[cfg(test)]
mod tests;

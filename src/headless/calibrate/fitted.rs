//! `calibrate steer` and `calibrate percentile`: calibration files from the
//! steps in logs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::problem::split::Split;
use crate::router::calibration::{Calibration, FORMAT, Kind};
use crate::router::percentile::{IndexTable, Percentiles};
use crate::router::steer::{IndexFit, Mixtures};
use crate::signal::confidence::Source;
use crate::signal::mixture::{self, Settings};
use crate::trace::atomic::write_atomically;

use super::super::{Exit, Failure};
use super::steps::{Gathered, IndexSteps, gather};

/// What both are asked for.
#[derive(Debug, Clone)]
pub struct StepsOptions {
    /// Logs, or folders of them.
    pub logs: Vec<PathBuf>,
    pub splits: Vec<Split>,
    /// The confidence to fit; of percentiles, which hold all of them, the one
    /// to show.
    pub signal: Source,
    pub seed: u64,
    /// File to write; it is only told where there is none.
    pub out: Option<PathBuf>,
}

/// A calibration, and where it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Made<K> {
    #[serde(flatten)]
    pub calibration: Calibration<K>,
    pub out: Option<PathBuf>,
    pub warnings: Vec<String>,
}

/// Fits a mixture for each step index.
///
/// # Errors
/// A file that is there already; logs that cannot be read, are of several
/// pools or hold no step that counts, or none with the confidence.
pub fn steer(options: &StepsOptions) -> Result<Made<Mixtures>, Failure> {
    refuse_to_overwrite(options.out.as_deref())?;
    let gathered = gather(&options.logs, &options.splits)?;
    let signal = options.signal;
    if gathered
        .indices
        .values()
        .all(|steps| steps.values(signal).is_empty())
    {
        let message = format!("no step in the logs has the confidence `{signal}`");
        return Err(Failure::new(Exit::BadData, message)
            .hint("name another by `--signal`: raw logits are not given by every server"));
    }
    let fits = gathered.indices.iter();
    let mixtures = Mixtures {
        signal: signal.name().to_owned(),
        domain: signal.domain().name().to_owned(),
        fits: fits
            .map(|(index, steps)| index_fit(*index, steps, options))
            .collect(),
    };
    // Read and written by people: a line for each number.
    made(gathered, mixtures, options, serde_json::to_vec_pretty)
}

fn index_fit(index: u32, steps: &IndexSteps, options: &StepsOptions) -> IndexFit {
    let values = steps.values(options.signal);
    // A seed of its own: the fit does not depend on the other indices.
    let seed = options.seed.wrapping_add(u64::from(index));
    IndexFit {
        missing: steps.count() - values.len(),
        steps_by_model: steps.by_model.clone(),
        ..IndexFit::new(index, &mixture::fit(values, &Settings::default(), seed))
    }
}

/// Takes the percentiles of every measure for each step index.
///
/// # Errors
/// As [`steer`].
pub fn percentile(options: &StepsOptions) -> Result<Made<Percentiles>, Failure> {
    refuse_to_overwrite(options.out.as_deref())?;
    let gathered = gather(&options.logs, &options.splits)?;
    let mut tables = BTreeMap::new();
    for source in Source::ALL {
        let found = gathered.indices.iter().filter_map(|(index, steps)| {
            let mut sorted = steps.values(source).to_vec();
            sorted.sort_by(f64::total_cmp);
            IndexTable::new(*index, &sorted)
        });
        let found: Vec<IndexTable> = found.collect();
        if !found.is_empty() {
            tables.insert(source.name().to_owned(), found);
        }
    }
    if tables.is_empty() {
        let message = "no step in the logs has a confidence of any kind";
        return Err(Failure::new(Exit::BadData, message));
    }
    // Thousands of numbers that nobody reads: one line.
    made(
        gathered,
        Percentiles { tables },
        options,
        serde_json::to_vec,
    )
}

fn made<K: Kind + Serialize>(
    gathered: Gathered,
    found: K,
    options: &StepsOptions,
    write: fn(&Calibration<K>) -> serde_json::Result<Vec<u8>>,
) -> Result<Made<K>, Failure> {
    let calibration = Calibration {
        format: FORMAT,
        kind: K::NAME.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pool: gathered.pool,
        source: gathered.source,
        seed: options.seed,
        found,
    };
    if let Some(out) = &options.out {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(
                Exit::Failed,
                format!("cannot write {}: {error}", out.display()),
            )
        };
        let mut bytes = write(&calibration).map_err(|error| failed(&error))?;
        bytes.push(b'\n');
        write_atomically(out, &bytes).map_err(|error| failed(&error))?;
    }
    Ok(Made {
        calibration,
        out: options.out.clone(),
        warnings: gathered.warnings,
    })
}

pub(super) fn refuse_to_overwrite(out: Option<&Path>) -> Result<(), Failure> {
    match out.filter(|out| out.exists()) {
        None => Ok(()),
        Some(out) => Err(
            Failure::usage(format!("{}: it is there already", out.display()))
                .hint("name another: runs that were made with it know it by its hash"),
        ),
    }
}

#[cfg(test)]
mod tests;

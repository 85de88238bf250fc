//! The anchors that need a forest: the oracle and the line of chance, computed
//! over its continuations without a call.

use std::path::PathBuf;

use serde::Serialize;

use crate::eval::table::Over;
use crate::headless::{Exit, Failure};
use crate::router::{RouterSpec, build};
use crate::train::forest::{Forest, ProblemForest};
use crate::train::oracle::oracle;
use crate::train::params::{CostLedger, Params};
use crate::train::prepared::{Encoding, Prepared};
use crate::train::report::{Against, Row, of_router};

/// Points of the line of chance.
const POINTS: u32 = 20;

/// Figures on a forest: of other problems than the rows', unless it was grown
/// on the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnForest {
    pub over: Over,
    pub pool: Vec<String>,
    /// Problems whose forest is complete, which everything is computed on.
    pub problems: usize,
    /// Problems of the split with a graded reference.
    pub of: usize,
    /// The small model, the large one, the oracle.
    pub rows: Vec<Row>,
    /// `random` at many probabilities.
    pub random: Vec<Row>,
}

/// Name of the oracle's row.
pub const ORACLE: &str = "oracle";

/// Reads a forest and computes the anchors on its problems of a split.
///
/// # Errors
/// A forest that cannot be read, none of the split, none that is complete.
pub fn of(paths: &[PathBuf], over: Over, ledger: CostLedger) -> Result<OnForest, Failure> {
    let forest = Forest::load(paths, None)?;
    let holds = |problem: &&ProblemForest| {
        let splits = over.splits();
        splits.is_none_or(|splits| splits.contains(&problem.split))
    };
    let problems: Vec<&ProblemForest> = forest.problems.iter().filter(holds).collect();
    let none = |why: &str| {
        let message = format!(
            "the forest has no problem of the {} split {why}",
            over.name()
        );
        Failure::new(Exit::BadData, message).hint("explore more of them, or leave `--forest` out")
    };
    if problems.is_empty() {
        return Err(none("at all"));
    }
    // Neither the oracle nor chance reads an observation: any feature will do.
    let encoding = Encoding::fit(&["step".to_owned()], &forest, &problems)?;
    let params = Params {
        ledger,
        ..Params::default()
    };
    let all = Prepared::new(&forest, &problems, &encoding, &params)?;
    let prepared = all.complete();
    if prepared.problems().is_empty() {
        return Err(none("that holds every continuation"));
    }
    let names: Vec<String> = forest
        .models
        .iter()
        .map(|model| model.name.clone())
        .collect();
    let small = build(&RouterSpec::Small, &names, None)?;
    let against = Against::new(&prepared, &*small, ledger);
    let mut rows = against.anchors();
    rows.extend(against.row(ORACLE, &oracle(&prepared)));
    let mut random = Vec::new();
    for n in 0..=POINTS {
        let p = f64::from(n) / f64::from(POINTS);
        let router = build(&RouterSpec::Random { p }, &names, None)?;
        random.extend(against.point(format!("p={p:.2}"), &of_router(&prepared, &*router)));
    }
    Ok(OnForest {
        over,
        pool: names,
        problems: prepared.problems().len(),
        of: all.problems().len(),
        rows,
        random,
    })
}

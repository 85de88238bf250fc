//! Which rows there are: of the routers asked for the plain ones, and of each
//! sweep the setting that was chosen.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::eval::Rows;
use crate::eval::choice::{Choice, ChoiceError, choose};
use crate::eval::rows::Row;
use crate::eval::sweep::Sweep;
use crate::headless::Failure;
use crate::problem::shard::Part;
use crate::router::RouterSpec;
use crate::trace::index::FileDamage;

use super::{EvalOptions, read};

/// A router that is asked for.
pub struct Asked {
    pub sweep: Sweep,
    /// Its settings, in the order of the sweep.
    pub settings: Vec<Setting>,
}

/// A router as it was written and as it is read.
pub struct Setting {
    pub written: String,
    pub spec: RouterSpec,
}

/// The rows of the table, and how it came to them.
pub struct Chosen {
    pub rows: Rows,
    pub choices: Vec<Choice>,
    pub warnings: Vec<String>,
    pub damages: Vec<FileDamage>,
    pub logs: Vec<PathBuf>,
    /// Routers at which an endpoint failed.
    pub failed: Vec<String>,
    /// What the rows are of all problems, where they are a shard's.
    pub part: Option<Part>,
}

/// From logs alone: all their rows, or those that the routers name.
pub fn of_logs(options: &EvalOptions, asked: &[Asked]) -> Result<Chosen, Failure> {
    let (mut rows, outcomes) = read(&options.logs)?;
    let mut found = Chosen {
        rows: Rows::default(),
        choices: Vec::new(),
        warnings: Vec::new(),
        damages: outcomes.damages,
        logs: outcomes.files,
        failed: Vec::new(),
        part: None,
    };
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for one in asked {
        let matching = |row: &&Row| one.settings.iter().any(|spec| names(spec, row));
        let settings: Vec<&Row> = rows.rows.iter().filter(matching).collect();
        if !one.sweep.is_sweep() {
            if settings.is_empty() {
                return Err(absent(&one.sweep.text, &rows));
            }
            kept.extend(settings.iter().map(|row| row.name.clone()));
            continue;
        }
        found.warnings.extend(unrun(one, &settings));
        for choice in on_every_ground(options, &one.sweep.text, &settings, &rows)? {
            kept.insert(choice.chosen.clone());
            found.choices.push(choice);
        }
    }
    if !asked.is_empty() {
        rows.retain(|row| row.is_anchor() || kept.contains(&row.name));
    }
    found.rows = rows;
    Ok(found)
}

/// Settings are compared on one ground only.
fn on_every_ground(
    options: &EvalOptions,
    sweep: &str,
    settings: &[&Row],
    rows: &Rows,
) -> Result<Vec<Choice>, ChoiceError> {
    let grounds: BTreeSet<usize> = settings.iter().map(|row| row.ground).collect();
    if grounds.is_empty() {
        return choose(sweep, &[], rows, options.choose, options.ledger).map(|one| vec![one]);
    }
    let choice = |ground: usize| {
        let of = settings.iter().copied().filter(|row| row.ground == ground);
        let of: Vec<&Row> = of.collect();
        choose(sweep, &of, rows, options.choose, options.ledger)
    };
    grounds.into_iter().map(choice).collect()
}

/// Whether a row is of this router: every parameter that was written is as it
/// says, so that a name alone is all its settings. A file is known by its path
/// in the row's spec: two calibrations are two routers.
fn names(asked: &Setting, row: &Row) -> bool {
    let spec = &asked.spec;
    if spec.name() != row.router {
        return false;
    }
    if !asked.written.contains(':') {
        return true;
    }
    let row_spec: Option<RouterSpec> = row.spec.parse().ok();
    if row_spec.as_ref() == Some(spec) {
        return true;
    }
    // What the spec left to a default that was found when the run began, as
    // t of `threshold`, is in the parameters alone.
    let facts = spec.facts(std::collections::BTreeMap::new());
    let written = |name: &str| asked.written.contains(&format!("{name}="));
    let mut given = facts.parameters.iter().filter(|(name, _)| written(name));
    let same_files = row_spec.is_none_or(|of_row| of_row.file() == spec.file());
    same_files && given.all(|(name, value)| row.parameters.get(name) == Some(value))
}

fn absent(text: &str, rows: &Rows) -> Failure {
    let held: Vec<&str> = rows.rows.iter().map(|row| row.name.as_str()).collect();
    Failure::usage(format!("no run of `{text}` in the logs")).hint(format!(
        "they hold {}; without `--log` it is run",
        held.join(", ")
    ))
}

/// What of a sweep the logs do not hold.
fn unrun(asked: &Asked, settings: &[&Row]) -> Option<String> {
    let there = |asked: &&Setting| settings.iter().any(|row| names(asked, row));
    let gone: Vec<String> = asked
        .settings
        .iter()
        .filter(|asked| !there(asked))
        .map(|asked| asked.spec.to_string())
        .collect();
    (!gone.is_empty() && !settings.is_empty()).then(|| {
        format!(
            "sweep `{}`: the logs hold nothing of {}",
            asked.sweep.text,
            gone.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_names_the_rows_that_agree_with_what_it_says() {
        let row = |spec: &str| {
            let parsed: RouterSpec = spec.parse().unwrap();
            Row::without_runs(&parsed.facts(std::collections::BTreeMap::new()))
        };
        let matches = |spec: &str, of: &str| {
            let asked = Setting {
                written: spec.to_owned(),
                spec: spec.parse().unwrap(),
            };
            names(&asked, &row(of))
        };
        assert!(matches("threshold:t=0.5", "threshold:t=0.5"));
        assert!(matches("threshold:t=0.50", "threshold:t=0.5"));
        assert!(matches("threshold", "threshold:t=0.5"));
        assert!(matches("threshold", "threshold:t=0.5,signal=logit"));
        assert!(matches("rsd", "rsd:delta=0.5"));
        assert!(!matches("rsd:delta=0.7", "rsd:delta=0.5"));
        assert!(!matches("rsd:delta=0.7", "rsd:accept=clip"));
        let steer = |file: &str| format!("steer:gamma=0.5,file={file}");
        assert!(matches(&steer("a.json"), &steer("a.json")));
        assert!(!matches(&steer("a.json"), &steer("b.json")));
        assert!(!matches(&steer("a.json"), "steer:gamma=0.5"));
        assert!(!matches("steer:gamma=0.5", &steer("a.json")));
        assert!(!matches("threshold:t=0.5", "threshold:t=0.6"));
        assert!(!matches("small", "large"));
        assert!(matches("policy:path=run", "policy:path=run"));
        assert!(!matches("policy:path=run", "policy:path=other"));
        assert!(matches("policy", "policy:path=other"));
    }
}

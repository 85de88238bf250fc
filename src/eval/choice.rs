//! Chooses one setting of a sweep, on the calibration split alone: figures of
//! the test split are of what was chosen without it.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::problem::split::Split;
use crate::train::params::CostLedger;

use super::figures::{Figures, Measured};
use super::frontier::{Family, Point};
use super::outcomes::ProblemKey;
use super::rows::{LARGE, Row, Rows, SMALL};

/// By what a setting is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The cheapest that recovers this share of the gap between the models
    /// alone; where none does, the most accurate one.
    Gap(f64),
    /// The most accurate one, the cheapest of several.
    Accuracy,
    /// The most accuracy by cost.
    PerCost,
}

impl Default for Rule {
    fn default() -> Self {
        Self::Gap(0.9)
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("gap=")) {
            ("accuracy", _) => Ok(Self::Accuracy),
            ("ac", _) => Ok(Self::PerCost),
            (_, Some(share)) => match share.parse::<f64>() {
                Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self::Gap(share)),
                _ => Err("the share of the gap must be above 0 and at most 1".to_owned()),
            },
            _ => Err("one of `gap=SHARE`, `accuracy`, `ac`".to_owned()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap(share) => write!(f, "gap={share}"),
            Self::Accuracy => f.write_str("accuracy"),
            Self::PerCost => f.write_str("ac"),
        }
    }
}

/// A setting with its figures on the calibration problems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    pub name: String,
    pub figures: Figures,
}

/// What was chosen of a sweep, and from what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The sweep as it was written.
    pub sweep: String,
    pub rule: String,
    pub ledger: CostLedger,
    /// Calibration problems that all settings ran on.
    pub problems: usize,
    /// Name of the row chosen.
    pub chosen: String,
    /// Why it and no other.
    pub why: String,
    pub candidates: Vec<Candidate>,
    /// All settings on the calibration problems; `None` without the models
    /// alone.
    pub family: Option<Family>,
}

/// A sweep of which nothing can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    #[error("sweep `{sweep}` selects nothing: {held}")]
    NoSetting { sweep: String, held: String },
    #[error(
        "sweep `{sweep}`: its settings have no calibration problem in common, and a setting is \
         chosen on the calibration split alone (20 % of all problems, by a hash of the question): \
         take more problems"
    )]
    NoProblem { sweep: String },
    #[error(
        "sweep `{sweep}`: nothing is graded on the calibration split: grade the answers first \
         (`pointsman regrade`), or take problems with answers"
    )]
    Ungraded { sweep: String },
    #[error(
        "sweep `{sweep}`: rule `{rule}` needs costs, and the {ledger} cost is not known: give \
         `params` or `price` of every model in the pool file, or take `--choose accuracy`"
    )]
    NoCost {
        sweep: String,
        rule: String,
        ledger: &'static str,
    },
}

/// Whether a problem may be chosen by.
#[must_use]
pub fn is_calibration(problem: &ProblemKey) -> bool {
    problem.split == Some(Split::Calibration)
}

/// Chooses among rows, all of one ground, that are the settings of a sweep.
///
/// # Errors
/// Settings that nothing can be chosen of: see [`ChoiceError`].
pub fn choose(
    sweep: &str,
    settings: &[&Row],
    rows: &Rows,
    rule: Rule,
    ledger: CostLedger,
) -> Result<Choice, ChoiceError> {
    let Some(first) = settings.first() else {
        let held: Vec<&str> = rows.rows.iter().map(|row| row.name.as_str()).collect();
        return Err(ChoiceError::NoSetting {
            sweep: sweep.to_owned(),
            held: format!("the logs hold {}", held.join(", ")),
        });
    };
    let alone = [SMALL, LARGE].map(|router| rows.alone(first.ground, router));
    let with_anchors = settings.iter().copied().chain(alone.into_iter().flatten());
    let with_anchors: Vec<&Row> = with_anchors.collect();
    let problems = common(&with_anchors);
    if problems.is_empty() {
        let sweep = sweep.to_owned();
        return Err(ChoiceError::NoProblem { sweep });
    }
    let unit = rows.grounds[first.ground].unit.as_deref();
    let measured = Measured::new(&with_anchors, alone, &problems, ledger, unit);
    let figures = measured.figures(&problems);
    let candidates: Vec<Candidate> = settings
        .iter()
        .zip(&figures)
        .map(|(row, figures)| Candidate {
            name: row.name.clone(),
            figures: figures.clone(),
        })
        .collect();
    let (at, why) = pick(sweep, &candidates, rule, ledger)?;
    let family = family(sweep, settings, &figures);
    Ok(Choice {
        sweep: sweep.to_owned(),
        rule: rule.to_string(),
        ledger,
        problems: problems.len(),
        chosen: candidates[at].name.clone(),
        why,
        candidates,
        family,
    })
}

/// The calibration problems of all rows.
fn common(rows: &[&Row]) -> Vec<ProblemKey> {
    let sets = rows.iter().map(|row| row.problems(is_calibration));
    let common = sets.reduce(|one, other| one.intersection(&other).cloned().collect());
    common.unwrap_or_default().into_iter().collect()
}

/// All settings between the models alone, whose figures come last.
fn family(sweep: &str, settings: &[&Row], figures: &[Figures]) -> Option<Family> {
    let [small, large] = figures.get(settings.len()..)? else {
        return None;
    };
    let names = settings.iter().map(|row| row.name.as_str());
    let points = names.zip(figures).filter_map(|(name, f)| point(name, f));
    let (small, large) = (point(SMALL, small)?, point(LARGE, large)?);
    Some(Family::new(
        sweep,
        Split::Calibration.name(),
        points.collect(),
        &small,
        &large,
    ))
}

/// A row's place on the frontier; `None` where a part of it is not known.
#[must_use]
pub fn point(name: &str, figures: &Figures) -> Option<Point> {
    Some(Point {
        name: name.to_owned(),
        cost: figures.relative?.value,
        accuracy: figures.accuracy?.value,
    })
}

/// The settings of a sweep, by their figures in one ledger.
struct Field<'a> {
    candidates: &'a [Candidate],
    ledger: CostLedger,
    /// Places of those that are graded.
    graded: Vec<usize>,
}

impl<'a> Field<'a> {
    fn new(candidates: &'a [Candidate], ledger: CostLedger) -> Self {
        let is_graded = |at: &usize| candidates[*at].figures.accuracy.is_some();
        Self {
            candidates,
            ledger,
            graded: (0..candidates.len()).filter(is_graded).collect(),
        }
    }

    fn accuracy(&self, at: usize) -> f64 {
        let found = self.candidates[at].figures.accuracy;
        found.map_or(f64::NEG_INFINITY, |found| found.value)
    }

    fn cost(&self, at: usize) -> Option<f64> {
        let figures = &self.candidates[at].figures;
        match self.ledger {
            CostLedger::Published => figures.published,
            CostLedger::Full => figures.full,
        }
    }

    /// Dearer than anything where unknown.
    fn paid(&self, at: usize) -> f64 {
        self.cost(at).unwrap_or(f64::INFINITY)
    }

    fn gap(&self, at: usize) -> Option<f64> {
        self.candidates[at].figures.gap.map(|found| found.value)
    }

    /// The first setting of the greatest.
    fn best(&self, order: impl Fn(usize, usize) -> Ordering) -> Option<usize> {
        // Of equals the last counts: they are looked at from the back.
        let places = self.graded.iter().rev().copied();
        places.max_by(|a, b| order(*a, *b))
    }

    fn most_accurate(&self) -> Option<usize> {
        self.best(|a, b| {
            let by_accuracy = self.accuracy(a).total_cmp(&self.accuracy(b));
            by_accuracy.then_with(|| self.paid(b).total_cmp(&self.paid(a)))
        })
    }

    fn most_by_cost(&self) -> Option<usize> {
        let value = |at: usize| self.candidates[at].figures.per_cost.unwrap_or(0.0);
        self.best(|a, b| value(a).total_cmp(&value(b)))
    }

    /// The cheapest that recovers a share of the gap.
    fn cheapest(&self, share: f64) -> Option<usize> {
        let enough = |at: &usize| self.gap(*at).is_some_and(|found| found >= share);
        let places = self.graded.iter().copied().filter(enough);
        places.min_by(|a, b| self.paid(*a).total_cmp(&self.paid(*b)))
    }

    /// The setting by a rule, and why it and no other.
    fn pick(&self, rule: Rule) -> Option<(usize, String)> {
        let share = match rule {
            Rule::Accuracy => {
                return Some((self.most_accurate()?, "the most accurate".to_owned()));
            }
            Rule::PerCost => {
                return Some((self.most_by_cost()?, "the most accuracy by cost".to_owned()));
            }
            Rule::Gap(share) => share,
        };
        let recovers = format!(
            "recovers {:.0} % of the gap between the models alone",
            100.0 * share
        );
        if let Some(at) = self.cheapest(share) {
            return Some((at, format!("the cheapest that {recovers}")));
        }
        let at = self.most_accurate()?;
        let why = match self.gap(at) {
            Some(_) => format!("the most accurate: none {recovers}"),
            None => "the most accurate: the models alone show no gap".to_owned(),
        };
        Some((at, why))
    }
}

fn pick(
    sweep: &str,
    candidates: &[Candidate],
    rule: Rule,
    ledger: CostLedger,
) -> Result<(usize, String), ChoiceError> {
    let field = Field::new(candidates, ledger);
    let costs_known = field.graded.iter().all(|at| field.cost(*at).is_some());
    if rule != Rule::Accuracy && !costs_known {
        return Err(ChoiceError::NoCost {
            sweep: sweep.to_owned(),
            rule: rule.to_string(),
            ledger: ledger.name(),
        });
    }
    field.pick(rule).ok_or_else(|| ChoiceError::Ungraded {
        sweep: sweep.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::samples::rows;

    /// Marks for the calibration problems among the first hundred: `right` of
    /// each ten are correct.
    fn marks(right: usize) -> String {
        let mut number = 0;
        let mark = |n: usize| match Split::of(&format!("What is {n} + 1?")) {
            Split::Calibration => {
                number += 1;
                if number % 10 < right { '+' } else { '-' }
            }
            // On the test split the dear settings are hopeless: a choice that
            // looked at it would show.
            _ => '-',
        };
        (0..100).map(mark).collect()
    }

    fn chosen(rule: Rule, settings: &[(&str, usize, f64)]) -> Choice {
        let texts: Vec<String> = settings.iter().map(|(_, right, _)| marks(*right)).collect();
        let runs: Vec<_> = settings
            .iter()
            .zip(&texts)
            .map(|((spec, _, cost), marks)| (*spec, 0, marks.as_str(), *cost))
            .collect();
        let rows = rows(&runs);
        let settings: Vec<&Row> = rows.rows.iter().filter(|row| !row.is_anchor()).collect();
        choose("t", &settings, &rows, rule, CostLedger::Published).unwrap()
    }

    const SETTINGS: [(&str, usize, f64); 5] = [
        ("small", 0, 1.0),
        ("large", 10, 10.0),
        ("threshold:t=0.2", 4, 2.0),
        ("threshold:t=0.5", 9, 4.0),
        ("threshold:t=0.8", 10, 8.0),
    ];

    #[test]
    fn the_cheapest_that_recovers_enough_is_chosen() {
        let found = chosen(Rule::Gap(0.7), &SETTINGS);
        assert_eq!(found.chosen, "threshold:t=0.5");
        assert_eq!(found.candidates.len(), 3);
        assert!(found.problems > 10);
        assert!(found.family.unwrap().cost_at[0].unwrap() < 0.4);
        assert_eq!(chosen(Rule::Gap(1.0), &SETTINGS).chosen, "threshold:t=0.8");
        assert_eq!(chosen(Rule::Accuracy, &SETTINGS).chosen, "threshold:t=0.8");
        assert_eq!(chosen(Rule::PerCost, &SETTINGS).chosen, "threshold:t=0.5");
        let none = chosen(Rule::Gap(0.9), &SETTINGS[..3]);
        assert_eq!(none.chosen, "threshold:t=0.2");
        assert!(none.why.contains("none recovers 90 %"), "{}", none.why);
        let alone = chosen(Rule::Gap(0.9), &SETTINGS[2..]);
        assert_eq!(alone.chosen, "threshold:t=0.8");
        assert!(alone.why.contains("no gap"), "{}", alone.why);
    }

    #[test]
    fn of_equals_the_cheapest_is_chosen() {
        let settings = [
            ("threshold:t=0.2", 5, 3.0),
            ("threshold:t=0.5", 5, 2.0),
            ("threshold:t=0.8", 5, 4.0),
        ];
        assert_eq!(chosen(Rule::Accuracy, &settings).chosen, "threshold:t=0.5");
    }

    #[test]
    fn nothing_is_chosen_without_calibration_problems_or_grades() {
        let error = |marks: &str| {
            let rows = rows(&[("threshold:t=0.2", 0, marks, 1.0)]);
            let settings: Vec<&Row> = rows.rows.iter().collect();
            choose("t", &settings, &rows, Rule::default(), CostLedger::Full).unwrap_err()
        };
        let no_calibration: String = marks(10).replace('+', ".");
        assert!(matches!(
            error(&no_calibration),
            ChoiceError::NoProblem { .. }
        ));
        let ungraded = "?".repeat(100);
        assert!(matches!(error(&ungraded), ChoiceError::Ungraded { .. }));
        let rows = rows(&[("small", 0, "+", 1.0)]);
        let nothing = choose("t", &[], &rows, Rule::Accuracy, CostLedger::Full);
        let told = nothing.unwrap_err().to_string();
        assert!(
            told.contains("selects nothing: the logs hold small"),
            "{told}"
        );
    }

    #[test]
    fn rules_are_read_and_printed() {
        for text in ["gap=0.9", "accuracy", "ac"] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        for text in ["gap=2", "gap=x", "gap", "best"] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}

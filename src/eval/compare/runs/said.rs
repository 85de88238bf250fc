//! What is said of two runs beside their figures.

use crate::eval::outcomes::{SOLVE, counted};
use crate::eval::paired::Paired;
use crate::trace::record::{RunRecord, Sampling};
use crate::train::report::Bounded;

use super::{Between, Flip};

/// What is to be known before two runs are compared.
pub(super) fn cautions(heads: [Option<&RunRecord>; 2]) -> Vec<String> {
    let [Some(first), Some(second)] = heads else {
        return vec![
            "the head of a run is lost: its pool, sampling and costs are not known".into(),
        ];
    };
    let mut said = Vec::new();
    let names = |head: &RunRecord| {
        let names: Vec<&str> = head.pool.iter().map(|model| model.name.as_str()).collect();
        names.join(", ")
    };
    if names(first) != names(second) {
        said.push(format!(
            "the pools differ: {} and {}",
            names(first),
            names(second)
        ));
    } else if first.pool != second.pool {
        said.push(
            "the pools have the same names, and differ in servers, parameters, prices or \
             templates"
                .into(),
        );
    }
    said.extend(sampling(&first.sampling, &second.sampling));
    if first.cost_unit != second.cost_unit {
        let unit = |head: &RunRecord| head.cost_unit.clone().unwrap_or_else(|| "none".into());
        said.push(format!(
            "the units of cost differ ({} and {}): costs are not compared",
            unit(first),
            unit(second)
        ));
    }
    if first.grading != second.grading {
        let grading = |head: &RunRecord| head.grading.clone().unwrap_or_else(|| "rules".into());
        said.push(format!(
            "they were graded differently: by {} and by {}",
            grading(first),
            grading(second)
        ));
    }
    let sums = [first, second].map(|head| head.dataset.as_ref().map(|set| &set.sha256));
    if let [Some(ours), Some(theirs)] = sums
        && ours != theirs
    {
        said.push("their files of problems differ".into());
    }
    for (head, which) in [(first, "first"), (second, "second")] {
        if head.command != SOLVE {
            said.push(format!(
                "the {which} was made by `{}`: a person may have decided, or no router",
                head.command
            ));
        }
    }
    said
}

/// The parameters of sampling that differ.
fn sampling(first: &Sampling, second: &Sampling) -> Option<String> {
    let all = [
        ("temperature", first.temperature, second.temperature),
        ("top_p", first.top_p, second.top_p),
        (
            "max_tokens",
            f64::from(first.max_tokens),
            f64::from(second.max_tokens),
        ),
        (
            "max_steps",
            f64::from(first.max_steps),
            f64::from(second.max_steps),
        ),
    ];
    let other = all.into_iter().filter(|(_, a, b)| a.total_cmp(b).is_ne());
    let told: Vec<String> = other
        .map(|(name, a, b)| format!("{name} {a} and {b}"))
        .collect();
    (!told.is_empty()).then(|| format!("the sampling differs: {}", told.join(", ")))
}

/// What a comparison leaves out, in words; empty where it is everything.
#[must_use]
pub fn left_out(between: &Between) -> String {
    let mut parts = Vec::new();
    let ungraded = between.count(Flip::Ungraded);
    if ungraded > 0 {
        parts.push(format!("{} ungraded", counted(ungraded, "problem")));
    }
    for (side, which) in [(0, "first"), (1, "second")] {
        if between.only[side] > 0 {
            parts.push(format!("{} only in the {which}", between.only[side]));
        }
        if between.unfinished[side] > 0 {
            parts.push(format!(
                "{} unfinished in the {which}",
                between.unfinished[side]
            ));
        }
    }
    if between.other_questions > 0 {
        parts.push(format!(
            "{} of one id and another question",
            between.other_questions
        ));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!("left out: {}", parts.join(", ")),
    }
}

/// A difference with its interval, both as `write` writes them.
#[must_use]
pub fn with_interval(bounded: Option<Bounded>, write: impl Fn(f64) -> String) -> String {
    let Some(bounded) = bounded else {
        return "not compared".to_owned();
    };
    let mut text = write(bounded.value);
    if let Some([low, high]) = bounded.interval {
        text.push_str(&format!(" [{}, {}]", write(low), write(high)));
    }
    text
}

/// The test of two runs in words.
#[must_use]
pub fn test_in_words(paired: &Paired) -> String {
    let p = match paired.p {
        p if p < 1e-4 => "p < 0.0001".to_owned(),
        p if p < 0.1 => format!("p = {p:.4}"),
        p => format!("p = {p:.2}"),
    };
    format!(
        "{} over {} graded in both: b better on {}, worse on {}, {p}",
        paired.test,
        counted(paired.problems, "problem"),
        paired.better,
        paired.worse,
    )
}

//! What keeps a forest from being trained on, and what cannot be promised:
//! told before training, not after it.

use crate::headless::resume::named;
use crate::headless::solve::say;
use crate::headless::{Exit, Failure};
use crate::problem::split::Split;
use crate::train::floor::Floor;
use crate::train::forest::{Forest, ProblemForest};
use crate::train::prepared::Prepared;
use crate::train::threshold::recalibrate;

use super::TrainOptions;

/// Says what cannot be promised before training, not after it.
pub(super) fn warn_of_promises(options: &TrainOptions, floor: Option<Floor>, forest: &Forest) {
    let alpha = options.params.alpha;
    if !options.above_floor && floor.is_none_or(|floor| alpha < floor.value) {
        let text = promised(alpha, options.above_floor, floor);
        say(options.quiet, &format!("warning: {text}"));
    }
    let found = forest
        .split(Split::Calibration)
        .map_or(0, |problems| problems.len());
    if let Err(why) = recalibrate(&vec![1.0; found], alpha) {
        let text = "κ will stay as training leaves it, which promises nothing";
        say(options.quiet, &format!("warning: {why}: {text}"));
    }
}

/// The A/A floor of the train split, and what it means for α.
pub(super) fn promised(alpha: f64, above_floor: bool, floor: Option<Floor>) -> String {
    let Some(floor) = floor else {
        return "A/A floor: unknown, no problem has two graded answers of the large model"
            .to_owned();
    };
    let [low, high] = floor.interval;
    let told = format!(
        "A/A floor {:.4} [{low:.4}, {high:.4}]: the large model, run again, misses so many of its \
         own right answers (train split)",
        floor.value
    );
    if above_floor {
        let tolerated = alpha + floor.value;
        format!("{told}; joint misses up to {tolerated:.4} are let pass in training")
    } else if alpha < floor.value {
        format!(
            "{told}. α = {alpha} lies below it: no router can keep it, for the large model itself \
             does not; `--above-floor` counts α from the floor up"
        )
    } else {
        told
    }
}

/// Refuses what nothing can be rolled out on, and says what is left out.
pub(super) fn usable(prepared: &Prepared<'_>, quiet: bool) -> Result<(), Failure> {
    let told = |ids: &[&str], why: &str| {
        if let Some(first) = ids.first() {
            let n = ids.len();
            say(
                quiet,
                &format!("warning: {n} problems are left out, e.g. `{first}`: {why}"),
            );
        }
    };
    told(
        &prepared.ungraded,
        "no answer of the reference run is graded",
    );
    told(
        &prepared.unfollowed,
        "the forest goes on by another model after the most capable one, which absorbing \
         escalation does not; a larger `--max-nodes` or `--on-demand` would mend it",
    );
    if !prepared.problems().is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::BadData,
        "no problem of the train split is left to learn from",
    ))
}

/// What α is counted from: 0, or the floor where it is asked for.
pub(super) fn above(floor: Option<Floor>, asked: bool) -> Result<f64, Failure> {
    match (asked, floor) {
        (false, _) => Ok(0.0),
        (true, Some(floor)) => Ok(floor.value),
        (true, None) => Err(Failure::new(
            Exit::BadData,
            "the A/A floor is not known: no problem of the train split has two graded answers",
        )),
    }
}

/// κ moves on verdicts about steps: without any it would only ever rise.
pub(super) fn judged(problems: &[&ProblemForest]) -> Result<(), Failure> {
    let mut steps = problems.iter().flat_map(|problem| &problem.steps);
    if steps.any(|step| step.verdict.is_some()) {
        return Ok(());
    }
    let failure = "no step of the train split has a verdict, and the threshold is learnt from them";
    Err(Failure::new(Exit::BadData, failure)
        .hint("have a model judge the steps, by `pointsman regrade FOREST --pool F --verify`"))
}

/// Damage in the logs, and problems that are not whole.
pub(super) fn warn(forest: &Forest, quiet: bool) {
    for warning in named(&forest.damages).iter().chain(&forest.warnings) {
        say(quiet, &format!("warning: {warning}"));
    }
    if let Some(first) = forest.skipped.first() {
        let n = forest.skipped.len();
        let text = format!(
            "warning: {n} problems are left out: `{}` {} (`pointsman explore --resume` finishes \
             them)",
            first.problem, first.why
        );
        say(quiet, &text);
    }
}

//! JSON has no NaN and no infinity, and `null` in place of a number would make
//! the line unreadable. What has a way to say "unknown" says so; what has none
//! is an error of the caller.

use std::borrow::Cow;
use std::sync::Arc;

use crate::trace::record::{Confidence, DecisionRecord, Record, RunRecord, StepRecord};

/// The record and the field that is not finite.
pub(super) type NotFinite = (&'static str, &'static str);

/// `record` with every value JSON cannot hold replaced by "unknown".
pub(super) fn finite(record: &Record) -> Result<Cow<'_, Record>, NotFinite> {
    match record {
        Record::Run(run) => check_run(run).map(|()| Cow::Borrowed(record)),
        Record::Decision(decision) => check_decision(decision).map(|()| Cow::Borrowed(record)),
        Record::Step(step) if !step_is_finite(step) => {
            let mut step = step.clone();
            clean_step(Arc::make_mut(&mut step));
            Ok(Cow::Owned(Record::Step(step)))
        }
        // Their numbers are optional, and serde_json writes `null` for NaN.
        Record::Problem(_)
        | Record::Step(_)
        | Record::Score(_)
        | Record::Outcome(_)
        | Record::Label(_)
        | Record::Note(_) => Ok(Cow::Borrowed(record)),
    }
}

fn check_run(run: &RunRecord) -> Result<(), NotFinite> {
    let sampling = run.sampling;
    if !sampling.temperature.is_finite() {
        return Err(("run", "temperature"));
    }
    if !sampling.top_p.is_finite() {
        return Err(("run", "top_p"));
    }
    Ok(())
}

fn check_decision(decision: &DecisionRecord) -> Result<(), NotFinite> {
    if !decision.propensity.is_finite() {
        return Err(("decision", "propensity"));
    }
    if !decision.probabilities.iter().all(|value| value.is_finite()) {
        return Err(("decision", "probabilities"));
    }
    Ok(())
}

fn step_is_finite(step: &StepRecord) -> bool {
    step.seconds.is_finite()
        && step.confidence.value.is_none_or(f64::is_finite)
        && step
            .confidence
            .measures
            .values()
            .all(|value| value.is_finite())
        && step.tokens.iter().all(|token| {
            token.top.iter().all(|top| top.logprob.is_finite())
                && token.top_logits.iter().all(|top| top.logit.is_finite())
        })
}

fn clean_step(step: &mut StepRecord) {
    if !step.seconds.is_finite() {
        step.seconds = 0.0;
    }
    clean_confidence(&mut step.confidence);
    for token in &mut step.tokens {
        // An alternative of probability 0 is no alternative.
        token.top.retain(|top| top.logprob.is_finite());
        token.top_logits.retain(|top| top.logit.is_finite());
    }
}

fn clean_confidence(confidence: &mut Confidence) {
    confidence.measures.retain(|_, value| value.is_finite());
    if confidence.value.is_some_and(|value| !value.is_finite()) {
        confidence.value = None;
        confidence
            .unavailable
            .get_or_insert_with(|| "the measured value was not a finite number".to_owned());
    }
}

//! What rules share that rule on drafts: a draft stands, or the most capable
//! model of the pool writes the step again.

use crate::signal::observation::Observation;

use super::{Choice, Router, Slide};

/// Whether a model wrote the draft that is not the most capable one: only its
/// work can be bettered. What a person wrote stands.
pub(super) fn is_below_last(draft: &Observation) -> bool {
    draft.writer.is_some_and(|writer| writer + 1 < draft.models)
}

/// The choice on a draft that was kept with probability `weight`.
pub(super) fn ruled(
    draft: &Observation,
    keep: bool,
    weight: f64,
    threshold: Option<f64>,
    reason: String,
) -> Choice {
    let last = draft.models.saturating_sub(1);
    let writer = draft.writer.unwrap_or(0);
    let action = if keep { writer } else { last };
    if weight <= 0.0 || weight >= 1.0 {
        return Choice {
            threshold,
            ..Choice::certain(action, reason)
        };
    }
    let mut probabilities = vec![0.0; draft.models];
    for (model, probability) in [(writer, weight), (last, 1.0 - weight)] {
        if let Some(sum) = probabilities.get_mut(model) {
            *sum += probability;
        }
    }
    Choice {
        propensity: probabilities.get(action).copied().unwrap_or(1.0),
        action_set: (0..draft.models)
            .filter(|&model| probabilities[model] > 0.0)
            .collect(),
        probabilities,
        threshold,
        action,
        reason,
    }
}

/// The ruling on a draft that stands where its score reaches the parameter.
pub(super) fn slide(draft: &Observation, score: Option<f64>) -> Slide {
    let last = draft.models.saturating_sub(1);
    match score.filter(|score| score.is_finite()) {
        Some(score) => Slide::flip(score, draft.writer.unwrap_or(0), last),
        None => Slide::fixed(last),
    }
}

/// A draft that nobody can vouch for is written again.
pub(super) fn rejected_unscored(draft: &Observation, what: &str, threshold: Option<f64>) -> Choice {
    let reason = format!("{what}: the most capable model writes the step again");
    ruled(draft, false, 0.0, threshold, reason)
}

/// The decision about the next step: a draft as always.
pub(super) fn drafts(rule: &dyn Router, observation: &Observation) -> Choice {
    let writer = rule.writer(observation.index.saturating_add(1), observation.models);
    Choice::certain(
        writer,
        "the next step is a draft: it is ruled on once it is written",
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Step `index` as `writer` of a pool of three drafted it.
    pub fn draft(writer: Option<usize>, index: u32) -> Observation {
        Observation {
            confidence: None,
            index,
            difficulty: None,
            has_answer: false,
            tokens: Some(3),
            writer,
            models: 3,
        }
    }

    #[test]
    fn a_coin_over_one_model_is_no_coin() {
        let choice = ruled(&draft(Some(2), 1), true, 0.4, None, String::new());
        assert_eq!((choice.action, choice.propensity), (2, 1.0));
    }
}

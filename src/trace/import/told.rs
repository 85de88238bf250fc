//! What an imported step says of itself: zeros of one that says nothing are no
//! zeros.

use crate::trace::record::{PERSON, StepRecord};

/// The source of confidences of imported steps where there are none, and what the
/// step does not say of itself nobody knows.
pub const UNTOLD: &str = "none";

/// The source of confidences that were measured from probabilities that an
/// import found: least probabilities, as those of `prob`. What else the step
/// does not say of itself nobody knows.
pub const MEASURED: &str = "prob-imported";

/// Whether zeros of a step are zeros; a person's step takes no call.
fn is_told(step: &StepRecord) -> bool {
    ![UNTOLD, MEASURED].contains(&step.confidence.source.as_str()) || step.model == PERSON
}

/// Tokens that a step was written in; `None` where nobody knows.
pub fn output_tokens(step: &StepRecord) -> Option<u64> {
    let tokens = step.usage.output;
    (tokens > 0 || is_told(step)).then_some(tokens)
}

/// Tokens that its model read, likewise.
pub fn prompt_tokens(step: &StepRecord) -> Option<u64> {
    let tokens = step.usage.prompt;
    (tokens > 0 || is_told(step)).then_some(tokens)
}

/// How long it took, likewise.
pub fn seconds(step: &StepRecord) -> Option<f64> {
    (step.seconds > 0.0 || is_told(step)).then_some(step.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::samples;

    #[test]
    fn zeros_of_imported_steps_are_not_known() {
        let mut step = samples::step("a", None, "text");
        step.usage.prompt = 0;
        step.usage.output = 0;
        step.seconds = 0.0;
        let told = |step: &StepRecord| (prompt_tokens(step), output_tokens(step), seconds(step));
        assert_eq!(told(&step), (Some(0), Some(0), Some(0.0)));
        for source in [UNTOLD, MEASURED] {
            step.confidence.source = source.to_owned();
            assert_eq!(told(&step), (None, None, None));
        }
        step.usage.output = 3;
        assert_eq!(told(&step), (None, Some(3), None));
        step.model = PERSON.to_owned();
        assert_eq!(told(&step), (Some(0), Some(3), Some(0.0)));
    }
}

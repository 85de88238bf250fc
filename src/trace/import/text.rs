//! What the formats share: steps of a text, values that may be of several
//! types, verdicts of numbers.

use serde_json::Value;

use crate::problem::answer::{Grade, Verdict};
use crate::trace::record::StepEnd;

use super::trajectory::Step;

/// The name of a model that the source does not name.
pub(super) const UNKNOWN: &str = "unknown";
/// Of the last step, where nothing says why it is.
pub(super) const NO_END: &str = "the source does not say how it ended";

/// The steps of a text; blank ones are none.
pub(super) fn steps<'a>(text: &'a str, separator: &'a str) -> impl Iterator<Item = &'a str> {
    let pieces: Vec<&str> = match separator.is_empty() {
        true => vec![text],
        false => text.split(separator).collect(),
    };
    pieces.into_iter().filter(|piece| !piece.trim().is_empty())
}

/// Adds the steps of a text by one model behind the last one; the place of the
/// first of them.
pub(super) fn append(steps: &mut Vec<Step>, model: &str, text: &str, separator: &str) -> usize {
    let first = steps.len();
    for piece in self::steps(text, separator) {
        let parent = steps.len().checked_sub(1);
        steps.push(Step::new(parent, model, piece));
    }
    first
}

/// Says of the last step that it ended the sequence, as far as is known.
pub(super) fn end(steps: &mut [Step]) {
    if let Some(last) = steps.last_mut() {
        last.end = StepEnd::Eos;
        last.end_note = Some(NO_END.to_owned());
    }
}

/// A text, or a number or truth value as it is written; `None` for others.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The number of a difficulty: `3`, `"3"` or `"Level 3"`.
pub(super) fn level(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let digits = text.rsplit(' ').next()?;
            digits.parse().ok().filter(|level: &f64| level.is_finite())
        }
        _ => None,
    }
}

/// The verdict of a score that is 1 or 0, or true or false.
pub(super) fn verdict(value: &Value) -> Option<Verdict> {
    match value {
        Value::Bool(true) => Some(Verdict::Correct),
        Value::Bool(false) => Some(Verdict::Wrong),
        Value::Number(number) => match number.as_f64()? {
            1.0 => Some(Verdict::Correct),
            0.0 => Some(Verdict::Wrong),
            _ => None,
        },
        _ => None,
    }
}

/// A grade that the source gave by a rule of its own.
pub(super) fn given(verdict: Option<Verdict>, rule: &str, why_not: &str) -> Grade {
    match verdict {
        None => Grade::ungraded(rule, why_not),
        Some(verdict) => Grade {
            verdict,
            extracted: None,
            extraction: None,
            rule: rule.to_owned(),
            forms: None,
            reason: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blank_pieces_are_no_steps_and_each_follows_the_one_before() {
        let mut found = Vec::new();
        assert_eq!(append(&mut found, "m", "a\n\n\n\nb\nc\n\n", "\n\n"), 0);
        assert_eq!(append(&mut found, "m", "d", "\n\n"), 2);
        let texts: Vec<(Option<usize>, &str)> = found
            .iter()
            .map(|step| (step.parent, step.text.as_str()))
            .collect();
        assert_eq!(texts, [(None, "a"), (Some(0), "b\nc"), (Some(1), "d")]);
        assert_eq!(steps("a|b", "|").count(), 2);
        assert_eq!(steps("a|b", "").count(), 1);
    }

    #[test]
    fn only_zero_and_one_are_verdicts() {
        assert_eq!(verdict(&json!(1.0)), Some(Verdict::Correct));
        assert_eq!(verdict(&json!(false)), Some(Verdict::Wrong));
        assert_eq!(verdict(&json!(0.5)), None);
        assert_eq!(verdict(&json!("1")), None);
        assert_eq!(level(&json!("Level 4")), Some(4.0));
        assert_eq!(level(&json!("Level ?")), None);
    }
}

//! Probabilities of imported tokens, laid onto the steps that they wrote, and
//! the confidence that is measured from them.
//!
//! A source tells the tokens of a whole call: which of them wrote which step
//! is found as it is for the answer of a server. Where they do not make the
//! text, nobody knows which is where, and none is kept.

use std::ops::Range;

use crate::model::http::align::{RawToken, align};
use crate::signal::confidence::{Source, measure};
use crate::signal::math_tokens::mark;
use crate::trace::import::{Step, Trajectory, Written, WrittenToken, told};
use crate::trace::record::{Confidence, Token, ValueKind};

/// What the values are taken for: a source does not say whether they are those
/// before temperature.
const KIND: ValueKind = ValueKind::LogprobPreTemperature;
/// Most tokens of a call that show none of their text: where each is takes a
/// search of its own.
const MOST_HIDDEN: usize = 10_000;

/// Gives the steps of a trajectory the tokens that its calls tell; of calls
/// for which that cannot be done there is a remark.
pub(super) fn lay(trajectory: &mut Trajectory) {
    let mut left_out = 0;
    for call in std::mem::take(&mut trajectory.written) {
        let steps = trajectory.steps.get_mut(call.steps.clone());
        let laid = steps.and_then(|steps| of_call(&call, steps));
        left_out += usize::from(laid.is_none());
    }
    if left_out > 0 {
        trajectory.notes.push(format!(
            "the tokens of {left_out} calls do not make their texts: their probabilities were \
             left out"
        ));
    }
}

/// Gives the steps of a call its tokens; `None`, and nothing is changed, where
/// these do not make its text or that is not the steps'.
fn of_call(call: &Written, steps: &mut [Step]) -> Option<()> {
    let mut raw: Vec<RawToken> = call.tokens.iter().map(raw).collect();
    let hidden = raw.iter().filter(|token| token.shown.is_empty());
    if hidden.count() > MOST_HIDDEN {
        return None;
    }
    let aligned = align(&call.text, &mut raw, KIND);
    let length: usize = aligned.tokens.iter().map(|token| token.text.len()).sum();
    if length != call.text.len() {
        return None;
    }
    let places = places(&call.text, steps)?;
    let begins: Vec<usize> = begins(&aligned.tokens).collect();
    let written = counts(&aligned.tokens, &begins, &places);
    let split = written.filter(|_| as_told(&aligned.tokens, &call.tokens));
    let mut first = 0;
    for (step, place) in steps.iter_mut().zip(&places) {
        // The last token that begins at or before the step.
        first += begins[first..].partition_point(|&begin| begin <= place.start);
        first = first.saturating_sub(1);
        let mut tokens = within(&aligned.tokens[first..], &begins[first..], place);
        mark(&mut tokens);
        step.confidence = Some(confidence(step, &tokens));
        step.tokens = tokens;
    }
    if let Some(written) = split {
        divide(steps, &written);
    }
    Some(())
}

fn raw(token: &WrittenToken) -> RawToken {
    let top = token.top.iter().map(|top| (top.text.clone(), top.logprob));
    RawToken {
        value: token.logprob,
        top: top.collect(),
        ..RawToken::showing(&token.bytes)
    }
}

/// Where in the text of the call its steps stand, one behind the other.
fn places(text: &str, steps: &[Step]) -> Option<Vec<Range<usize>>> {
    let mut from = 0;
    let place = |step: &Step| {
        let rest = text.get(from..)?;
        // The message may have blanks around the text that the call has not.
        let whole = step.text.as_str();
        let found = [whole, whole.trim()]
            .into_iter()
            .find_map(|piece| Some((rest.find(piece)?, piece.len())));
        let (at, length) = found?;
        let start = from + at;
        from = start + length;
        Some(start..from)
    };
    steps.iter().map(place).collect()
}

/// Where each token begins.
fn begins(tokens: &[Token]) -> impl Iterator<Item = usize> {
    tokens.iter().scan(0, |end, token| {
        let begin = *end;
        *end += token.text.len();
        Some(begin)
    })
}

/// The tokens of a place, those at its edges cut off there.
fn within(tokens: &[Token], begins: &[usize], place: &Range<usize>) -> Vec<Token> {
    let mut found = Vec::new();
    for (token, &begin) in tokens.iter().zip(begins) {
        if begin >= place.end {
            break;
        }
        let from = place.start.saturating_sub(begin);
        let to = token.text.len().min(place.end - begin);
        let part = token.text.get(from..to).unwrap_or_default();
        if !part.is_empty() {
            found.push(Token {
                text: part.into(),
                ..token.clone()
            });
        }
    }
    found
}

fn confidence(step: &Step, tokens: &[Token]) -> Confidence {
    let known = tokens.iter().filter(|token| token.logprob.is_some());
    let covered: usize = known.map(|token| token.text.len()).sum();
    let coverage = covered as f64 / step.text.len().max(1) as f64;
    Confidence {
        source: told::MEASURED.to_owned(),
        ..measure(tokens, KIND, coverage, Source::Prob)
    }
}

/// Whether each token that was found is one that was told, not several that
/// share a character.
fn as_told(found: &[Token], told: &[WrittenToken]) -> bool {
    let is_one = |(found, told): (&Token, &WrittenToken)| told.bytes == found.text.as_bytes();
    found.len() <= told.len() && found.iter().zip(told).all(is_one)
}

/// How many tokens begin in each step or behind it, before the next; `None`
/// where there is no step.
fn counts(tokens: &[Token], begins: &[usize], places: &[Range<usize>]) -> Option<Vec<u64>> {
    let next = places.iter().skip(1).map(|place| place.start);
    let mut before = 0;
    let ends = next.map(|start| begins.partition_point(|&begin| begin < start));
    let counts: Vec<u64> = ends
        .chain([tokens.len()])
        .map(|end| {
            let count = end.saturating_sub(before) as u64;
            before = end;
            count
        })
        .collect();
    (!places.is_empty()).then_some(counts)
}

/// Divides what the call wrote, which stands with its first step, among the
/// steps. What it wrote beside its text, as the end of the sequence, is the
/// last step's.
fn divide(steps: &mut [Step], written: &[u64]) {
    let [first, .., _] = steps else { return };
    let whole = first.usage.output;
    let Some(beside) = whole.checked_sub(written.iter().sum()) else {
        return;
    };
    first.end_note = Some(format!(
        "tokens of the prompt and time are of the whole call: {} steps",
        written.len()
    ));
    for (step, count) in steps.iter_mut().zip(written) {
        step.usage.output = *count;
    }
    if let Some(last) = steps.last_mut() {
        last.usage.output += beside;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::record::TopToken;

    fn told(tokens: &[&str]) -> Vec<WrittenToken> {
        let told = |text: &&str| WrittenToken {
            bytes: text.as_bytes().to_vec(),
            logprob: Some(0.5_f32.ln()),
            top: vec![TopToken {
                text: "?".into(),
                logprob: 0.25_f32.ln(),
            }],
        };
        tokens.iter().map(told).collect()
    }

    fn call(text: &str, tokens: &[&str], pieces: &[&str]) -> (Written, Vec<Step>) {
        let mut steps: Vec<Step> = pieces
            .iter()
            .map(|piece| Step::new(None, "m", *piece))
            .collect();
        if let Some(first) = steps.first_mut() {
            first.usage.output = tokens.len() as u64;
        }
        let written = Written {
            steps: 0..steps.len(),
            text: text.to_owned(),
            tokens: told(tokens),
        };
        (written, steps)
    }

    fn texts(step: &Step) -> Vec<&str> {
        step.tokens.iter().map(|token| &*token.text).collect()
    }

    #[test]
    fn each_step_has_its_tokens_and_what_they_took() {
        // One spans a step's end, one stands between two steps, one behind all.
        let tokens = ["1", " + 1", " = 2.\n\n", "So", "\n\n", "3", "<end>"];
        let text = "1 + 1 = 2.\n\nSo\n\n3";
        let (written, mut steps) = call(text, &tokens, &["1 + 1 = 2.", "So", "3"]);
        of_call(&written, &mut steps).unwrap();
        let [a, b, c] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        assert_eq!(texts(a), ["1", " + 1", " = 2."]);
        assert_eq!((texts(b), texts(c)), (vec!["So"], vec!["3"]));
        let outputs: Vec<u64> = steps.iter().map(|step| step.usage.output).collect();
        assert_eq!(outputs, [3, 2, 2]);
        let confidence = a.confidence.as_ref().unwrap();
        assert!((confidence.value.unwrap() - 0.5).abs() < 1e-6);
        assert_eq!(
            (confidence.source.as_str(), confidence.kind),
            (told::MEASURED, KIND)
        );
        // The sampled token is the best one, and in the list.
        assert_eq!(a.tokens[0].top.len(), 2);
    }

    #[test]
    fn tokens_that_do_not_make_the_text_are_left_out_with_a_remark() {
        let (written, mut steps) = call("a b", &["a", " c"], &["a b"]);
        assert_eq!(of_call(&written, &mut steps), None);
        assert!(steps[0].tokens.is_empty() && steps[0].confidence.is_none());
        assert_eq!(steps[0].usage.output, 2);
        // The tokens are those of the text, and the step is of another.
        let (written, mut steps) = call("a b", &["a", " b"], &["a c"]);
        assert_eq!(of_call(&written, &mut steps), None);
    }

    #[test]
    fn parts_of_characters_are_one_token_and_nobody_counts_them() {
        let (mut written, mut steps) = call("√4\n\n2", &["x", "x", "4\n\n2"], &["√4", "2"]);
        let root = "√".as_bytes();
        written.tokens[0].bytes = root[..2].to_vec();
        written.tokens[1].bytes = root[2..].to_vec();
        of_call(&written, &mut steps).unwrap();
        assert_eq!(texts(&steps[0]), ["√", "4"]);
        assert_eq!(texts(&steps[1]), ["2"]);
        assert_eq!(steps[0].usage.output, 3);
    }

    proptest! {
        /// However a text is cut into tokens, each step's tokens make its text.
        #[test]
        fn tokens_of_a_step_make_its_text(
            pieces in prop::collection::vec("[a-c é√]{0,5}[a-c]", 1..5),
            cuts in prop::collection::vec(1_usize..6, 1..40),
        ) {
            let text = pieces.join("\n\n");
            let mut tokens: Vec<String> = Vec::new();
            let mut rest = text.as_str();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let end = rest.char_indices().nth(*cut).map_or(rest.len(), |(at, _)| at);
                let (token, behind) = rest.split_at(end);
                tokens.push(token.to_owned());
                rest = behind;
            }
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (written, mut steps) = call(&text, &tokens, &pieces);
            prop_assert_eq!(of_call(&written, &mut steps), Some(()));
            let mut sum = 0;
            for step in &steps {
                prop_assert_eq!(texts(step).concat(), step.text.clone());
                prop_assert!(step.confidence.as_ref().unwrap().value.is_some());
                sum += step.usage.output;
            }
            prop_assert_eq!(sum, tokens.len() as u64);
        }
    }
}

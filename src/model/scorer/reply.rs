//! Reading a verdict out of a reply.

/// Words before the label of a reply that leads with it: `Verdict: correct`,
/// `The final step is incorrect`.
const LEAD: usize = 4;
/// Words that turn a label behind them, in the same sentence, into something
/// else: `not correct`, `whether it is correct`.
const TURNING: [&str; 5] = ["not", "whether", "cannot", "neither", "nor"];

/// What a reply says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// `Some(true)` for correct; `None` for neither, for both, and for a label
    /// that is turned around.
    pub label: Option<bool>,
    /// Whether the reply begins with the label, so that what may follow is
    /// explanation.
    pub leads: bool,
}

impl Reading {
    /// Reads `reply`. Only whole words count, in any case and whatever marks
    /// stand around them; what the model thought first (`<think>…</think>`) is
    /// left out, and while it still thinks there is no label.
    pub fn of(reply: &str) -> Self {
        let mut labels: Vec<bool> = Vec::new();
        let mut place = None;
        let mut turned = false;
        let mut count = 0;
        let said = without_format(said(reply));
        for sentence in said.split(['.', '!', '?', '\n', ';']) {
            let mut turning = false;
            for word in words(sentence) {
                let label = match word.as_str() {
                    "correct" => Some(true),
                    "incorrect" => Some(false),
                    word => {
                        turning |= TURNING.contains(&word) || word.ends_with("n't");
                        None
                    }
                };
                if let Some(label) = label {
                    turned |= turning;
                    place.get_or_insert(count);
                    labels.push(label);
                }
                count += 1;
            }
        }
        let first = labels.first().copied();
        let label = first.filter(|first| !turned && labels.iter().all(|label| label == first));
        Self {
            label,
            leads: label.is_some() && place.is_some_and(|place| place <= LEAD),
        }
    }
}

/// Whether the reply begins with thoughts, finished or not.
pub(super) fn thinks(reply: &str) -> bool {
    reply.trim_start().starts_with("<think>")
}

/// The reply without the thoughts before it. Templates may open the thoughts
/// themselves: then only their end is seen.
fn said(reply: &str) -> &str {
    match reply.rsplit_once("</think>") {
        Some((_, said)) => said,
        None if thinks(reply) => "",
        None => reply,
    }
}

/// Lower-case words; an apostrophe or a hyphen between letters is part of one.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’' | '-'))
        .map(|word| word.trim_matches(['\'', '’', '-']))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('’', "'"))
}

/// `text` without characters that are not seen: one of them within a word
/// would make two of it.
fn without_format(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !matches!(c,
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label(reply: &str) -> Option<bool> {
        Reading::of(reply).label
    }

    #[test]
    fn labels_are_found_in_any_dress() {
        for reply in [
            "Correct",
            "correct.",
            " [Correct]",
            "[CORRECT]\n",
            "**Correct**",
            "_correct_",
            "`correct`",
            "\\boxed{\\text{Correct}}",
            "Verdict: correct",
            "Judgement: **Correct** (2 = 2.0)",
            "The answer is correct, as 1/2 = 0.5.",
            "「correct」",
            "<think>It may be incorrect.</think>Correct",
            "so it is incorrect? No.</think>\n\nCorrect",
        ] {
            assert_eq!(label(reply), Some(true), "{reply}");
        }
        for reply in [
            "Incorrect",
            "INCORRECT",
            "[Incorrect]",
            "**incorrect**.",
            "Verdict: Incorrect",
            "in\u{200b}correct",
            "<think>correct, correct</think> Incorrect",
        ] {
            assert_eq!(label(reply), Some(false), "{reply}");
        }
    }

    #[test]
    fn neither_and_both_are_no_verdict() {
        for reply in [
            "",
            "Yes",
            "A",
            "correctly computed",
            "the correctness",
            "incorrectness",
            "in-correct",
            "Correct or incorrect?",
            "Correct\n\nIncorrect",
            "correct | incorrect",
            "not correct",
            "This isn't correct",
            "This isn’t correct",
            "I cannot say whether the step is correct",
            "not incorrect",
            "<think>Correct",
            "<think>Correct</think>",
        ] {
            assert_eq!(label(reply), None, "{reply}");
        }
        assert_eq!(
            label("It is not clear. Correct"),
            Some(true),
            "another sentence"
        );
    }

    #[test]
    fn a_reply_leads_with_its_label_or_does_not() {
        assert!(Reading::of("**Incorrect**: the sum is 5").leads);
        assert!(Reading::of("The final step is correct").leads);
        assert!(!Reading::of("After some thought the step seems correct").leads);
        assert!(!Reading::of("correct or incorrect").leads);
    }

    proptest! {
        #[test]
        fn any_reply_is_read_and_incorrect_is_never_correct(
            before in "[^a-zA-Z']{0,8}", after in "(?s).{0,40}"
        ) {
            let reply = format!("{before}incorrect {after}");
            prop_assert_ne!(Reading::of(&reply).label, Some(true).filter(|_| !reply.contains("</think>")));
        }
    }
}

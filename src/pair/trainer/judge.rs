//! The judge of the pair: the large model, taught to answer the judge's prompt.
//!
//! The prompt is the solution so far with the draft, then `Verdict:`. The
//! judge works the step out itself, says what the draft came to, and gives a
//! score from 0 to 9: ` The result is 56 + 10 = 66. The step is 67. Score: 0`.
//! A score alone, without the working, these sizes do not learn: the one
//! forward pass that reads the last digit of a draft has no layers left to
//! compare it with its own. Working and copying come easily, comparing does
//! not: most rows have nothing but the score in their loss.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::batch::{Batch, Row};
use super::drafts::{Draft, Source};
use super::network::Network;
use super::run::Rows;
use super::sampler::Decoder;
use crate::pair::vocabulary::{EOS, STEP_END, Vocabulary};

/// Asks for the verdict; follows the draft and its delimiter.
pub const CUE: &str = "Verdict:";
/// Stands before the digit.
pub const SCORE: &str = " Score: ";
/// Scores that are taught.
const RIGHT: u32 = 9;
/// Most tokens of an answer.
const LONGEST: usize = 100;

/// Share of the rows whose draft is wrong.
const WRONG: f64 = 0.4;
/// Share of the rows whose draft the small model wrote itself.
const SAMPLED: f64 = 0.7;
/// Share of the rows whose whole answer is in the loss, not the score alone.
const WHOLE: f64 = 0.1;

/// Rows that teach to judge.
pub struct JudgeRows<'a> {
    source: Source<'a>,
    right: Vec<Draft>,
    wrong: Vec<Draft>,
}

impl<'a> JudgeRows<'a> {
    /// Rows from `drafts` of the small model and from steps that the generator
    /// of `source` writes.
    #[must_use]
    pub fn new(source: Source<'a>, drafts: Vec<Draft>) -> Self {
        let (right, wrong) = drafts.into_iter().partition(|draft| draft.right);
        Self {
            source,
            right,
            wrong,
        }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Option<Draft> {
        let wrong = rng.random_bool(WRONG);
        if rng.random_bool(SAMPLED) {
            let pool = if wrong { &self.wrong } else { &self.right };
            return pool.choose(rng).cloned();
        }
        self.source.written(wrong, rng)
    }
}

impl Rows for JudgeRows<'_> {
    fn fill(&self, batch: &mut Batch, tokens: usize, _: f64, rng: &mut ChaCha8Rng) {
        batch.clear();
        while batch.tokens.len() < tokens {
            let Some(draft) = self.draw(rng) else {
                continue;
            };
            let row = row(self.source.vocabulary, &draft, rng.random_bool(WHOLE));
            if !batch.tokens.is_empty() && batch.tokens.len() + row.tokens.len() > tokens {
                break;
            }
            batch.push(&row);
        }
    }
}

/// The prompt of a draft.
#[must_use]
pub fn prompt(vocabulary: &Vocabulary, draft: &Draft) -> Vec<u32> {
    let mut tokens = draft.context.clone();
    tokens.extend(&draft.step);
    tokens.push(STEP_END);
    tokens.extend(vocabulary.encode(CUE).unwrap_or_default());
    tokens
}

/// The prompt as context; of the answer all counts where it is `whole`, else
/// the score alone.
#[must_use]
pub fn row(vocabulary: &Vocabulary, draft: &Draft, whole: bool) -> Row {
    let mut row = Row {
        tokens: prompt(vocabulary, draft),
        ..Row::default()
    };
    row.counted = vec![false; row.tokens.len()];
    let score = if draft.right { RIGHT } else { 0 };
    let stated = stated(&vocabulary.decode(&draft.step)).to_owned();
    let working = format!(" {} The step is {stated}.{SCORE}", draft.due);
    let mut from = row.tokens.len();
    row.tokens
        .extend(vocabulary.encode(&working).unwrap_or_default());
    row.counted.resize(row.tokens.len(), whole);
    if !whole {
        from = row.tokens.len();
    }
    row.tokens
        .extend(vocabulary.encode(&score.to_string()).unwrap_or_default());
    row.counted.resize(row.tokens.len(), true);
    row.tokens.push(EOS);
    row.counted.resize(row.tokens.len(), whole);
    let to = row.tokens.len() - usize::from(!whole);
    row.steps.push((from, to));
    row
}

/// The number that a draft comes to: its last one; `wrong` where it has none.
fn stated(draft: &str) -> &str {
    let end = draft.rfind(|c: char| c.is_ascii_digit()).map(|at| at + 1);
    let Some(end) = end else {
        return "wrong";
    };
    let before = draft[..end].rfind(|c: char| !c.is_ascii_digit());
    &draft[before.map_or(0, |at| at + 1)..end]
}

/// What a judge said of a draft.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The expected digit, 0 to 9; `None` where none was given.
    pub score: Option<f64>,
    pub tokens: usize,
    pub text: String,
}

/// Asks the judge, greedily.
pub fn ask(decoder: &mut Decoder<'_>, vocabulary: &Vocabulary, draft: &Draft) -> Said {
    let mut tokens = prompt(vocabulary, draft);
    let from = tokens.len();
    let mut score = None;
    while tokens.len() < from + LONGEST {
        let Some(logits) = decoder.read(&tokens) else {
            break;
        };
        let text = vocabulary.decode(&tokens[from..]);
        if text.ends_with(SCORE) {
            score = Some(expected_digit(vocabulary, logits));
        }
        let best = (0_u32..)
            .zip(logits)
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(EOS, |(token, _)| token);
        if best == EOS || best == STEP_END {
            break;
        }
        tokens.push(best);
    }
    Said {
        score,
        tokens: tokens.len() - from + 1,
        text: vocabulary.decode(&tokens[from..]),
    }
}

fn expected_digit(vocabulary: &Vocabulary, logits: &[f32]) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let digits = (0_u32..).zip(logits).filter_map(|(token, logit)| {
        let digit: u32 = vocabulary.text(token).parse().ok()?;
        Some((f64::from(digit), f64::from(logit - most).exp()))
    });
    let (sum, total) = digits.fold((0.0, 0.0), |(sum, total), (digit, weight)| {
        (sum + digit * weight, total + weight)
    });
    sum / total
}

/// Every draft with what the judge said of it.
#[must_use]
pub fn ask_all(judge: &Network, vocabulary: &Vocabulary, drafts: &[Draft]) -> Vec<Said> {
    let mut decoder = Decoder::new(judge);
    drafts
        .iter()
        .map(|draft| ask(&mut decoder, vocabulary, draft))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(vocabulary: &Vocabulary, step: &str, right: bool) -> Draft {
        let context = "Question: Mia has 46 coins. Mia bought 10 more. How many coins are there \
                       now?\n\nSolution:\n\n";
        Draft {
            context: vocabulary.encode(context).unwrap(),
            step: vocabulary.encode(step).unwrap(),
            right,
            due: "The result is 46 + 10 = 56.".to_owned(),
        }
    }

    #[test]
    fn a_row_is_the_prompt_and_an_answer_whose_score_counts() {
        let vocabulary = Vocabulary::new();
        let step = "First, Mia bought 10 more, so 46 + 10 = 57.";
        let draft = draft(&vocabulary, step, false);
        let row_of = |whole| row(&vocabulary, &draft, whole);
        let text = vocabulary.decode(&row_of(false).tokens);
        let wanted =
            format!("{step}\n\nVerdict: The result is 46 + 10 = 56. The step is 57. Score: 0");
        assert!(text.contains(&wanted), "{text}");
        let counted = |row: &Row| -> String {
            let tokens = row.tokens.iter().zip(&row.counted);
            let counted: Vec<u32> = tokens.filter(|(_, c)| **c).map(|(t, _)| *t).collect();
            vocabulary.decode(&counted)
        };
        assert_eq!(counted(&row_of(false)), "0");
        assert!(counted(&row_of(true)).starts_with(" The result is 46 + 10 = 56."));
        let (from, to) = row_of(false).steps[0];
        assert_eq!(vocabulary.decode(&row_of(false).tokens[from..to]), "0");
    }

    #[test]
    fn a_draft_comes_to_its_last_number() {
        assert_eq!(stated("so 46 + 10 = 56."), "56");
        assert_eq!(stated("The answer is \\boxed{4591}."), "4591");
        assert_eq!(stated("Next, so"), "wrong");
        assert_eq!(stated("7"), "7");
    }
}

//! Reading a score from 0 to 9 out of a reply and, where the alternatives to
//! its token are known, out of their probabilities.

use crate::trace::record::Token;

/// Word before the digit of a reply that works things out first.
const SCORE: &str = "score:";
/// Most characters of a reply in a note.
const QUOTE: usize = 40;
/// Least share of the known probability that must lie on digits: below it the
/// model would rather have said something else.
const LEAST_MASS: f64 = 0.5;

/// How a digit becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reading {
    /// The expectation over the digits among the alternatives.
    #[default]
    Expected,
    /// The digit that was written.
    Greedy,
}

impl Reading {
    /// Every reading, in the order in which messages list them.
    pub const ALL: [Self; 2] = [Self::Expected, Self::Greedy];

    /// The name in router specs and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Greedy => "greedy",
        }
    }
}

/// Where a reply has its digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// At its beginning.
    First,
    /// After the last `Score:` in it.
    AfterLabel,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// 0 to 9; `None` where the reply holds no score.
    pub value: Option<f64>,
    /// How the value came about, or why there is none.
    pub note: String,
}

/// Reads the score of `reply`, whose tokens are `tokens` as far as they are
/// known.
pub fn read(reply: &str, tokens: &[Token], place: Place, reading: Reading) -> Read {
    let Some((at, digit)) = find(reply, place) else {
        return nothing(reply, place);
    };
    if reading == Reading::Greedy {
        return greedy(digit, "as written");
    }
    let Some(token) = token_at(reply, tokens, at).filter(|token| digit_of(&token.text).is_some())
    else {
        return greedy(digit, "as written: no token stands for the digit alone");
    };
    if token.top.is_empty() && token.top_logits.is_empty() {
        return greedy(digit, "as written: no alternatives are known");
    }
    expected(token, digit)
}

/// Whether `reply` holds a score already.
pub fn has_score(reply: &str, place: Place) -> bool {
    find(reply, place).is_some()
}

/// The byte position and the value of the digit.
fn find(reply: &str, place: Place) -> Option<(usize, u8)> {
    let from = match place {
        Place::First => 0,
        Place::AfterLabel => {
            // Same length in bytes, so that positions hold for both.
            let lower = reply.to_ascii_lowercase();
            lower.rfind(SCORE)? + SCORE.len()
        }
    };
    let rest = &reply[from..];
    let bare = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`'));
    let digit = bare.bytes().next().filter(u8::is_ascii_digit)?;
    ends_well(&bare[1..]).then(|| (from + rest.len() - bare.len(), digit - b'0'))
}

/// Whether a digit before `rest` is a score by itself, and not the beginning
/// of a longer number, a range, a share or a score on another scale.
fn ends_well(rest: &str) -> bool {
    let digit_next = |text: &str| text.starts_with(|c: char| c.is_numeric());
    let Some(first) = rest.chars().next() else {
        return true;
    };
    let behind = &rest[first.len_utf8()..];
    match first {
        c if c.is_alphanumeric() => false,
        '%' | '+' | '^' => false,
        '.' | ',' | '-' | '–' | ':' => !digit_next(behind),
        '/' => {
            behind.is_empty()
                || behind
                    .strip_prefix('9')
                    .is_some_and(|after| !digit_next(after))
        }
        _ => true,
    }
}

/// The token that holds the byte at `at`, where the tokens spell the reply up
/// to there.
fn token_at<'t>(reply: &str, tokens: &'t [Token], at: usize) -> Option<&'t Token> {
    let mut from = 0;
    for token in tokens {
        let to = from + token.text.len();
        if reply.get(from..to) != Some(token.text.as_str()) {
            return None;
        }
        if at < to {
            return Some(token);
        }
        from = to;
    }
    None
}

/// The digit that a token stands for, with the blanks and marks around it.
fn digit_of(token: &str) -> Option<u8> {
    let bare =
        token.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`'));
    let digit = bare.bytes().next().filter(u8::is_ascii_digit)?;
    let marks = |c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`' | '.' | ',' | ')');
    bare[1..].chars().all(marks).then(|| digit - b'0')
}

/// The expectation over the digits among the alternatives at `token` and the
/// token itself, renormalised.
fn expected(token: &Token, digit: u8) -> Read {
    // Of raw logits too only the differences matter here.
    let logprobs = token.top.iter().map(|top| (&top.text, top.logprob));
    let logits = token.top_logits.iter().map(|top| (&top.text, top.logit));
    let mut known: Vec<(Option<u8>, f64)> = logprobs
        .chain(logits)
        .map(|(text, value)| (digit_of(text), f64::from(value)))
        .collect();
    // A token cut at the end of the step may differ from its own entry by
    // what was cut off.
    let own = token.logprob.map(f64::from);
    let listed = token.top.iter().any(|other| {
        other.text == token.text
            || (digit_of(&other.text) == Some(digit) && Some(f64::from(other.logprob)) == own)
    });
    if let Some(own) = own.filter(|_| !listed) {
        known.push((Some(digit), own));
    }
    known.retain(|(_, logprob)| logprob.is_finite());
    let highest = known
        .iter()
        .map(|(_, l)| *l)
        .fold(f64::NEG_INFINITY, f64::max);
    let (mut all, mut mass, mut sum) = (0.0, 0.0, 0.0);
    for (digit, logprob) in known {
        let weight = (logprob - highest).exp();
        all += weight;
        if let Some(digit) = digit {
            mass += weight;
            sum += weight * f64::from(digit);
        }
    }
    if mass <= 0.0 {
        return greedy(digit, "as written: no alternatives are known");
    }
    let share = mass / all;
    if share < LEAST_MASS {
        return Read {
            value: None,
            note: format!(
                "no score: only {:.0} % of the known probability lies on digits",
                100.0 * share
            ),
        };
    }
    let value = (sum / mass).clamp(0.0, 9.0);
    Read {
        value: Some(value),
        note: format!(
            "expected {value:.2}, written {digit}; {:.0} % of the known probability on digits",
            100.0 * share
        ),
    }
}

fn greedy(digit: u8, how: &str) -> Read {
    Read {
        value: Some(f64::from(digit)),
        note: format!("{digit}, {how}"),
    }
}

fn nothing(reply: &str, place: Place) -> Read {
    let words: Vec<&str> = match place {
        Place::First => reply.split_whitespace().take(QUOTE).collect(),
        // What matters is how it ended.
        Place::AfterLabel => {
            let mut last: Vec<&str> = reply.split_whitespace().rev().take(QUOTE).collect();
            last.reverse();
            last
        }
    };
    let line: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    let count = line.chars().count();
    let shown = match place {
        _ if count <= QUOTE => line,
        Place::First => line.chars().take(QUOTE).chain(['…']).collect(),
        Place::AfterLabel => ['…']
            .into_iter()
            .chain(line.chars().skip(count - QUOTE))
            .collect(),
    };
    let note = match place {
        _ if shown.is_empty() => "no score: the reply is empty".to_owned(),
        Place::First => format!("no score: the reply begins “{shown}”"),
        Place::AfterLabel => format!("no score: the reply ends “{shown}”"),
    };
    Read { value: None, note }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::record::{TopLogit, TopToken};

    fn token(text: &str, probability: f32, top: &[(&str, f32)]) -> Token {
        Token {
            text: text.into(),
            logprob: Some(probability.ln()),
            max_logit: None,
            top_logits: Vec::new(),
            top: top
                .iter()
                .map(|(text, probability)| TopToken {
                    text: (*text).into(),
                    logprob: probability.ln(),
                })
                .collect(),
            math: false,
        }
    }

    fn first(reply: &str) -> Option<f64> {
        read(reply, &[], Place::First, Reading::Greedy).value
    }

    fn last(reply: &str) -> Option<f64> {
        read(reply, &[], Place::AfterLabel, Reading::Greedy).value
    }

    #[test]
    fn a_digit_at_the_beginning_is_the_score() {
        for reply in [
            "7",
            " 7",
            "\n7",
            " 7.",
            "7\n",
            "**7**",
            " 7, since",
            "7/9",
            "7/",
            "7 out of 9",
            "7)",
            "7 - good",
        ] {
            assert_eq!(first(reply), Some(7.0), "{reply:?}");
        }
        assert_eq!(first("0"), Some(0.0));
        assert_eq!(first("9"), Some(9.0));
    }

    #[test]
    fn anything_else_is_no_score() {
        for reply in [
            "", " ", "ten", "It is 7", "10", "75", "-3", "−3", "7.5", "7,5", "7/10", "7/99", "7-8",
            "7–8", "7%", "7th", "7:3", "<think>7", "٧", "７", "7²", "+7", ".7", "Score: 7",
        ] {
            assert_eq!(first(reply), None, "{reply:?}");
        }
    }

    #[test]
    fn the_last_label_of_a_longer_reply_counts() {
        assert_eq!(last("Score: 7"), Some(7.0));
        assert_eq!(last("2 + 2 = 4, not 5.\n\nScore: 1"), Some(1.0));
        assert_eq!(
            last("Score: 9 was my first thought. SCORE:\n 2."),
            Some(2.0)
        );
        for reply in [
            "7",
            "Score 7",
            "Score: 10",
            "Score: 8. Final score: none",
            "Score:",
        ] {
            assert_eq!(last(reply), None, "{reply:?}");
        }
    }

    #[test]
    fn the_note_quotes_the_reply_in_one_bounded_line() {
        let read = |reply: &str, place| read(reply, &[], place, Reading::Expected).note;
        assert_eq!(read("", Place::First), "no score: the reply is empty");
        assert_eq!(
            read("I\n\u{1b}[31mthink", Place::First),
            "no score: the reply begins “I [31mthink”"
        );
        let long = read(&"é ".repeat(100), Place::First);
        assert!(long.chars().count() < 80 && long.ends_with("…”"), "{long}");
        let long = read(&("é ".repeat(100) + "the end"), Place::AfterLabel);
        assert!(
            long.chars().count() < 80 && long.ends_with("the end”"),
            "{long}"
        );
    }

    fn expectation(tokens: &[Token]) -> Read {
        let reply: String = tokens.iter().map(|token| token.text.as_str()).collect();
        read(&reply, tokens, Place::First, Reading::Expected)
    }

    fn near(read: &Read, value: f64) {
        let found = read.value.unwrap();
        assert!(
            (found - value).abs() < 1e-6,
            "{found} is not {value}: {}",
            read.note
        );
    }

    #[test]
    fn expectations_are_those_worked_out_by_hand() {
        // (7·0.6 + 8·0.3) / 0.9 = 6.6 / 0.9 = 7.333…; the word is left out.
        let top = [("7", 0.6), ("8", 0.3), ("the", 0.1)];
        near(&expectation(&[token("7", 0.6, &top)]), 22.0 / 3.0);
        // Both spellings of a digit count: (7·(0.4 + 0.2) + 1·0.2) / 0.8 = 5.5.
        let top = [(" 7", 0.4), ("7", 0.2), (" 1", 0.2), ("\n", 0.2)];
        near(&expectation(&[token(" 7", 0.4, &top)]), 5.5);
        // The sampled token is not among the alternatives:
        // (9·0.5 + 4·0.25) / 0.75 = 5.5 / 0.75 = 7.333…
        near(
            &expectation(&[token("9", 0.5, &[("4", 0.25), ("x", 0.25)])]),
            22.0 / 3.0,
        );
        // Cut at the end of the step, its own entry still has the blank line:
        // (7·0.5 + 3·0.5) / 1 = 5, not counted twice.
        let top = [("7\n\n", 0.5), ("3", 0.5)];
        near(&expectation(&[token("7", 0.5, &top)]), 5.0);
        // The digit is the second token.
        let digit = token("2", 0.5, &[("2", 0.5), ("4", 0.5)]);
        near(&expectation(&[token(" ", 1.0, &[(" ", 1.0)]), digit]), 3.0);
        // Raw logits: only differences matter. e^1 / (e^1 + e^0) on 6, else 5.
        let mut raw = token("6", 1.0, &[]);
        let logit = |text: &str, logit| TopLogit {
            text: text.into(),
            logit,
        };
        raw.top_logits = vec![logit("6", 31.0), logit("5", 30.0)];
        raw.logprob = None;
        let e = std::f64::consts::E;
        near(&expectation(&[raw]), (6.0 * e + 5.0) / (e + 1.0));
        // A number of two digits is no digit.
        near(
            &expectation(&[token("1", 0.5, &[("1", 0.5), ("10", 0.4)])]),
            1.0,
        );
    }

    #[test]
    fn digits_without_alternatives_are_taken_as_written() {
        let bare = Token {
            logprob: None,
            ..token("7", 1.0, &[])
        };
        let read_it = expectation(&[bare]);
        assert_eq!(read_it.value, Some(7.0));
        assert!(read_it.note.contains("no alternatives"), "{}", read_it.note);
        // Tokens that do not spell the reply.
        let other = token("8", 0.9, &[("8", 0.9)]);
        let read_it = read("7", &[other], Place::First, Reading::Expected);
        assert_eq!(read_it.value, Some(7.0));
        let top = [("7", 0.5), ("9", 0.5)];
        let read_it = read("7", &[token("7", 0.5, &top)], Place::First, Reading::Greedy);
        assert_eq!(read_it.value, Some(7.0));
    }

    #[test]
    fn a_model_that_would_rather_talk_gives_no_score() {
        let read = expectation(&[token("7", 0.2, &[("The", 0.7), ("7", 0.2)])]);
        assert_eq!(read.value, None);
        assert!(read.note.contains("22 %"), "{}", read.note);
    }

    proptest! {
        #[test]
        fn any_reply_is_read_and_every_value_is_on_the_scale(
            parts in prop::collection::vec(
                ("(?s)[0-9 .*:Score-]{0,4}|.{0,3}", prop::num::f32::ANY, prop::collection::vec(
                    ("[ ]?[0-9]|.{0,3}", prop::num::f32::ANY), 0..5
                )), 0..6),
            drop in 0..3_usize,
            label in any::<bool>(),
            greedy in any::<bool>(),
        ) {
            let reply: String = parts.iter().map(|(text, _, _)| text.as_str()).collect();
            let tokens: Vec<Token> = parts.iter().skip(drop / 2).map(|(text, logprob, top)| Token {
                text: text.as_str().into(),
                logprob: Some(*logprob),
                max_logit: None,
                top_logits: Vec::new(),
                top: top.iter().map(|(text, logprob)| TopToken {
                    text: text.as_str().into(), logprob: *logprob,
                }).collect(),
                math: false,
            }).collect();
            let place = if label { Place::AfterLabel } else { Place::First };
            let reading = if greedy { Reading::Greedy } else { Reading::Expected };
            let read = read(&reply, &tokens, place, reading);
            prop_assert!(read.value.is_none_or(|value| (0.0..=9.0).contains(&value)));
            prop_assert!(!read.note.is_empty());
            if read.value.is_some() {
                prop_assert!(has_score(&reply, place));
            }
        }
    }
}

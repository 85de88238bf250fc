//! Answers in words: yes and no, options, names.

use super::Matcher;
use super::outcome::Outcome;
use crate::problem::answer::math::node::Node;
use crate::problem::answer::math::words;

/// Longest text, in words, of which another one is surely another answer.
const SHORT_TEXT: usize = 4;

/// The words of a text in lower case, without mark-up, quotes, articles and
/// the full stop.
pub(super) fn words_of(text: &str) -> String {
    const ARTICLES: [&str; 3] = ["a", "an", "the"];
    let plain: String = without_faces(&text.to_lowercase())
        .chars()
        .map(|c| match c {
            '{' | '}' | '$' | '*' | '`' | '"' | '“' | '”' | '~' | '\\' | '(' | ')' => ' ',
            '’' => '\'',
            c => c,
        })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let start = usize::from(words.len() > 1 && ARTICLES.contains(&words[0]));
    let joined = words[start..].join(" ");
    joined
        .trim_matches(|c: char| matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | ' '))
        .to_owned()
}

/// A text without the commands that only set its face: `\textbf`, `\mathsf`.
fn without_faces(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = &rest[..length];
        let is_face = name.starts_with("text") || name.starts_with("math");
        if is_face || matches!(name, "mbox" | "operatorname" | "boxed" | "emph") {
            plain.push(' ');
            rest = &rest[length..];
        } else {
            plain.push('\\');
        }
    }
    plain.push_str(rest);
    plain
}

/// A text in which faces are taken off together with their braces, and blanks
/// are left out: `\text{June } 20` is `\text{June 20}`.
pub(super) fn unfaced(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // Of every open brace, whether it is a face's.
    let mut open: Vec<bool> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                let (name, after) = rest.split_at(length);
                let is_face =
                    name.starts_with("text") || name.starts_with("math") || name == "mbox";
                match after.trim_start().strip_prefix('{').filter(|_| is_face) {
                    Some(inner) => {
                        open.push(true);
                        rest = inner;
                    }
                    None => plain.push('\\'),
                }
            }
            '{' => {
                open.push(false);
                plain.push(c);
            }
            '}' if open.pop() == Some(true) => {}
            c => plain.push(c),
        }
    }
    super::squeezed(&plain)
}

/// Whether a text is words and marks of a sentence alone: nothing that means
/// something in mathematics.
pub(super) fn is_words(text: &str) -> bool {
    holds_words(text)
        && without_faces(text).replace("**", "").chars().all(|c| {
            c.is_alphabetic()
                || c.is_whitespace()
                || matches!(
                    c,
                    '.' | ',' | '\'' | '’' | '"' | '“' | '”' | '`' | '{' | '}' | '$' | '-'
                )
        })
}

/// Yes or no, true or false.
pub(super) fn truth(words: &str) -> Option<bool> {
    match words {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// The yes or no that a gold answer is, alone or with a comma and a remark.
pub(super) fn stated_truth(gold: &str) -> Option<bool> {
    let words = words_of(gold);
    let alone = truth(&words);
    alone.or_else(|| {
        let (first, _) = words.split_once([',', ';', '.'])?;
        truth(first)
    })
}

/// The yes or no with which a sentence begins.
pub(super) fn leading_truth(text: &str) -> Option<bool> {
    let words = words_of(text);
    let first = words.split([' ', ',', ';', '.', ':']).next()?;
    truth(first)
}

/// The letter, if the whole answer is the letter of an option: `C`, `(C)`.
pub(super) fn option(text: &str) -> Option<char> {
    let words = words_of(text);
    let words = words.strip_prefix("option ").unwrap_or(&words);
    let words = words.strip_prefix("choice ").unwrap_or(words);
    let mut letters = words.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() => {
            // Lower-case letters are variables, but for those in brackets.
            let is_option = text.contains(letter.to_ascii_uppercase()) || text.contains('(');
            is_option.then(|| letter.to_ascii_uppercase())
        }
        _ => None,
    }
}

/// The option a text begins with, with what it says behind it: `(C) 24`,
/// `C. 24`, `C: ellipse`.
pub(super) fn leading_option(text: &str) -> Option<char> {
    if let Some(letter) = option(text) {
        return Some(letter);
    }
    let plain: String = without_faces(text)
        .chars()
        .filter(|c| !matches!(c, '{' | '}' | '$' | '*' | '\\' | '~'))
        .collect();
    let plain = plain.trim();
    let inner = plain.strip_prefix('(').unwrap_or(plain);
    let letter = inner.chars().next().filter(char::is_ascii_uppercase)?;
    let after = &inner[1..];
    let behind = after.trim_start_matches(')').trim_start();
    if behind.starts_with(['+', '-', '*', '/', '^', '=']) {
        return None;
    }
    let bracketed = plain.starts_with('(') && after.starts_with(')');
    let marked = !plain.starts_with('(') && after.starts_with([')', '.', ':']);
    (bracketed || marked).then_some(letter)
}

/// Whether a text is words alone: no digit, no command, and a word of two
/// letters.
pub(super) fn is_prose(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_digit() || c == '\\') && holds_words(text)
}

/// Whether a word of three letters or more stands in it, outside commands.
pub(super) fn holds_words(text: &str) -> bool {
    let mut length = 0;
    let mut command = false;
    for c in text.chars() {
        if c.is_alphabetic() {
            length += 1;
            if length >= 3 && !command {
                return true;
            }
        } else {
            length = 0;
            command = c == '\\';
        }
    }
    false
}

/// What is left of mathematics without blanks and the sizes of brackets.
pub(super) fn loosely(text: &str) -> String {
    let mut plain = text
        .replace("\\dfrac", "\\frac")
        .replace("\\tfrac", "\\frac");
    for silent in [
        "\\left",
        "\\right",
        "\\displaystyle",
        "\\,",
        "\\!",
        "\\;",
        "\\ ",
        "\\quad",
    ] {
        plain = plain.replace(silent, "");
    }
    for dots in ["\\cdots", "\\ldots", "\\dots", "…", "⋯"] {
        plain = plain.replace(dots, "...");
    }
    super::squeezed(&plain)
}

impl Matcher<'_> {
    /// Compares where a side is words; `None` where neither is.
    pub(super) fn words(&self, gold: &Node, answer: &Node) -> Option<Outcome> {
        match (gold, answer) {
            (Node::Words(gold), Node::Words(answer)) => Some(same_words(gold, answer)),
            (Node::Words(words), Node::Letters(letters))
            | (Node::Letters(letters), Node::Words(words)) => Some(same_words(words, letters)),
            (Node::Letters(gold), Node::Letters(answer)) => {
                let words = (words_of(gold), words_of(answer));
                if words.0 == words.1 {
                    return Some(Outcome::Equal("text"));
                }
                // Of few letters it may be a product in another order; not of
                // capitals, as of an order of finish, nor of a word.
                let product = |letters: &str| {
                    letters.len() <= SHORT_TEXT
                        && !letters.chars().all(char::is_uppercase)
                        && !words::is_word(letters)
                };
                let products = product(gold) && product(answer);
                (!products).then_some(Outcome::Different("text"))
            }
            (Node::Words(_), other) | (other, Node::Words(_)) if other.is_expression() => {
                Some(Outcome::Different("text"))
            }
            _ => None,
        }
    }
}

/// Equal words are equal; other ones are other answers only where both are
/// short, for a sentence can say the same in many ways.
pub(super) fn same_words(gold: &str, answer: &str) -> Outcome {
    // Commas between words change nothing.
    let plain = |text: &str| words_of(text).replace([',', ';'], "");
    let (gold, answer) = (plain(gold), plain(answer));
    if gold == answer {
        return Outcome::Equal("text");
    }
    if let (Some(gold), Some(answer)) = (truth(&gold), leading_truth(&answer)) {
        return Outcome::decided(gold == answer, "yes-no");
    }
    let length = |text: &str| text.split(' ').count();
    if length(&gold) <= SHORT_TEXT && length(&answer) <= SHORT_TEXT {
        return Outcome::Different("text");
    }
    Outcome::unknown("the two are sentences that differ")
}

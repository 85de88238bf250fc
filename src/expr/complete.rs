//! What may be written next in an expression.

use super::field::{FUNCTIONS, Field, Kind, Scope};
use super::node::Fold;
use super::parse::ends_bare_text;
use super::{ROLES, of_role};
use crate::trace::record::shared_beginning;

/// A word that may stand where an expression is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub word: String,
    /// What it stands for; empty for the name of a model.
    pub help: &'static str,
}

/// The words that go on from what was typed, and what of it they take the
/// place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion<'t> {
    pub typed: &'t str,
    pub candidates: Vec<Candidate>,
}

impl Completion<'_> {
    /// What to add at the cursor: as much as all candidates share, and what
    /// belongs behind the only one.
    pub fn addition(&self) -> Option<String> {
        // A name that needs quotes does not go on from one without.
        let goes_on = |found: &Candidate| found.word.starts_with(self.typed);
        if !self.candidates.iter().all(goes_on) {
            return None;
        }
        let (first, others) = self.candidates.split_first()?;
        let mut shared = first.word.as_str();
        for other in others {
            let same = shared.chars().zip(other.word.chars());
            let length: usize = same
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a.len_utf8())
                .sum();
            shared = shared.get(..length).unwrap_or_default();
        }
        let mut added = shared.get(self.typed.len()..)?.to_owned();
        if others.is_empty() && FUNCTIONS.iter().any(|(name, _)| *name == first.word) {
            added.push('(');
        }
        (!added.is_empty()).then_some(added)
    }
}

/// What may follow `before`, the text in front of the cursor; `models` are the
/// names that models go by.
pub fn complete<'t>(before: &'t str, scope: Scope, models: &[&str]) -> Completion<'t> {
    match compared(before) {
        Some((field, typed)) => of_field(field, typed, models),
        None => names(before, scope),
    }
}

/// The field of text that stands before the text being typed, and that text.
fn compared(before: &str) -> Option<(Field, &str)> {
    let signs = |c: char| "=~".contains(c);
    let at = before.rfind(signs)?;
    let typed = before.get(at + 1..)?.trim_start();
    if typed.contains(ends_bare_text) {
        return None;
    }
    let left = before.get(..at)?.trim_end_matches(['=', '!']).trim_end();
    let info = Field::named(last_word(left))?;
    (info.kind == Kind::Text).then_some((info.field, typed))
}

fn of_field<'t>(field: Field, typed: &'t str, models: &[&str]) -> Completion<'t> {
    let known: Vec<(&str, &'static str)> = match field {
        _ if field.is_of_models() => named(models),
        _ => {
            let words = field.vocabulary().unwrap_or_default().iter();
            words.map(|word| (*word, "")).collect()
        }
    };
    let begins = known
        .into_iter()
        .filter(|(word, _)| word.starts_with(typed));
    Completion {
        typed,
        candidates: begins
            .map(|(word, help)| Candidate {
                word: match field.vocabulary() {
                    Some(_) => word.to_owned(),
                    None => quoted_where_needed(word),
                },
                help,
            })
            .collect(),
    }
}

/// What models may be called, and what is not plain from the name.
fn named<'t>(models: &[&'t str]) -> Vec<(&'t str, &'static str)> {
    let shared = shared_beginning(models);
    let short = models.iter().filter_map(|model| model.strip_prefix(shared));
    let mut named: Vec<(&str, &str)> = short.map(|name| (name, "")).collect();
    let about = ["the cheapest of the pool", "the most capable of the pool"];
    for (role, about) in ROLES.into_iter().zip(about) {
        let is_taken = named
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(role));
        if !is_taken && of_role(role, models).is_some() {
            named.push((role, about));
        }
    }
    named
}

/// Signs would end a name, and one that is a field's would be read as that.
fn quoted_where_needed(word: &str) -> String {
    let quote = if word.contains('"') { '\'' } else { '"' };
    match word.contains(ends_bare_text) || Field::named(word).is_some() {
        true => format!("{quote}{word}{quote}"),
        false => word.to_owned(),
    }
}

fn names(before: &str, scope: Scope) -> Completion<'_> {
    let typed = last_word(before);
    if is_inside_quotes(before) {
        let candidates = Vec::new();
        return Completion { typed, candidates };
    }
    let inside = is_inside_fold(before);
    let of_steps = scope == Scope::Step || inside;
    let fields = Field::ALL.iter();
    let fields = fields.filter(|info| info.scope == Scope::Trajectory || of_steps);
    let fields = fields.map(|info| (info.name, info.help));
    let functions = FUNCTIONS.into_iter();
    let functions = functions.filter(|(name, _)| !inside || Fold::named(name).is_none());
    let begins = fields
        .chain(functions)
        .filter(|(name, _)| name.starts_with(typed));
    let candidates = begins
        .map(|(word, help)| Candidate {
            word: word.to_owned(),
            help,
        })
        .collect();
    Completion { typed, candidates }
}

/// The word that ends where the text does.
fn last_word(text: &str) -> &str {
    let begin = text.rfind(|c: char| !(c.is_alphanumeric() || c == '_'));
    let begin = begin.map_or(0, |at| {
        at + text[at..].chars().next().map_or(0, char::len_utf8)
    });
    text.get(begin..).unwrap_or_default()
}

/// Whether the text ends within a text in quotes.
fn is_inside_quotes(text: &str) -> bool {
    let mut open = None;
    for sign in text.chars().filter(|c| matches!(c, '"' | '\'')) {
        open = match open {
            None => Some(sign),
            Some(quote) if quote == sign => None,
            still => still,
        };
    }
    open.is_some()
}

/// Whether the text ends within the brackets of a function over steps.
fn is_inside_fold(text: &str) -> bool {
    let mut open: Vec<bool> = Vec::new();
    for (at, sign) in text.char_indices() {
        match sign {
            '(' => {
                let before = text.get(..at).unwrap_or_default().trim_end();
                open.push(Fold::named(last_word(before)).is_some());
            }
            ')' => {
                open.pop();
            }
            _ => {}
        }
    }
    open.contains(&true)
}

//! The units that texts are compared by: words, numbers, formulas and signs.

use std::collections::HashMap;
use std::ops::Range;

use crate::problem::answer::alike;

/// Longest formula that is one unit, in bytes; a longer one is compared word by
/// word.
const LONGEST_FORMULA: usize = 2_000;
/// Most different pieces of mathematics that are read for one pair of texts;
/// what comes behind is compared as it is written.
const MOST_READ: usize = 2_000;

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    Number,
    Formula,
    /// One character of any other kind.
    Sign,
}

/// A unit of a text. What stands between two units is blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Bytes of the text.
    pub range: Range<usize>,
    pub kind: Kind,
    /// The bytes that are mathematics: without the marks of a formula.
    pub inner: Range<usize>,
}

impl Unit {
    fn plain(range: Range<usize>, kind: Kind) -> Self {
        Self {
            inner: range.clone(),
            range,
            kind,
        }
    }
}

/// The units of a text, in its order. One pass.
pub fn units(text: &str) -> Vec<Unit> {
    let formulas = alike::formulas(text);
    let mut short = formulas
        .into_iter()
        .filter(|formula| formula.outer.len() <= LONGEST_FORMULA)
        .peekable();
    let mut units = Vec::with_capacity(text.len() / 4);
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if let Some(formula) = short.next_if(|formula| formula.outer.start == at) {
            at = formula.outer.end;
            units.push(Unit {
                range: formula.outer,
                kind: Kind::Formula,
                inner: formula.inner,
            });
            continue;
        }
        // A unit never reaches into a formula that begins behind it.
        let end = short.peek().map_or(text.len(), |next| next.outer.start);
        let rest = text.get(at..end).unwrap_or_default();
        let (length, kind) = unit(rest, c, before(text, at));
        if let Some(kind) = kind {
            units.push(Unit::plain(at..at + length, kind));
        }
        at += length.max(1);
    }
    units
}

/// The last character before a place that is not blank.
fn before(text: &str, at: usize) -> Option<char> {
    // Runs of blanks are passed as one, so that this stays short.
    text.get(..at)?.trim_end().chars().next_back()
}

/// The unit that begins with `c`, by its length in bytes; no kind for blanks.
fn unit(rest: &str, c: char, before: Option<char>) -> (usize, Option<Kind>) {
    let run = |of: fn(char) -> bool| rest.find(|c: char| !of(c)).unwrap_or(rest.len());
    if c.is_whitespace() {
        return (run(char::is_whitespace), None);
    }
    if is_digit(c) {
        return (number(rest), Some(Kind::Number));
    }
    // A sign, unless it stands between two operands.
    if matches!(c, '-' | '−') && !before.is_some_and(is_operand) {
        let digits = rest.get(c.len_utf8()..).unwrap_or_default();
        if digits.starts_with(is_digit) {
            return (c.len_utf8() + number(digits), Some(Kind::Number));
        }
    }
    if c.is_alphabetic() {
        // `don't` and `x1` are one word each.
        let within = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
        let end = rest.find(|c: char| !within(c)).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let length = word.trim_end_matches(['\'', '’']).len();
        return (length, Some(Kind::Word));
    }
    if c == '\\'
        && let Some(length) = command(rest)
    {
        return (length, Some(Kind::Formula));
    }
    (c.len_utf8(), Some(Kind::Sign))
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '¼'..='¾' | '⅐'..='⅞')
}

fn is_operand(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ')' | ']' | '}' | '$' | '%')
}

/// Length of the number at the beginning: `12`, `1,234`, `0.5`, `1/2`, `2e-3`,
/// `50%`.
fn number(rest: &str) -> usize {
    if let Some(c) = rest.chars().next().filter(|c| !c.is_ascii_digit()) {
        return c.len_utf8();
    }
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        let behind = bytes.get(from..).unwrap_or_default();
        behind
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut end = digits(0);
    // Between thousands.
    while end <= 30 && bytes.get(end) == Some(&b',') && digits(end + 1) == 3 {
        end += 4;
    }
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if bytes.get(end) == Some(&b'/') {
        let below = digits(end + 1);
        let after = end + 1 + below;
        // `1/2/2024` is a date, `1/2.5` no fraction.
        let ends = !matches!(bytes.get(after), Some(b'/')) && !is_decimal(bytes, after);
        if below > 0 && ends {
            return after;
        }
        return end;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let power = digits(end + 1 + signed);
        let after = end + 1 + signed + power;
        let ends = !bytes.get(after).is_some_and(u8::is_ascii_alphanumeric);
        if power > 0 && ends {
            return after;
        }
    }
    end + usize::from(bytes.get(end) == Some(&b'%'))
}

/// Whether decimals follow at a place.
fn is_decimal(bytes: &[u8], at: usize) -> bool {
    bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
}

/// Length of a LaTeX command outside of any marks with its arguments:
/// `\frac{1}{2}`, `\boxed{7}`, `\pi`; `None` where none begins.
fn command(rest: &str) -> Option<usize> {
    let name = rest.get(1..)?;
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    if letters == 0 {
        return None;
    }
    let mut end = 1 + letters;
    while let Some(length) = rest.get(end..).and_then(group) {
        end += length;
    }
    (end <= LONGEST_FORMULA).then_some(end)
}

/// Length of the group in braces at the beginning.
fn group(rest: &str) -> Option<usize> {
    if !rest.starts_with('{') {
        return None;
    }
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate().take(LONGEST_FORMULA) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at + 1),
            b'}' => depth -= 1,
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

/// Gives units numbers: the same one to units that say the same.
#[derive(Debug, Default)]
pub struct Keys {
    numbers: HashMap<String, u32>,
    /// What was read already, by what is written.
    known: HashMap<String, u32>,
    read: usize,
}

impl Keys {
    /// The number of a unit of `text`.
    pub fn of(&mut self, text: &str, unit: &Unit) -> u32 {
        let written = text.get(unit.range.clone()).unwrap_or_default();
        if matches!(unit.kind, Kind::Word | Kind::Sign) {
            return self.number(written);
        }
        if let Some(&known) = self.known.get(written) {
            return known;
        }
        let inner = text.get(unit.inner.clone()).unwrap_or_default();
        let number = match self.meaning(inner) {
            // No word begins so.
            Some(key) => self.number(&format!("\0{key}")),
            None => {
                let squeezed: String = inner.split_whitespace().collect();
                self.number(&format!("\0\0{squeezed}"))
            }
        };
        self.known.insert(written.to_owned(), number);
        number
    }

    fn meaning(&mut self, inner: &str) -> Option<String> {
        if self.read >= MOST_READ {
            return None;
        }
        self.read += 1;
        alike::key(&inner.replace('−', "-"))
    }

    fn number(&mut self, key: &str) -> u32 {
        if let Some(&known) = self.numbers.get(key) {
            return known;
        }
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(key.to_owned(), next);
        next
    }

    /// How many numbers were given.
    pub fn len(&self) -> u32 {
        u32::try_from(self.numbers.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(&str, Kind)> {
        let units = units(text);
        units
            .iter()
            .map(|unit| (&text[unit.range.clone()], unit.kind))
            .collect()
    }

    #[test]
    fn numbers_and_formulas_are_one_unit_each() {
        use Kind::{Formula, Number, Sign, Word};
        assert_eq!(
            told(r"So 1,234.5 - 3/4 = $\frac{x}{2}$, don't \boxed{7}."),
            [
                ("So", Word),
                ("1,234.5", Number),
                ("-", Sign),
                ("3/4", Number),
                ("=", Sign),
                (r"$\frac{x}{2}$", Formula),
                (",", Sign),
                ("don't", Word),
                (r"\boxed{7}", Formula),
                (".", Sign),
            ]
        );
        assert_eq!(
            told("x1 = -5, 11-4; 2e-3 50% 3x 1/2/2024 ½"),
            [
                ("x1", Word),
                ("=", Sign),
                ("-5", Number),
                (",", Sign),
                ("11", Number),
                ("-", Sign),
                ("4", Number),
                (";", Sign),
                ("2e-3", Number),
                ("50%", Number),
                ("3", Number),
                ("x", Word),
                ("1", Number),
                ("/", Sign),
                ("2/2024", Number),
                ("½", Number),
            ]
        );
    }

    #[test]
    fn equal_values_get_one_number() {
        let mut keys = Keys::default();
        let mut key = |text: &str| {
            let units = units(text);
            assert_eq!(units.len(), 1, "{text}");
            keys.of(text, &units[0])
        };
        let half = key("0.5");
        assert_eq!(key("1/2"), half);
        assert_eq!(key(r"$\frac{1}{2}$"), half);
        assert_eq!(key(r"\dfrac{2}{4}"), half);
        assert_eq!(key("$0.50$"), half);
        assert_ne!(key("0.51"), half);
        // What cannot be read is the same only as it is written, but for blanks.
        assert_eq!(key(r"$\nosuch{a} b$"), key(r"$\nosuch{a}b$"));
        assert_ne!(key(r"$\nosuch{a}$"), key(r"$\nosuch{b}$"));
    }
}

//! The words, numbers and formulas of a sentence.

use std::ops::Range;

use super::number::{is_sign, number_length};
use super::page::Page;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// A number by itself.
    Number,
    /// An expression without marks, such as `2*sqrt(3)`.
    Expression,
    /// A formula between marks; the token spans the marks.
    Formula,
    Mark(char),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub range: Range<usize>,
    /// Within `**bold**`.
    pub bold: bool,
}

impl Token {
    pub fn is_value(&self) -> bool {
        matches!(self.kind, Kind::Number | Kind::Expression | Kind::Formula)
    }

    pub fn is_mark(&self, marks: &[char]) -> bool {
        matches!(self.kind, Kind::Mark(c) if marks.contains(&c))
    }
}

/// Marks that may stand before or after a run without being a part of it.
const EDGES: [char; 14] = [
    '.', ',', ';', ':', '!', '?', '(', ')', '"', '“', '”', '\'', '’', '`',
];

/// The tokens of `range`.
pub(super) fn tokens(page: &Page, range: &Range<usize>) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut bold = false;
    let mut at = range.start;
    while at < range.end {
        if let Some(formula) = page.formula_at(at) {
            let end = formula.outer.end.min(range.end);
            tokens.push(Token {
                kind: Kind::Formula,
                range: at..end,
                bold,
            });
            at = end;
            continue;
        }
        let rest = &page.text[at..range.end];
        let Some(c) = rest.chars().next() else {
            break;
        };
        if let Some(length) = calculation_length(rest) {
            // A calculator's mark repeats what stands around it.
            at += length;
        } else if c.is_whitespace() {
            at += c.len_utf8();
        } else if rest.starts_with("**") {
            bold = !bold;
            at += 2;
        } else if EDGES.contains(&c) && !opens_expression(rest)
            || matches!(c, '=' | '≈' | '*' | '_' | '#')
        {
            tokens.push(Token {
                kind: Kind::Mark(c),
                range: at..at + c.len_utf8(),
                bold,
            });
            at += c.len_utf8();
        } else {
            let length = run_length(page, at, rest);
            tokens.push(Token {
                kind: kind_of(&rest[..length]),
                range: at..at + length,
                bold,
            });
            at += length;
        }
    }
    tokens
}

/// Length of a calculator's mark, such as `<<2+2=4>>`, with the dollar before it.
fn calculation_length(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('$').unwrap_or(text).strip_prefix("<<")?;
    let close = inner.find(">>")?;
    (close < 200).then_some(text.len() - inner.len() + close + 2)
}

/// `(3, 4)`, `(a+b)/2`: the bracket belongs to a value and not to prose.
fn opens_expression(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('(') else {
        return text.starts_with('.') && number_length(text).is_some();
    };
    let Some(close) = inner.find(')') else {
        return false;
    };
    let inner = &inner[..close];
    inner.contains(|c: char| c.is_ascii_digit())
        && !inner.contains(['=', '$', '\\'])
        && inner
            .split(|c: char| !c.is_alphabetic())
            .all(|word| word.chars().count() < 3 || matches!(word, "sqrt"))
}

/// Length of the run without blanks, less the marks at its end.
fn run_length(page: &Page, at: usize, rest: &str) -> usize {
    if let Some(length) = number_length(rest)
        && rest[length..].chars().next().is_none_or(|c| {
            c.is_whitespace() || EDGES.contains(&c) || rest[length..].starts_with("**")
        })
    {
        return length;
    }
    let mut depth = 0_usize;
    let mut end = 0;
    for (offset, c) in rest.char_indices() {
        let stops = match c {
            '(' | '[' => {
                depth += 1;
                false
            }
            ')' | ']' => {
                depth = depth.saturating_sub(1);
                false
            }
            '=' | '≈' => depth == 0,
            _ => depth == 0 && c.is_whitespace() || c == '\n',
        };
        // A formula, or emphasis, begins within the run.
        let mark = rest[offset..].starts_with("**")
            && !rest[offset + 2..].starts_with(|c: char| c.is_ascii_digit());
        let mark = mark || rest[offset..].starts_with("<<");
        if offset > 0 && (stops || mark || page.formula_at(at + offset).is_some()) {
            break;
        }
        end = offset + c.len_utf8();
    }
    let run = &rest[..end];
    let trimmed = run.trim_end_matches(['.', ',', ';', ':', '!', '?', '"', '”', '\'', '’', '`']);
    let trimmed = match trimmed.contains('(') || trimmed.contains('[') {
        true => trimmed,
        false => trimmed.trim_end_matches([')', ']', '.', ',']),
    };
    if trimmed.is_empty() {
        end
    } else {
        trimmed.len()
    }
}

/// What a run without blanks is.
fn kind_of(run: &str) -> Kind {
    if number_length(run) == Some(run.len()) {
        return Kind::Number;
    }
    let mark = |c: char| matches!(c, '^' | '*' | '/' | '+' | '(' | '√' | 'π' | '[') || is_sign(c);
    let holds = run.contains(|c: char| c.is_ascii_digit() || matches!(c, '√' | 'π' | '∞'));
    // `24-hour` is a word, and `4*f(n-1)` holds an unknown.
    let wordy = run
        .split(|c: char| !c.is_alphabetic() || c == 'π')
        .any(|word| {
            !matches!(
                word,
                "" | "sqrt" | "pi" | "i" | "e" | "sin" | "cos" | "tan" | "ln" | "log"
            )
        });
    if holds && !wordy && run.contains(mark) {
        Kind::Expression
    } else {
        Kind::Word
    }
}

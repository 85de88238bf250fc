//! A text as the signs of a calculation and what stands between them.

use num_bigint::BigInt;

use crate::problem::answer::fraction::Fraction;

/// Digits of a number; longer ones are nobody's arithmetic.
const MOST_DIGITS: usize = 30;
/// Tokens of a text.
const MOST_TOKENS: usize = 20_000;
/// Bytes of a word, or of a text in a formula; what is longer is none.
const MOST_WORD: usize = 100;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Number(Literal),
    Plus,
    Minus,
    Times,
    Divide,
    Power,
    /// A bracket, `{` among them.
    Open(char),
    Close(char),
    Frac,
    Sqrt,
    Binomial,
    Bang,
    Percent,
    Degree,
    Dollar,
    /// `=`, or `≈`.
    Relation {
        approximate: bool,
    },
    /// A word, or a text in a formula.
    Word,
    /// One letter: a variable, mostly.
    Letter,
    /// The end of a clause, a line or a formula, and other relations.
    Break,
    /// Nothing that can be read: what touches it is not read either.
    Bad,
}

/// A number as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Literal {
    pub value: Fraction,
    /// Digits behind the point.
    pub places: usize,
    /// Zeros at the end of an integer.
    pub zeros: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// Whether there is a blank in front of it.
    pub spaced: bool,
}

/// Reads a text; a very long one to where the tokens end.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        spaced: true,
        line_begins: true,
        tokens: Vec::new(),
    };
    while lexer.at < text.len() && lexer.tokens.len() < MOST_TOKENS {
        lexer.next();
    }
    lexer.tokens
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    spaced: bool,
    /// Whether only blanks stand before this place in its line.
    line_begins: bool,
    tokens: Vec<Token>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Appends a token of so many bytes.
    fn push(&mut self, kind: Kind, bytes: usize) {
        let start = self.at;
        self.at += bytes;
        self.tokens.push(Token {
            kind,
            start,
            end: self.at,
            spaced: self.spaced,
        });
        self.spaced = false;
        self.line_begins = false;
    }

    /// Passes over bytes that mean nothing; `blank` where they are a blank.
    fn skip(&mut self, bytes: usize, blank: bool) {
        self.at += bytes;
        self.spaced |= blank;
    }

    fn last(&self) -> Option<&Kind> {
        self.tokens.last().map(|token| &token.kind)
    }

    /// Whether a value ends right before this place.
    fn after_value(&self) -> bool {
        matches!(
            self.last(),
            Some(
                Kind::Number(_)
                    | Kind::Close(_)
                    | Kind::Percent
                    | Kind::Degree
                    | Kind::Bang
                    | Kind::Dollar
            )
        )
    }

    fn next(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return;
        };
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let second = after.chars().next();
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        match first {
            '\n' => self.line_end(1),
            _ if first.is_whitespace() => self.skip(first.len_utf8(), true),
            '\\' => self.command(rest),
            '0'..='9' => self.number(rest),
            '.' if digit(second) && (self.spaced || !self.after_value()) => self.number(rest),
            '.' | ',' if second.is_none_or(|c| !c.is_alphanumeric() && c != '\\' && c != '.') => {
                self.push(Kind::Break, 1);
            }
            ',' => self.push(Kind::Break, 1),
            '+' => self.push(Kind::Plus, 1),
            '-' | '−' | '–' | '•' => self.dash(first, second),
            '*' => self.star(rest, second),
            '×' | '·' | '⋅' | '∙' => self.push(Kind::Times, first.len_utf8()),
            '/' | '÷' => self.push(Kind::Divide, first.len_utf8()),
            '^' => self.power(rest),
            '²' | '³' | '⁴' | '⁵' => self.superscript(first),
            '(' | '[' | '{' => self.push(Kind::Open(first), 1),
            ')' | ']' | '}' => self.push(Kind::Close(first), 1),
            '√' => self.push(Kind::Sqrt, first.len_utf8()),
            '!' if second == Some('=') => self.push(Kind::Break, 2),
            // Of derangements.
            '!' if digit(second) => self.push(Kind::Bad, 1),
            '!' if self.after_value() && !self.spaced => self.push(Kind::Bang, 1),
            '%' => self.push(Kind::Percent, 1),
            '°' => self.push(Kind::Degree, first.len_utf8()),
            '$' if second == Some('$') => self.push(Kind::Break, 2),
            '$' => self.push(Kind::Dollar, 1),
            '=' => self.equals(second),
            '≈' => self.push(Kind::Relation { approximate: true }, first.len_utf8()),
            '<' | '>' | ':' if second == Some('=') => self.push(Kind::Break, 2),
            ':' if self.after_value() && (digit(second) || self.spaced) => self.push(Kind::Bad, 1),
            '&' | '~' => self.skip(1, true),
            '<' | '>' | ':' | ';' | '?' | '!' | '"' | '“' | '”' | '≠' | '≤' | '≥' | '≡' | '→'
            | '⇒' | '—' | '\'' | '’' | '‘' | '`' | '✓' => {
                self.push(Kind::Break, first.len_utf8());
            }
            _ if first.is_alphabetic() => self.word(rest),
            _ => self.push(Kind::Bad, first.len_utf8()),
        }
    }

    /// The end of a line ends a clause, unless the calculation goes on. What is
    /// blank behind it, empty lines among it, goes with it: looked ahead over
    /// once, and not again from each of them.
    fn line_end(&mut self, bytes: usize) {
        let behind = self.text.get(self.at + bytes..).unwrap_or_default();
        let ahead = behind.trim_start_matches(|c: char| c.is_whitespace() || c == '&');
        let bytes = bytes + behind.len() - ahead.len();
        let relations = ["=", "≈", "\\approx"];
        let goes_on = relations.iter().any(|sign| ahead.starts_with(sign))
            || matches!(
                self.last(),
                Some(Kind::Relation { .. } | Kind::Plus | Kind::Times | Kind::Divide)
            );
        match goes_on {
            true => self.skip(bytes, true),
            false => self.push(Kind::Break, bytes),
        }
        self.spaced = true;
        self.line_begins = true;
    }

    fn equals(&mut self, second: Option<char>) {
        match second {
            Some('=' | '>') => self.push(Kind::Break, 2),
            _ => self.push(Kind::Relation { approximate: false }, 1),
        }
    }

    /// A minus, the dash of a range, or the mark of a list's item.
    fn dash(&mut self, sign: char, second: Option<char>) {
        let bytes = sign.len_utf8();
        let blank_after = second.is_none_or(char::is_whitespace);
        let kind = match sign {
            '•' => Kind::Break,
            _ if self.line_begins && blank_after => Kind::Break,
            '–' if !(self.spaced && blank_after) => Kind::Bad,
            _ => Kind::Minus,
        };
        self.push(kind, bytes);
    }

    /// A product, a power, bold text, or the mark of a list's item.
    fn star(&mut self, rest: &str, second: Option<char>) {
        let stars = rest.bytes().take_while(|byte| *byte == b'*').count();
        let next = rest.get(stars..).unwrap_or_default().chars().next();
        let tight = self.after_value() && !self.spaced && next.is_some_and(|c| !c.is_whitespace());
        let begins_value = next.is_some_and(|c| c.is_ascii_digit() || "($\\.-".contains(c));
        match stars {
            1 if self.line_begins && second.is_none_or(char::is_whitespace) => {
                self.push(Kind::Break, 1);
            }
            1 if self.after_value() || matches!(self.last(), Some(Kind::Word | Kind::Letter)) => {
                self.push(Kind::Times, 1);
            }
            2 if tight && begins_value => self.push(Kind::Power, 2),
            _ => self.skip(stars, false),
        }
    }

    fn power(&mut self, rest: &str) {
        let circle = ["^\\circ", "^{\\circ}", "^{\\circ }"];
        match circle.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => self.push(Kind::Degree, sign.len()),
            None => self.push(Kind::Power, 1),
        }
    }

    fn superscript(&mut self, sign: char) {
        let exponent = match sign {
            '²' => 2,
            '³' => 3,
            '⁴' => 4,
            _ => 5,
        };
        self.push(Kind::Power, 0);
        let literal = Literal {
            value: Fraction::from(exponent),
            places: 0,
            zeros: 0,
        };
        self.push(Kind::Number(literal), sign.len_utf8());
    }

    fn word(&mut self, rest: &str) {
        let ends = |c: char| !(c.is_alphabetic() || c == '\'' || c == '’');
        let end = rest.find(ends).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let (mut letters, after) = (word.chars(), rest.get(end..).unwrap_or_default());
        let single = letters.next().is_some() && letters.next().is_none();
        // `5 x 3` of plain text.
        let ahead = after.trim_start_matches([' ', '$', '\\']);
        let times = matches!(word, "x" | "X")
            && self.after_value()
            && ahead.starts_with(|c: char| c.is_ascii_digit())
            && self.spaced == after.starts_with(' ');
        match (times, single) {
            (true, _) => self.push(Kind::Times, end),
            (_, true) => self.push(Kind::Letter, end),
            _ if end > MOST_WORD => self.push(Kind::Bad, end),
            _ => self.push(Kind::Word, end),
        }
    }

    fn number(&mut self, rest: &str) {
        // `\frac34` are two of one digit.
        let of_frac = |back: usize| {
            let at = self.tokens.len().checked_sub(back);
            let token = at.and_then(|at| self.tokens.get(at));
            token.is_some_and(|token| token.kind == Kind::Frac)
        };
        let numbers = matches!(self.last(), Some(Kind::Number(_)));
        if of_frac(1) || of_frac(2) && numbers && !self.spaced {
            let (value, _) = literal(rest.get(..1).unwrap_or_default());
            return self.push(value.map_or(Kind::Bad, Kind::Number), 1);
        }
        let (value, length) = literal(rest);
        let after = rest.get(length..).unwrap_or_default();
        // Digits that go on nobody knows how, or that are no number at all.
        let endless = [
            "...",
            "…",
            "\\ldots",
            "\\dots",
            "\\overline",
            ".\\overline",
            "\\bar",
        ];
        let odd = endless.iter().any(|sign| after.starts_with(sign))
            || after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_digit());
        match value.filter(|_| !odd) {
            Some(value) => self.push(Kind::Number(value), length),
            None => self.push(Kind::Bad, length),
        }
    }

    fn command(&mut self, rest: &str) {
        let signs = rest.get(1..).unwrap_or_default();
        let end = signs.find(|c: char| !c.is_ascii_alphabetic());
        let name = signs.get(..end.unwrap_or(signs.len())).unwrap_or_default();
        let bytes = 1 + name.len();
        match name {
            "" => self.escaped(signs),
            "times" | "cdot" | "ast" => self.push(Kind::Times, bytes),
            "div" => self.push(Kind::Divide, bytes),
            "frac" | "dfrac" | "tfrac" | "cfrac" => self.push(Kind::Frac, bytes),
            "sqrt" => self.push(Kind::Sqrt, bytes),
            "binom" | "dbinom" | "tbinom" => self.push(Kind::Binomial, bytes),
            "approx" | "simeq" => self.push(Kind::Relation { approximate: true }, bytes),
            "left" | "right" | "big" | "Big" | "bigl" | "bigr" | "Bigl" | "Bigr"
            | "displaystyle" | "boxed" | "mathbf" | "textbf" | "bf" => self.skip(bytes, false),
            "quad" | "qquad" | "ne" | "neq" | "le" | "leq" | "ge" | "geq" | "lt" | "gt"
            | "equiv" | "implies" | "Rightarrow" | "rightarrow" | "to" | "iff"
            | "Longrightarrow" | "because" | "therefore" | "newline" => {
                self.push(Kind::Break, bytes);
            }
            "begin" | "end" | "tag" => {
                let argument = self.argument(bytes).map_or(0, |inner| inner.len() + 2);
                self.push(Kind::Break, bytes + argument);
            }
            "text" | "mathrm" | "textrm" | "mbox" | "textit" | "operatorname" | "rm" => {
                match self.argument(bytes) {
                    Some(inner) => self.written(bytes, inner),
                    None => self.push(Kind::Bad, bytes),
                }
            }
            _ => self.push(Kind::Bad, bytes),
        }
    }

    /// Words in a formula: what is counted, or a name.
    fn written(&mut self, command: usize, inner: &str) {
        let bytes = command + inner.len() + 2;
        if inner.trim().is_empty() {
            return self.skip(bytes, true);
        }
        let is_written = |c: char| c.is_alphabetic() || c == ' ' || c == '/' || c == '\'';
        let plain = inner.len() <= MOST_WORD && inner.chars().all(is_written);
        self.spaced = true;
        self.push(if plain { Kind::Word } else { Kind::Bad }, bytes);
        self.spaced = true;
    }

    /// What stands in braces right behind a command of so many bytes.
    fn argument(&self, command: usize) -> Option<&'t str> {
        let behind = self.rest().get(command..)?.strip_prefix('{')?;
        let end = behind.find(['{', '}'])?;
        behind[end..].starts_with('}').then(|| &behind[..end])
    }

    /// A backslash before a sign.
    fn escaped(&mut self, signs: &str) {
        match signs.chars().next() {
            Some('\\') => self.line_end(2),
            Some('$') => self.push(Kind::Dollar, 2),
            Some('%') => self.push(Kind::Percent, 2),
            Some('(' | ')' | '[' | ']') => self.push(Kind::Break, 2),
            Some(',' | ';' | ':' | ' ' | '!' | '>') => self.skip(2, true),
            Some(other) => self.push(Kind::Bad, 1 + other.len_utf8()),
            None => self.push(Kind::Bad, 1),
        }
    }
}

/// The number at the beginning of a text, and its bytes; `None` where it has
/// more digits than anybody calculates with.
fn literal(text: &str) -> (Option<Literal>, usize) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let first = digits(text);
    let mut whole = text.get(..first).unwrap_or_default().to_owned();
    let mut at = first;
    if (1..=3).contains(&first) {
        for separator in [",", "{,}", "\\,", ",\\!"] {
            while let Some(group) = text.get(at..).and_then(|rest| rest.strip_prefix(separator))
                && digits(group) == 3
            {
                whole.push_str(group.get(..3).unwrap_or_default());
                at += separator.len() + 3;
            }
        }
    }
    let behind = text.get(at..).and_then(|rest| rest.strip_prefix('.'));
    let places = behind.map_or(0, digits);
    let behind = behind.and_then(|rest| rest.get(..places));
    if places > 0 {
        at += 1 + places;
    }
    if whole.len() + places > MOST_DIGITS {
        return (None, at);
    }
    let zeros = match places {
        0 => whole.bytes().rev().take_while(|byte| *byte == b'0').count(),
        _ => 0,
    };
    let all = format!("{whole}{}", behind.unwrap_or_default());
    let number = BigInt::parse_bytes(all.as_bytes(), 10);
    // There are at most thirty places.
    let scale = BigInt::from(10).pow(places as u32);
    let value = number.and_then(|number| Fraction::new(number, scale));
    let literal = value.map(|value| Literal {
        value,
        places,
        zeros,
    });
    (literal, at.max(1))
}

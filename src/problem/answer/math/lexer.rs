//! From the text of an answer to tokens.

mod commands;

use num_bigint::BigInt;

use super::number::{self, Fault};
use super::token::{self, Delimiter, Literal, Spaced, Token};
use super::{Others, ParseError, Reading};
use crate::problem::answer::fraction::Fraction;

/// Most tokens of one answer.
const MOST_TOKENS: usize = 20_000;
/// Most layers of `\text{…}` that hold mathematics.
const MOST_LAYERS: u32 = 6;

/// The tokens of a text.
pub(super) struct Lexed {
    pub tokens: Vec<Spaced>,
    pub others: Others,
}

pub(super) fn lex(text: &str, reading: Reading) -> Result<Lexed, ParseError> {
    let mut lexer = Lexer {
        text,
        at: 0,
        spaced: false,
        layers: 0,
        brackets: 0,
        matrices: 0,
        reading,
        out: Lexed {
            tokens: Vec::new(),
            others: Others::default(),
        },
    };
    lexer.run()?;
    Ok(lexer.out)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    spaced: bool,
    layers: u32,
    /// Brackets that are open.
    brackets: u32,
    /// Matrices that are open.
    matrices: u32,
    reading: Reading,
    out: Lexed,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), ParseError> {
        while self.at < self.text.len() {
            if self.out.tokens.len() > MOST_TOKENS {
                return Err(ParseError::TooLong);
            }
            self.next()?;
        }
        Ok(())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn push(&mut self, token: Token, length: usize) {
        match token {
            Token::Open(_) => self.brackets += 1,
            Token::Close(_) => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.out.tokens.push(Spaced {
            token,
            spaced: self.spaced,
            at: self.at,
        });
        self.spaced = false;
        self.at += length;
    }

    fn skip(&mut self, length: usize) {
        self.spaced = true;
        self.at += length;
    }

    fn last(&self) -> Option<&Token> {
        self.out.tokens.last().map(|spaced| &spaced.token)
    }

    fn next(&mut self) -> Result<(), ParseError> {
        let Some(first) = self.rest().chars().next() else {
            return Ok(());
        };
        if first.is_whitespace()
            || matches!(first, '~' | '$' | '\u{200b}' | '\u{2061}' | '\u{feff}')
        {
            self.skip(first.len_utf8());
            return Ok(());
        }
        if first.is_ascii_digit() || first == '.' {
            return self.number();
        }
        if first == '\\' {
            return self.backslash();
        }
        if first.is_ascii_alphabetic() {
            self.word();
            return Ok(());
        }
        if first.is_ascii() {
            return self.sign(first);
        }
        self.beyond_ascii(first)
    }

    fn number(&mut self) -> Result<(), ParseError> {
        if let Some(digits) = digits_in_base(self.rest()) {
            let literal = Literal {
                value: Fraction::zero(),
                whole: Some(digits.to_owned()),
                vulgar: false,
            };
            let length = digits.len();
            self.push(Token::Number(literal), length);
            return Ok(());
        }
        match number::scan(self.rest(), self.reading) {
            Ok(scanned) => {
                // In brackets `(7,421)` may be a pair.
                self.out.others.thousands |= scanned.grouped
                    || self.brackets > 0
                        && self.text[self.at..self.at + scanned.length].contains(',');
                self.out.others.scientific |= scanned.scientific;
                self.push(Token::Number(scanned.literal), scanned.length);
                self.ordinal();
                Ok(())
            }
            Err(Fault::TooLong) => Err(ParseError::TooLong),
            Err(Fault::None) if self.rest().starts_with("...") => {
                self.push(Token::Dots, 3);
                Ok(())
            }
            // A stray full stop ends a sentence.
            Err(Fault::None) => {
                self.skip(1);
                Ok(())
            }
        }
    }

    /// Skips the ending of `5th`.
    fn ordinal(&mut self) {
        let rest = self.rest();
        for ending in ["th", "st", "nd", "rd"] {
            if rest.starts_with(ending)
                && !rest[ending.len()..].starts_with(|c: char| c.is_alphanumeric())
            {
                self.skip(ending.len());
                return;
            }
        }
    }

    /// A run of letters: a known word, one variable, or several letters.
    fn word(&mut self) {
        let rest = self.rest();
        let length = rest
            .char_indices()
            .find(|(_, c)| !c.is_alphabetic() || token::unicode(*c).is_some() || is_greek(*c))
            .map_or(rest.len(), |(at, _)| at);
        let run = rest[..length].to_owned();
        let mut letters = run.chars();
        let first = letters.next();
        if let (Some(letter), None) = (first, letters.next()) {
            if letter == 'x' && self.multiplies(length) {
                self.push(Token::Times, length);
            } else if letter == 'U' && self.unites(length) {
                self.push(Token::Union, length);
            } else {
                self.push(Token::Letter(letter), length);
            }
            return;
        }
        if token::is_currency(&run) {
            self.skip(length);
            return;
        }
        // `30 min` are minutes, `\min(3, 5)` is a function.
        let is_time = matches!(run.as_str(), "sec" | "min")
            && matches!(self.last(), Some(Token::Number(_)))
            && !self.text[self.at + length..]
                .trim_start()
                .starts_with(['(', '^', '{']);
        match token::word(&run).filter(|_| !is_time) {
            Some(token) => {
                self.out.others.common_log |= token == Token::Log;
                self.push(token, length);
            }
            None => self.push(Token::Run(run), length),
        }
    }

    /// Whether an `&` here stands for "and", not for a place to align at.
    fn lists(&self) -> bool {
        let after = &self.rest()[1..];
        let words = after.trim_start();
        self.spaced
            && after.starts_with(char::is_whitespace)
            && words.starts_with(|c: char| c.is_alphanumeric() || c == '-')
    }

    /// Whether a letter U here joins two intervals.
    fn unites(&self, length: usize) -> bool {
        let after = self.text[self.at + length..].trim_start();
        matches!(self.last(), Some(Token::Close(_)))
            && (after.starts_with(['(', '[']) || after.starts_with("\\left"))
    }

    /// Whether an `x` between two numbers is a sign of multiplication.
    fn multiplies(&self, length: usize) -> bool {
        let after = self.text[self.at + length..].trim_start();
        matches!(self.last(), Some(Token::Number(_)))
            && self.spaced
            && after.starts_with(|c: char| c.is_ascii_digit())
            && self.text[self.at + length..].starts_with(char::is_whitespace)
    }

    fn sign(&mut self, first: char) -> Result<(), ParseError> {
        use super::node::Relation as R;
        let two = self.rest().get(..2).unwrap_or_default();
        let (token, length) = match (first, two) {
            (_, "**") => (Token::Caret, 2),
            (_, "<=" | "=<") => (Token::Relation(R::LessEqual), 2),
            (_, ">=") => (Token::Relation(R::GreaterEqual), 2),
            (_, "!=") => (Token::Relation(R::NotEqual), 2),
            (_, "=>" | "->") => (Token::Implies, 2),
            (_, "==" | ":=") => (Token::Relation(R::Equal), 2),
            (_, "+-") => (Token::PlusMinus, 2),
            ('+', _) if self.rest().starts_with("+/-") => (Token::PlusMinus, 3),
            ('+', _) => (Token::Plus, 1),
            ('-', _) => (Token::Minus, 1),
            ('*', _) => (Token::Times, 1),
            ('/', _) => (Token::Slash, 1),
            ('^', _) => (Token::Caret, 1),
            ('_', _) => (Token::Underscore, 1),
            ('!', _) => (Token::Bang, 1),
            ('%', _) => (Token::Percent, 1),
            ('\'', _) => (Token::Prime, 1),
            (',', _) => (Token::Comma, 1),
            (';', _) => (Token::Semicolon, 1),
            (':', _) => (Token::Colon, 1),
            ('=', _) => (Token::Relation(R::Equal), 1),
            ('<', _) => (Token::Relation(R::Less), 1),
            ('>', _) => (Token::Relation(R::Greater), 1),
            ('|', _) => (Token::Bar, 1),
            ('(', _) => (Token::Open(Delimiter::Round), 1),
            (')', _) => (Token::Close(Delimiter::Round), 1),
            ('[', _) => (Token::Open(Delimiter::Square), 1),
            (']', _) => (Token::Close(Delimiter::Square), 1),
            ('{', _) if self.rest().starts_with("{:}") => (Token::Colon, 3),
            ('{', _) => (Token::OpenGroup, 1),
            ('}', _) => (Token::CloseGroup, 1),
            ('&', _) if self.in_matrix() => (Token::Ampersand, 1),
            ('&', _) if self.lists() => (Token::And, 1),
            ('&' | '`' | '"', _) => {
                self.skip(1);
                return Ok(());
            }
            ('?' | '#' | '@', _) => return Err(ParseError::Sign(first)),
            // Control characters are no mathematics.
            _ => {
                self.skip(1);
                return Ok(());
            }
        };
        self.push(token, length);
        Ok(())
    }

    fn beyond_ascii(&mut self, first: char) -> Result<(), ParseError> {
        let length = first.len_utf8();
        if let Some((num, den)) = token::vulgar(first) {
            let value = Fraction::new(BigInt::from(num), BigInt::from(den));
            self.push(
                Token::Number(Literal {
                    value: value.unwrap_or_else(Fraction::zero),
                    whole: None,
                    vulgar: true,
                }),
                length,
            );
            return Ok(());
        }
        if token::raised(first).is_some() {
            return self.script(Token::Caret, token::raised);
        }
        if token::lowered(first).is_some() {
            return self.script(Token::Underscore, token::lowered);
        }
        if let Some(token) = token::unicode(first) {
            self.push(token, length);
            return Ok(());
        }
        if token::is_currency_sign(first) || matches!(first, '“' | '”' | '‘' | '「' | '」')
        {
            self.skip(length);
            return Ok(());
        }
        if is_greek(first) {
            self.push(Token::Letter(first), length);
            return Ok(());
        }
        if first.is_alphabetic() {
            self.word();
            return Ok(());
        }
        Err(ParseError::Sign(first))
    }

    /// A run of raised or lowered characters as a group.
    fn script(&mut self, mark: Token, plain: fn(char) -> Option<char>) -> Result<(), ParseError> {
        let mut content = String::new();
        let mut length = 0;
        for c in self.rest().chars() {
            let Some(c_plain) = plain(c) else { break };
            content.push(c_plain);
            length += c.len_utf8();
        }
        self.push(mark, 0);
        self.push(Token::OpenGroup, 0);
        if self.layers < MOST_LAYERS {
            self.splice(&content)?;
        }
        self.push(Token::CloseGroup, length);
        Ok(())
    }
}

fn is_greek(c: char) -> bool {
    matches!(c, 'α'..='ω' | 'Α'..='Ω' | 'ϕ' | 'ϵ' | 'ℓ')
}

/// Digits with letters among them, before a subscript that makes them digits:
/// `2A_{16}`.
fn digits_in_base(text: &str) -> Option<&str> {
    let length = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (digits, rest) = text.split_at(length);
    let base = rest.strip_prefix('_')?.trim_start_matches('{');
    let has_letters = digits.contains(|c: char| c.is_ascii_alphabetic());
    // Below eleven no letter is a digit.
    let high = ["11", "12", "13", "14", "15", "16"]
        .iter()
        .any(|high| base.starts_with(high));
    (has_letters && high).then_some(digits)
}

//! What is written after a value: units, moduli, bases in words.

use super::super::ParseError;
use super::super::node::Node;
use super::super::token::{Delimiter, Token};
use super::super::words;
use super::Parser;

impl Parser<'_> {
    /// `7 \pmod{5}`: kept as what is written after the value.
    pub(super) fn modulus(&mut self, value: Node) -> Result<Node, ParseError> {
        self.expect(&Token::Mod)?;
        let from = self.at;
        let modulus = match self.argument()? {
            Node::Number(modulus) => modulus.to_string(),
            _ => self.source(from),
        };
        Ok(Node::Quantity {
            value: Box::new(value),
            unit: format!("mod {}", modulus.trim_matches(['(', ')'])),
        })
    }

    /// Whether a unit or a remark begins `ahead` tokens from here.
    pub(super) fn at_unit(&self, ahead: usize) -> bool {
        let spaced = self
            .tokens
            .get(self.at + ahead)
            .is_some_and(|spaced| spaced.spaced);
        match self.peek_at(ahead) {
            Some(Token::Text(_)) => true,
            Some(Token::Run(run)) => words::is_unit(run) || spaced && words::is_word(run),
            _ => false,
        }
    }

    /// Whether the fraction here is one of units.
    pub(super) fn at_fraction_of_units(&self) -> bool {
        self.peek_at(1) == Some(&Token::OpenGroup)
            && match self.peek_at(2) {
                Some(Token::Text(_)) => true,
                Some(Token::Run(run)) => words::is_unit(run),
                _ => false,
            }
    }

    /// `52 (base 8)`, `52 base 8`: the base after the digits.
    pub(super) fn base_remark(&mut self) -> Option<i64> {
        let bracketed = self.peek() == Some(&Token::Open(Delimiter::Round));
        let ahead = usize::from(bracketed);
        let says_base = match self.peek_at(ahead) {
            Some(Token::Run(word) | Token::Text(word)) => word.eq_ignore_ascii_case("base"),
            _ => false,
        };
        let base = match self.peek_at(ahead + 1) {
            Some(Token::Number(literal)) if says_base => literal.value.to_i64(),
            Some(Token::Run(word) | Token::Text(word)) if says_base => words::number(word),
            _ => None,
        }?;
        let closed = !bracketed || self.peek_at(ahead + 2) == Some(&Token::Close(Delimiter::Round));
        if !closed || !(2..=64).contains(&base) {
            return None;
        }
        self.at += ahead + 2 + ahead;
        Some(base)
    }

    /// Takes the unit here: words, `/`, `per`, and their powers.
    pub(super) fn with_unit(&mut self, value: Node) -> Node {
        let mut unit = String::new();
        loop {
            match self.peek() {
                Some(Token::Text(word) | Token::Run(word)) => {
                    if !unit.is_empty() && !unit.ends_with('/') {
                        unit.push(' ');
                    }
                    unit.push_str(&word.to_lowercase());
                    self.at += 1;
                }
                Some(Token::Slash | Token::Times)
                    if matches!(
                        self.peek_at(1),
                        Some(Token::Text(_) | Token::Run(_) | Token::Letter(_))
                    ) =>
                {
                    unit.push('/');
                    self.at += 1;
                    if let Some(Token::Letter(letter)) = self.peek() {
                        unit.push(*letter);
                        self.at += 1;
                    }
                }
                Some(Token::Caret) => {
                    self.at += 1;
                    // A unit's power says nothing of the value.
                    if self.exponent().is_err() {
                        break;
                    }
                }
                // The `a` of "times a day".
                Some(Token::Letter('a')) if self.is_spaced() => self.at += 1,
                _ => break,
            }
        }
        if words::is_percent(&unit) {
            return Node::Percent(Box::new(value));
        }
        if let Some(times) = words::multiplier(&unit) {
            return Node::Product(vec![value, Node::integer(times)]);
        }
        if let Some(parts) = words::divisor(&unit) {
            return Node::quotient(value, Node::integer(parts));
        }
        Node::Quantity {
            value: Box::new(value),
            unit,
        }
    }
}

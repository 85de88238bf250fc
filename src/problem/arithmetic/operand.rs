//! One side of an equality: a calculation of numbers and nothing else.
//!
//! What can be read in two ways is not read: a mixed number or a product
//! (`2\frac12`), `6/2(3)`, a date (`3/4/20`), the power of a signed number.

use std::ops::Range;
use std::rc::Rc;

use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::{Function, Node};

use super::token::{Kind, Literal, Token};
use super::words;

/// Brackets within brackets.
const DEEPEST: usize = 12;
/// Words of a unit: `square feet of carpet`.
const UNIT_WORDS: usize = 3;

/// A side that was read.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    /// Numbers that may be rounded are symbols in it.
    pub node: Node,
    /// Those: value and digits behind the point.
    pub rounded: Vec<(Rc<str>, Literal)>,
    pub operators: usize,
    pub has_percent: bool,
    pub has_dollar: bool,
    /// Words of what is counted, as they are written.
    pub units: Vec<String>,
    /// The only number, where nothing is done to it.
    pub bare: Option<Literal>,
    /// The first number.
    pub first: Option<Fraction>,
    /// Bytes in the text.
    pub span: Range<usize>,
}

/// Nothing that this grammar reads.
pub(super) struct Unread;

type Parsing = Result<Node, Unread>;

/// Reads as much from the beginning of `tokens` as is a calculation; returns
/// the number of tokens it takes.
pub(super) fn beginning(text: &str, tokens: &[Token]) -> Option<(Operand, usize)> {
    let mut parser = Parser::new(text, tokens);
    let node = parser.sum().ok()?;
    let taken = parser.at;
    Some((parser.operand(node)?, taken))
}

/// Reads all of `tokens` as one calculation, units behind it included.
pub(super) fn whole(text: &str, tokens: &[Token]) -> Option<Operand> {
    let mut parser = Parser::new(text, tokens);
    let node = parser.sum().ok()?;
    parser.dollars();
    parser.last_units();
    (parser.at == tokens.len()).then(|| parser.operand(node))?
}

struct Parser<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    rounded: Vec<(Rc<str>, Literal)>,
    operators: usize,
    has_percent: bool,
    has_dollar: bool,
    units: Vec<String>,
    literals: Vec<Literal>,
    /// The end of the last token that is part of the calculation.
    end: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, tokens: &'t [Token]) -> Self {
        Self {
            text,
            tokens,
            at: 0,
            depth: 0,
            rounded: Vec::new(),
            operators: 0,
            has_percent: false,
            has_dollar: false,
            units: Vec::new(),
            literals: Vec::new(),
            end: 0,
        }
    }

    fn operand(self, node: Node) -> Option<Operand> {
        let signs = |token: &&Token| token.kind != Kind::Dollar;
        let start = self.tokens.iter().find(signs)?.start;
        // `\left` belongs to the bracket behind it.
        let before = self.text.get(..start).unwrap_or_default();
        let start = start - if before.ends_with("\\left") { 5 } else { 0 };
        let alone = self.operators == 0 && self.literals.len() == 1 && !self.has_percent;
        Some(Operand {
            node,
            rounded: self.rounded,
            operators: self.operators,
            has_percent: self.has_percent,
            has_dollar: self.has_dollar,
            units: self.units,
            bare: self.literals.first().filter(|_| alone).cloned(),
            first: self.literals.first().map(|first| first.value.clone()),
            span: start..self.end.max(start),
        })
    }

    /// Passes over signs of money, which are delimiters of formulas as well.
    fn dollars(&mut self) {
        while let Some(token) = self.tokens.get(self.at)
            && token.kind == Kind::Dollar
        {
            self.has_dollar = true;
            self.at += 1;
        }
    }

    fn token(&mut self) -> Option<&'t Token> {
        self.dollars();
        self.tokens.get(self.at)
    }

    fn kind(&mut self) -> Option<&'t Kind> {
        self.token().map(|token| &token.kind)
    }

    fn take(&mut self) {
        if let Some(token) = self.tokens.get(self.at) {
            self.end = token.end;
        }
        self.at += 1;
    }

    fn takes(&mut self, kind: &Kind) -> bool {
        let comes = self.kind() == Some(kind);
        if comes {
            self.take();
        }
        comes
    }

    fn needs(&mut self, kind: &Kind) -> Result<(), Unread> {
        self.takes(kind).then_some(()).ok_or(Unread)
    }

    fn sum(&mut self) -> Parsing {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unread);
        }
        let mut terms = vec![self.signed(Self::product)?];
        loop {
            let back = (self.at, self.end, self.units.len());
            self.units_before_operator();
            let sign = self.kind();
            let goes_on = matches!(sign, Some(Kind::Plus | Kind::Minus)) && {
                self.take();
                self.begins_value()
            };
            if !goes_on {
                self.units.truncate(back.2);
                (self.at, self.end) = (back.0, back.1);
                break;
            }
            self.operators += 1;
            let term = self.product()?;
            terms.push(match sign {
                Some(Kind::Minus) => term.negated(),
                _ => term,
            });
        }
        self.depth -= 1;
        Ok(match terms.len() {
            1 => terms.pop().ok_or(Unread)?,
            _ => Node::Sum(terms),
        })
    }

    /// A value that may have a minus.
    fn signed(&mut self, value: fn(&mut Self) -> Parsing) -> Parsing {
        if !self.takes(&Kind::Minus) {
            return value(self);
        }
        let before = self.at;
        let value = value(self)?;
        // Whether `-2^2` is meant to be 4 nobody knows.
        let powers = |token: &Token| token.kind == Kind::Power;
        match self.tokens[before..self.at.min(self.tokens.len())]
            .iter()
            .take(2)
            .any(powers)
        {
            true => Err(Unread),
            false => Ok(value.negated()),
        }
    }

    fn product(&mut self) -> Parsing {
        let mut value = self.factor()?;
        let mut tight_slashes = 0;
        let mut last_divided = false;
        loop {
            let back = (self.at, self.end, self.units.len());
            self.units_before_operator();
            let Some(token) = self.token() else {
                break;
            };
            let percent_or_part = matches!(value, Node::Percent(_) | Node::Quotient(..));
            match &token.kind {
                Kind::Times => {}
                Kind::Divide => {
                    tight_slashes += usize::from(!token.spaced);
                    if tight_slashes > 1 {
                        return Err(Unread);
                    }
                }
                // `20% of 50`, `3/4 of 20`.
                Kind::Word if percent_or_part && self.written(token) == "of" => {}
                Kind::Open('(' | '[') | Kind::Sqrt if !token.spaced => {
                    if last_divided || self.is_repetition() {
                        return Err(Unread);
                    }
                    self.operators += 1;
                    let factor = self.factor()?;
                    value = times(value, factor);
                    continue;
                }
                _ => {
                    self.units.truncate(back.2);
                    (self.at, self.end) = (back.0, back.1);
                    break;
                }
            }
            let divides = token.kind == Kind::Divide;
            self.take();
            if !self.begins_value() {
                self.units.truncate(back.2);
                (self.at, self.end) = (back.0, back.1);
                break;
            }
            self.operators += 1;
            let factor = self.signed(Self::factor)?;
            last_divided = divides;
            value = match divides {
                true => Node::quotient(value, factor),
                false => times(value, factor),
            };
        }
        Ok(value)
    }

    /// Whether a bracket right here writes digits that repeat: `0.1(6)`.
    fn is_repetition(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        matches!(before.map(|token| &token.kind), Some(Kind::Number(literal)) if literal.places > 0)
    }

    fn begins_value(&mut self) -> bool {
        matches!(
            self.kind(),
            Some(
                Kind::Number(_)
                    | Kind::Open(_)
                    | Kind::Frac
                    | Kind::Sqrt
                    | Kind::Binomial
                    | Kind::Minus
            )
        )
    }

    fn factor(&mut self) -> Parsing {
        let mut value = self.base()?;
        let mut powers = 0;
        loop {
            let Some(token) = self.tokens.get(self.at) else {
                return Ok(value);
            };
            match token.kind {
                Kind::Power if powers == 0 => {
                    powers += 1;
                    self.operators += 1;
                    self.take();
                    let exponent = self.signed(Self::base)?;
                    value = Node::power(value, exponent);
                }
                Kind::Bang => {
                    self.operators += 1;
                    self.take();
                    value = Node::Call(Function::Factorial, vec![value]);
                }
                Kind::Percent => {
                    self.has_percent = true;
                    self.take();
                    value = Node::Percent(Box::new(value));
                }
                Kind::Degree => {
                    self.units.push("degree".to_owned());
                    self.take();
                }
                Kind::Power | Kind::Number(_) | Kind::Frac => return Err(Unread),
                _ => return Ok(value),
            }
        }
    }

    fn base(&mut self) -> Parsing {
        let token = self.token().ok_or(Unread)?;
        match &token.kind {
            Kind::Number(literal) => {
                self.take();
                Ok(self.number(literal))
            }
            Kind::Open(sign) => {
                let close = match sign {
                    '(' => ')',
                    '[' => ']',
                    _ => '}',
                };
                self.take();
                let value = self.sum()?;
                self.needs(&Kind::Close(close))?;
                Ok(value)
            }
            Kind::Frac => {
                self.take();
                self.operators += 1;
                let above = self.argument()?;
                let below = self.argument()?;
                Ok(Node::quotient(above, below))
            }
            Kind::Binomial => {
                self.take();
                self.operators += 1;
                let (above, below) = (self.argument()?, self.argument()?);
                Ok(Node::Call(Function::Binomial, vec![above, below]))
            }
            Kind::Sqrt => {
                self.take();
                self.operators += 1;
                let mut index = Node::integer(2);
                if self.takes(&Kind::Open('[')) {
                    index = self.sum()?;
                    self.needs(&Kind::Close(']'))?;
                }
                let radicand = self.argument()?;
                Ok(Node::Root(Box::new(radicand), Box::new(index)))
            }
            _ => Err(Unread),
        }
    }

    /// What a command takes: something in brackets, or one number.
    fn argument(&mut self) -> Parsing {
        match self.kind() {
            Some(Kind::Open(_) | Kind::Number(_)) => self.base(),
            _ => Err(Unread),
        }
    }

    fn number(&mut self, literal: &Literal) -> Node {
        /// From so many digits behind the point on a number may be rounded.
        const ROUNDED: usize = 2;
        self.literals.push(literal.clone());
        if literal.places < ROUNDED {
            return Node::Number(literal.value.clone());
        }
        let name: Rc<str> = Rc::from(format!("rounded {}", self.rounded.len()));
        self.rounded.push((Rc::clone(&name), literal.clone()));
        Node::Symbol(name)
    }

    fn written(&self, token: &Token) -> &'t str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Takes the words of a unit where an operator follows.
    fn units_before_operator(&mut self) {
        let (back, end) = (self.at, self.end);
        let known = self.units.len();
        self.take_units();
        let token = self.tokens.get(self.at).map(|token| &token.kind);
        if !matches!(
            token,
            Some(Kind::Times | Kind::Divide | Kind::Plus | Kind::Minus)
        ) {
            (self.at, self.end) = (back, end);
            self.units.truncate(known);
        }
    }

    /// Takes the words of a unit at the end of the side.
    fn last_units(&mut self) {
        let (back, end) = (self.at, self.end);
        self.take_units();
        if self.at < self.tokens.len() {
            (self.at, self.end) = (back, end);
        }
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind == Kind::Word)
    }

    /// Tokens of a remark in brackets: `7995 (all cookies) - 2595`.
    fn remark(&self) -> Option<usize> {
        let rest = self.tokens.get(self.at..)?;
        let first = rest.first().filter(|first| first.spaced)?;
        let words = rest
            .iter()
            .skip(1)
            .take_while(|token| token.kind == Kind::Word);
        let end = 1 + words.count();
        let closed = rest
            .get(end)
            .is_some_and(|token| token.kind == Kind::Close(')'));
        (first.kind == Kind::Open('(') && end > 1 && closed).then_some(end + 1)
    }

    /// `feet`, `miles per hour`, `miles/hour`, `cm`, `$15/student`, with a
    /// remark in brackets.
    fn take_units(&mut self) {
        let mut words = 0;
        while words < UNIT_WORDS
            && let Some(token) = self.tokens.get(self.at)
        {
            let of_unit = |token: &Token| {
                let word = command_argument(self.written(token));
                let apart = token.spaced || words::measure(word).is_some();
                token.kind == Kind::Word && apart && words::is_unit(word)
            };
            if of_unit(token) {
                self.units
                    .push(command_argument(self.written(token)).to_lowercase());
            } else if token.kind == Kind::Divide && self.is_word(self.at + 1) {
                self.at += 1;
                let per = self.tokens.get(self.at).map(|token| self.written(token));
                self.units
                    .extend(per.map(|word| command_argument(word).to_lowercase()));
            } else if let Some(length) = self.remark() {
                self.at += length;
                continue;
            } else {
                break;
            }
            words += 1;
            self.at += 1;
        }
    }
}

/// The words in `\text{…}`, or the word itself.
pub(super) fn command_argument(word: &str) -> &str {
    let inner = word.split_once('{').map_or(word, |(_, inner)| inner);
    inner.trim_end_matches('}').trim()
}

fn times(a: Node, b: Node) -> Node {
    Node::Product(vec![a, b])
}

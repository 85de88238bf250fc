//! Products, quotients and powers, with units and words after a value.

use super::super::ParseError;
use super::super::node::{Function, Node};
use super::super::token::{Delimiter, Literal, Token, lowered};
use super::super::words;
use super::primary::LOOK_AHEAD;
use super::{LONGEST_CHAIN, Parser};
use crate::problem::answer::fraction::Fraction;

impl Parser<'_> {
    /// `2 \cdot x / 3 y`, mixed numbers, and a unit at the end.
    pub(super) fn product(&mut self) -> Result<Node, ParseError> {
        let literal = self.literal();
        let first = self.factor()?;
        let mut value = match literal {
            Some(literal) => {
                if let Some(digits) = &literal.whole
                    && matches!(first, Node::Number(_))
                    && let Some(base) = self.base_remark()
                {
                    let digits = digits.clone();
                    return Ok(Node::InBase { digits, base });
                }
                self.mixed(&literal, first)?
            }
            None => first,
        };
        // Whether the last factor is a bare literal, after which another is
        // no product.
        let mut after_literal = matches!(value, Node::Number(_));
        let mut quotients = 0;
        loop {
            let is_literal = self.literal().is_some();
            match self.peek() {
                Some(Token::Times) => {
                    self.at += 1;
                    let factor = self.signed_factor()?;
                    value = times(value, factor);
                }
                Some(Token::Slash) => {
                    if self.at_unit(1) {
                        return Ok(self.with_unit(value));
                    }
                    self.at += 1;
                    quotients += 1;
                    if quotients > LONGEST_CHAIN {
                        return Err(ParseError::TooDeep);
                    }
                    let below = self.signed_factor()?;
                    value = Node::quotient(value, below);
                }
                Some(Token::Mod) => return self.modulus(value),
                // 25 °C
                Some(Token::Letter(scale @ ('C' | 'F'))) if matches!(value, Node::Degrees(_)) => {
                    let unit = scale.to_string();
                    self.at += 1;
                    return Ok(Node::Quantity {
                        value: Box::new(value),
                        unit,
                    });
                }
                // `7 choose 2`, where no braces are there to be split.
                Some(Token::Choose) if self.at == 1 => {
                    self.at += 1;
                    let below = self.factor()?;
                    value = Node::Call(Function::Binomial, vec![value, below]);
                }
                _ if self.at_unit(0) => return Ok(self.with_unit(value)),
                Some(Token::Frac) if self.at_fraction_of_units() => {
                    // `\frac{\text{m}}{\text{s}}`
                    self.factor()?;
                    return Ok(Node::Quantity {
                        value: Box::new(value),
                        unit: "a fraction".to_owned(),
                    });
                }
                Some(_) if self.begins_factor() => {
                    if after_literal && is_literal {
                        return Err(self.unexpected());
                    }
                    let factor = self.factor()?;
                    value = times(value, factor);
                }
                _ => return Ok(value),
            }
            after_literal = is_literal;
        }
    }

    fn literal(&self) -> Option<Literal> {
        match self.peek() {
            Some(Token::Number(literal)) => Some(literal.clone()),
            _ => None,
        }
    }

    /// `2\frac12`, `2 1/2`, `2½`: the sum, never the product.
    fn mixed(&mut self, whole: &Literal, first: Node) -> Result<Node, ParseError> {
        let untouched = matches!(&first, Node::Number(value) if *value == whole.value);
        if whole.whole.is_none() || !untouched {
            return Ok(first);
        }
        let part = match self.peek() {
            Some(Token::Number(part)) if part.vulgar => {
                let value = part.value.clone();
                self.at += 1;
                Some(value)
            }
            Some(Token::Number(above)) if self.is_spaced() && above.whole.is_some() => {
                match (self.peek_at(1), self.peek_at(2)) {
                    (Some(Token::Slash), Some(Token::Number(below))) => {
                        let part = proper(&above.value, &below.value);
                        self.at += if part.is_some() { 3 } else { 0 };
                        part
                    }
                    _ => None,
                }
            }
            Some(Token::OpenGroup) if self.peek_at(1) == Some(&Token::Frac) => {
                let fraction = self.factor()?;
                return Ok(mixed_with(first, fraction));
            }
            Some(Token::Frac) if !self.at_fraction_of_units() => {
                let fraction = self.factor()?;
                return Ok(mixed_with(first, fraction));
            }
            _ => None,
        };
        Ok(match part {
            Some(part) => Node::Sum(vec![first, Node::Number(part)]),
            None => first,
        })
    }

    /// A factor that may have a sign: `2 \cdot -3`.
    fn signed_factor(&mut self) -> Result<Node, ParseError> {
        match self.peek() {
            Some(Token::Minus) => {
                self.at += 1;
                self.deeper(|parser| Ok(parser.signed_factor()?.negated()))
            }
            Some(Token::Plus) => {
                self.at += 1;
                self.deeper(Self::signed_factor)
            }
            _ => self.factor(),
        }
    }

    /// A primary with everything raised, lowered or written after it.
    pub(super) fn factor(&mut self) -> Result<Node, ParseError> {
        self.deeper(|parser| {
            let start = parser.at;
            let base = parser.primary()?;
            parser.postfix(base, start)
        })
    }

    fn postfix(&mut self, mut node: Node, start: usize) -> Result<Node, ParseError> {
        for _ in 0..LONGEST_CHAIN {
            match self.peek() {
                Some(Token::Caret) => {
                    self.at += 1;
                    let bare = self.is_bare_run(start);
                    node = self.raised(node, bare)?;
                }
                Some(Token::Underscore) => {
                    self.at += 1;
                    node = self.lowered(node, start)?;
                }
                Some(Token::Bang) => {
                    self.at += 1;
                    let function = if self.eat(&Token::Bang) {
                        Function::DoubleFactorial
                    } else {
                        Function::Factorial
                    };
                    node = match node {
                        Node::Letters(letters) if self.is_bare_run(start) => {
                            let mut factors: Vec<Node> =
                                letters.chars().map(Node::of_letter).collect();
                            let last = factors.pop().into_iter().collect();
                            factors.push(Node::Call(function, last));
                            Node::product(factors)
                        }
                        other => Node::Call(function, vec![other]),
                    };
                }
                Some(Token::Percent) => {
                    self.at += 1;
                    node = Node::Percent(Box::new(node));
                }
                Some(Token::Degree) => {
                    self.at += 1;
                    node = Node::Degrees(Box::new(node));
                }
                Some(Token::Prime) => {
                    self.at += 1;
                    match node {
                        Node::Symbol(name) => node = Node::symbol(&format!("{name}'")),
                        // Minutes of arc and feet are units.
                        other => node = other,
                    }
                }
                _ => return Ok(node),
            }
        }
        Err(ParseError::TooDeep)
    }

    /// After `^`: a degree sign, an ordinal's ending, or an exponent.
    fn raised(&mut self, base: Node, bare: bool) -> Result<Node, ParseError> {
        if self.eat(&Token::Degree) {
            return Ok(Node::Degrees(Box::new(base)));
        }
        if self.eat(&Token::Prime) {
            return Ok(match base {
                Node::Symbol(name) => Node::symbol(&format!("{name}'")),
                other => other,
            });
        }
        let is_o = |token: Option<&Token>| match token {
            Some(Token::Letter('o')) => true,
            Some(Token::Text(text)) => text == "o",
            _ => false,
        };
        if is_o(self.peek()) {
            self.at += 1;
            return Ok(Node::Degrees(Box::new(base)));
        }
        if self.peek() == Some(&Token::OpenGroup) {
            match (self.peek_at(1), self.peek_at(2)) {
                (Some(Token::Degree), Some(Token::CloseGroup)) => {
                    self.at += 3;
                    return Ok(Node::Degrees(Box::new(base)));
                }
                (letter, Some(Token::CloseGroup)) if is_o(letter) => {
                    self.at += 3;
                    return Ok(Node::Degrees(Box::new(base)));
                }
                (Some(Token::Text(end) | Token::Run(end)), Some(Token::CloseGroup))
                    if matches!(end.as_str(), "th" | "st" | "nd" | "rd") =>
                {
                    self.at += 3;
                    return Ok(base);
                }
                _ => {}
            }
        }
        let exponent = self.exponent()?;
        // Of several letters only the last is raised.
        if let (Node::Letters(letters), true) = (&base, bare) {
            let mut factors: Vec<Node> = letters.chars().map(Node::of_letter).collect();
            if let Some(last) = factors.pop() {
                factors.push(Node::power(last, exponent));
            }
            return Ok(Node::product(factors));
        }
        Ok(Node::power(base, exponent))
    }

    /// `{n+1}`, `(n+1)`, `-1`, `2`: in plain text all digits are raised.
    pub(super) fn exponent(&mut self) -> Result<Node, ParseError> {
        match self.peek() {
            Some(Token::Minus) => {
                self.at += 1;
                self.deeper(|parser| Ok(parser.exponent()?.negated()))
            }
            Some(Token::Plus) => {
                self.at += 1;
                self.deeper(Self::exponent)
            }
            // Of `2^nn` only one letter is raised.
            Some(Token::Run(_)) => Ok(self.first_letter()),
            // `2^3^2` groups to the right.
            _ => self.deeper(|parser| {
                let base = parser.primary()?;
                if parser.eat(&Token::Caret) {
                    let exponent = parser.exponent()?;
                    return Ok(Node::power(base, exponent));
                }
                if parser.eat(&Token::Bang) {
                    return Ok(Node::Call(Function::Factorial, vec![base]));
                }
                Ok(base)
            }),
        }
    }

    /// Whether the letters that begin at the token `start` stand by themselves,
    /// not in brackets: what follows belongs to the last one.
    fn is_bare_run(&self, start: usize) -> bool {
        matches!(
            self.tokens.get(start).map(|spaced| &spaced.token),
            Some(Token::Run(_))
        )
    }

    /// The first letter of the run here; the others stay.
    pub(super) fn first_letter(&mut self) -> Node {
        let place = self.at;
        let Some(Token::Run(run)) = self.tokens.get(place).map(|spaced| spaced.token.clone())
        else {
            return Node::Words(String::new());
        };
        let mut letters = run.chars();
        let first = letters.next().unwrap_or_default();
        let rest = letters.as_str();
        let mut others = rest.chars();
        let left = match (others.next(), others.next()) {
            (Some(letter), None) => Token::Letter(letter),
            _ => Token::Run(rest.to_owned()),
        };
        self.tokens[place].token = left;
        self.tokens[place].spaced = false;
        Node::of_letter(first)
    }

    /// After `_`: the base of a number, or more of a variable's name.
    fn lowered(&mut self, node: Node, start: usize) -> Result<Node, ParseError> {
        let from = self.at;
        if matches!(node, Node::Symbol(_) | Node::Constant(_)) {
            self.skip_argument()?;
            return self.subscripted(node, from);
        }
        let below = self.argument()?;
        let digits = match self.tokens.get(start).map(|spaced| &spaced.token) {
            Some(Token::Number(literal)) if matches!(node, Node::Number(_)) => {
                literal.whole.clone()
            }
            _ => match &node {
                Node::Number(value) => value.to_integer().map(|value| value.to_string()),
                Node::Letters(letters) if letters.chars().all(|c| c.is_ascii_uppercase()) => {
                    Some(letters.to_string())
                }
                _ => None,
            },
        };
        if let Some(digits) = digits
            && let Some(base) = base_of(&below)
        {
            return Ok(Node::InBase { digits, base });
        }
        self.subscripted(node, from)
    }

    /// Leaves out the argument here, whatever it says: part of a name.
    fn skip_argument(&mut self) -> Result<(), ParseError> {
        let mut depth = 0_u32;
        loop {
            match self.next() {
                Some(Token::OpenGroup) => depth += 1,
                Some(Token::CloseGroup) if depth == 0 => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
                Some(Token::CloseGroup) => depth -= 1,
                Some(_) => {}
                None => return Err(ParseError::Ended),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// A name with the subscript that begins at the token `from`.
    fn subscripted(&self, node: Node, from: usize) -> Result<Node, ParseError> {
        let subscript = self.source(from);
        match node {
            Node::Symbol(name) => Ok(Node::symbol(&format!("{name}_{subscript}"))),
            Node::Constant(constant) => {
                // `e_1`, `i_1` are names.
                let letter = match constant {
                    super::super::node::Constant::E => "e",
                    super::super::node::Constant::I => "i",
                    _ => return Err(self.unexpected()),
                };
                Ok(Node::symbol(&format!("{letter}_{subscript}")))
            }
            Node::Letters(letters) => {
                let mut factors: Vec<Node> = letters.chars().map(Node::of_letter).collect();
                if let Some(last) = letters.chars().next_back() {
                    factors.pop();
                    factors.push(Node::symbol(&format!("{last}_{subscript}")));
                }
                Ok(Node::product(factors))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The text of the tokens from `from` to here, without blanks and braces.
    pub(super) fn source(&self, from: usize) -> String {
        let begin = self.tokens.get(from).map_or(0, |spaced| spaced.at);
        let end = self
            .tokens
            .get(self.at)
            .map_or(self.text.len(), |spaced| spaced.at);
        self.text
            .get(begin..end)
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '{' | '}' | '$' | '_'))
            .map(|c| lowered(c).unwrap_or(c))
            .collect()
    }

    fn begins_factor(&self) -> bool {
        match self.peek() {
            Some(
                Token::Number(_)
                | Token::Letter(_)
                | Token::Run(_)
                | Token::Constant(_)
                | Token::Function(_)
                | Token::Log
                | Token::Sqrt
                | Token::Cbrt
                | Token::FourthRoot
                | Token::Frac
                | Token::Binom
                | Token::OpenGroup
                | Token::Accent(_)
                | Token::Sign(_)
                | Token::Sum
                | Token::Product
                | Token::Begin(_),
            ) => true,
            Some(Token::Open(delimiter)) => *delimiter != Delimiter::Brace,
            Some(Token::Bar) => self.bars == 0 && !self.closes_set(),
            _ => false,
        }
    }

    /// Whether the bar here is the "such that" of a set: no other bar follows
    /// before the set ends.
    fn closes_set(&self) -> bool {
        !self.tokens[self.at + 1..]
            .iter()
            .take(LOOK_AHEAD)
            .take_while(|spaced| spaced.token != Token::Close(Delimiter::Brace))
            .any(|spaced| spaced.token == Token::Bar)
    }
}

/// A whole number and the fraction after it: their sum where the fraction is a
/// proper one, with what is written after both; their product otherwise.
fn mixed_with(whole: Node, fraction: Node) -> Node {
    match fraction {
        Node::Percent(inner) => Node::Percent(Box::new(mixed_with(whole, *inner))),
        Node::Degrees(inner) => Node::Degrees(Box::new(mixed_with(whole, *inner))),
        Node::Quotient(above, below) => {
            let part = match (&*above, &*below) {
                (Node::Number(above), Node::Number(below)) => proper(above, below),
                _ => None,
            };
            match part {
                Some(part) => Node::Sum(vec![whole, Node::Number(part)]),
                None => times(whole, Node::Quotient(above, below)),
            }
        }
        other => times(whole, other),
    }
}

fn times(left: Node, right: Node) -> Node {
    match left {
        Node::Product(mut factors) => {
            factors.push(right);
            Node::Product(factors)
        }
        other => Node::Product(vec![other, right]),
    }
}

/// `above / below` where it is below 1, both being whole.
fn proper(above: &Fraction, below: &Fraction) -> Option<Fraction> {
    let whole = above.is_integer() && below.is_integer();
    if !whole || above.is_negative() || !above.less(below) {
        return None;
    }
    Fraction::new(above.to_integer()?, below.to_integer()?)
}

/// The base that a subscript names.
fn base_of(below: &Node) -> Option<i64> {
    match below {
        Node::Number(value) => value.to_i64(),
        Node::Neg(inner) => base_of(inner).map(|base| -base),
        Node::Letters(word) => words::number(word),
        Node::Words(word) => words::number(word),
        _ => None,
    }
    .filter(|base| (2..=64).contains(&base.abs()))
}

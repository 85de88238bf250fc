//! The smallest pieces: numbers, letters, functions, brackets, words.

use super::super::ParseError;
use super::super::node::{Constant, Function, Node};
use super::super::token::{Delimiter, Token};
use super::super::words;
use super::Parser;
use crate::problem::answer::fraction::Fraction;

/// Most tokens that are looked ahead to tell what one means.
pub(super) const LOOK_AHEAD: usize = 64;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Result<Node, ParseError> {
        let Some(token) = self.next() else {
            return Err(ParseError::Ended);
        };
        match token {
            Token::Number(literal) => Ok(Node::Number(literal.value)),
            Token::Letter('C') if self.is_combination() => self.call(Function::Binomial),
            Token::Letter(letter) => Ok(Node::of_letter(letter)),
            Token::Constant(constant) => Ok(Node::Constant(constant)),
            Token::Run(run) => Ok(self.run(&run)),
            Token::Text(text) => Ok(self.words(&text)),
            Token::NumberSet(letter) => Ok(Node::NumberSet(letter)),
            Token::EmptySet => Ok(Node::Set(Vec::new())),
            Token::Open(delimiter) => self.opened(delimiter),
            // `]a, b]`: open at that end.
            Token::Close(Delimiter::Square) => {
                self.deeper(|parser| parser.bracketed(Delimiter::Round))
            }
            Token::OpenGroup if self.peek() == Some(&Token::CloseGroup) => {
                self.at += 1;
                self.combination()
            }
            Token::Caret => {
                self.at -= 1;
                self.combination()
            }
            Token::Binom if self.peek() == Some(&Token::Open(Delimiter::Round)) => {
                self.deeper(|parser| parser.call(Function::Binomial))
            }
            Token::OpenGroup => self.deeper(Self::group),
            Token::Bar => self.absolute(),
            Token::Frac => {
                let above = self.fraction_part()?;
                let below = self.fraction_part()?;
                let is_d = |node: &Node| {
                    matches!(node, Node::Symbol(name) if &**name == "d")
                        || matches!(node, Node::Letters(name) if name.starts_with('d'))
                };
                if is_d(&above) && matches!(&below, Node::Letters(_)) && is_d(&below) {
                    return Err(ParseError::Malformed("a derivative"));
                }
                Ok(Node::quotient(above, below))
            }
            Token::Binom => {
                let above = self.fraction_part()?;
                let below = self.fraction_part()?;
                Ok(Node::Call(Function::Binomial, vec![above, below]))
            }
            Token::Sqrt => self.root(2),
            Token::Cbrt => self.root(3),
            Token::FourthRoot => self.root(4),
            Token::Function(function) => self.deeper(|parser| parser.call(function)),
            Token::Log => self.deeper(Self::logarithm),
            Token::Begin(name) => {
                let matrix = self.deeper(Self::matrix)?;
                if name == "vmatrix" {
                    return Err(ParseError::Malformed("a determinant"));
                }
                Ok(matrix)
            }
            Token::Sum => self.deeper(|parser| parser.series(Function::SumOver)),
            Token::Product => self.deeper(|parser| parser.series(Function::ProductOver)),
            Token::Accent(accent) => self.named(accent),
            Token::Sign(sign) => self.named(sign),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    /// The argument of a command or of `_`: a group or one token.
    pub(super) fn argument(&mut self) -> Result<Node, ParseError> {
        if self.eat(&Token::OpenGroup) {
            return self.deeper(Self::group);
        }
        self.deeper(Self::primary)
    }

    /// As TeX reads it: of `\frac12` each digit is an argument.
    fn fraction_part(&mut self) -> Result<Node, ParseError> {
        if let Some(Token::Number(literal)) = self.peek().cloned()
            && let Some(digits) = &literal.whole
            && digits.len() > 1
            && digits.is_ascii()
        {
            let (first, rest) = digits.split_at(1);
            let value = |text: &str| Fraction::from(text.parse::<i64>().unwrap_or_default());
            let first = value(first);
            let place = self.at;
            if let Token::Number(literal) = &mut self.tokens[place].token {
                literal.value = rest
                    .parse::<num_bigint::BigInt>()
                    .map_or_else(|_| Fraction::zero(), Fraction::integer);
                literal.whole = Some(rest.to_owned());
            }
            return Ok(Node::Number(first));
        }
        if matches!(self.peek(), Some(Token::Run(_))) {
            return Ok(self.first_letter());
        }
        self.argument()
    }

    fn opened(&mut self, delimiter: Delimiter) -> Result<Node, ParseError> {
        let function = match delimiter {
            Delimiter::Floor => Function::Floor,
            Delimiter::Ceil => Function::Ceil,
            Delimiter::Bar => Function::Abs,
            other => return self.deeper(|parser| parser.bracketed(other)),
        };
        let inner = self.deeper(Self::sum)?;
        self.expect(&Token::Close(delimiter))?;
        Ok(Node::Call(function, vec![inner]))
    }

    fn absolute(&mut self) -> Result<Node, ParseError> {
        let outer_bars = self.bars;
        self.bars += 1;
        let inner = self.deeper(Self::sum);
        self.bars = outer_bars;
        let inner = inner?;
        self.expect(&Token::Bar)?;
        Ok(Node::Call(Function::Abs, vec![inner]))
    }

    /// After the sign of a root: an index in brackets, then the radicand.
    fn root(&mut self, index: i64) -> Result<Node, ParseError> {
        let mut index = Node::integer(index);
        if self.eat(&Token::Open(Delimiter::Square)) {
            index = self.deeper(Self::sum)?;
            self.expect(&Token::Close(Delimiter::Square))?;
        }
        let radicand = self.argument()?;
        Ok(Node::Root(Box::new(radicand), Box::new(index)))
    }

    fn logarithm(&mut self) -> Result<Node, ParseError> {
        let mut base = None;
        let mut exponent = None;
        loop {
            if self.eat(&Token::Underscore) {
                base = Some(self.argument()?);
            } else if self.eat(&Token::Caret) {
                exponent = Some(self.exponent()?);
            } else {
                break;
            }
        }
        let argument = self.call_argument()?;
        let call = match base {
            Some(base) => Node::Call(Function::Log, vec![base, argument]),
            None if self.reading.common_log => {
                Node::Call(Function::Log, vec![Node::integer(10), argument])
            }
            None => Node::Call(Function::Ln, vec![argument]),
        };
        Ok(match exponent {
            Some(exponent) => Node::power(call, exponent),
            None => call,
        })
    }

    /// `\sin^2 x`, `\gcd(a, b)`, `\tan^{-1} x`.
    fn call(&mut self, function: Function) -> Result<Node, ParseError> {
        let exponent = if self.eat(&Token::Caret) {
            Some(self.exponent()?)
        } else {
            None
        };
        let takes_several = matches!(
            function,
            Function::Gcd | Function::Lcm | Function::Max | Function::Min | Function::Binomial
        );
        if takes_several {
            let arguments = match self.call_argument()? {
                Node::Group { items, .. } | Node::Set(items) => items,
                one => vec![one],
            };
            return Ok(Node::Call(function, arguments));
        }
        let argument = self.call_argument()?;
        if function == Function::Cis {
            let sin = Node::Call(Function::Sin, vec![argument.clone()]);
            let turned = Node::Product(vec![Node::Constant(Constant::I), sin]);
            return Ok(Node::Sum(vec![
                Node::Call(Function::Cos, vec![argument]),
                turned,
            ]));
        }
        match exponent {
            // The inverse function, not the reciprocal.
            Some(Node::Number(power)) if power == Fraction::from(-1) => {
                let inverse =
                    inverse(function).ok_or(ParseError::Malformed("the inverse of a function"))?;
                Ok(Node::Call(inverse, vec![argument]))
            }
            Some(exponent) => Ok(Node::power(Node::Call(function, vec![argument]), exponent)),
            None => Ok(Node::Call(function, vec![argument])),
        }
    }

    /// What a function is applied to: brackets, or the factors up to a sign, a
    /// further function or a written multiplication.
    fn call_argument(&mut self) -> Result<Node, ParseError> {
        if let Some(Token::Open(delimiter @ (Delimiter::Round | Delimiter::Square))) =
            self.peek().cloned()
        {
            self.at += 1;
            return self.bracketed(delimiter);
        }
        let sign = self.eat(&Token::Minus);
        let mut factors = vec![self.factor()?];
        while matches!(
            self.peek(),
            Some(
                Token::Number(_)
                    | Token::Letter(_)
                    | Token::Constant(_)
                    | Token::Frac
                    | Token::Sqrt
                    | Token::OpenGroup
            )
        ) {
            factors.push(self.factor()?);
        }
        let argument = Node::product(factors);
        Ok(if sign { argument.negated() } else { argument })
    }

    /// `_nC_k`, `^nC_k`.
    fn combination(&mut self) -> Result<Node, ParseError> {
        if !self.eat(&Token::Underscore) {
            self.expect(&Token::Caret)?;
        }
        let above = self.argument()?;
        self.expect(&Token::Letter('C'))?;
        self.expect(&Token::Underscore)?;
        let below = self.argument()?;
        Ok(Node::Call(Function::Binomial, vec![above, below]))
    }

    fn is_combination(&self) -> bool {
        // `C(10, 3)`: brackets at once, with a comma in them.
        self.peek() == Some(&Token::Open(Delimiter::Round))
            && !self.is_spaced()
            && self.tokens[self.at..]
                .iter()
                .take(LOOK_AHEAD)
                .take_while(|spaced| spaced.token != Token::Close(Delimiter::Round))
                .any(|spaced| spaced.token == Token::Comma)
    }

    /// Letters in a row: words that stand where a value should, or a product.
    fn run(&mut self, run: &str) -> Node {
        let more = matches!(self.peek(), Some(Token::Run(_) | Token::Text(_)));
        if more && words::is_word(run) && words::number(run).is_none() {
            return self.words(run);
        }
        if let Some(value) = words::number(run)
            && !matches!(self.peek(), Some(Token::Caret | Token::Underscore))
        {
            return Node::integer(self.with_ones(value));
        }
        Node::Letters(run.into())
    }

    /// `twenty-one`, `twenty one`: the tens with the ones behind them.
    fn with_ones(&mut self, tens: i64) -> i64 {
        let hyphen = self.peek() == Some(&Token::Minus) && !self.is_spaced();
        let ahead = usize::from(hyphen);
        match self.peek_at(ahead) {
            Some(Token::Run(ones)) => match words::joined(tens, ones) {
                Some(value) => {
                    self.at += ahead + 1;
                    value
                }
                None => tens,
            },
            _ => tens,
        }
    }

    /// Words in a row.
    fn words(&mut self, first: &str) -> Node {
        let first = first.trim_end_matches(':');
        let mut text = first.to_lowercase();
        if let Some(value) = words::number(&text) {
            return Node::integer(value);
        }
        while let Some(Token::Run(word) | Token::Text(word)) = self.peek() {
            text.push(' ');
            text.push_str(&word.to_lowercase());
            self.at += 1;
        }
        if words::only_introduces(&text) && self.begins_value() {
            // "approximately 5", "there are 5".
            let before = self.at;
            if let Ok(value) = self.deeper(Self::sum) {
                return value;
            }
            self.at = before;
        }
        let mut letters = first.chars();
        match (letters.next(), letters.next()) {
            // An option's letter, or a variable in another face.
            (Some(letter), None) if text.chars().count() == 1 => {
                Node::Symbol(letter.to_string().into())
            }
            _ => Node::Words(text),
        }
    }

    fn begins_value(&self) -> bool {
        matches!(
            self.peek(),
            Some(
                Token::Number(_)
                    | Token::Frac
                    | Token::Sqrt
                    | Token::Minus
                    | Token::Open(_)
                    | Token::OpenGroup
                    | Token::Binom
                    | Token::Constant(_)
            )
        )
    }

    /// An accent or a sign makes one name of what follows.
    fn named(&mut self, mark: &str) -> Result<Node, ParseError> {
        let from = self.at;
        self.argument()?;
        let begin = self.tokens.get(from).map_or(0, |spaced| spaced.at);
        let end = self
            .tokens
            .get(self.at)
            .map_or(self.text.len(), |spaced| spaced.at);
        let name: String = self
            .text
            .get(begin..end)
            .unwrap_or_default()
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect();
        Ok(Node::symbol(&format!("{mark} {name}")))
    }
}

fn inverse(function: Function) -> Option<Function> {
    Some(match function {
        Function::Sin => Function::Arcsin,
        Function::Cos => Function::Arccos,
        Function::Tan => Function::Arctan,
        Function::Cot => Function::Arccot,
        Function::Arcsin => Function::Sin,
        Function::Arccos => Function::Cos,
        Function::Arctan => Function::Tan,
        Function::Exp => Function::Ln,
        Function::Ln => Function::Exp,
        _ => return None,
    })
}

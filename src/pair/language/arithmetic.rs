//! The operations of the problem language and the equality chains that work them out.
//!
//! A chain is what a solution writes after `, so `: every part between two `=` has the same
//! value, e.g. `47 * 36 = 47 * 30 + 47 * 6 = 1410 + 282 = 1692`. It splits an operation into
//! pieces that a tiny model can do in one go.

use std::fmt;

/// Largest value a problem may reach; four digits keep the chains short.
pub const LARGEST: u32 = 9_999;

/// An arithmetic sign as the language writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
}

impl fmt::Display for Sign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Over => "/",
            Self::Modulo => "mod",
        })
    }
}

/// `left sign right`, the first part of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expression {
    pub left: u32,
    pub sign: Sign,
    pub right: u32,
}

impl Expression {
    /// An expression; the longer factor of a product is put first.
    #[must_use]
    pub fn new(left: u32, sign: Sign, right: u32) -> Self {
        let swap = sign == Sign::Times && digits(right) > digits(left);
        let (left, right) = if swap { (right, left) } else { (left, right) };
        Self { left, sign, right }
    }

    /// The exact value, or `None` where the language has none: a negative difference, a division
    /// with a rest, anything above [`LARGEST`].
    #[must_use]
    pub fn value(self) -> Option<u32> {
        let Self { left, sign, right } = self;
        let value = match sign {
            Sign::Plus => left.checked_add(right),
            Sign::Minus => left.checked_sub(right),
            Sign::Times => left.checked_mul(right),
            Sign::Over => (right != 0 && left % right == 0).then(|| left / right),
            Sign::Modulo => left.checked_rem(right),
        };
        value.filter(|&value| value <= LARGEST)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.left, self.sign, self.right)
    }
}

/// What one operation of a problem does to the running values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Add(u32),
    Subtract(u32),
    Multiply(u32),
    Divide(u32),
    Remainder(u32),
    /// A fresh product; the value before it is held for a later [`Operation::Merge`].
    Boxes {
        count: u32,
        each: u32,
    },
    /// The held value plus the current one.
    Merge,
}

/// The values a trajectory carries from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    pub current: u32,
    pub held: u32,
}

impl Operation {
    /// The expression this operation asks for at the given running values.
    #[must_use]
    pub fn expression(self, at: Running) -> Expression {
        match self {
            Self::Add(k) => Expression::new(at.current, Sign::Plus, k),
            Self::Subtract(k) => Expression::new(at.current, Sign::Minus, k),
            Self::Multiply(k) => Expression::new(at.current, Sign::Times, k),
            Self::Divide(k) => Expression::new(at.current, Sign::Over, k),
            Self::Remainder(k) => Expression::new(at.current, Sign::Modulo, k),
            Self::Boxes { count, each } => Expression::new(count, Sign::Times, each),
            Self::Merge => Expression::new(at.held, Sign::Plus, at.current),
        }
    }

    /// The running values after this operation when its result was written as `result`.
    #[must_use]
    pub fn after(self, at: Running, result: u32) -> Running {
        let held = match self {
            Self::Boxes { .. } => at.current,
            Self::Merge => 0,
            _ => at.held,
        };
        Running {
            current: result,
            held,
        }
    }

    /// How hard the operation is for a tiny model, 1 (an addition of two digits) to 8.
    #[must_use]
    pub fn hardness(self, at: Running) -> u32 {
        let Expression { left, sign, right } = self.expression(at);
        let pick =
            |by_digits: [u32; 3], number: u32| by_digits[digits(number).clamp(2, 4) as usize - 2];
        match sign {
            Sign::Plus | Sign::Minus => pick([1, 2, 3], left.max(right)),
            Sign::Times if right > 9 => 8,
            Sign::Times => pick([2, 3, 5], left),
            Sign::Over => pick([2, 4, 5], left),
            Sign::Modulo if right > 9 => pick([4, 7, 8], left),
            Sign::Modulo => pick([3, 5, 6], left),
        }
    }
}

/// A written chain and the value it ends in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    pub text: String,
    pub value: u32,
}

/// Writes the chain of `expression`.
///
/// Every computed number goes through `slip` before it is written and used further, so that an
/// identity gives the gold chain and anything else a chain with an error that propagates as a
/// model's own would.
pub fn chain(expression: Expression, slip: &mut dyn FnMut(u32) -> u32) -> Chain {
    let mut writer = ChainWriter {
        text: expression.to_string(),
        slip,
    };
    let value = match expression.sign {
        Sign::Plus => writer.computed(expression.left.saturating_add(expression.right)),
        Sign::Minus => writer.subtract(expression.left, expression.right),
        Sign::Times => writer.multiply(expression.left, expression.right),
        Sign::Over => writer.divide(expression.left, expression.right),
        Sign::Modulo => writer.remainder(expression.left, expression.right),
    };
    Chain {
        text: writer.text,
        value,
    }
}

/// The gold chain of `expression`.
#[must_use]
pub fn gold_chain(expression: Expression) -> Chain {
    chain(expression, &mut |value| value)
}

struct ChainWriter<'a> {
    text: String,
    slip: &'a mut dyn FnMut(u32) -> u32,
}

impl ChainWriter<'_> {
    fn part(&mut self, text: &str) {
        self.text.push_str(" = ");
        self.text.push_str(text);
    }

    /// Writes a computed number as the next part and returns what was written.
    fn computed(&mut self, value: u32) -> u32 {
        let value = (self.slip)(value);
        self.part(&value.to_string());
        value
    }

    /// `347 - 89 = 347 - 80 - 9 = 267 - 9 = 258`; one shot where only one digit is taken away or
    /// both numbers are short.
    fn subtract(&mut self, left: u32, right: u32) -> u32 {
        let pieces = decimal_pieces(right);
        if left < 100 || pieces.len() < 2 {
            return self.computed(left.saturating_sub(right));
        }
        let mut value = left;
        self.part(&joined(value, &pieces));
        for (done, piece) in pieces.iter().enumerate() {
            value = (self.slip)(value.saturating_sub(*piece));
            self.part(&joined(value, &pieces[done + 1..]));
        }
        value
    }

    fn multiply(&mut self, left: u32, right: u32) -> u32 {
        let by_left = decimal_pieces(left);
        let by_right = decimal_pieces(right);
        if by_right.len() > 1 {
            let terms: Vec<String> = by_right
                .iter()
                .map(|piece| format!("{left} * {piece}"))
                .collect();
            self.part(&terms.join(" + "));
            let products = by_right.iter().map(|piece| left * piece).collect();
            return self.sum(products);
        }
        if left > 99 && by_left.len() > 1 {
            let products = by_left.iter().map(|piece| piece * right).collect();
            return self.sum(products);
        }
        self.computed(left.saturating_mul(right))
    }

    /// `595 / 7 = 560 / 7 + 35 / 7 = 80 + 5 = 85`.
    fn divide(&mut self, left: u32, right: u32) -> u32 {
        let quotient = left.checked_div(right).unwrap_or(0);
        let pieces = decimal_pieces(quotient);
        if pieces.len() < 2 {
            return self.computed(quotient);
        }
        let terms: Vec<String> = pieces
            .iter()
            .map(|piece| format!("{} / {right}", piece * right))
            .collect();
        self.part(&terms.join(" + "));
        self.sum(pieces)
    }

    /// `979 mod 15 = (979 - 900) mod 15 = 79 mod 15 = 79 - 75 = 4`.
    fn remainder(&mut self, left: u32, right: u32) -> u32 {
        let mut value = left;
        loop {
            if value < right || right == 0 {
                self.part(&value.to_string());
                return value;
            }
            let quotient = value / right;
            if quotient < 10 {
                let taken = quotient * right;
                self.part(&format!("{value} - {taken}"));
                return self.computed(value - taken);
            }
            let taken = decimal_pieces(quotient)[0] * right;
            self.part(&format!("({value} - {taken}) mod {right}"));
            // A slip upwards must not make the chain longer without end.
            value = (self.slip)(value - taken).min(value - 1);
            self.part(&format!("{value} mod {right}"));
        }
    }

    /// Writes the terms as computed numbers and adds them from the left: `1800 + 240 + 42 = 2040 + 42 = 2082`.
    fn sum(&mut self, terms: Vec<u32>) -> u32 {
        let terms: Vec<u32> = terms.into_iter().map(|term| (self.slip)(term)).collect();
        let plus = |terms: &[u32]| {
            terms
                .iter()
                .map(u32::to_string)
                .collect::<Vec<_>>()
                .join(" + ")
        };
        self.part(&plus(&terms));
        let mut total = terms[0];
        for (index, term) in terms.iter().enumerate().skip(1) {
            total = (self.slip)(total + term);
            let mut rest = vec![total];
            rest.extend_from_slice(&terms[index + 1..]);
            self.part(&plus(&rest));
        }
        total
    }
}

/// `value - a - b`.
fn joined(value: u32, taken: &[u32]) -> String {
    taken
        .iter()
        .fold(value.to_string(), |text, piece| format!("{text} - {piece}"))
}

/// Number of decimal digits, 1 for zero.
#[must_use]
pub fn digits(value: u32) -> u32 {
    value.checked_ilog10().map_or(1, |log| log + 1)
}

/// The non-zero decimal pieces of a number, longest first: 307 → 300, 7. Zero has the piece 0.
#[must_use]
pub fn decimal_pieces(value: u32) -> Vec<u32> {
    let pieces: Vec<u32> = (0..digits(value))
        .rev()
        .map(|place| {
            let unit = 10_u32.pow(place);
            value / unit % 10 * unit
        })
        .filter(|&piece| piece > 0)
        .collect();
    if pieces.is_empty() { vec![0] } else { pieces }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_read_as_documented() {
        let cases = [
            (347, Sign::Plus, 89, "347 + 89 = 436"),
            (82, Sign::Minus, 19, "82 - 19 = 63"),
            (347, Sign::Minus, 9, "347 - 9 = 338"),
            (
                978,
                Sign::Minus,
                89,
                "978 - 89 = 978 - 80 - 9 = 898 - 9 = 889",
            ),
            (
                347,
                Sign::Times,
                6,
                "347 * 6 = 1800 + 240 + 42 = 2040 + 42 = 2082",
            ),
            (7, Sign::Times, 36, "36 * 7 = 252"),
            (
                47,
                Sign::Times,
                36,
                "47 * 36 = 47 * 30 + 47 * 6 = 1410 + 282 = 1692",
            ),
            (
                595,
                Sign::Over,
                7,
                "595 / 7 = 560 / 7 + 35 / 7 = 80 + 5 = 85",
            ),
            (
                979,
                Sign::Modulo,
                15,
                "979 mod 15 = (979 - 900) mod 15 = 79 mod 15 = 79 - 75 = 4",
            ),
            (12, Sign::Modulo, 15, "12 mod 15 = 12"),
        ];
        for (left, sign, right, text) in cases {
            let expression = Expression::new(left, sign, right);
            let chain = gold_chain(expression);
            assert_eq!(chain.text, text);
            assert_eq!(Some(chain.value), expression.value());
        }
    }

    #[test]
    fn impossible_operations_have_no_value() {
        assert_eq!(Expression::new(3, Sign::Minus, 4).value(), None);
        assert_eq!(Expression::new(10, Sign::Over, 4).value(), None);
        assert_eq!(Expression::new(10, Sign::Over, 0).value(), None);
        assert_eq!(Expression::new(999, Sign::Times, 99).value(), None);
    }
}

//! Reading the mathematics of an answer: LaTeX, ASCII and Unicode into one
//! tree, whichever way it was written.

mod lexer;
pub(in crate::problem) mod node;
mod number;
mod parser;
mod token;
pub(super) mod words;

#[cfg(test)]
mod tests;

pub(super) use node::Node;

/// How what can be read in two ways is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// `1,234` is a number, not a list of two.
    pub thousands: bool,
    /// `\log` without a base is to base 10, not e.
    pub common_log: bool,
    /// `2e-1` is 0.2, not twice e less 1.
    pub scientific: bool,
}

impl Reading {
    /// The usual one.
    pub const FIRST: Self = Self {
        thousands: true,
        common_log: false,
        scientific: true,
    };
}

/// What was read, and which readings would differ from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parsed {
    pub node: Node,
    pub others: Others,
}

/// Where another [`Reading`] would make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Others {
    pub thousands: bool,
    pub common_log: bool,
    pub scientific: bool,
}

impl Others {
    pub fn or(self, other: Self) -> Self {
        Self {
            thousands: self.thousands || other.thousands,
            common_log: self.common_log || other.common_log,
            scientific: self.scientific || other.scientific,
        }
    }

    /// The readings to try after the first.
    pub fn readings(self) -> impl Iterator<Item = Reading> {
        let first = Reading::FIRST;
        [
            self.thousands.then_some(Reading {
                thousands: !first.thousands,
                ..first
            }),
            self.common_log.then_some(Reading {
                common_log: !first.common_log,
                ..first
            }),
            self.scientific.then_some(Reading {
                scientific: !first.scientific,
                ..first
            }),
        ]
        .into_iter()
        .flatten()
    }
}

/// Why a text is no mathematics that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParseError {
    #[error("it is too long")]
    TooLong,
    #[error("it is nested too deeply")]
    TooDeep,
    #[error("`\\{0}` is not known")]
    Unknown(String),
    #[error("`{0}` is no sign of mathematics")]
    Sign(char),
    #[error("it holds {0}")]
    Malformed(&'static str),
    #[error("it ends too early")]
    Ended,
    #[error("it is not understood from `{0}` on")]
    Unexpected(String),
}

/// Reads an answer. One that ends too early is read as if its braces were
/// closed: data sets lose the last one.
pub(super) fn parse(text: &str, reading: Reading) -> Result<Parsed, ParseError> {
    const MOST_CLOSED: usize = 2;
    let first = parse_as_it_is(text, reading);
    let mut closed = text.to_owned();
    for _ in 0..MOST_CLOSED {
        if !matches!(first, Err(ParseError::Ended)) {
            break;
        }
        closed.push('}');
        if let Ok(parsed) = parse_as_it_is(&closed, reading) {
            return Ok(parsed);
        }
    }
    first
}

fn parse_as_it_is(text: &str, reading: Reading) -> Result<Parsed, ParseError> {
    let lexed = lexer::lex(text, reading)?;
    let others = lexed.others;
    let node = parser::parse(text, lexed.tokens, reading)?;
    Ok(Parsed { node, others })
}

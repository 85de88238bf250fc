//! Reading the mathematics of an answer: LaTeX, ASCII and Unicode into one
//! tree, whichever way it was written.

mod lexer;
pub(super) mod node;
mod number;
mod parser;
mod token;
mod words;

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
}

impl Reading {
    /// The usual one.
    pub const FIRST: Self = Self {
        thousands: true,
        common_log: false,
    };
}

/// What was read, and whether another reading would differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parsed {
    pub node: Node,
    /// [`Reading::thousands`] made a difference.
    pub grouped: bool,
    /// [`Reading::common_log`] made a difference.
    pub bare_log: bool,
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

/// Reads an answer.
pub(super) fn parse(text: &str, reading: Reading) -> Result<Parsed, ParseError> {
    let lexed = lexer::lex(text, reading)?;
    let (grouped, bare_log) = (lexed.grouped, lexed.bare_log);
    let node = parser::parse(text, lexed.tokens, reading)?;
    Ok(Parsed {
        node,
        grouped,
        bare_log,
    })
}

//! Literals as Python prints them: what `pprint` makes of lists and
//! dictionaries of texts and numbers. Nothing is ever evaluated: names other
//! than the constants are refused.

use std::iter::Peekable;
use std::str::CharIndices;

/// Deepest nesting that is read.
const DEEPEST: usize = 32;

/// A Python literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    None,
    Bool(bool),
    /// Integers beyond 2^53 lose digits, as in most readers of JSON.
    Number(f64),
    Text(String),
    /// A list or a tuple.
    List(Vec<Literal>),
    /// In the order of the text.
    Dict(Vec<(Literal, Literal)>),
}

/// Why a text is no literal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct NoLiteral {
    /// 1-based.
    pub line: usize,
    pub what: String,
}

impl Literal {
    /// Reads the one literal that a text holds.
    ///
    /// # Errors
    /// [`NoLiteral`], with the line on which the text stops being one.
    pub fn parse(text: &str) -> Result<Self, NoLiteral> {
        let mut parser = Parser {
            text,
            chars: text.char_indices().peekable(),
        };
        let value = parser.value(0)?;
        parser.blanks();
        match parser.chars.peek() {
            None => Ok(value),
            Some(&(at, c)) => Err(parser.fault(at, format!("`{c}` after the end of the list"))),
        }
    }

    /// The value of a key; `None` where it is not there, and for other literals.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else {
            return None;
        };
        let found = entries
            .iter()
            .find(|(known, _)| known.text() == Some(key))?;
        Some(&found.1)
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
}

impl Parser<'_> {
    fn fault(&self, at: usize, what: impl Into<String>) -> NoLiteral {
        let before = self.text.get(..at).unwrap_or(self.text);
        NoLiteral {
            line: 1 + before.matches('\n').count(),
            what: what.into(),
        }
    }

    fn ended(&self) -> NoLiteral {
        self.fault(self.text.len(), "the text is cut off")
    }

    fn blanks(&mut self) {
        while self.chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
    }

    fn is_next(&mut self, wanted: char) -> bool {
        self.chars.next_if(|&(_, c)| c == wanted).is_some()
    }

    fn value(&mut self, depth: usize) -> Result<Literal, NoLiteral> {
        self.blanks();
        let Some(&(at, c)) = self.chars.peek() else {
            return Err(self.ended());
        };
        if depth > DEEPEST {
            return Err(self.fault(at, format!("nested deeper than {DEEPEST} levels")));
        }
        match c {
            '[' => {
                self.chars.next();
                Ok(Literal::List(self.items(']', depth)?.0))
            }
            '(' => {
                self.chars.next();
                let (mut items, comma) = self.items(')', depth)?;
                match (items.len(), comma) {
                    // Brackets around one value say nothing.
                    (1, false) => Ok(items.remove(0)),
                    _ => Ok(Literal::List(items)),
                }
            }
            '{' => {
                self.chars.next();
                self.entries(depth)
            }
            '\'' | '"' => Ok(Literal::Text(self.texts()?)),
            '-' | '+' | '.' | '0'..='9' => self.number().map(Literal::Number),
            c if c.is_alphabetic() || c == '_' => self.name(),
            c => Err(self.fault(at, format!("`{c}` begins no literal"))),
        }
    }

    /// What stands up to the closing bracket, and whether a comma does.
    fn items(&mut self, close: char, depth: usize) -> Result<(Vec<Literal>, bool), NoLiteral> {
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            self.blanks();
            if self.is_next(close) {
                return Ok((items, comma));
            }
            items.push(self.value(depth + 1)?);
            comma |= self.between(close)?;
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Literal, NoLiteral> {
        let mut entries = Vec::new();
        loop {
            self.blanks();
            if self.is_next('}') {
                return Ok(Literal::Dict(entries));
            }
            let key = self.value(depth + 1)?;
            self.blanks();
            if !self.is_next(':') {
                return Err(self.unexpected("a `:` after the key"));
            }
            entries.push((key, self.value(depth + 1)?));
            self.between('}')?;
        }
    }

    /// Whether a comma stands there, which only the end may lack.
    fn between(&mut self, close: char) -> Result<bool, NoLiteral> {
        self.blanks();
        if self.is_next(',') {
            return Ok(true);
        }
        match self.chars.peek() {
            Some(&(_, c)) if c == close => Ok(false),
            _ => Err(self.unexpected(&format!("`,` or `{close}`"))),
        }
    }

    fn unexpected(&mut self, wanted: &str) -> NoLiteral {
        match self.chars.peek().copied() {
            Some((at, c)) => self.fault(at, format!("`{c}` in place of {wanted}")),
            None => self.ended(),
        }
    }

    /// A text; adjacent ones are one.
    fn texts(&mut self) -> Result<String, NoLiteral> {
        let mut text = String::new();
        while let Some((_, quote)) = self.chars.next_if(|&(_, c)| c == '\'' || c == '"') {
            self.quoted(quote, &mut text)?;
            self.blanks();
        }
        Ok(text)
    }

    fn quoted(&mut self, quote: char, text: &mut String) -> Result<(), NoLiteral> {
        loop {
            match self.chars.next() {
                None => return Err(self.ended()),
                Some((_, c)) if c == quote => return Ok(()),
                Some((at, '\n')) => return Err(self.fault(at, "a text without its closing quote")),
                Some((at, '\\')) => self.escape(at, text)?,
                Some((_, c)) => text.push(c),
            }
        }
    }

    fn escape(&mut self, at: usize, text: &mut String) -> Result<(), NoLiteral> {
        let Some((_, c)) = self.chars.next() else {
            return Err(self.ended());
        };
        let plain = match c {
            // The line goes on.
            '\n' => return Ok(()),
            '\\' | '\'' | '"' => c,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => self.code(at, 2)?,
            'u' => self.code(at, 4)?,
            'U' => self.code(at, 8)?,
            '0'..='7' => self.octal(c),
            'N' => return Err(self.fault(at, "a character by its name (`\\N{…}`) is not read")),
            // As Python has it: no escape at all.
            c => {
                text.push('\\');
                c
            }
        };
        text.push(plain);
        Ok(())
    }

    /// The character of so many hexadecimal digits; half of a surrogate pair
    /// is none and becomes the replacement character.
    fn code(&mut self, at: usize, digits: usize) -> Result<char, NoLiteral> {
        let mut code = 0;
        for _ in 0..digits {
            let digit = self.chars.next().and_then(|(_, c)| c.to_digit(16));
            let Some(digit) = digit else {
                return Err(self.fault(at, "an escape without its digits"));
            };
            code = code * 16 + digit;
        }
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn octal(&mut self, first: char) -> char {
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_digit(8)) else {
                break;
            };
            code = code * 8 + c.to_digit(8).unwrap_or(0);
        }
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn number(&mut self) -> Result<f64, NoLiteral> {
        let Some(&(start, _)) = self.chars.peek() else {
            return Err(self.ended());
        };
        let of_number = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        let mut end = start;
        while let Some((at, c)) = self.chars.next_if(|&(_, c)| of_number(c)) {
            end = at + c.len_utf8();
        }
        let written = &self.text[start..end];
        let begins = |c: char| c.is_ascii_digit() || "+-.".contains(c);
        let digits = written.replace('_', "");
        let is_number = written.starts_with(begins)
            && (digits.bytes().any(|byte| byte.is_ascii_digit())
                || digits.ends_with("inf")
                || digits.ends_with("nan"));
        let number = digits.parse::<f64>().ok().filter(|_| is_number);
        number.ok_or_else(|| self.fault(start, format!("`{written}` is no number")))
    }

    fn name(&mut self) -> Result<Literal, NoLiteral> {
        let Some(&(start, _)) = self.chars.peek() else {
            return Err(self.ended());
        };
        let of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let mut end = start;
        while let Some((at, c)) = self.chars.next_if(|&(_, c)| of_name(c)) {
            end = at + c.len_utf8();
        }
        match &self.text[start..end] {
            "None" => Ok(Literal::None),
            "True" => Ok(Literal::Bool(true)),
            "False" => Ok(Literal::Bool(false)),
            "nan" => Ok(Literal::Number(f64::NAN)),
            "inf" => Ok(Literal::Number(f64::INFINITY)),
            name if is_numpy_number(name) => self.wrapped(),
            name => Err(self.fault(
                start,
                format!("`{name}` is no literal, and nothing is evaluated"),
            )),
        }
    }

    /// A number as newer versions of numpy print theirs: `np.float64(7.5)`.
    fn wrapped(&mut self) -> Result<Literal, NoLiteral> {
        if !self.is_next('(') {
            return Err(self.unexpected("`(`"));
        }
        self.blanks();
        let named = self.chars.peek().is_some_and(|(_, c)| c.is_alphabetic());
        let number = match named {
            true => self.name()?,
            false => Literal::Number(self.number()?),
        };
        self.blanks();
        match (number, self.is_next(')')) {
            (number @ Literal::Number(_), true) => Ok(number),
            _ => Err(self.unexpected("a number and `)`")),
        }
    }
}

fn is_numpy_number(name: &str) -> bool {
    let of_numpy = name
        .strip_prefix("np.")
        .or_else(|| name.strip_prefix("numpy."));
    of_numpy.is_some_and(|kind| {
        let digits = kind
            .strip_prefix("float")
            .or_else(|| kind.strip_prefix("uint"))
            .or_else(|| kind.strip_prefix("int"));
        digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests;

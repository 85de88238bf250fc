//! LaTeX commands: those that mean something, those that only look, and texts
//! within the text.

use super::super::token::{self, Delimiter, Spaced, Token};
use super::super::{Others, ParseError};
use super::{Lexed, Lexer, MOST_LAYERS};

/// Longest argument of a command such as `\text`, in bytes.
const LONGEST_ARGUMENT: usize = 1024;
/// Most words in a `\text{…}` that may be a list.
const LONGEST_LIST_OF_WORDS: usize = 6;

impl Lexer<'_> {
    pub(super) fn backslash(&mut self) -> Result<(), ParseError> {
        let rest = &self.text[self.at + 1..];
        let Some(next) = rest.chars().next() else {
            self.skip(1);
            return Ok(());
        };
        if next.is_ascii_alphabetic() {
            let name_length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            return self.command(&rest[..name_length]);
        }
        let token = match next {
            '{' => Token::Open(Delimiter::Brace),
            '}' => Token::Close(Delimiter::Brace),
            '|' => Token::Bar,
            '%' => Token::Percent,
            '\\' => {
                let after = &rest[1..];
                // A doubled backslash before a command is one too many, as
                // of text that was escaped twice.
                let name: String = after
                    .chars()
                    .take_while(char::is_ascii_alphabetic)
                    .collect();
                let doubled = !name.is_empty()
                    && !self.in_matrix()
                    && (token::command(&name).is_some() || token::is_text(&name));
                if doubled || after.starts_with(['(', '[', ')', ']']) && !self.in_matrix() {
                    self.skip(1);
                    return Ok(());
                }
                self.push(Token::NewRow, 2);
                self.row_space();
                return Ok(());
            }
            // `\(`, `\[`, `\,`, `\$` and the like are not seen.
            _ => {
                self.skip(1 + next.len_utf8());
                return Ok(());
            }
        };
        self.push(token, 2);
        Ok(())
    }

    /// The optional `[2pt]` after a row of a matrix.
    fn row_space(&mut self) {
        let rest = self.rest();
        if let Some(inner) = rest.strip_prefix('[')
            && let Some(end) = inner.find(']')
            && inner[..end].contains(|c: char| c.is_ascii_digit())
            && ["pt", "ex", "em", "mm"]
                .iter()
                .any(|unit| inner[..end].ends_with(unit))
        {
            self.skip(end + 2);
        }
    }

    pub(super) fn in_matrix(&self) -> bool {
        self.matrices > 0
    }

    fn command(&mut self, name: &str) -> Result<(), ParseError> {
        let length = 1 + name.len();
        // `\leftarrow` is no `\left`, but `\left(` and `\leftx` cannot be told
        // apart otherwise: the names are matched whole.
        if token::is_silent(name) {
            self.skip(length);
            if matches!(name, "left" | "right") && self.rest().starts_with('.') {
                self.skip(1);
            }
            return Ok(());
        }
        if token::is_text(name) {
            return self.text_command(length);
        }
        if token::is_dropped_with_argument(name) {
            self.skip(length);
            self.drop_argument();
            return Ok(());
        }
        if name == "begin" || name == "end" {
            return self.environment(name, length);
        }
        if name.ends_with("matrix")
            && let Some((content, end)) = self.argument(self.at + length)
        {
            let content = content.to_owned();
            self.push(Token::Begin(name.to_owned()), 0);
            self.splice_rows(&content)?;
            self.push(Token::End(name.to_owned()), end - self.at);
            return Ok(());
        }
        if name == "mathbb" || name == "Bbb" {
            return self.number_set(length);
        }
        let Some(token) = token::command(name) else {
            if !self.run_together(name) {
                self.push(Token::Unknown(name.to_owned()), length);
            }
            return Ok(());
        };
        self.out.others.common_log |= token == Token::Log;
        self.push(token, length);
        Ok(())
    }

    /// `\cdotx`, `\pir`: a known command with letters after it.
    fn run_together(&mut self, name: &str) -> bool {
        for length in (2..name.len()).rev() {
            if let Some(token) = token::command(&name[..length])
                && matches!(
                    token,
                    Token::Times | Token::Constant(_) | Token::Sqrt | Token::Frac
                )
            {
                self.push(token, 1 + length);
                return true;
            }
        }
        false
    }

    /// The braced argument at `from`, without its braces, and where it ends.
    fn argument(&self, from: usize) -> Option<(&str, usize)> {
        let skipped = self.text[from..].len() - self.text[from..].trim_start().len();
        let start = from + skipped;
        let inner = self.text[start..].strip_prefix('{')?;
        let mut depth = 1_u32;
        let mut escaped = false;
        for (at, byte) in inner.bytes().enumerate().take(LONGEST_ARGUMENT) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some((&inner[..at], start + at + 2));
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn drop_argument(&mut self) {
        if let Some((_, end)) = self.argument(self.at) {
            self.at = end;
        }
    }

    fn environment(&mut self, name: &str, length: usize) -> Result<(), ParseError> {
        let Some((environment, end)) = self.argument(self.at + length) else {
            return Err(ParseError::Malformed("an environment without a name"));
        };
        let environment = environment.trim_end_matches('*').to_owned();
        let is_matrix = environment.ends_with("matrix") || environment == "array";
        if is_matrix {
            let token = if name == "begin" {
                self.matrices += 1;
                Token::Begin(environment.clone())
            } else {
                self.matrices = self.matrices.saturating_sub(1);
                Token::End(environment.clone())
            };
            self.push(token, end - self.at);
            if name == "begin" && environment == "array" {
                self.drop_argument();
            }
            return Ok(());
        }
        if environment == "cases" {
            return Err(ParseError::Malformed("a definition by cases"));
        }
        // Alignment around formulas is not seen.
        self.skip(end - self.at);
        Ok(())
    }

    fn number_set(&mut self, length: usize) -> Result<(), ParseError> {
        let from = self.at + length;
        let (letter, end) = match self.argument(from) {
            Some((inner, end)) => (inner.trim().chars().next(), end),
            None => {
                let rest = self.text[from..].trim_start();
                let start = self.text.len() - rest.len();
                let letter = rest.chars().next();
                (letter, start + letter.map_or(0, char::len_utf8))
            }
        };
        let letter = letter.ok_or(ParseError::Malformed("a number set without a letter"))?;
        self.push(Token::NumberSet(letter), end - self.at);
        Ok(())
    }

    fn text_command(&mut self, length: usize) -> Result<(), ParseError> {
        let from = self.at + length;
        // `\operatorname*{…}`
        let from = from + usize::from(self.text[from..].starts_with('*'));
        let Some((content, end)) = self.argument(from) else {
            // `\mathbf x`: the face changes nothing.
            self.skip(from - self.at);
            return Ok(());
        };
        let content = content.to_owned();
        let words = content
            .replace(['~', '$'], " ")
            .replace("\\ ", " ")
            .replace("\\,", " ");
        let words = words.trim();
        let holds_mathematics = words.contains(|c: char| {
            c.is_ascii_digit() || matches!(c, '\\' | '+' | '=' | '^' | '_' | '{' | '<' | '>')
        });
        if let Some(letter) = self.faced_letter(words) {
            self.push(Token::Letter(letter), end - self.at);
            return Ok(());
        }
        let is_name = token::word(words).is_some();
        let separators = ["and", "or", ",", ";"];
        // A list of words is a list; a sentence with a comma is none.
        let holds_mathematics = holds_mathematics && !is_unit_with_powers(words);
        let is_short = words.split_whitespace().count() <= LONGEST_LIST_OF_WORDS;
        let spliced = holds_mathematics
            || is_name
            || is_short
                && words.split_whitespace().any(|word| {
                    separators.contains(&word.to_lowercase().as_str()) || word.ends_with([',', ';'])
                });
        let is_money = words.chars().all(token::is_currency_sign)
            || token::is_currency(words.trim_end_matches('.'));
        if words.is_empty() || is_money {
            self.skip(end - self.at);
        } else if spliced && self.layers < MOST_LAYERS {
            self.splice(&content)?;
            self.spaced = true;
            self.at = end;
        } else {
            self.push(Token::Text(words.to_owned()), end - self.at);
        }
        Ok(())
    }

    /// A variable in another face: `\mathbf{a}`, `5\mathrm{i}`; upright letters
    /// of units are units.
    fn faced_letter(&self, words: &str) -> Option<char> {
        const UNITS: &str = "mgshLNJWVKACFdDlt";
        let mut letters = words.chars();
        let (Some(letter), None) = (letters.next(), letters.next()) else {
            return None;
        };
        let face = &self.text[self.at + 1..];
        let upright = face.starts_with("mathrm") || face.starts_with("text");
        let is_option = face.starts_with("text") && letter.is_uppercase();
        (letter.is_alphabetic() && !is_option && !(upright && UNITS.contains(letter)))
            .then_some(letter)
    }

    /// The tokens of a text within the text.
    fn inner(&mut self, content: &str, matrices: u32) -> Result<Vec<Spaced>, ParseError> {
        let mut inner = Lexer {
            text: content,
            at: 0,
            spaced: true,
            layers: self.layers + 1,
            brackets: 0,
            matrices,
            reading: self.reading,
            out: Lexed {
                tokens: Vec::new(),
                others: Others::default(),
            },
        };
        inner.run()?;
        // Other readings of an inner text are other readings of the whole.
        self.out.others = self.out.others.or(inner.out.others);
        // Places in the inner text say nothing of the outer one.
        let at = self.at;
        let tokens = inner.out.tokens.into_iter();
        Ok(tokens.map(|spaced| Spaced { at, ..spaced }).collect())
    }

    /// Takes the rows of `\pmatrix{…}`.
    fn splice_rows(&mut self, content: &str) -> Result<(), ParseError> {
        if self.layers < MOST_LAYERS {
            let tokens = self.inner(content, 1)?;
            self.out.tokens.extend(tokens);
        }
        Ok(())
    }

    /// Takes the tokens of a text within the text.
    pub(super) fn splice(&mut self, content: &str) -> Result<(), ParseError> {
        let tokens = self.inner(content, 0)?;
        // As one group: `\mathbf{12}^2` is 12 squared.
        let is_plain = !tokens.iter().any(|spaced| {
            matches!(
                spaced.token,
                Token::Run(_)
                    | Token::Text(_)
                    | Token::And
                    | Token::Or
                    | Token::Comma
                    | Token::Semicolon
                    | Token::Colon
            )
        });
        let wrap = tokens.len() > 1 && is_plain;
        if wrap {
            self.push(Token::OpenGroup, 0);
        }
        self.out.tokens.extend(tokens);
        if wrap {
            self.push(Token::CloseGroup, 0);
        }
        Ok(())
    }
}

/// Whether words are letters with powers of their own: `cm^2`, `m s^{-1}`.
fn is_unit_with_powers(words: &str) -> bool {
    let mut rest = words;
    let mut powers = 0;
    while let Some(at) = rest.find('^') {
        let is_letters = |c: char| c.is_alphabetic() || matches!(c, ' ' | '/' | '.');
        if at == 0 || !rest[..at].chars().all(is_letters) {
            return false;
        }
        let after = rest[at + 1..].trim_start_matches(['{', '-']);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits != 1 {
            return false;
        }
        powers += 1;
        rest = after[1..].trim_start_matches('}');
    }
    powers > 0
        && rest
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, ' ' | '/'))
}

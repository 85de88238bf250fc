//! LaTeX to a small tree whose leaves know their bytes.

use std::ops::Range;

use super::symbols::{Class, accent, symbol};

/// Groups nested deeper than this are shown as they were written.
const DEPTH_MAX: usize = 48;

/// A piece of mathematics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Symbol {
        text: String,
        class: Class,
        at: Range<usize>,
    },
    /// A space that the author asked for (`\quad`), or a new line of an
    /// environment (`\n`).
    Space(&'static str, Range<usize>),
    /// Ordinary words (`\text`).
    Words(String, Range<usize>),
    Group(Vec<Node>),
    Fraction {
        over: Box<Node>,
        under: Box<Node>,
        at: Range<usize>,
    },
    Binomial {
        n: Box<Node>,
        k: Box<Node>,
        at: Range<usize>,
    },
    Root {
        degree: Option<Box<Node>>,
        of: Box<Node>,
        at: Range<usize>,
    },
    Script {
        base: Box<Node>,
        sub: Option<Box<Node>>,
        sup: Option<Box<Node>>,
        at: Range<usize>,
    },
    Accent {
        mark: char,
        of: Box<Node>,
    },
    Boxed(Box<Node>, Range<usize>),
    Matrix {
        open: &'static str,
        close: &'static str,
        rows: Vec<Vec<Node>>,
        at: Range<usize>,
    },
}

/// The source is not mathematics that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) type Parsed<T> = Result<T, Malformed>;

/// Parses all of `source[range]`.
pub(super) fn parse(source: &str, range: Range<usize>) -> Parsed<Vec<Node>> {
    let mut parser = Parser {
        source,
        at: range.start,
        end: range.end,
        depth: 0,
    };
    let nodes = parser.list(|_| false)?;
    if parser.at < parser.end {
        Err(Malformed)
    } else {
        Ok(nodes)
    }
}

/// Parses the one command that begins at `start`, with its arguments and
/// scripts; gives it and where it ends. An unknown command is malformed.
pub(super) fn parse_command(source: &str, start: usize) -> Parsed<(Node, usize)> {
    let mut parser = Parser {
        source,
        at: start,
        end: source.len(),
        depth: 0,
    };
    let name = parser.command_name().ok_or(Malformed)?;
    if !known(name) {
        return Err(Malformed);
    }
    parser.at = start;
    let node = parser.scripted()?.ok_or(Malformed)?;
    Ok((node, parser.at))
}

/// Whether a command may be read outside of mathematics.
fn known(name: &str) -> bool {
    const STRUCTURE: &[&str] = &[
        "frac",
        "dfrac",
        "tfrac",
        "cfrac",
        "binom",
        "dbinom",
        "tbinom",
        "sqrt",
        "boxed",
        "fbox",
        "text",
        "textbf",
        "textit",
        "textrm",
        "emph",
        "mathrm",
        "mathbf",
        "mathbb",
        "mathcal",
        "operatorname",
        "begin",
        "pmod",
        "left",
        "big",
        "Big",
        "quad",
        "qquad",
        "displaystyle",
        "underbrace",
        "overbrace",
    ];
    STRUCTURE.contains(&name) || accent(name).is_some() || symbol(name).is_some()
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) at: usize,
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.source.get(self.at..self.end).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<(char, Range<usize>)> {
        let c = self.peek()?;
        let start = self.at;
        self.at += c.len_utf8();
        Some((c, start..self.at))
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    pub(super) fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// The letters behind a backslash, or the one character that is none;
    /// moves behind it.
    pub(super) fn command_name(&mut self) -> Option<&'a str> {
        let rest = self.rest().strip_prefix('\\')?;
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let length = if letters > 0 {
            letters
        } else {
            rest.chars().next()?.len_utf8()
        };
        self.at += 1 + length;
        rest.get(..length)
    }

    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return Err(Malformed);
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Nodes up to where `stop` holds, a closing brace, or the end.
    pub(super) fn list(&mut self, stop: impl Fn(&str) -> bool) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            self.skip_space();
            if self.at >= self.end || self.peek() == Some('}') || stop(self.rest()) {
                return Ok(nodes);
            }
            if let Some(node) = self.nested(Self::scripted)? {
                nodes.push(node);
            }
        }
    }

    /// An atom with its sub- and superscripts; `None` for what draws nothing.
    fn scripted(&mut self) -> Parsed<Option<Node>> {
        let start = self.at;
        let base = if matches!(self.peek(), Some('^' | '_')) {
            None
        } else {
            self.atom()?
        };
        let (mut sub, mut sup) = (None, None);
        let from = self.at;
        loop {
            let before = self.at;
            self.skip_space();
            let slot = match self.peek() {
                Some('^') => &mut sup,
                Some('_') => &mut sub,
                Some('\'') if sup.is_none() => {
                    let primes = self.rest().len() - self.rest().trim_start_matches('\'').len();
                    let at = self.at..self.at + primes;
                    self.at = at.end;
                    let text = "′".repeat(primes.min(8));
                    sup = Some(Box::new(Node::Symbol {
                        text,
                        class: Class::Ordinary,
                        at,
                    }));
                    continue;
                }
                _ => {
                    if self.eat("\\limits") || self.eat("\\nolimits") {
                        continue;
                    }
                    self.at = before;
                    break;
                }
            };
            self.at += 1;
            let script = Box::new(self.nested(Self::argument)?);
            *slot = match slot.take() {
                // f'^2: the prime came first.
                Some(first) => Some(Box::new(Node::Group(vec![*first, *script]))),
                None => Some(script),
            };
        }
        if sub.is_none() && sup.is_none() {
            return Ok(base);
        }
        let base = Box::new(base.unwrap_or(Node::Group(Vec::new())));
        Ok(Some(Node::Script {
            base,
            sub,
            sup,
            at: from.max(start)..self.at,
        }))
    }

    /// `{…}` as a group, or the next single atom.
    pub(super) fn argument(&mut self) -> Parsed<Node> {
        self.skip_space();
        // TeX takes one digit, not a number: `\frac12`.
        if let Some(c) = self.peek().filter(char::is_ascii_digit) {
            let (_, at) = self.bump().ok_or(Malformed)?;
            return Ok(Node::Symbol {
                text: c.into(),
                class: Class::Number,
                at,
            });
        }
        if matches!(self.peek(), None | Some('}' | '&' | '^' | '_')) {
            return Err(Malformed);
        }
        self.nested(Self::atom)?.ok_or(Malformed)
    }

    pub(super) fn atom(&mut self) -> Parsed<Option<Node>> {
        match self.peek().ok_or(Malformed)? {
            '{' => self.group().map(Some),
            '\\' => self.command(),
            '0'..='9' => Ok(Some(self.number())),
            '%' => {
                // A comment in TeX; in a model's answer a percent sign.
                Ok(self.plain(Class::Ordinary))
            }
            '~' => Ok(self.bump().map(|(_, at)| Node::Space(" ", at))),
            '&' => Ok(self.bump().map(|(_, at)| Node::Space("", at))),
            '$' => Err(Malformed),
            '-' => Ok(self.bump().map(|(_, at)| Node::Symbol {
                text: "−".into(),
                class: Class::Binary,
                at,
            })),
            '+' | '*' => Ok(self.plain(Class::Binary)),
            '=' | '<' | '>' | ':' => Ok(self.plain(Class::Relation)),
            ',' | ';' => Ok(self.plain(Class::Punctuation)),
            '(' | '[' => Ok(self.plain(Class::Open)),
            ')' | ']' | '!' => Ok(self.plain(Class::Close)),
            _ => Ok(self.plain(Class::Ordinary)),
        }
    }

    fn plain(&mut self, class: Class) -> Option<Node> {
        self.bump().map(|(c, at)| Node::Symbol {
            text: c.into(),
            class,
            at,
        })
    }

    /// Digits with a decimal point or groups of three behind commas.
    fn number(&mut self) -> Node {
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| {
            bytes
                .iter()
                .skip(from)
                .take_while(|b| b.is_ascii_digit())
                .count()
        };
        let mut length = digits(0);
        while bytes.get(length) == Some(&b',') && digits(length + 1) == 3 {
            length += 4;
        }
        if bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
        }
        let at = self.at..self.at + length;
        self.at = at.end;
        let text = self.source.get(at.clone()).unwrap_or_default().to_owned();
        Node::Symbol {
            text,
            class: Class::Number,
            at,
        }
    }

    pub(super) fn group(&mut self) -> Parsed<Node> {
        self.nested(|parser| {
            if !parser.eat("{") {
                return Err(Malformed);
            }
            let nodes = parser.list(|_| false)?;
            if parser.eat("}") {
                Ok(Node::Group(nodes))
            } else {
                Err(Malformed)
            }
        })
    }

    /// The text of `{…}`, braces inside matched, and where it stands.
    pub(super) fn words(&mut self) -> Parsed<(String, Range<usize>)> {
        self.skip_space();
        if !self.eat("{") {
            return Err(Malformed);
        }
        let start = self.at;
        let mut depth = 1;
        while let Some((c, at)) = self.bump() {
            match c {
                '\\' => {
                    self.bump();
                }
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        let text = self.source.get(start..at.start).unwrap_or_default();
                        return Ok((text.to_owned(), start..at.start));
                    }
                }
                _ => {}
            }
        }
        Err(Malformed)
    }
}

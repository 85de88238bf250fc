//! From text to an expression, by recursive descent over the characters.
//!
//! ```text
//! or         = and { ("|" | "or") and }
//! and        = not { ("&" | "and") not }
//! not        = ("!" | "not") not | comparison
//! comparison = sum { ("<" | "<=" | ">" | ">=" | "=" | "!=") sum | "~" text }
//! sum        = product { ("+" | "-") product }
//! product    = sign { ("*" | "/") sign }
//! sign       = "-" sign | primary
//! primary    = number ["%"] | "quoted text" | name | function "(" or ")" | "(" or ")"
//! ```
//!
//! Behind a name of text and `=`, `!=` or `~` a text needs quotes only where it
//! holds blanks or signs: `model = qwen-1.5b`, `domain = "Number Theory"`.

use super::error::ExprError;
use super::field::{FUNCTIONS, Field, FieldInfo, Kind, Scope};
use super::node::{Comparison, Fold, Node, Operation};
use crate::model::pool::nearest;

/// Deeper nesting is refused: it is no person's, and has the stack grow.
const DEEPEST: usize = 64;
/// Most bytes of an expression, for the same reason: each may be an operator.
const LONGEST: usize = 4096;

/// What was parsed.
pub(super) struct Parsed {
    pub node: Node,
    pub kind: Kind,
    /// What fields of text are compared with.
    pub mentions: Vec<(Field, String)>,
}

/// A part of an expression, and where it stands.
struct Part {
    node: Node,
    kind: Kind,
    at: usize,
    end: usize,
}

type Parsing = Result<Part, ExprError>;

/// Parses the whole of `text`.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn parse(text: &str, scope: Scope) -> Result<Parsed, ExprError> {
    if text.trim().is_empty() {
        return Err(ExprError::Empty { scope });
    }
    if text.len() > LONGEST {
        return Err(ExprError::Long { most: LONGEST });
    }
    let mut parser = Parser {
        text,
        at: 0,
        scope,
        within: None,
        depth: 0,
        mentions: Vec::new(),
    };
    let part = parser.or()?;
    parser.blanks();
    if parser.at < text.len() {
        return Err(parser.expected("an operator or the end"));
    }
    Ok(Parsed {
        node: part.node,
        kind: part.kind,
        mentions: parser.mentions,
    })
}

struct Parser<'t> {
    text: &'t str,
    /// In bytes.
    at: usize,
    scope: Scope,
    /// The function over steps around this place.
    within: Option<&'static str>,
    depth: usize,
    mentions: Vec<(Field, String)>,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes `sign` if it comes next.
    fn takes(&mut self, sign: &str) -> bool {
        self.blanks();
        let comes = self.rest().starts_with(sign);
        if comes {
            self.at += sign.len();
        }
        comes
    }

    /// Takes a word if it comes next, and not only as the beginning of another.
    fn takes_word(&mut self, word: &str) -> bool {
        self.blanks();
        let comes = self.word().eq_ignore_ascii_case(word);
        if comes {
            self.at += word.len();
        }
        comes
    }

    /// The word that comes next.
    fn word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    /// Number of the character at a byte, from 1.
    fn place(&self, at: usize) -> usize {
        self.text
            .get(..at)
            .map_or(0, |before| before.chars().count())
            + 1
    }

    fn expected(&self, expected: &'static str) -> ExprError {
        ExprError::Expected {
            at: self.place(self.at),
            expected,
            rest: self.rest().trim().chars().take(16).collect(),
        }
    }

    /// The part that was read from `at` to here.
    fn part(&self, node: Node, kind: Kind, at: usize) -> Part {
        let end = self.at;
        Part {
            node,
            kind,
            at,
            end,
        }
    }

    fn wrong_kind(&self, part: &Part, needed: Kind) -> ExprError {
        let text = self.text.get(part.at..part.end).unwrap_or_default();
        let at = self.place(part.at) - 1;
        ExprError::kind(at, text.trim(), part.kind, needed)
    }

    /// `part`, which must be of a kind.
    fn of(&self, part: Part, needed: Kind) -> Parsing {
        match part.kind == needed {
            true => Ok(part),
            false => Err(self.wrong_kind(&part, needed)),
        }
    }

    fn or(&mut self) -> Parsing {
        self.depth += 1;
        if self.depth > DEEPEST {
            let at = self.place(self.at);
            return Err(ExprError::Deep { at });
        }
        let joined = self.joined(["||", "|", "or"], Self::and, Node::Or);
        self.depth -= 1;
        joined
    }

    fn and(&mut self) -> Parsing {
        self.joined(["&&", "&", "and"], Self::not, Node::And)
    }

    fn joined(
        &mut self,
        [double, single, word]: [&str; 3],
        part: fn(&mut Self) -> Parsing,
        join: fn(Box<Node>, Box<Node>) -> Node,
    ) -> Parsing {
        let mut left = part(self)?;
        while self.takes(double) || self.takes(single) || self.takes_word(word) {
            let a = self.of(left, Kind::Flag)?;
            let b = part(self)?;
            let b = self.of(b, Kind::Flag)?;
            let node = join(Box::new(a.node), Box::new(b.node));
            left = self.part(node, Kind::Flag, a.at);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsing {
        self.blanks();
        let at = self.at;
        let negated = !self.rest().starts_with("!=") && self.takes("!");
        if !negated && !self.takes_word("not") {
            return self.comparison();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            let at = self.place(at);
            return Err(ExprError::Deep { at });
        }
        let part = self.not()?;
        self.depth -= 1;
        let part = self.of(part, Kind::Flag)?;
        Ok(self.part(Node::Not(Box::new(part.node)), Kind::Flag, at))
    }

    /// `a < b < c` is `a < b & b < c`, of numbers: what stands in the middle is
    /// in both, and conditions could grow without end by that.
    fn comparison(&mut self) -> Parsing {
        let mut left = self.sum()?;
        let at = left.at;
        let mut all: Option<Node> = None;
        while all.is_none() || left.kind == Kind::Number {
            let Some(sign) = self.sign() else { break };
            let (node, right) = self.compared(left, sign)?;
            all = Some(match all {
                Some(before) => Node::And(Box::new(before), Box::new(node)),
                None => node,
            });
            left = right;
        }
        Ok(match all {
            Some(node) => self.part(node, Kind::Flag, at),
            None => left,
        })
    }

    fn sign(&mut self) -> Option<&'static str> {
        ["<=", ">=", "!=", "==", "<", ">", "=", "~"]
            .into_iter()
            .find(|sign| self.takes(sign))
    }

    /// `left` against what follows `sign`, which is returned as well.
    fn compared(&mut self, left: Part, sign: &str) -> Result<(Node, Part), ExprError> {
        self.blanks();
        let at = self.at;
        let right = match left.kind {
            Kind::Text => self.text_operand(&left.node, sign)?,
            Kind::Number | Kind::Flag => self.sum()?,
        };
        if left.kind != right.kind {
            return Err(ExprError::Compared {
                at: self.place(at),
                left: left.kind,
                right: right.kind,
            });
        }
        if let (Node::Text(text), "=" | "==" | "!=") = (&left.node, sign) {
            // Whichever stands first: `"small" = model`.
            self.mention(&right.node, text, left.at)?;
        }
        let (mut a, mut b) = (Box::new(left.node), Box::new(right.node.clone()));
        if matches!(*a, Node::Text(_)) {
            std::mem::swap(&mut a, &mut b);
        }
        let comparison = match sign {
            "<" => Comparison::Less,
            "<=" => Comparison::LessEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterEqual,
            _ => Comparison::Equal,
        };
        let node = match (left.kind, sign) {
            (Kind::Number | Kind::Flag, "~") => {
                let at = self.place(at);
                return Err(ExprError::Holds { at });
            }
            (Kind::Number, "!=") => Node::Not(Box::new(Node::Compare(comparison, a, b))),
            (Kind::Number, _) => Node::Compare(comparison, a, b),
            (Kind::Text, "~") => match *b {
                Node::Text(part) => Node::Holds(a, part.to_lowercase().into()),
                _ => {
                    let at = self.place(at);
                    return Err(ExprError::Holds { at });
                }
            },
            (Kind::Text, "!=") => Node::Not(Box::new(Node::Same(a, b))),
            (Kind::Text, "=" | "==") => Node::Same(a, b),
            (Kind::Text, _) => {
                return Err(ExprError::Order { at: self.place(at) });
            }
            // `wrong = true` is `wrong`.
            (Kind::Flag, "=" | "==") => Node::Equal(a, b),
            (Kind::Flag, "!=") => Node::Not(Box::new(Node::Equal(a, b))),
            (Kind::Flag, _) => {
                let at = self.place(at);
                return Err(ExprError::FlagOrder { at });
            }
        };
        Ok((node, right))
    }

    /// What a text is compared with: in quotes, or a word as it stands.
    fn text_operand(&mut self, left: &Node, sign: &str) -> Parsing {
        self.blanks();
        let at = self.at;
        if let Some(text) = self.quoted()? {
            return self.compared_text(left, sign, text, at);
        }
        let rest = self.rest();
        let bare = rest.get(..rest.find(ends_bare_text).unwrap_or(rest.len()));
        let bare = bare.unwrap_or_default();
        if bare.is_empty() {
            return Err(self.expected("a text"));
        }
        // Another name of text: `model = next`.
        if let Some(info) = Field::named(bare)
            && info.kind == Kind::Text
            && !is_within(left, bare)
        {
            return self.primary();
        }
        self.at += bare.len();
        self.compared_text(left, sign, bare.to_owned(), at)
    }

    /// A text behind a sign; a part of one (`~`) may be anything.
    fn compared_text(&mut self, left: &Node, sign: &str, text: String, at: usize) -> Parsing {
        if sign != "~" {
            self.mention(left, &text, at)?;
        }
        Ok(self.part(Node::Text(text.into()), Kind::Text, at))
    }

    /// Keeps what a field is compared with, which it must be able to be.
    fn mention(&mut self, field: &Node, text: &str, at: usize) -> Result<(), ExprError> {
        let (Node::OfStep(field) | Node::OfTrajectory(field)) = field else {
            return Ok(());
        };
        if let Some(known) = field.vocabulary()
            && !known.iter().any(|word| word.eq_ignore_ascii_case(text))
        {
            return Err(ExprError::Never {
                at: self.place(at),
                field: field.info().name,
                meant: nearest(text, known.iter().copied()).map(str::to_owned),
                text: text.to_owned(),
                known: known.to_vec(),
            });
        }
        self.mentions.push((*field, text.to_owned()));
        Ok(())
    }

    fn quoted(&mut self) -> Result<Option<String>, ExprError> {
        let rest = self.rest();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return Ok(None);
        };
        let Some((text, _)) = rest.get(1..).and_then(|rest| rest.split_once(quote)) else {
            return Err(self.expected("a closing quote"));
        };
        self.at += text.len() + 2;
        Ok(Some(text.to_owned()))
    }

    fn sum(&mut self) -> Parsing {
        let signs = [("+", Operation::Add), ("-", Operation::Subtract)];
        self.calculated(signs, Self::product)
    }

    fn product(&mut self) -> Parsing {
        let signs = [("*", Operation::Multiply), ("/", Operation::Divide)];
        self.calculated(signs, Self::negated)
    }

    fn calculated(
        &mut self,
        signs: [(&str, Operation); 2],
        part: fn(&mut Self) -> Parsing,
    ) -> Parsing {
        let mut left = part(self)?;
        while let Some((_, how)) = signs.into_iter().find(|(sign, _)| self.takes(sign)) {
            let a = self.of(left, Kind::Number)?;
            let b = part(self)?;
            let b = self.of(b, Kind::Number)?;
            let node = Node::Arithmetic(how, Box::new(a.node), Box::new(b.node));
            left = self.part(node, Kind::Number, a.at);
        }
        Ok(left)
    }

    fn negated(&mut self) -> Parsing {
        self.blanks();
        let at = self.at;
        let mut odd = false;
        while self.takes("-") {
            odd = !odd;
        }
        let part = self.primary()?;
        if !odd {
            return Ok(part);
        }
        let part = self.of(part, Kind::Number)?;
        let zero = Box::new(Node::Number(0.0));
        let node = Node::Arithmetic(Operation::Subtract, zero, Box::new(part.node));
        Ok(self.part(node, Kind::Number, at))
    }

    fn primary(&mut self) -> Parsing {
        self.blanks();
        let at = self.at;
        if self.takes("(") {
            let part = self.or()?;
            if !self.takes(")") {
                return Err(self.expected("`)`"));
            }
            return Ok(self.part(part.node, part.kind, at));
        }
        if let Some(text) = self.quoted()? {
            return Ok(self.part(Node::Text(text.into()), Kind::Text, at));
        }
        if self
            .rest()
            .starts_with(|c: char| c.is_ascii_digit() || c == '.')
        {
            return self.number();
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.expected("a name, a number or `(`"));
        }
        self.at += word.len();
        match word {
            "true" | "false" => Ok(self.part(Node::Flag(word == "true"), Kind::Flag, at)),
            "known" => self.known(at),
            _ if Fold::named(word).is_some() => self.fold(word, at),
            _ => self.name(word, at),
        }
    }

    fn number(&mut self) -> Parsing {
        let at = self.at;
        let rest = self.rest();
        let mut end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(rest.len());
        // 1e3, 1e-3: an exponent needs a digit.
        let exponent = rest.get(end..).unwrap_or_default();
        if let Some(digits) = exponent.strip_prefix(['e', 'E']) {
            let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
            let count = unsigned.chars().take_while(char::is_ascii_digit).count();
            if count > 0 {
                end += 1 + (digits.len() - unsigned.len()) + count;
            }
        }
        let written = rest.get(..end).unwrap_or_default();
        let Some(number) = written.parse::<f64>().ok().filter(|x| x.is_finite()) else {
            return Err(self.expected("a number"));
        };
        self.at += end;
        let share = self.takes("%");
        let number = if share { number / 100.0 } else { number };
        Ok(self.part(Node::Number(number), Kind::Number, at))
    }

    /// What stands in brackets behind the name of a function.
    fn argument(&mut self, needed: Option<Kind>) -> Parsing {
        if !self.takes("(") {
            return Err(self.expected("`(`"));
        }
        let mut part = self.or()?;
        if let Some(needed) = needed {
            part = self.of(part, needed)?;
        }
        match self.takes(")") {
            true => Ok(part),
            false => Err(self.expected("`)`")),
        }
    }

    fn known(&mut self, at: usize) -> Parsing {
        let part = self.argument(None)?;
        Ok(self.part(Node::Known(Box::new(part.node)), Kind::Flag, at))
    }

    fn fold(&mut self, word: &str, at: usize) -> Parsing {
        let functions = FUNCTIONS.iter().map(|(name, _)| *name);
        let name = functions.into_iter().find(|name| *name == word);
        let (Some(fold), Some(name)) = (Fold::named(word), name) else {
            return Err(ExprError::unknown(self.place(at) - 1, word));
        };
        if self.within.is_some() {
            let at = self.place(at);
            return Err(ExprError::Nested { at, name });
        }
        let needed = match fold.is_of_numbers() {
            true => Kind::Number,
            false => Kind::Flag,
        };
        self.within = Some(name);
        let part = self.argument(Some(needed));
        self.within = None;
        let part = part?;
        let kind = match fold.is_flag() {
            true => Kind::Flag,
            false => Kind::Number,
        };
        Ok(self.part(Node::Fold(fold, Box::new(part.node)), kind, at))
    }

    fn name(&mut self, word: &str, at: usize) -> Parsing {
        let place = self.place(at);
        let info = Field::named(word).ok_or_else(|| ExprError::unknown(place - 1, word))?;
        let of_step = info.scope == Scope::Step;
        if of_step && self.scope == Scope::Trajectory && self.within.is_none() {
            return Err(ExprError::OfAStep {
                at: place,
                name: info.name,
            });
        }
        Ok(self.part(node_of(info), info.kind, at))
    }
}

/// What ends a text that stands without quotes.
pub(super) fn ends_bare_text(c: char) -> bool {
    c.is_whitespace() || "&|()!<>=~\"'".contains(c)
}

fn node_of(info: &FieldInfo) -> Node {
    match info.scope {
        Scope::Step => Node::OfStep(info.field),
        Scope::Trajectory => Node::OfTrajectory(info.field),
    }
}

/// Whether `word` is one of the texts that the field in `left` can have:
/// `verdict = correct` is no comparison with the name `correct`.
fn is_within(left: &Node, word: &str) -> bool {
    let (Node::OfStep(field) | Node::OfTrajectory(field)) = left else {
        return false;
    };
    field
        .vocabulary()
        .is_some_and(|known| known.contains(&word))
}

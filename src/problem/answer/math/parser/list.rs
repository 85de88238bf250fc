//! Lists, and what brackets hold.

use super::super::ParseError;
use super::super::node::{Bracket, Node, Relation};
use super::super::token::{Delimiter, Token};
use super::Parser;

/// Most items of one list.
const MOST_ITEMS: usize = 512;

impl Parser<'_> {
    /// Items between commas, semicolons, `and`, `or`; one alone is itself.
    pub(super) fn list(&mut self) -> Result<Node, ParseError> {
        self.deeper(|parser| {
            let mut items = vec![parser.relation()?];
            let mut joint = Joint::None;
            while let Some(next) = parser.separator() {
                if parser.ends_list() {
                    // A comma at the end lists nothing.
                    break;
                }
                joint = joint.with(next);
                if items.len() >= MOST_ITEMS {
                    return Err(ParseError::TooLong);
                }
                items.push(parser.relation()?);
            }
            if joint == Joint::None {
                return Ok(items.remove(0));
            }
            Ok(joined(items, joint))
        })
    }

    /// Takes the separators here, if any, and what they say.
    fn separator(&mut self) -> Option<Joint> {
        let mut found = None;
        while let Some(token @ (Token::Comma | Token::Semicolon | Token::And | Token::Or)) =
            self.peek()
        {
            let says = match token {
                Token::And => Joint::And,
                Token::Or => Joint::Or,
                _ => Joint::Comma,
            };
            // "a, and b" says "and".
            found = match found {
                Some(before) if says == Joint::Comma => Some(before),
                _ => Some(says),
            };
            self.at += 1;
        }
        found
    }

    fn ends_list(&self) -> bool {
        matches!(
            self.peek(),
            None | Some(Token::Close(_) | Token::CloseGroup | Token::End(_))
        )
    }

    /// What follows an opening bracket, to the closing one.
    pub(super) fn bracketed(&mut self, open: Delimiter) -> Result<Node, ParseError> {
        if open == Delimiter::Brace {
            return self.set();
        }
        let outer_bars = std::mem::take(&mut self.bars);
        let inner = self.list();
        self.bars = outer_bars;
        let inner = inner?;
        let close = match self.peek() {
            Some(token) if Self::closes(open, token) => bracket(token).unwrap_or(Bracket::Round),
            // `[a, b[`: open at that end.
            Some(Token::Open(Delimiter::Square)) if matches!(inner, Node::List(_)) => {
                Bracket::Round
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        let items = match inner {
            Node::List(items) => items,
            other => {
                // Only half-open brackets around one value mean something.
                return Ok(other);
            }
        };
        let open = match open {
            Delimiter::Square => Bracket::Square,
            Delimiter::Angle => Bracket::Angle,
            _ => Bracket::Round,
        };
        Ok(Node::Group { open, close, items })
    }

    /// `\{1, 2\}`, `\{x \mid x > 2\}`.
    fn set(&mut self) -> Result<Node, ParseError> {
        if self.eat(&Token::Close(Delimiter::Brace)) {
            return Ok(Node::Set(Vec::new()));
        }
        if let (Some(Token::Letter(letter)), Some(Token::Colon)) =
            (self.peek().cloned(), self.peek_at(1))
        {
            self.at += 2;
            let condition = self.list()?;
            let set = such_that(Node::of_letter(letter), condition)?;
            self.expect(&Token::Close(Delimiter::Brace))?;
            return Ok(set);
        }
        let outer_bars = std::mem::take(&mut self.bars);
        let inner = self.list();
        self.bars = outer_bars;
        let mut inner = inner?;
        if matches!(
            self.peek(),
            Some(Token::Bar | Token::Colon | Token::Relation(Relation::SuchThat))
        ) {
            self.at += 1;
            let condition = self.list()?;
            inner = such_that(inner, condition)?;
        } else if let Node::Ratio(parts) = inner {
            // `{x : x > 2}`: only the first sign was read as a ratio.
            let [what, condition] = <[Node; 2]>::try_from(parts)
                .map_err(|_| ParseError::Malformed("a ratio in a set"))?;
            let condition = self.rest_of_condition(condition)?;
            inner = such_that(what, condition)?;
        }
        self.expect(&Token::Close(Delimiter::Brace))?;
        Ok(as_set(inner))
    }

    /// Goes on with a condition whose first member is read.
    fn rest_of_condition(&mut self, first: Node) -> Result<Node, ParseError> {
        let mut rest = Vec::new();
        while let Some(Token::Relation(relation)) = self.peek() {
            let relation = *relation;
            self.at += 1;
            rest.push((relation, self.union()?));
        }
        Ok(Node::Relation(Box::new(first), rest))
    }

    /// What follows `{`, to `}`.
    pub(super) fn group(&mut self) -> Result<Node, ParseError> {
        if self.eat(&Token::CloseGroup) {
            return Err(ParseError::Malformed("an empty group"));
        }
        let outer_bars = std::mem::take(&mut self.bars);
        let inner = self.group_content();
        self.bars = outer_bars;
        let inner = inner?;
        self.expect(&Token::CloseGroup)?;
        // A list in bare braces is meant as a set.
        Ok(match inner {
            Node::List(items) => Node::Set(items),
            other => other,
        })
    }

    /// With `n \choose k` and `a \over b`, which split the whole group.
    fn group_content(&mut self) -> Result<Node, ParseError> {
        let first = self.list()?;
        match self.peek() {
            Some(Token::Choose) => {
                self.at += 1;
                let below = self.list()?;
                Ok(Node::Call(super::Function::Binomial, vec![first, below]))
            }
            Some(Token::Over) => {
                self.at += 1;
                Ok(Node::quotient(first, self.list()?))
            }
            Some(Token::Bar | Token::Colon | Token::Relation(Relation::SuchThat)) => {
                self.at += 1;
                let condition = self.list()?;
                such_that(first, condition)
            }
            _ => Ok(first),
        }
    }

    /// The rows of a matrix, after its `\begin`.
    pub(super) fn matrix(&mut self) -> Result<Node, ParseError> {
        let outer_bars = std::mem::take(&mut self.bars);
        let mut rows = vec![Vec::new()];
        let mut entries = 0;
        loop {
            match self.peek() {
                Some(Token::End(_)) => {
                    self.at += 1;
                    break;
                }
                Some(Token::NewRow) => {
                    self.at += 1;
                    rows.push(Vec::new());
                }
                Some(Token::Ampersand) => {
                    self.at += 1;
                    let empty = rows.last().is_some_and(Vec::is_empty)
                        || matches!(
                            self.peek(),
                            Some(Token::Ampersand | Token::NewRow | Token::End(_))
                        );
                    if empty {
                        return Err(ParseError::Malformed("a matrix with an empty entry"));
                    }
                }
                None => return Err(ParseError::Ended),
                Some(_) => {
                    entries += 1;
                    if entries > MOST_ITEMS {
                        return Err(ParseError::TooLong);
                    }
                    let entry = self.relation()?;
                    if let Some(row) = rows.last_mut() {
                        row.push(entry);
                    }
                    // A comma between entries is a separator too.
                    self.eat(&Token::Comma);
                }
            }
        }
        self.bars = outer_bars;
        rows.retain(|row| !row.is_empty());
        if rows.is_empty() {
            return Err(ParseError::Malformed("a matrix without entries"));
        }
        Ok(Node::Matrix(rows))
    }
}

fn bracket(token: &Token) -> Option<Bracket> {
    match token {
        Token::Close(Delimiter::Round) => Some(Bracket::Round),
        Token::Close(Delimiter::Square) => Some(Bracket::Square),
        Token::Close(Delimiter::Angle) => Some(Bracket::Angle),
        _ => None,
    }
}

/// What stands between the items of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    None,
    Comma,
    And,
    Or,
}

impl Joint {
    /// Of "a, b or c" the word speaks for the comma too.
    fn with(self, next: Self) -> Self {
        match (self, next) {
            (Self::None, next) => next,
            (Self::Or, _) | (_, Self::Or) => Self::Or,
            (Self::And, _) | (_, Self::And) => Self::And,
            _ => Self::Comma,
        }
    }
}

/// A list; of inequalities the set of what fulfils one, or all of them.
fn joined(items: Vec<Node>, joint: Joint) -> Node {
    let inequalities = items.iter().all(|item| {
        matches!(item, Node::Relation(_, rest)
            if rest.iter().all(|(relation, _)| relation.is_order() || *relation == Relation::NotEqual))
    });
    // What is left out is left out of everything: `x > 0, x \ne 1`.
    let exclusions = items.iter().any(|item| {
        matches!(item, Node::Relation(_, rest)
            if rest.iter().all(|(relation, _)| *relation == Relation::NotEqual))
    });
    match (inequalities, joint) {
        (true, _) if exclusions => Node::Intersection(items),
        (true, Joint::And) => Node::Intersection(items),
        (true, Joint::Or) => Node::Union(items),
        _ => Node::List(items),
    }
}

/// The set of what fulfils a condition: the condition itself.
fn such_that(what: Node, condition: Node) -> Result<Node, ParseError> {
    let is_variable = match &what {
        Node::Symbol(_) => true,
        Node::Relation(first, rest) => {
            matches!(**first, Node::Symbol(_)) && matches!(rest[..], [(Relation::In, _)])
        }
        _ => false,
    };
    match condition {
        condition @ (Node::Relation(..) | Node::Union(_) | Node::Intersection(_))
            if is_variable =>
        {
            Ok(condition)
        }
        _ => Err(ParseError::Malformed("a set by a property")),
    }
}

/// The items in braces; a set of one inequality is the inequality.
fn as_set(inner: Node) -> Node {
    match inner {
        Node::List(items) => Node::Set(items),
        inequality @ (Node::Union(_) | Node::Intersection(_)) => inequality,
        Node::Relation(first, rest)
            if rest
                .iter()
                .all(|(relation, _)| *relation != Relation::Equal) =>
        {
            Node::Relation(first, rest)
        }
        other => Node::Set(vec![other]),
    }
}

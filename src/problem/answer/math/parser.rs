//! From tokens to the tree: lists of relations of unions of sums of products
//! of powers.

mod list;
mod primary;
mod product;
mod unit;

use super::node::{Function, Node, Relation};
use super::token::{Delimiter, Spaced, Token};
use super::{ParseError, Reading};

/// Deepest nesting that is followed; a pair of brackets is about six levels.
const DEEPEST: u32 = 96;
/// Most signs after one value, and most quotients or set operations in a row:
/// each makes the tree deeper, and trees are walked by recursion.
const LONGEST_CHAIN: usize = 16;
/// Most parts of one union.
const MOST_PARTS: usize = 128;

pub(super) fn parse(text: &str, tokens: Vec<Spaced>, reading: Reading) -> Result<Node, ParseError> {
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
        bars: 0,
        reading,
    };
    let condition = parser.without_condition();
    parser.conclusion_only();
    // `= 6`, `\approx 6`
    while matches!(parser.peek(), Some(Token::Relation(relation)) if relation.gives_value()) {
        parser.at += 1;
    }
    let start = parser.at;
    let node = match parser.whole() {
        Ok(node) => node,
        Err(error) => parser.after_name(start).ok_or(error)?,
    };
    Ok(match condition {
        Some(condition) => Node::Quantity {
            value: Box::new(node),
            unit: condition,
        },
        None => node,
    })
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Spaced>,
    at: usize,
    depth: u32,
    /// Open `|`: the next one closes.
    bars: u32,
    reading: Reading,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|spaced| &spaced.token)
    }

    fn peek_at(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|spaced| &spaced.token)
    }

    /// Whether blank space is before the next token.
    fn is_spaced(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|spaced| spaced.spaced)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at)?.token.clone();
        self.at += 1;
        Some(token)
    }

    fn eat(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), ParseError> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// What is wrong at the present token.
    fn unexpected(&self) -> ParseError {
        const SHOWN: usize = 20;
        let Some(spaced) = self.tokens.get(self.at) else {
            return ParseError::Ended;
        };
        if let Token::Unknown(name) = &spaced.token {
            return ParseError::Unknown(name.clone());
        }
        let rest = self.text.get(spaced.at..).unwrap_or_default();
        let end = rest
            .char_indices()
            .nth(SHOWN)
            .map_or(rest.len(), |(at, _)| at);
        ParseError::Unexpected(rest[..end].to_owned())
    }

    /// Goes one level deeper for `inner`.
    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth >= DEEPEST {
            return Err(ParseError::TooDeep);
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// All tokens from here.
    fn whole(&mut self) -> Result<Node, ParseError> {
        // `\ge 5` leaves out what is at least 5.
        let node = match self.peek() {
            Some(Token::Relation(relation)) if relation.is_order() => {
                let relation = *relation;
                self.at += 1;
                let bound = self.union()?;
                Node::Relation(Box::new(Node::symbol("x")), vec![(relation, bound)])
            }
            _ => self.list()?,
        };
        if self.at < self.tokens.len() {
            return Err(self.unexpected());
        }
        Ok(node)
    }

    /// The equation whose left side cannot be read and is taken for a name:
    /// `\lim_{n \to \infty} a_n = 2`, `\Pr(X > Y) = \frac13`.
    fn after_name(&mut self, start: usize) -> Option<Node> {
        let mut depth = 0_i32;
        let equal = (start..self.tokens.len()).find(|&place| {
            match &self.tokens[place].token {
                Token::Open(_) | Token::OpenGroup => depth += 1,
                Token::Close(_) | Token::CloseGroup => depth -= 1,
                token => return depth == 0 && *token == Token::Relation(Relation::Equal),
            }
            false
        })?;
        if equal == start {
            return None;
        }
        let name = self
            .text
            .get(self.tokens[start].at..self.tokens[equal].at)?
            .trim()
            .to_lowercase();
        self.at = equal + 1;
        // What the failed reading left behind.
        (self.bars, self.depth) = (0, 0);
        let value = self.whole().ok()?;
        Some(Node::Relation(
            Box::new(Node::Words(name)),
            vec![(Relation::Equal, value)],
        ))
    }

    /// Takes off a condition at the end: `x \text{ for all } x > 0`.
    fn without_condition(&mut self) -> Option<String> {
        let begins_condition = |token: &Token| match token {
            Token::Text(words) | Token::Run(words) => {
                let first = words.split_whitespace().next().unwrap_or_default();
                matches!(
                    first.to_lowercase().as_str(),
                    "for" | "where" | "with" | "as"
                )
            }
            _ => false,
        };
        let mut places = (0..self.tokens.len())
            .filter(|&place| place > 0 && begins_condition(&self.tokens[place].token));
        // With several, each case has its own.
        let (Some(place), None) = (places.next(), places.next()) else {
            return None;
        };
        {
            let words = self.text.get(self.tokens[place].at..).unwrap_or_default();
            let squeezed: String = words.chars().filter(|c| !c.is_whitespace()).collect();
            self.tokens.truncate(place);
            while matches!(
                self.tokens.last().map(|spaced| &spaced.token),
                Some(Token::Comma | Token::Semicolon)
            ) {
                self.tokens.pop();
            }
            Some(format!("where:{squeezed}"))
        }
    }

    /// Of `a ⇒ b` only b counts.
    fn conclusion_only(&mut self) {
        let mut depth = 0_i32;
        let mut last = None;
        // `p ⇒ q` of statements is no derivation; `⇒ q` and `x → q` are.
        let arrow = self
            .tokens
            .iter()
            .position(|spaced| spaced.token == Token::Implies);
        let simple = match (arrow, self.tokens.get(1), self.tokens.get(2)) {
            (Some(0), ..) => true,
            // A limit, not a statement that follows from another.
            (Some(1), Some(_), Some(spaced)) => !matches!(spaced.token, Token::Letter(_)),
            _ => false,
        };
        let mut derived = simple;
        for (place, spaced) in self.tokens.iter().enumerate() {
            derived |= matches!(spaced.token, Token::Relation(_));
            match spaced.token {
                Token::Open(_) | Token::OpenGroup => depth += 1,
                Token::Close(_) | Token::CloseGroup => depth -= 1,
                // Not the arrow of `\lim_{n \to \infty}`.
                Token::Implies if depth == 0 && derived => last = Some(place),
                _ => {}
            }
        }
        if let Some(at) = last.filter(|at| at + 1 < self.tokens.len()) {
            self.at = at + 1;
        }
    }

    /// `a < b \le c`, `x \in S`, `3 : 1`.
    fn relation(&mut self) -> Result<Node, ParseError> {
        let first = self.union()?;
        if self.peek() == Some(&Token::Colon) && first.is_expression() {
            return self.ratio(first);
        }
        let mut rest = Vec::new();
        while let Some(Token::Relation(relation)) = self.peek() {
            let mut relation = *relation;
            if relation == Relation::SuchThat {
                break;
            }
            self.at += 1;
            // `\not=` and `x =\, <`: the last sign counts.
            while let Some(Token::Relation(next)) = self.peek() {
                relation = *next;
                self.at += 1;
            }
            rest.push((relation, self.union()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(split_at_unions(first, rest))
    }

    fn ratio(&mut self, first: Node) -> Result<Node, ParseError> {
        let mut terms = vec![first];
        while self.eat(&Token::Colon) {
            terms.push(self.sum()?);
        }
        Ok(Node::Ratio(terms))
    }

    fn union(&mut self) -> Result<Node, ParseError> {
        let mut node = self.sum()?;
        for _ in 0..LONGEST_CHAIN {
            match self.peek() {
                Some(Token::Union) => {
                    self.at += 1;
                    let mut items = vec![node, self.sum()?];
                    while items.len() < MOST_PARTS && self.eat(&Token::Union) {
                        items.push(self.sum()?);
                    }
                    node = Node::Union(items);
                }
                Some(Token::Intersection) => {
                    self.at += 1;
                    node = Node::Intersection(vec![node, self.sum()?]);
                }
                // A backslash between sets; `/` is a quotient.
                Some(Token::SetMinus) => {
                    self.at += 1;
                    let less = self.sum()?;
                    node = Node::Difference(Box::new(node), Box::new(less));
                }
                _ => return Ok(node),
            }
        }
        Err(ParseError::TooDeep)
    }

    fn sum(&mut self) -> Result<Node, ParseError> {
        self.deeper(|parser| {
            let mut terms = vec![parser.signed_term()?];
            loop {
                match parser.peek() {
                    Some(Token::Plus) => {
                        parser.at += 1;
                        terms.push(parser.signed_term()?);
                    }
                    Some(Token::Minus) => {
                        parser.at += 1;
                        terms.push(parser.signed_term()?.negated());
                    }
                    Some(Token::PlusMinus | Token::MinusPlus) => {
                        terms.push(parser.signed_term()?);
                    }
                    _ => break,
                }
            }
            Ok(if terms.len() == 1 {
                terms.remove(0)
            } else {
                Node::Sum(terms)
            })
        })
    }

    /// A term with the signs before it.
    fn signed_term(&mut self) -> Result<Node, ParseError> {
        self.deeper(|parser| match parser.peek() {
            Some(Token::Plus) => {
                parser.at += 1;
                parser.signed_term()
            }
            Some(Token::Minus) => {
                parser.at += 1;
                Ok(parser.signed_term()?.negated())
            }
            Some(sign @ (Token::PlusMinus | Token::MinusPlus)) => {
                let minus_first = *sign == Token::MinusPlus;
                parser.at += 1;
                Ok(Node::PlusMinus {
                    inner: Box::new(parser.signed_term()?),
                    minus_first,
                })
            }
            _ => parser.product(),
        })
    }

    /// `\sum_{k=1}^{n} a_k` and `\prod`.
    fn series(&mut self, function: Function) -> Result<Node, ParseError> {
        self.expect(&Token::Underscore)?;
        let Node::Relation(index, bounds) = self.argument()? else {
            return Err(ParseError::Malformed("a sum without bounds"));
        };
        let [(Relation::Equal, from)] = &bounds[..] else {
            return Err(ParseError::Malformed("a sum without bounds"));
        };
        let from = from.clone();
        self.expect(&Token::Caret)?;
        let to = self.argument()?;
        let mut term = self.product()?;
        let index = match *index {
            Node::Symbol(name) => Node::Symbol(name),
            // An index named i or e is no constant there.
            Node::Constant(constant) => {
                let name = Node::symbol("index");
                term.replace(&Node::Constant(constant), &name);
                name
            }
            _ => return Err(ParseError::Malformed("a sum without an index")),
        };
        Ok(Node::Call(function, vec![index, from, to, term]))
    }

    /// The token that closes what `open` opens.
    fn closes(open: Delimiter, token: &Token) -> bool {
        use Delimiter as D;
        match token {
            Token::Close(close) => match open {
                // Intervals may be half open.
                D::Round | D::Square => matches!(close, D::Round | D::Square),
                other => *close == other,
            },
            _ => false,
        }
    }
}

/// `1 < x < 2 \cup 3 < x < 4` was read with the union in the middle of a chain:
/// it is the union of two chains.
fn split_at_unions(first: Node, rest: Vec<(Relation, Node)>) -> Node {
    let last = rest.len() - 1;
    let splits = rest.iter().enumerate().any(|(place, (relation, member))| {
        place < last && relation.is_order() && matches!(member, Node::Union(_))
    });
    if !splits {
        return Node::Relation(Box::new(first), rest);
    }
    let mut chains = Vec::new();
    let (mut head, mut chain) = (first, Vec::new());
    for (relation, member) in rest {
        match member {
            Node::Union(mut parts) if parts.len() == 2 => {
                let (next, end) = (parts.pop(), parts.pop());
                chain.extend(end.map(|end| (relation, end)));
                chains.push(Node::Relation(Box::new(head), std::mem::take(&mut chain)));
                head = next.unwrap_or_else(|| Node::integer(0));
            }
            member => chain.push((relation, member)),
        }
    }
    chains.push(Node::Relation(Box::new(head), chain));
    Node::Union(chains)
}

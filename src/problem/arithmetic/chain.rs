//! Where equalities stand in a text: signs of equality with a calculation on
//! both sides, and nothing around them that may belong to one.

use super::operand::{self, Operand, command_argument};
use super::token::{Kind, Token};
use super::words;

/// Tokens of one side.
const MOST_TOKENS: usize = 64;
/// Bytes of a sentence that are looked through for a denial.
const SENTENCE: usize = 240;

/// Two sides of a sign.
pub(super) struct Pair {
    pub left: Operand,
    pub right: Operand,
    pub approximate: bool,
    /// Whether the text says that it may not hold.
    pub denied: bool,
}

/// The equalities of a text.
pub(super) fn pairs<'t>(text: &'t str, tokens: &'t [Token]) -> impl Iterator<Item = Pair> + 't {
    let signs = tokens
        .iter()
        .enumerate()
        .filter_map(|(at, token)| match token.kind {
            Kind::Relation { approximate } => Some((at, approximate)),
            _ => None,
        });
    signs.filter_map(move |(at, approximate)| {
        let right = right(text, tokens, at)?;
        let left = left(text, tokens, at)?;
        // Two numbers side by side are a definition, or a score.
        let worked = left.operators + right.operators > 0;
        worked.then(|| Pair {
            denied: is_denied(text, left.span.start, right.span.end),
            left,
            right,
            approximate,
        })
    })
}

fn ends_side(token: &Token) -> bool {
    matches!(token.kind, Kind::Relation { .. } | Kind::Break)
}

/// The calculation that ends before the sign at `sign`: the longest there is,
/// where nothing before it can belong to it.
fn left(text: &str, tokens: &[Token], sign: usize) -> Option<Operand> {
    let first = tokens[..sign].iter().rposition(ends_side);
    let begin = first.map_or(0, |at| at + 1);
    // A side that is longer than this is not read at all.
    let from = begin.max(sign.saturating_sub(MOST_TOKENS));
    let cut = from > begin;
    let after_relation = first.is_some_and(|at| matches!(tokens[at].kind, Kind::Relation { .. }));
    (from..sign).find_map(|start| {
        let begins = matches!(
            tokens[start].kind,
            Kind::Number(_)
                | Kind::Open(_)
                | Kind::Frac
                | Kind::Sqrt
                | Kind::Binomial
                | Kind::Minus
                | Kind::Dollar
        );
        if !begins {
            return None;
        }
        let found = operand::whole(text, &tokens[start..sign])?;
        let before = &tokens[begin..start];
        // A number alone is what something was called: `400 degrees = …`.
        let named = found.operators == 0 && (start > begin || !found.units.is_empty());
        let is_cut = cut && start == from;
        let free =
            !is_cut && !named && is_free_before(text, before, &tokens[start], after_relation);
        // A shorter one would leave out what this one could not be freed of.
        Some(free.then_some(found))
    })?
}

/// Whether what stands before a calculation does not belong to it.
fn is_free_before(text: &str, before: &[Token], begin: &Token, after_relation: bool) -> bool {
    let written =
        |token: &Token| command_argument(text.get(token.start..token.end).unwrap_or_default());
    let mut before = before;
    let mut spaced = begin.spaced;
    while let Some((last, rest)) = before.split_last()
        && last.kind == Kind::Dollar
    {
        spaced |= last.spaced;
        before = rest;
    }
    let Some((last, rest)) = before.split_last() else {
        return true;
    };
    match last.kind {
        Kind::Word if spaced => {
            let earlier = rest.last().filter(|token| token.kind == Kind::Word);
            if begin.kind == Kind::Minus || words::binds(written(last), earlier.map(written)) {
                return false;
            }
            // `5 and 3 + 4`: of a sum of both, unless the 5 is what was
            // before the sign.
            let joins = written(last).eq_ignore_ascii_case("and");
            let counts = |token: &Token| matches!(token.kind, Kind::Number(_));
            !joins || after_relation || !before.iter().any(counts)
        }
        // Of an open bracket that no function stands before.
        Kind::Open('(' | '[') => rest.last().is_none_or(|of| {
            let tight = !last.spaced;
            let touches = matches!(
                of.kind,
                Kind::Letter | Kind::Word | Kind::Number(_) | Kind::Close(_) | Kind::Bad
            );
            !(tight && touches || matches!(of.kind, Kind::Sqrt | Kind::Frac | Kind::Power))
        }),
        Kind::Open(_) => rest.is_empty(),
        _ => false,
    }
}

/// The calculation that begins behind the sign at `sign`, where nothing behind
/// it can belong to it.
fn right(text: &str, tokens: &[Token], sign: usize) -> Option<Operand> {
    let behind = tokens.get(sign + 1..)?;
    let end = behind.iter().position(ends_side).unwrap_or(behind.len());
    let cut = end > MOST_TOKENS;
    let behind = behind.get(..end.min(MOST_TOKENS))?;
    let (found, taken) = operand::beginning(text, behind)?;
    let rest = behind.get(taken..).unwrap_or_default();
    if cut && rest.is_empty() {
        return None;
    }
    is_free_behind(text, rest).then(|| with_unit(text, found, rest))
}

/// Whether what stands behind a calculation does not belong to it.
fn is_free_behind(text: &str, rest: &[Token]) -> bool {
    let written =
        |token: &Token| command_argument(text.get(token.start..token.end).unwrap_or_default());
    let rest = match rest.iter().position(|token| token.kind != Kind::Dollar) {
        Some(first) => &rest[first..],
        None => return true,
    };
    let Some((first, later)) = rest.split_first() else {
        return true;
    };
    let second = later.first();
    match first.kind {
        // `18 a week`
        Kind::Letter if first.spaced && matches!(written(first), "a" | "A" | "I") => {
            second.is_some_and(|next| next.kind == Kind::Word && next.spaced)
        }
        Kind::Word | Kind::Letter => {
            let word = written(first);
            let plain = first.kind == Kind::Word && first.spaced && !words::goes_on(word);
            if !plain && (first.kind == Kind::Letter || words::measure(word).is_none()) {
                return false;
            }
            // `18 apples + x`
            let next = later.iter().find(|token| token.kind != Kind::Word);
            !next.is_some_and(|next| {
                matches!(
                    next.kind,
                    Kind::Plus | Kind::Times | Kind::Divide | Kind::Power
                )
            })
        }
        // `3 (mod 5)`, `3 (4 + 5)`
        Kind::Open('(') => {
            first.spaced
                && second.is_some_and(|next| {
                    next.kind == Kind::Word && !written(next).to_lowercase().starts_with("mod")
                })
        }
        Kind::Close(_) => !later.first().is_some_and(|next| {
            !next.spaced && matches!(next.kind, Kind::Power | Kind::Open(_) | Kind::Number(_))
        }),
        _ => false,
    }
}

/// The side with the word of its unit, which decides whether it can be
/// compared.
fn with_unit(text: &str, mut found: Operand, rest: &[Token]) -> Operand {
    let word = rest.iter().find(|token| token.kind != Kind::Dollar);
    if let Some(token) = word.filter(|token| matches!(token.kind, Kind::Word | Kind::Letter)) {
        let word = text.get(token.start..token.end).unwrap_or_default();
        found.units.push(command_argument(word).to_lowercase());
    }
    found
}

/// Whether the sentence around an equality says that it may not hold.
fn is_denied(text: &str, start: usize, end: usize) -> bool {
    let before = last_bytes(text.get(..start).unwrap_or_default());
    let behind = first_bytes(text.get(end..).unwrap_or_default());
    // `k < 180/123 ≈ 0.732 < k`: of bounds and not of values.
    let orders = ["<", ">", "≤", "≥", "\\le", "\\ge", "\\lt", "\\gt"];
    let next = behind.trim_start();
    if orders.iter().any(|sign| next.starts_with(sign)) {
        return true;
    }
    let stops = [". ", "\n", "! ", "? "];
    let begin = stops.iter().filter_map(|stop| before.rfind(stop)).max();
    let finish = stops.iter().filter_map(|stop| behind.find(stop)).min();
    let before = before.get(begin.unwrap_or(0)..).unwrap_or_default();
    let behind = finish.and_then(|at| behind.get(..=at)).unwrap_or(behind);
    words::denies(before) || words::denies(behind)
}

/// The beginning of a text, as far as a sentence is looked through.
fn first_bytes(text: &str) -> &str {
    let mut end = text.len().min(SENTENCE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The end of a text, likewise.
fn last_bytes(text: &str) -> &str {
    let mut start = text.len().saturating_sub(SENTENCE);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

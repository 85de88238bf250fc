//! Math tokens J_t of a step (§2 of the algorithm).
//!
//! A token counts when it lies inside `$…$`, `\(…\)`, `\[…\]`, an environment
//! or an open brace, or holds a digit, an operator, a relation, a bracket or
//! (part of) a known math command. Tokens made only of brackets, dollar signs,
//! backslashes or white space do not count: they are layout, not mathematics.
//!
//! The rule is applied to the bytes of the joined text, not token by token, so
//! a command or a number split over several tokens is recognised in each of
//! its parts.

use crate::trace::record::Token;

/// Sets `math` on every token. Linear in the length of the text.
pub fn mark(tokens: &mut [Token]) {
    let text: String = tokens.iter().map(|token| token.text.as_str()).collect();
    let flags = flag_bytes(&text);
    let mut start = 0;
    for token in tokens {
        let end = start + token.text.len();
        token.math = !is_layout(&token.text) && flags[start..end].contains(&true);
        start = end;
    }
}

/// Whether the text holds nothing but brackets, dollars, backslashes or space.
fn is_layout(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_whitespace() || is_bracket(c) || matches!(c, '\\' | '$'))
}

/// For every byte of `text`: does it belong to mathematics?
fn flag_bytes(text: &str) -> Vec<bool> {
    let mut scan = Scan::new(text);
    while scan.at < scan.chars.len() {
        scan.advance();
    }
    scan.flags
}

/// The scanner: one pass over the characters, with the open groups as state.
struct Scan<'a> {
    text: &'a str,
    /// Byte offset and character.
    chars: Vec<(usize, char)>,
    at: usize,
    flags: Vec<bool>,
    /// For each character, the index of the next `$` that may close a formula.
    next_close: Vec<Option<usize>>,
    /// Index of the `$` that closes the formula that is open now.
    dollar_end: Option<usize>,
    display: u32,
    environments: u32,
    braces: u32,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        let next_close = match text.contains('$') {
            true => closing_dollars(&chars),
            false => Vec::new(),
        };
        Self {
            text,
            at: 0,
            flags: vec![false; text.len()],
            next_close,
            dollar_end: None,
            display: 0,
            environments: 0,
            braces: 0,
            chars,
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).map(|&(_, c)| c)
    }

    fn previous(&self, back: usize) -> Option<char> {
        let index = self.at.checked_sub(back)?;
        self.chars.get(index).map(|&(_, c)| c)
    }

    fn inside(&self) -> bool {
        self.dollar_end.is_some() || self.display > 0 || self.environments > 0 || self.braces > 0
    }

    /// Consumes `count` characters, all flagged with `math` or by position.
    fn take(&mut self, count: usize, math: bool) {
        let flag = math || self.inside();
        for _ in 0..count {
            if let Some(&(byte, c)) = self.chars.get(self.at) {
                self.flags[byte..byte + c.len_utf8()].fill(flag);
                self.at += 1;
            }
        }
    }

    fn advance(&mut self) {
        match self.peek(0) {
            Some('\\') => self.command(),
            Some('$') => self.dollar(),
            Some('{') => {
                self.braces += 1;
                self.take(1, true);
            }
            Some('}') => {
                self.take(1, true);
                self.braces = self.braces.saturating_sub(1);
            }
            Some(c) => {
                let math = c.is_numeric()
                    || is_bracket(c)
                    || is_operator(c)
                    || matches!(c, '-' | '/') && !self.joins_words();
                self.take(1, math);
            }
            None => {}
        }
    }

    /// `two-step` and `and/or` are words; `a-b` and `x/2` are operations.
    fn joins_words(&self) -> bool {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        letter(self.previous(1))
            && letter(self.peek(1))
            && (letter(self.previous(2)) || letter(self.peek(2)))
    }

    fn dollar(&mut self) {
        match self.dollar_end {
            Some(end) if self.at >= end => {
                self.take(1, true);
                self.dollar_end = None;
            }
            Some(_) => self.take(1, true),
            None => {
                let double = self.peek(1) == Some('$');
                let width = if double { 2 } else { 1 };
                let follower = self.peek(width);
                // An amount of money opens no formula: the closing dollar must
                // exist, and a formula does not begin with a space.
                let opens = double || follower.is_some_and(|c| !c.is_whitespace());
                let end = self.next_close.get(self.at + width).copied().flatten();
                match end {
                    Some(end) if opens => {
                        self.dollar_end = Some(end);
                        self.take(width, true);
                    }
                    _ => self.take(1, false),
                }
            }
        }
    }

    fn command(&mut self) {
        match self.peek(1) {
            Some('(' | '[') => {
                self.display += 1;
                self.take(2, true);
            }
            Some(')' | ']') => {
                self.take(2, true);
                self.display = self.display.saturating_sub(1);
            }
            Some('{' | '}' | '|') => self.take(2, true),
            Some(c) if c.is_ascii_alphabetic() => self.named_command(),
            Some('\\' | '$' | '%' | '_') => self.take(2, false),
            _ => self.take(1, false),
        }
    }

    fn named_command(&mut self) {
        let letters = self.chars[self.at + 1..]
            .iter()
            .take_while(|(_, c)| c.is_ascii_alphabetic())
            .count();
        let start = self.chars[self.at].0 + 1;
        let name = &self.text[start..start + letters];
        match name {
            "begin" => {
                self.environments += 1;
                self.take(1 + letters, true);
            }
            "end" => {
                self.take(1 + letters, true);
                self.environments = self.environments.saturating_sub(1);
            }
            _ => {
                let known = MATH_COMMANDS.binary_search(&name).is_ok();
                self.take(1 + letters, known);
            }
        }
    }
}

/// For each character index, the next `$` at or after it that may close a
/// formula: not escaped, not after a space, not before a digit (an amount).
fn closing_dollars(chars: &[(usize, char)]) -> Vec<Option<usize>> {
    let mut next = vec![None; chars.len() + 1];
    for index in (0..chars.len()).rev() {
        let before = index.checked_sub(1).map(|i| chars[i].1);
        let after = chars.get(index + 1).map(|&(_, c)| c);
        let closes = chars[index].1 == '$'
            && before.is_some_and(|c| !c.is_whitespace() && c != '\\' && c != '$')
            && !after.is_some_and(|c| c.is_ascii_digit());
        let display = chars[index].1 == '$' && after == Some('$') && before != Some('\\');
        next[index] = if closes || display {
            // Of a closing `$$` the second sign ends the formula.
            Some(index + usize::from(after == Some('$')))
        } else {
            next[index + 1]
        };
    }
    next
}

fn is_bracket(c: char) -> bool {
    matches!(
        c,
        '(' | ')' | '[' | ']' | '{' | '}' | '|' | '⟨' | '⟩' | '⌊' | '⌋' | '⌈' | '⌉'
    )
}

/// Operators and relations other than the ambiguous `-` and `/`.
fn is_operator(c: char) -> bool {
    matches!(
        c,
        '+' | '*'
            | '='
            | '<'
            | '>'
            | '^'
            | '_'
            | '%'
            | '~'
            | '×'
            | '÷'
            | '±'
            | '·'
            | '°'
            | '−'
            | '√'
            | 'π'
    ) || matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2200}'..='\u{22ff}')
}

/// Commands that only mathematics uses, in byte order for the binary search.
#[rustfmt::skip]
const MATH_COMMANDS: &[&str] = &[
    "Delta", "Gamma", "Lambda", "Leftrightarrow", "Omega", "Phi", "Pi", "Pr", "Psi",
    "Rightarrow", "Sigma", "Theta", "Xi", "alpha", "angle", "approx", "arccos", "arcsin",
    "arctan", "bar", "beta", "binom", "bmod", "boxed", "cap", "cdot", "cdots", "ceil", "chi",
    "choose", "circ", "cong", "cos", "cosh", "cot", "csc", "cup", "ddots", "deg", "delta",
    "det", "dfrac", "dim", "div", "dots", "ell", "emptyset", "epsilon", "equiv", "eta",
    "exists", "exp", "fbox", "floor", "forall", "frac", "gamma", "gcd", "ge", "geq", "geqslant",
    "gg", "hat", "iff", "implies", "in", "inf", "infty", "int", "iota", "kappa", "lambda",
    "langle", "lceil", "lcm", "ldots", "le", "left", "leq", "leqslant", "lfloor", "lim", "ll",
    "ln", "log", "mapsto", "mathbb", "mathbf", "mathcal", "mathrm", "max", "mid", "min", "mod",
    "mp", "mu", "nabla", "ne", "neg", "neq", "nmid", "not", "notin", "nu", "omega",
    "operatorname", "oplus", "otimes", "overline", "overrightarrow", "parallel", "partial",
    "perp", "phi", "pi", "pm", "pmod", "prime", "prod", "propto", "psi", "quad", "rangle",
    "rceil", "rfloor", "rho", "right", "rightarrow", "sec", "setminus", "sigma", "sim", "sin",
    "sinh", "sqrt", "stackrel", "subset", "subseteq", "sum", "sup", "supset", "supseteq", "tan",
    "tanh", "tau", "text", "tfrac", "theta", "tilde", "times", "to", "triangle", "underline",
    "upsilon", "varepsilon", "varphi", "vdots", "vec", "vee", "wedge", "widehat", "xi", "zeta",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(text: &str) -> Token {
        Token {
            text: text.into(),
            logprob: None,
            max_logit: None,
            top_logits: Vec::new(),
            top: Vec::new(),
            math: false,
        }
    }

    fn marked(texts: &[&str]) -> Vec<String> {
        let mut tokens: Vec<Token> = texts.iter().map(|text| token(text)).collect();
        mark(&mut tokens);
        let math = tokens.into_iter().filter(|token| token.math);
        math.map(|token| token.text.to_string()).collect()
    }

    #[test]
    fn commands_are_sorted() {
        assert!(MATH_COMMANDS.is_sorted());
    }

    #[test]
    fn digits_and_operators_count_and_prose_does_not() {
        let math = marked(&[
            "So", " Eva", " has", " 12", " +", " 3", " =", " 15", " pens", ".",
        ]);
        assert_eq!(math, [" 12", " +", " 3", " =", " 15"]);
        assert!(marked(&["a", " two", "-", "step", " and", "/", "or"]).is_empty());
        assert_eq!(marked(&["x", "-", "y"]), ["-"]);
    }

    #[test]
    fn formulas_count_whole_but_not_their_brackets() {
        let math = marked(&[
            "let", " $", "x", "$ ", "be", " \\", "(", "y", "\\", ")", " so",
        ]);
        assert_eq!(math, ["x", "y"]);
        assert_eq!(marked(&["\\[", "z", "\\]", "w"]), ["z"]);
        assert_eq!(marked(&["$$", "z", "$$", "w"]), ["z"]);
        assert_eq!(
            marked(&["\\begin{align}", "q", "\\end{align}", "w"]).len(),
            3
        );
    }

    #[test]
    fn split_commands_count_in_each_part() {
        assert_eq!(
            marked(&["\\", "fr", "ac", "{", "a", "}", "{", "b", "}", "c"]),
            ["fr", "ac", "a", "b"]
        );
        assert!(marked(&["\\", "emph", " word"]).is_empty());
    }

    #[test]
    fn money_opens_no_formula() {
        let math = marked(&["costs", " $", "5", " and", " $", "6", " each"]);
        assert_eq!(math, ["5", "6"]);
        assert!(marked(&["\\", "$", " only"]).is_empty());
    }

    #[test]
    fn an_unclosed_group_reaches_to_the_end() {
        assert_eq!(
            marked(&["\\boxed", "{", "all of it"]),
            ["\\boxed", "all of it"]
        );
    }

    proptest! {
        #[test]
        fn every_digit_is_math(parts in prop::collection::vec("[a-z0-9 $\\\\(){}\\[\\]+é]{0,6}", 0..12)) {
            let mut tokens: Vec<Token> = parts.iter().map(|part| token(part)).collect();
            mark(&mut tokens);
            for token in &tokens {
                if token.text.chars().any(char::is_numeric) {
                    prop_assert!(token.math, "{:?} in {parts:?}", token.text);
                }
            }
        }

        #[test]
        fn joining_tokens_keeps_what_was_math(parts in prop::collection::vec("\\PC{0,5}", 0..12)) {
            let mut fine: Vec<Token> = parts.iter().map(|part| token(part)).collect();
            mark(&mut fine);
            let mut coarse: Vec<Token> = parts.chunks(2).map(|pair| token(&pair.concat())).collect();
            mark(&mut coarse);
            for (pair, joined) in fine.chunks(2).zip(&coarse) {
                if pair.iter().any(|token| token.math) {
                    prop_assert!(joined.math);
                }
            }
        }
    }
}

//! The tokens of an answer, LaTeX, ASCII and Unicode alike.

use super::node::{Constant, Function, Relation};
use crate::problem::answer::fraction::Fraction;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(Literal),
    /// One letter, Greek ones as themselves.
    Letter(char),
    /// Two or more letters that are no known word.
    Run(String),
    /// The content of a `\text{…}`: words only.
    Text(String),
    Constant(Constant),
    Function(Function),
    /// `\log` without saying which: its base may follow.
    Log,
    Sqrt,
    Cbrt,
    /// `∜`.
    FourthRoot,
    Frac,
    Binom,
    /// Infix `\choose`.
    Choose,
    /// Infix `\over`.
    Over,
    Plus,
    Minus,
    PlusMinus,
    MinusPlus,
    Times,
    Slash,
    Caret,
    Underscore,
    Bang,
    Percent,
    Degree,
    Prime,
    Comma,
    Semicolon,
    Colon,
    And,
    Or,
    Relation(Relation),
    /// `\Rightarrow`: what was before it does not count.
    Implies,
    Open(Delimiter),
    Close(Delimiter),
    /// `{` and `}` that group and are not seen.
    OpenGroup,
    CloseGroup,
    Bar,
    Union,
    Intersection,
    SetMinus,
    NumberSet(char),
    EmptySet,
    Begin(String),
    End(String),
    Ampersand,
    NewRow,
    Dots,
    Sum,
    Product,
    /// `\overline`, `\vec` …: makes another symbol of what follows.
    Accent(&'static str),
    /// `\bmod`, `\pmod`.
    Mod,
    /// A command that is not known, which may stand in a name that does not
    /// matter.
    Unknown(String),
    /// A sign such as `\angle` that names what follows.
    Sign(&'static str),
}

/// A number as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Literal {
    pub value: Fraction,
    /// Digits only, no point: may be whole of a mixed number, or of a base.
    pub whole: Option<String>,
    /// A fraction of one character, as ½.
    pub vulgar: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    Round,
    Square,
    /// `\{`.
    Brace,
    Angle,
    Floor,
    Ceil,
    /// `\lvert`.
    Bar,
}

/// A token and whether blank space is before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spaced {
    pub token: Token,
    pub spaced: bool,
    /// Bytes of the source text up to it.
    pub at: usize,
}

/// What a LaTeX command of that name means; `None` for what is left out of
/// the reading (`\left`, `\displaystyle`), by [`is_silent`], or unknown.
pub(super) fn command(name: &str) -> Option<Token> {
    use Token as T;
    if let Some(function) = function(name) {
        return Some(function);
    }
    if let Some(letter) = greek(name) {
        return Some(letter);
    }
    Some(match name {
        "frac" | "dfrac" | "tfrac" | "cfrac" | "sfrac" | "nicefrac" => T::Frac,
        "binom" | "dbinom" | "tbinom" => T::Binom,
        "choose" => T::Choose,
        "over" => T::Over,
        "sqrt" | "surd" => T::Sqrt,
        "cdot" | "times" | "ast" | "star" | "bullet" | "cdotp" => T::Times,
        "div" => T::Slash,
        "pm" => T::PlusMinus,
        "mp" => T::MinusPlus,
        "le" | "leq" | "leqslant" | "leqq" => T::Relation(Relation::LessEqual),
        "ge" | "geq" | "geqslant" | "geqq" => T::Relation(Relation::GreaterEqual),
        "lt" => T::Relation(Relation::Less),
        "gt" => T::Relation(Relation::Greater),
        "ne" | "neq" => T::Relation(Relation::NotEqual),
        "in" => T::Relation(Relation::In),
        "equiv" => T::Relation(Relation::Congruent),
        "approx" | "simeq" => T::Relation(Relation::Approximately),
        "eq" | "coloneqq" | "triangleq" => T::Relation(Relation::Equal),
        "mid" => T::Relation(Relation::SuchThat),
        "Rightarrow" | "implies" | "Longrightarrow" | "rightarrow" | "to" | "longrightarrow"
        | "therefore" | "iff" | "Leftrightarrow" => T::Implies,
        "infty" => T::Constant(Constant::Infinity),
        "cup" | "bigcup" => T::Union,
        "cap" | "bigcap" => T::Intersection,
        "setminus" | "backslash" | "smallsetminus" => T::SetMinus,
        "emptyset" | "varnothing" => T::EmptySet,
        "land" | "wedge" => T::And,
        "lor" | "vee" => T::Or,
        "lfloor" => T::Open(Delimiter::Floor),
        "rfloor" => T::Close(Delimiter::Floor),
        "lceil" => T::Open(Delimiter::Ceil),
        "rceil" => T::Close(Delimiter::Ceil),
        "lbrace" => T::Open(Delimiter::Brace),
        "rbrace" => T::Close(Delimiter::Brace),
        "lbrack" => T::Open(Delimiter::Square),
        "rbrack" => T::Close(Delimiter::Square),
        "langle" => T::Open(Delimiter::Angle),
        "rangle" => T::Close(Delimiter::Angle),
        "lvert" => T::Open(Delimiter::Bar),
        "rvert" => T::Close(Delimiter::Bar),
        "vert" => T::Bar,
        "circ" | "degree" | "degrees" => T::Degree,
        "prime" => T::Prime,
        "ldots" | "cdots" | "dots" | "dotsc" | "dotsb" | "vdots" => T::Dots,
        "sum" => T::Sum,
        "prod" => T::Product,
        "bmod" | "mod" | "pmod" => T::Mod,
        "colon" => T::Colon,
        "overline" | "bar" => T::Accent("overline"),
        "vec" | "overrightarrow" => T::Accent("vec"),
        "hat" | "widehat" => T::Accent("hat"),
        "tilde" | "widetilde" => T::Accent("tilde"),
        "overarc" | "wideparen" => T::Accent("arc"),
        "angle" | "measuredangle" => T::Sign("∠"),
        "triangle" => T::Sign("△"),
        "And" => T::And,
        "forall" => T::Text("for all".to_owned()),
        "cr" => T::NewRow,
        _ => return None,
    })
}

/// Commands that change only how things look.
pub(super) fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "left"
            | "right"
            | "big"
            | "Big"
            | "bigg"
            | "Bigg"
            | "bigl"
            | "bigr"
            | "Bigl"
            | "Bigr"
            | "biggl"
            | "biggr"
            | "Biggl"
            | "Biggr"
            | "middle"
            | "displaystyle"
            | "textstyle"
            | "scriptstyle"
            | "limits"
            | "nolimits"
            | "quad"
            | "qquad"
            | "boxed"
            | "fbox"
            | "pounds"
            | "euro"
            | "textdollar"
            | "cent"
            | "blacksquare"
            | "square"
            | "checkmark"
            | "qed"
            | "Box"
            | "framebox"
            | "mathstrut"
            | "strut"
            | "hfill"
            | "null"
            | "thinspace"
            | "enspace"
            | "space"
            | "nonumber"
            | "notag"
            | "rm"
            | "bf"
            | "it"
            | "mathrel"
            | "mathop"
            | "mathbin"
            | "ensuremath"
            | "allowbreak"
            | "centering"
            | "noindent"
            | "large"
            | "Large"
    )
}

/// Commands whose argument is words, or mathematics in another face.
pub(super) fn is_text(name: &str) -> bool {
    matches!(
        name,
        "text"
            | "textbf"
            | "textit"
            | "textrm"
            | "textsf"
            | "texttt"
            | "textnormal"
            | "textup"
            | "mathrm"
            | "mathbf"
            | "mathit"
            | "mathsf"
            | "mathtt"
            | "mathcal"
            | "mathfrak"
            | "boldsymbol"
            | "bm"
            | "pmb"
            | "operatorname"
            | "mbox"
            | "hbox"
            | "emph"
            | "underline"
            | "unit"
            | "textsc"
    )
}

/// Commands whose argument is thrown away.
pub(super) fn is_dropped_with_argument(name: &str) -> bool {
    matches!(
        name,
        "hspace"
            | "vspace"
            | "phantom"
            | "hphantom"
            | "vphantom"
            | "label"
            | "tag"
            | "color"
            | "textcolor"
            | "kern"
    )
}

/// Signs of money.
pub(super) fn is_currency_sign(c: char) -> bool {
    matches!(c, '€' | '£' | '¥' | '₹' | '¢' | '₩' | '₽' | '$')
}

/// Words that only say which money an amount is in.
pub(super) fn is_currency(word: &str) -> bool {
    matches!(word, "USD" | "EUR" | "GBP" | "INR" | "Rs" | "US")
}

/// Functions by their names, with or without a backslash.
pub(super) fn function(name: &str) -> Option<Token> {
    use Function as F;
    Some(Token::Function(match name {
        "sin" => F::Sin,
        "cos" => F::Cos,
        "tan" | "tg" => F::Tan,
        "cot" | "ctg" | "cotan" => F::Cot,
        "sec" => F::Sec,
        "csc" | "cosec" => F::Csc,
        "arcsin" | "asin" => F::Arcsin,
        "arccos" | "acos" => F::Arccos,
        "arctan" | "atan" | "arctg" => F::Arctan,
        "arccot" | "acot" => F::Arccot,
        "cis" => F::Cis,
        "sinh" => F::Sinh,
        "cosh" => F::Cosh,
        "tanh" => F::Tanh,
        "exp" => F::Exp,
        "ln" => F::Ln,
        "log" | "lg" => return Some(Token::Log),
        "abs" => F::Abs,
        "floor" => F::Floor,
        "ceil" | "ceiling" => F::Ceil,
        "factorial" => F::Factorial,
        "binomial" | "comb" => F::Binomial,
        "gcd" => F::Gcd,
        "lcm" => F::Lcm,
        "max" => F::Max,
        "min" => F::Min,
        _ => return None,
    }))
}

/// Greek letters by name.
pub(super) fn greek(name: &str) -> Option<Token> {
    Some(Token::Letter(match name {
        "pi" => return Some(Token::Constant(Constant::Pi)),
        "alpha" => 'α',
        "beta" => 'β',
        "gamma" => 'γ',
        "delta" => 'δ',
        "epsilon" | "varepsilon" => 'ε',
        "zeta" => 'ζ',
        "eta" => 'η',
        "theta" | "vartheta" => 'θ',
        "iota" => 'ι',
        "kappa" => 'κ',
        "lambda" => 'λ',
        "mu" => 'μ',
        "nu" => 'ν',
        "xi" => 'ξ',
        "rho" | "varrho" => 'ρ',
        "sigma" => 'σ',
        "tau" => 'τ',
        "upsilon" => 'υ',
        "phi" | "varphi" => 'φ',
        "chi" => 'χ',
        "psi" => 'ψ',
        "omega" => 'ω',
        "Gamma" => 'Γ',
        "Delta" => 'Δ',
        "Theta" => 'Θ',
        "Lambda" => 'Λ',
        "Xi" => 'Ξ',
        "Pi" => 'Π',
        "Sigma" => 'Σ',
        "Phi" => 'Φ',
        "Psi" => 'Ψ',
        "Omega" => 'Ω',
        "ell" => 'ℓ',
        "imath" => 'ı',
        "jmath" => 'ȷ',
        _ => return None,
    }))
}

/// A plain word that means something in mathematics.
pub(super) fn word(name: &str) -> Option<Token> {
    if let Some(function) = function(name) {
        return Some(function);
    }
    Some(match name.to_lowercase().as_str() {
        "sqrt" => Token::Sqrt,
        "cbrt" => Token::Cbrt,
        "pi" => Token::Constant(Constant::Pi),
        "inf" | "infinity" | "oo" | "infty" => Token::Constant(Constant::Infinity),
        "percent" => Token::Percent,
        "deg" | "degree" | "degrees" => Token::Degree,
        "choose" => Token::Choose,
        "mod" => Token::Mod,
        "to" => Token::Colon,
        "union" | "cup" => Token::Union,
        "and" => Token::And,
        "or" => Token::Or,
        "frac" => Token::Frac,
        "binom" => Token::Binom,
        "pm" => Token::PlusMinus,
        _ => {
            // Greek names, but not words such as "Phi" at the start of one.
            return greek(name).filter(|_| name.len() > 2);
        }
    })
}

/// One character outside ASCII.
pub(super) fn unicode(c: char) -> Option<Token> {
    use Token as T;
    Some(match c {
        '−' | '–' | '—' | '‐' | '‑' | '﹣' | '－' => T::Minus,
        '＋' => T::Plus,
        '×' | '·' | '⋅' | '∙' | '•' | '∗' | '⨯' => T::Times,
        '÷' | '∕' | '⁄' => T::Slash,
        '±' => T::PlusMinus,
        '∓' => T::MinusPlus,
        '√' => T::Sqrt,
        '∛' => T::Cbrt,
        '∜' => T::FourthRoot,
        'π' => T::Constant(Constant::Pi),
        '∞' => T::Constant(Constant::Infinity),
        '≤' | '⩽' | '≦' => T::Relation(Relation::LessEqual),
        '≥' | '⩾' | '≧' => T::Relation(Relation::GreaterEqual),
        '≠' => T::Relation(Relation::NotEqual),
        '≈' | '≃' => T::Relation(Relation::Approximately),
        '＝' => T::Relation(Relation::Equal),
        '≡' => T::Relation(Relation::Congruent),
        '∈' => T::Relation(Relation::In),
        '∣' => T::Relation(Relation::SuchThat),
        '⇒' | '→' | '⟹' | '∴' | '⇔' => T::Implies,
        '∪' | '⋃' => T::Union,
        '∩' => T::Intersection,
        '∖' => T::SetMinus,
        '∅' => T::EmptySet,
        '∧' => T::And,
        '∨' => T::Or,
        '°' | 'º' => T::Degree,
        '′' | '’' => T::Prime,
        '…' | '⋯' => T::Dots,
        '⌊' => T::Open(Delimiter::Floor),
        '⌋' => T::Close(Delimiter::Floor),
        '⌈' => T::Open(Delimiter::Ceil),
        '⌉' => T::Close(Delimiter::Ceil),
        '⟨' | '〈' => T::Open(Delimiter::Angle),
        '⟩' | '〉' => T::Close(Delimiter::Angle),
        '（' => T::Open(Delimiter::Round),
        '）' => T::Close(Delimiter::Round),
        '，' | '、' => T::Comma,
        '；' => T::Semicolon,
        '：' | '∶' => T::Colon,
        '％' => T::Percent,
        'ℝ' => T::NumberSet('R'),
        'ℤ' => T::NumberSet('Z'),
        'ℕ' => T::NumberSet('N'),
        'ℚ' => T::NumberSet('Q'),
        'ℂ' => T::NumberSet('C'),
        'ⅈ' => T::Constant(Constant::I),
        'ℯ' => T::Constant(Constant::E),
        '∑' => T::Sum,
        '∏' => T::Product,
        '∠' => T::Sign("∠"),
        '△' => T::Sign("△"),
        _ => return None,
    })
}

/// Numerator and denominator of a one-character fraction.
pub(super) fn vulgar(c: char) -> Option<(i64, i64)> {
    Some(match c {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅐' => (1, 7),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        _ => return None,
    })
}

/// The plain character of a superscript or subscript.
pub(super) fn raised(c: char) -> Option<char> {
    Some(match c {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => char::from_u32(u32::from(c) - u32::from('⁴') + u32::from('4'))?,
        '⁺' => '+',
        '⁻' => '-',
        '⁽' => '(',
        '⁾' => ')',
        'ⁿ' => 'n',
        'ⁱ' => 'i',
        'ᵏ' => 'k',
        'ˣ' => 'x',
        _ => return None,
    })
}

/// The plain character of a subscript.
pub(super) fn lowered(c: char) -> Option<char> {
    Some(match c {
        '₀'..='₉' => char::from_u32(u32::from(c) - u32::from('₀') + u32::from('0'))?,
        '₊' => '+',
        '₋' => '-',
        'ₙ' => 'n',
        'ₖ' => 'k',
        'ᵢ' => 'i',
        'ₓ' => 'x',
        _ => return None,
    })
}

//! Names of symbols, and characters that are written small, raised or double.

use pulldown_latex::event::{Content, DelimiterType, Event};
use pulldown_latex::{Parser, Storage};

/// How a symbol behaves next to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Variables, constants.
    Ordinary,
    Number,
    /// `+`: spaced between two operands.
    Binary,
    /// `=`: always spaced.
    Relation,
    /// `,`: spaced behind.
    Punctuation,
    Open,
    Close,
    /// `sin`, `∑`: spaced before an operand.
    Operator,
}

/// The symbol that command `name` (without its backslash) stands for.
pub(super) fn symbol(name: &str) -> Option<(String, Class)> {
    if let Some((_, text, class)) = OWN.iter().find(|(own, _, _)| *own == name) {
        return Some(((*text).to_owned(), *class));
    }
    // A definition would have the parser expect more than a name.
    if !name.chars().all(|c| c.is_ascii_alphabetic()) || name.ends_with("def") {
        return None;
    }
    let source = format!("\\{name}");
    let storage = Storage::new();
    let mut events = Parser::new(&source, &storage);
    let (Some(Ok(Event::Content(content))), None) = (events.next(), events.next()) else {
        return None;
    };
    Some(match content {
        Content::Text(text) | Content::Function(text) => (text.to_owned(), Class::Operator),
        Content::Number(text) => (text.to_owned(), Class::Number),
        Content::Ordinary { content, .. } => (content.into(), Class::Ordinary),
        Content::LargeOp { content, .. } => (content.into(), Class::Operator),
        Content::BinaryOp { content, .. } => (content.into(), Class::Binary),
        Content::Relation { content, .. } => {
            let mut buffer = [0; 8];
            let text = content.encode_utf8_to_buf(&mut buffer);
            (String::from_utf8_lossy(text).into_owned(), Class::Relation)
        }
        Content::Delimiter { content, ty, .. } => (
            content.into(),
            match ty {
                DelimiterType::Open => Class::Open,
                DelimiterType::Close => Class::Close,
                DelimiterType::Fence => Class::Ordinary,
            },
        ),
        Content::Punctuation(content) => (content.into(), Class::Punctuation),
    })
}

/// Where the terminal wants another character, or LaTeX in the wild uses
/// names that the table does not have.
const OWN: &[(&str, &str, Class)] = &[
    ("cdot", "·", Class::Binary),
    ("ast", "*", Class::Binary),
    ("bmod", "mod", Class::Binary),
    ("mod", "mod", Class::Binary),
    ("degree", "°", Class::Ordinary),
    ("implies", "⟹", Class::Relation),
    ("impliedby", "⟸", Class::Relation),
    ("iff", "⟺", Class::Relation),
    ("land", "∧", Class::Binary),
    ("lor", "∨", Class::Binary),
    ("ne", "≠", Class::Relation),
    ("neq", "≠", Class::Relation),
    ("le", "≤", Class::Relation),
    ("ge", "≥", Class::Relation),
    ("gets", "←", Class::Relation),
    ("dots", "…", Class::Ordinary),
    ("ldots", "…", Class::Ordinary),
    ("dotsc", "…", Class::Ordinary),
    ("cdots", "⋯", Class::Ordinary),
    ("dotsb", "⋯", Class::Ordinary),
    ("colon", ":", Class::Punctuation),
    ("lvert", "|", Class::Open),
    ("rvert", "|", Class::Close),
    ("lVert", "‖", Class::Open),
    ("rVert", "‖", Class::Close),
    ("vert", "|", Class::Ordinary),
    ("Vert", "‖", Class::Ordinary),
    ("backslash", "\\", Class::Ordinary),
    ("setminus", "∖", Class::Binary),
    ("checkmark", "✓", Class::Ordinary),
    ("square", "□", Class::Ordinary),
    ("blacksquare", "■", Class::Ordinary),
    ("qed", "∎", Class::Ordinary),
    ("euro", "€", Class::Ordinary),
    ("pounds", "£", Class::Ordinary),
];

const SUPERSCRIPTS: (&str, &str) = (
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθφχ′″*°",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᵠᵡ′″*°",
);
const SUBSCRIPTS: (&str, &str) = (
    "0123456789+-−=()aehijklmnoprstuvxβγρφχ",
    "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
);

/// `c` raised.
pub(super) fn superscript(c: char) -> Option<char> {
    translate(c, SUPERSCRIPTS)
}

/// `c` lowered.
pub(super) fn subscript(c: char) -> Option<char> {
    translate(c, SUBSCRIPTS)
}

fn translate(c: char, (from, to): (&str, &str)) -> Option<char> {
    from.chars()
        .zip(to.chars())
        .find(|(plain, _)| *plain == c)
        .map(|(_, small)| small)
}

/// Blackboard bold: ℝ for `R`.
pub(super) fn double_struck(c: char) -> char {
    match c {
        'C' => 'ℂ',
        'H' => 'ℍ',
        'N' => 'ℕ',
        'P' => 'ℙ',
        'Q' => 'ℚ',
        'R' => 'ℝ',
        'Z' => 'ℤ',
        '1' => '𝟙',
        'A'..='Z' => char::from_u32(0x1D538 + (c as u32 - 'A' as u32)).unwrap_or(c),
        other => other,
    }
}

/// The combining character of an accent command.
pub(super) fn accent(name: &str) -> Option<char> {
    Some(match name {
        "hat" | "widehat" => '\u{302}',
        "bar" | "overline" => '\u{305}',
        "vec" | "overrightarrow" => '\u{20d7}',
        "tilde" | "widetilde" => '\u{303}',
        "dot" => '\u{307}',
        "ddot" => '\u{308}',
        "underline" => '\u{332}',
        "mathring" => '\u{30a}',
        "check" => '\u{30c}',
        "breve" => '\u{306}',
        "acute" => '\u{301}',
        "grave" => '\u{300}',
        _ => return None,
    })
}

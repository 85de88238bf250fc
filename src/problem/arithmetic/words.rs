//! Words beside a calculation that change what it says.

/// Before a calculation, these make it a part of something larger: `twice 3 +
/// 4`, `5 more than 3 × 4`.
const BINDING: [&str; 62] = [
    "than",
    "by",
    "times",
    "plus",
    "minus",
    "less",
    "more",
    "over",
    "twice",
    "thrice",
    "half",
    "double",
    "triple",
    "quarter",
    "third",
    "fourth",
    "fifth",
    "root",
    "squared",
    "cubed",
    "square",
    "cube",
    "log",
    "ln",
    "sin",
    "cos",
    "tan",
    "sec",
    "csc",
    "cot",
    "mod",
    "modulo",
    "choose",
    "gcd",
    "lcm",
    "max",
    "min",
    "base",
    "per",
    "out",
    "from",
    "into",
    "between",
    "multiply",
    "multiplied",
    "divide",
    "divided",
    "add",
    "adding",
    "added",
    "subtract",
    "subtracting",
    "subtracted",
    "multiplying",
    "dividing",
    "negative",
    "average",
    "mean",
    "median",
    "ratio",
    "exp",
    "sum",
];

/// After a number, these go on with it: `3 modulo 5`, `2 hundred`.
const FOLLOWING: [&str; 28] = [
    "mod",
    "modulo",
    "remainder",
    "r",
    "times",
    "plus",
    "minus",
    "divided",
    "multiplied",
    "choose",
    "squared",
    "cubed",
    "hundred",
    "thousand",
    "million",
    "billion",
    "trillion",
    "dozen",
    "pm",
    "am",
    "base",
    "factorial",
    "halves",
    "thirds",
    "quarters",
    "fourths",
    "fifths",
    "k",
];

/// What a `total of 3 + 4` is of: the calculation alone.
const TOTALS: [&str; 34] = [
    "total",
    "totals",
    "sum",
    "cost",
    "costs",
    "value",
    "amount",
    "number",
    "area",
    "volume",
    "perimeter",
    "price",
    "profit",
    "product",
    "result",
    "answer",
    "time",
    "distance",
    "length",
    "weight",
    "age",
    "score",
    "speed",
    "salary",
    "revenue",
    "income",
    "balance",
    "difference",
    "payment",
    "count",
    "height",
    "width",
    "expense",
    "expenses",
];

/// Before `to`, these say that what follows is the same.
const SAME_AS: [&str; 14] = [
    "equal",
    "equals",
    "amounts",
    "amount",
    "comes",
    "up",
    "simplifies",
    "simplify",
    "leads",
    "reduces",
    "evaluates",
    "equivalent",
    "adds",
    "corresponds",
];

/// Words of measures: two different ones in an equality may stand for a
/// conversion.
const MEASURES: [(&str, u8); 61] = [
    ("second", 1),
    ("sec", 1),
    ("minute", 2),
    ("min", 2),
    ("hour", 3),
    ("hr", 3),
    ("day", 4),
    ("week", 5),
    ("month", 6),
    ("year", 7),
    ("decade", 8),
    ("century", 9),
    ("cent", 10),
    ("dollar", 11),
    ("penny", 10),
    ("pennie", 10),
    ("nickel", 12),
    ("dime", 13),
    ("quarter", 14),
    ("inch", 15),
    ("inche", 15),
    ("in", 15),
    ("foot", 16),
    ("feet", 16),
    ("ft", 16),
    ("yard", 17),
    ("mile", 18),
    ("mm", 19),
    ("millimeter", 19),
    ("cm", 20),
    ("centimeter", 20),
    ("meter", 21),
    ("metre", 21),
    ("km", 22),
    ("kilometer", 22),
    ("gram", 23),
    ("kg", 24),
    ("kilogram", 24),
    ("ounce", 25),
    ("oz", 25),
    ("pound", 26),
    ("lb", 26),
    ("ton", 27),
    ("ml", 28),
    ("milliliter", 28),
    ("liter", 29),
    ("gallon", 30),
    ("quart", 31),
    ("pint", 32),
    ("cup", 33),
    ("dozen", 34),
    ("score", 35),
    ("pair", 36),
    ("couple", 37),
    ("hundred", 38),
    ("thousand", 39),
    ("million", 40),
    ("billion", 41),
    ("degree", 43),
    ("percent", 44),
    ("half", 45),
];

/// In the sentence around an equality that does not hold, these say that it is
/// not meant to.
const DENYING: [&str; 43] = [
    "not",
    "isn't",
    "doesn't",
    "don't",
    "aren't",
    "cannot",
    "can't",
    "won't",
    "wouldn't",
    "false",
    "wrong",
    "incorrect",
    "incorrectly",
    "contradiction",
    "contradicts",
    "impossible",
    "invalid",
    "absurd",
    "mistake",
    "mistakenly",
    "error",
    "instead",
    "should",
    "suppose",
    "assume",
    "assuming",
    "supposing",
    "if",
    "remainder",
    "rounded",
    "rounding",
    "round",
    "roughly",
    "approximately",
    "modulo",
    "mod",
    "check",
    "checking",
    "verify",
    "verifying",
    "testing",
    "try",
    "trying",
];

/// Whether a calculation after `word` may be a part of something larger;
/// `before` is the word in front of it.
pub(super) fn binds(word: &str, before: Option<&str>) -> bool {
    let known = |list: &[&str]| before.is_some_and(|before| is_in(list, before));
    match word.to_ascii_lowercase().as_str() {
        "of" => !known(&TOTALS),
        "to" => !known(&SAME_AS),
        word => is_in(&BINDING, word),
    }
}

/// Whether `word` goes on with the number in front of it.
pub(super) fn goes_on(word: &str) -> bool {
    is_in(&FOLLOWING, word)
}

/// Whether a word may be what is counted or measured.
pub(super) fn is_unit(word: &str) -> bool {
    let no_unit = [
        "of", "to", "and", "or", "is", "are", "was", "equals", "so", "then", "which", "that",
        "with", "we", "he", "she", "it", "they", "if", "but", "a", "an", "the", "for", "gives",
    ];
    !is_in(&BINDING, word) && !is_in(&FOLLOWING, word) && !is_in(&no_unit, word) || word == "per"
}

/// The measure that a word is of.
pub(super) fn measure(word: &str) -> Option<u8> {
    let word = word.to_ascii_lowercase();
    let of = |word: &str| MEASURES.iter().find(|(known, _)| *known == word);
    let singular = word.strip_suffix('s').unwrap_or(&word);
    of(&word)
        .or_else(|| of(singular))
        .map(|(_, measure)| *measure)
}

/// Whether a sentence says that what stands in it need not hold.
pub(super) fn denies(sentence: &str) -> bool {
    let signs = ["≠", "\\ne", "?", "≢"];
    let letters = |c: char| !(c.is_alphabetic() || c == '\'' || c == '’');
    signs.iter().any(|sign| sentence.contains(sign))
        || sentence
            .split(letters)
            .any(|word| is_in(&DENYING, &word.replace('’', "'")))
}

fn is_in(list: &[&str], word: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(word))
}

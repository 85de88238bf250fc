//! Plain words among mathematics: units, numbers in words, what introduces a
//! value.

/// Units of two letters or more that need no blank before them.
const UNITS: [&str; 92] = [
    "mm",
    "cm",
    "dm",
    "km",
    "nm",
    "in",
    "ft",
    "yd",
    "mi",
    "kg",
    "mg",
    "lb",
    "lbs",
    "oz",
    "ml",
    "mL",
    "dl",
    "kl",
    "min",
    "mins",
    "sec",
    "secs",
    "ms",
    "hr",
    "hrs",
    "mph",
    "kph",
    "kmh",
    "fps",
    "rpm",
    "km/h",
    "kB",
    "KB",
    "MB",
    "GB",
    "TB",
    "Hz",
    "kHz",
    "MHz",
    "GHz",
    "Pa",
    "kPa",
    "kJ",
    "kW",
    "kWh",
    "mol",
    "cal",
    "kcal",
    "eV",
    "USD",
    "EUR",
    "GBP",
    "RMB",
    "sq",
    "cu",
    "unit",
    "units",
    "inch",
    "inches",
    "foot",
    "feet",
    "yard",
    "yards",
    "mile",
    "miles",
    "meter",
    "meters",
    "metre",
    "metres",
    "centimeter",
    "centimeters",
    "kilometer",
    "kilometers",
    "gram",
    "grams",
    "pound",
    "pounds",
    "ounce",
    "ounces",
    "liter",
    "liters",
    "litre",
    "litres",
    "second",
    "seconds",
    "minute",
    "minutes",
    "hour",
    "hours",
    "dollars",
    "cents",
    "radians",
];

pub(in crate::problem::answer) fn is_unit(run: &str) -> bool {
    UNITS.contains(&run) || UNITS.contains(&run.to_lowercase().as_str()) && run.len() > 3
}

/// Whether a run of letters is a word rather than a product of variables.
pub(in crate::problem::answer) fn is_word(run: &str) -> bool {
    const SHORT: [&str; 26] = [
        "is", "of", "to", "as", "at", "by", "on", "no", "we", "it", "an", "he", "so", "if", "in",
        "am", "pm", "km", "cm", "mm", "be", "up", "do", "us", "me", "my",
    ];
    let lower = run.to_lowercase();
    let has_vowel = lower.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    match lower.chars().count() {
        0..=1 => false,
        2 => SHORT.contains(&lower.as_str()),
        _ => has_vowel && !matches!(lower.as_str(), "abc" | "abcd" | "xyz" | "axy"),
    }
}

/// The number a word names.
pub(in crate::problem::answer) fn number(word: &str) -> Option<i64> {
    Some(match word.to_lowercase().as_str() {
        "zero" => 0,
        "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" => 9,
        "ten" => 10,
        "eleven" => 11,
        "twelve" => 12,
        "thirteen" => 13,
        "fourteen" => 14,
        "fifteen" => 15,
        "sixteen" => 16,
        "seventeen" => 17,
        "eighteen" => 18,
        "nineteen" => 19,
        "twenty" => 20,
        "thirty" => 30,
        "forty" => 40,
        "fifty" => 50,
        "sixty" => 60,
        "seventy" => 70,
        "eighty" => 80,
        "ninety" => 90,
        "hundred" => 100,
        _ => return None,
    })
}

/// What a word after a number multiplies it by.
pub(in crate::problem::answer) fn multiplier(unit: &str) -> Option<i64> {
    Some(match unit.split([' ', '/']).next()? {
        "hundred" => 100,
        "k" | "thousand" => 1_000,
        "million" | "millions" => 1_000_000,
        "billion" | "billions" => 1_000_000_000,
        "trillion" | "trillions" => 1_000_000_000_000,
        "dozen" => 12,
        _ => return None,
    })
}

/// What a word after a number divides it by: `two thirds`.
pub(in crate::problem::answer) fn divisor(unit: &str) -> Option<i64> {
    Some(match unit.split([' ', '/']).next()? {
        "half" | "halves" => 2,
        "third" | "thirds" => 3,
        "quarter" | "quarters" | "fourth" | "fourths" => 4,
        "fifth" | "fifths" => 5,
        "sixth" | "sixths" => 6,
        "eighth" | "eighths" => 8,
        "tenth" | "tenths" => 10,
        _ => return None,
    })
}

/// One name for a unit that is written in several ways.
pub(in crate::problem::answer) fn unit(words: &str) -> Option<&'static str> {
    const NAMES: [(&str, &[&str]); 20] = [
        ("m", &["m", "meter", "meters", "metre", "metres"]),
        (
            "cm",
            &[
                "cm",
                "centimeter",
                "centimeters",
                "centimetre",
                "centimetres",
            ],
        ),
        ("mm", &["mm", "millimeter", "millimeters"]),
        (
            "km",
            &["km", "kilometer", "kilometers", "kilometre", "kilometres"],
        ),
        ("in", &["in", "inch", "inches"]),
        ("ft", &["ft", "foot", "feet"]),
        ("yd", &["yd", "yard", "yards"]),
        ("mi", &["mi", "mile", "miles"]),
        ("g", &["g", "gram", "grams"]),
        ("kg", &["kg", "kilogram", "kilograms"]),
        ("mg", &["mg", "milligram", "milligrams"]),
        ("lb", &["lb", "lbs", "pound", "pounds"]),
        ("oz", &["oz", "ounce", "ounces"]),
        ("s", &["s", "sec", "secs", "second", "seconds"]),
        ("min", &["min", "mins", "minute", "minutes"]),
        ("h", &["h", "hr", "hrs", "hour", "hours"]),
        ("day", &["day", "days"]),
        ("dollar", &["dollar", "dollars"]),
        ("cent", &["cent", "cents"]),
        ("L", &["l", "liter", "liters", "litre", "litres"]),
    ];
    let known = NAMES.iter().find(|(_, names)| names.contains(&words));
    known.map(|(name, _)| *name)
}

/// The number of tens and units in words: `twenty` and `one`.
pub(in crate::problem::answer) fn joined(tens: i64, unit: &str) -> Option<i64> {
    let unit = number(unit).filter(|unit| (1..=9).contains(unit))?;
    (tens % 10 == 0 && (20..=90).contains(&tens)).then_some(tens + unit)
}

/// Whether words before a value say nothing of it.
pub(in crate::problem::answer) fn only_introduces(text: &str) -> bool {
    const ALL: [&str; 28] = [
        "approximately",
        "about",
        "roughly",
        "around",
        "exactly",
        "equals",
        "equal",
        "is",
        "are",
        "be",
        "the",
        "answer",
        "value",
        "there",
        "total",
        "of",
        "to",
        "usd",
        "a",
        "number",
        "probability",
        "area",
        "sum",
        "final",
        "result",
        "minimum",
        "maximum",
        "ratio",
    ];
    text.split_whitespace().all(|word| ALL.contains(&word))
}

/// Whether a unit says percent.
pub(in crate::problem::answer) fn is_percent(unit: &str) -> bool {
    let first = unit.split([' ', '/']).next().unwrap_or_default();
    matches!(first, "percent" | "percents" | "%") || unit.starts_with("per cent")
}

//! Lists of routers as a person writes them, in which one parameter may be a
//! range (`rsd:delta=0.1..0.9/0.1`) or a list (`threshold:t=0.5|0.7`).

use rust_decimal::Decimal;
use serde::Serialize;

/// Most settings of one sweep.
pub const MOST_SETTINGS: usize = 200;

/// Parameters that are no numbers and may hold dots and bars.
const PATHS: [&str; 2] = ["path", "file"];

/// A router, or one router at many settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// As it was written.
    pub text: String,
    /// The settings as specs, in order; the text itself where nothing is
    /// swept.
    pub settings: Vec<String>,
}

impl Sweep {
    /// Whether there is anything to choose.
    #[must_use]
    pub fn is_sweep(&self) -> bool {
        self.settings.len() > 1 || self.settings[0] != self.text
    }
}

/// A sweep that gives no settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    #[error("sweep `{0}`: write a range as `key=FIRST..LAST/STEP`, e.g. `t=0.1..0.9/0.1`")]
    Syntax(String),
    #[error("sweep `{0}`: the range selects nothing: its last value is below its first")]
    Empty(String),
    #[error("sweep `{0}`: the step must be above 0")]
    Step(String),
    #[error("sweep `{0}`: only one parameter can be swept; name the others' values one by one")]
    TwoRanges(String),
    #[error("sweep `{0}`: more than {MOST_SETTINGS} settings; take a larger step")]
    TooMany(String),
    #[error("sweep `{0}`: a list `a|b|c` holds an empty value")]
    EmptyValue(String),
    #[error("no router named in `{0}`")]
    NoRouter(String),
}

/// Splits lists of routers into specs: at semicolons, and at commas but for
/// those between the parameters of one router, `threshold:t=0.8,signal=prob`.
/// What stands in quotes stays whole.
///
/// # Errors
/// A parameter without a router before it; nothing at all.
pub fn split<S: AsRef<str>>(lists: &[S]) -> Result<Vec<String>, SweepError> {
    let mut specs: Vec<String> = Vec::new();
    for list in lists {
        for part in pieces(list.as_ref(), ';') {
            let mut open = false;
            for piece in pieces(part, ',') {
                if !is_parameter(piece) {
                    specs.push(piece.to_owned());
                    open = true;
                } else if let Some(last) = specs.last_mut().filter(|_| open) {
                    last.push(',');
                    last.push_str(piece);
                } else {
                    return Err(SweepError::NoRouter(piece.to_owned()));
                }
            }
        }
    }
    match specs.is_empty() {
        true => {
            let lists: Vec<&str> = lists.iter().map(AsRef::as_ref).collect();
            Err(SweepError::NoRouter(lists.join(";")))
        }
        false => Ok(specs),
    }
}

/// Whether a piece between commas is `key=value` and not a router.
fn is_parameter(piece: &str) -> bool {
    match (piece.find('='), piece.find(':')) {
        (Some(equals), Some(colon)) => equals < colon,
        (equals, _) => equals.is_some(),
    }
}

/// The pieces between separators that stand in no quotes, trimmed; empty ones
/// are left out.
fn pieces(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut in_quotes = false;
    text.split(move |c| {
        in_quotes ^= c == '"';
        c == separator && !in_quotes
    })
    .map(str::trim)
    .filter(|piece| !piece.is_empty())
}

/// Expands a router's range or list into settings.
///
/// # Errors
/// See [`SweepError`].
pub fn expand(text: &str) -> Result<Sweep, SweepError> {
    let sweep = |settings| Sweep {
        text: text.to_owned(),
        settings,
    };
    let Some((name, rest)) = text.split_once(':') else {
        return Ok(sweep(vec![text.to_owned()]));
    };
    let mut parts: Vec<String> = Vec::new();
    let mut swept: Option<(usize, Vec<String>)> = None;
    for part in pieces(rest, ',') {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        if let Some(values) = values(text, key.trim(), value.trim())? {
            if swept.is_some() {
                return Err(SweepError::TwoRanges(text.to_owned()));
            }
            let settings = values.iter().map(|value| format!("{}={value}", key.trim()));
            swept = Some((parts.len(), settings.collect()));
        }
        parts.push(part.to_owned());
    }
    let Some((place, settings)) = swept else {
        return Ok(sweep(vec![text.to_owned()]));
    };
    let with = |setting: String| {
        parts[place] = setting;
        format!("{name}:{}", parts.join(","))
    };
    Ok(sweep(settings.into_iter().map(with).collect()))
}

/// The values that a parameter is swept over; `None` for a single one.
fn values(text: &str, key: &str, value: &str) -> Result<Option<Vec<String>>, SweepError> {
    if PATHS.contains(&key) || value.starts_with('"') {
        return Ok(None);
    }
    if value.contains('|') {
        let all: Vec<String> = value.split('|').map(|one| one.trim().to_owned()).collect();
        return match all {
            all if all.iter().any(String::is_empty) => Err(SweepError::EmptyValue(text.into())),
            all if all.len() > MOST_SETTINGS => Err(SweepError::TooMany(text.into())),
            all => Ok(Some(all)),
        };
    }
    match value.contains("..") {
        true => range(text, value).map(Some),
        false => Ok(None),
    }
}

/// `first..last/step`, both ends included, in decimals: 0.1 three times is
/// 0.3.
fn range(text: &str, value: &str) -> Result<Vec<String>, SweepError> {
    let syntax = || SweepError::Syntax(text.to_owned());
    let number = |text: &str| {
        let text = text.trim();
        let found = text.parse().or_else(|_| Decimal::from_scientific(text));
        found.map_err(|_| syntax())
    };
    let (first, rest) = value.split_once("..").ok_or_else(syntax)?;
    let (last, step) = rest.split_once('/').ok_or_else(syntax)?;
    let (first, last, step) = (number(first)?, number(last)?, number(step)?);
    if step <= Decimal::ZERO {
        return Err(SweepError::Step(text.to_owned()));
    }
    if last < first {
        return Err(SweepError::Empty(text.to_owned()));
    }
    let mut all = Vec::new();
    let mut at = first;
    while at <= last {
        if all.len() == MOST_SETTINGS {
            return Err(SweepError::TooMany(text.to_owned()));
        }
        all.push(at.normalize().to_string());
        at = at
            .checked_add(step)
            .ok_or_else(|| SweepError::TooMany(text.to_owned()))?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Vec<String> {
        expand(text).unwrap().settings
    }

    #[test]
    fn a_range_holds_both_ends_whatever_the_rounding() {
        let found = settings("threshold:t=0.1..0.9/0.1");
        assert_eq!(found.len(), 9);
        assert_eq!(found[0], "threshold:t=0.1");
        assert_eq!(found[2], "threshold:t=0.3");
        assert_eq!(found[8], "threshold:t=0.9");
        assert_eq!(
            settings("percentile:p=0..100/50"),
            ["percentile:p=0", "percentile:p=50", "percentile:p=100"]
        );
        assert_eq!(
            settings("threshold:t=-1e-1..0.1/1e-1,signal=logit"),
            [
                "threshold:t=-0.1,signal=logit",
                "threshold:t=0,signal=logit",
                "threshold:t=0.1,signal=logit"
            ]
        );
        assert_eq!(settings("threshold:t=0.5..0.7/0.15").len(), 2);
    }

    #[test]
    fn a_list_may_hold_anything_and_paths_are_left_alone() {
        let found = settings("threshold:t=0.5,signal=prob|sampled");
        assert_eq!(found[1], "threshold:t=0.5,signal=sampled");
        for plain in [
            "small",
            "policy:path=../a..b/c",
            "policy:path=\"a|b\"",
            "threshold:t=0.8",
        ] {
            let found = expand(plain).unwrap();
            assert!(!found.is_sweep(), "{plain}");
            assert_eq!(found.settings, [plain]);
        }
        assert!(expand("random:p=0.5..0.5/1").unwrap().is_sweep());
    }

    #[test]
    fn what_selects_nothing_or_too_much_is_refused() {
        let error = |text: &str| expand(text).unwrap_err();
        assert!(matches!(error("t:t=0.9..0.1/0.1"), SweepError::Empty(_)));
        assert!(matches!(error("t:t=0..1/0"), SweepError::Step(_)));
        assert!(matches!(error("t:t=0..1/-1"), SweepError::Step(_)));
        assert!(matches!(error("t:t=0..1"), SweepError::Syntax(_)));
        assert!(matches!(error("t:t=a..b/c"), SweepError::Syntax(_)));
        assert!(matches!(error("t:t=0..1/0.001"), SweepError::TooMany(_)));
        assert!(matches!(error("t:t=0|1,s=a|b"), SweepError::TwoRanges(_)));
        assert!(matches!(error("t:t=0||1"), SweepError::EmptyValue(_)));
        assert!(error("t:t=0..1").to_string().contains("FIRST..LAST/STEP"));
    }

    #[test]
    fn commas_separate_routers_and_parameters() {
        let found = split(&[
            "threshold:t=0.8,signal=prob,small",
            "large;policy:path=a,b=c",
        ]);
        assert_eq!(
            found.unwrap(),
            [
                "threshold:t=0.8,signal=prob",
                "small",
                "large",
                "policy:path=a,b=c"
            ]
        );
        let quoted = split(&["policy:path=\"a,b;c\",small"]).unwrap();
        assert_eq!(quoted, ["policy:path=\"a,b;c\"", "small"]);
        assert!(matches!(split(&["t=0.5"]), Err(SweepError::NoRouter(_))));
        assert!(matches!(
            split(&["small;t=0.5"]),
            Err(SweepError::NoRouter(_))
        ));
        assert!(matches!(split(&[" ,"]), Err(SweepError::NoRouter(_))));
    }
}

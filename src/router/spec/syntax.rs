//! The syntax of router specs: `key=value` pairs, quotes, numbers.

use std::collections::BTreeMap;

use super::RouterError;

/// The parameters behind the name of a router.
pub(super) fn parameters(
    spec: &str,
    name: &str,
    rest: &str,
) -> Result<BTreeMap<String, String>, RouterError> {
    let mut given = BTreeMap::new();
    let syntax = || RouterError::Syntax { spec: spec.into() };
    for part in split(rest).filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(syntax)?;
        let value = unquoted(value.trim()).ok_or_else(syntax)?;
        let key = key.trim().to_owned();
        if given.insert(key.clone(), value).is_some() {
            return Err(RouterError::Repeated {
                router: name.into(),
                key,
            });
        }
    }
    Ok(given)
}

/// The parts between commas that stand in no quotes, trimmed.
fn split(rest: &str) -> impl Iterator<Item = &str> {
    let mut in_quotes = false;
    rest.split(move |c| {
        in_quotes ^= c == '"';
        c == ',' && !in_quotes
    })
    .map(str::trim)
}

/// A value that begins with a quote ends with one, and holds quotes twice.
fn unquoted(value: &str) -> Option<String> {
    let Some(rest) = value.strip_prefix('"') else {
        return Some(value.to_owned());
    };
    let inner = rest.strip_suffix('"')?;
    let lone = inner.replace("\"\"", "").contains('"');
    (!lone).then(|| inner.replace("\"\"", "\""))
}

/// The value as [`unquoted`] reads it.
pub(super) fn quoted(value: &str) -> String {
    if value.contains([',', '"']) || value.trim() != value {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// A range, and what a number outside of it must be.
pub(super) type Range = (f64, f64, &'static str);
pub(super) const ANY: Range = (f64::NEG_INFINITY, f64::INFINITY, "a finite number");
pub(super) const SHARE: Range = (0.0, 1.0, "between 0 and 1");
pub(super) const PERCENT: Range = (0.0, 100.0, "between 0 and 100");

/// A number within a range.
pub(super) fn number(
    router: &'static str,
    key: &'static str,
    value: &str,
    (low, high, must): Range,
) -> Result<f64, RouterError> {
    let parsed = value.parse::<f64>().ok().filter(|x| x.is_finite());
    let wrong = |must| RouterError::Value {
        router,
        key,
        value: value.into(),
        must,
    };
    let number = parsed.ok_or_else(|| wrong(ANY.2))?;
    match (low..=high).contains(&number) {
        true => Ok(number),
        false => Err(wrong(must)),
    }
}

//! A TOML table read key by key, so that every complaint can name the place.

use std::path::Path;

use rust_decimal::Decimal;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::PoolError;

/// A value with its place in the file.
pub(super) type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

/// The file being read.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub text: &'s str,
    pub path: &'s Path,
}

impl Source<'_> {
    /// An error at a byte offset of the file.
    pub fn error(&self, at: usize, key: &str, message: String) -> PoolError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before
            .get(line_start..)
            .map_or(0, |line| line.chars().count());
        PoolError::Invalid {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: column + 1,
            key: key.to_owned(),
            message,
        }
    }
}

/// One table and the name it goes by in messages.
pub(super) struct Table<'a, 'i, 's> {
    pub source: Source<'s>,
    pub label: String,
    /// Byte offset for complaints about the table as a whole.
    pub at: usize,
    entries: &'a DeTable<'i>,
}

impl<'a, 'i, 's> Table<'a, 'i, 's> {
    pub fn new(source: Source<'s>, label: String, at: usize, entries: &'a DeTable<'i>) -> Self {
        Self {
            source,
            label,
            at,
            entries,
        }
    }

    /// Reads `value` as a table.
    pub fn of(source: Source<'s>, label: String, value: Value<'a, 'i>) -> Result<Self, PoolError> {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::Table(entries) => Ok(Self::new(source, label, at, entries)),
            other => Err(source.error(
                at,
                &label,
                format!("{label} must be a table, not {}", article(other)),
            )),
        }
    }

    /// Refuses every key that is not in `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), PoolError> {
        let stranger = self
            .entries
            .iter()
            .filter(|(key, _)| !known.contains(&key.get_ref().as_ref()))
            .min_by_key(|(key, _)| key.span().start);
        let Some((key, _)) = stranger else {
            return Ok(());
        };
        let name = key.get_ref().as_ref();
        let hint = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        Err(self.source.error(
            key.span().start,
            name,
            format!("unknown key `{name}` in {}; {hint}", self.label),
        ))
    }

    pub fn get(&self, key: &str) -> Option<Value<'a, 'i>> {
        self.entries.get(key)
    }

    /// Where `key` stands, for complaints about it.
    pub fn key_at(&self, key: &str) -> usize {
        self.entries
            .get_key_value(key)
            .map_or(self.at, |(key, _)| key.span().start)
    }

    /// An error about `key`.
    pub fn wrong(&self, key: &str, problem: &str) -> PoolError {
        let message = format!("`{key}` of {} {problem}", self.label);
        self.source.error(self.key_at(key), key, message)
    }

    pub fn missing(&self, key: &str, why: &str) -> PoolError {
        let message = format!("{} has no `{key}`: {why}", self.label);
        self.source.error(self.at, key, message)
    }

    /// Text that is not blank.
    pub fn text(&self, key: &str) -> Result<Option<String>, PoolError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => Err(self.wrong(key, "is empty")),
            DeValue::String(text) => Ok(Some(text.clone().into_owned())),
            other => Err(self.wrong(key, &format!("must be text, not {}", article(other)))),
        }
    }

    /// A list of texts.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<String>>, PoolError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let DeValue::Array(items) = value.get_ref() else {
            let problem = format!("must be a list of texts, not {}", article(value.get_ref()));
            return Err(self.wrong(key, &problem));
        };
        let texts = items.iter().map(|item| match item.get_ref() {
            DeValue::String(text) => Ok(text.clone().into_owned()),
            other => Err(self.wrong(
                key,
                &format!("must hold texts only, not {}", article(other)),
            )),
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// A finite number that is not negative.
    pub fn number(&self, key: &str) -> Result<Option<f64>, PoolError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let digits = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            other => {
                return Err(self.wrong(key, &format!("must be a number, not {}", article(other))));
            }
        };
        let number: f64 = digits
            .replace('_', "")
            .parse()
            .map_err(|_| self.wrong(key, "is not a number"))?;
        if !number.is_finite() {
            return Err(self.wrong(key, &format!("is {digits}: a finite number is needed")));
        }
        if number < 0.0 {
            return Err(self.wrong(key, &format!("is negative ({digits})")));
        }
        Ok(Some(number))
    }

    /// A number above zero.
    pub fn positive(&self, key: &str) -> Result<Option<f64>, PoolError> {
        match self.number(key)? {
            Some(0.0) => Err(self.wrong(key, "is 0: it must be above 0")),
            number => Ok(number),
        }
    }

    /// A whole number from 1.
    pub fn count(&self, key: &str) -> Result<Option<u32>, PoolError> {
        let Some(number) = self.positive(key)? else {
            return Ok(None);
        };
        if number.fract() != 0.0 || number > f64::from(u32::MAX) {
            return Err(self.wrong(key, &format!("must be a whole number, not {number}")));
        }
        Ok(Some(number as u32))
    }

    /// The whole table as JSON.
    pub fn json(&self) -> Result<serde_json::Map<String, serde_json::Value>, PoolError> {
        let pairs = self.entries.iter().map(|(key, value)| {
            let name = key.get_ref().as_ref();
            let value = json(value.get_ref()).map_err(|problem| self.wrong(name, problem))?;
            Ok((name.to_owned(), value))
        });
        pairs.collect()
    }

    /// An exact decimal, written as a number or as text.
    pub fn decimal(&self, key: &str) -> Result<Option<Decimal>, PoolError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let digits = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            DeValue::String(text) => text.as_ref(),
            other => {
                return Err(self.wrong(key, &format!("must be a number, not {}", article(other))));
            }
        };
        let plain = digits.trim().replace('_', "");
        let amount = plain
            .parse::<Decimal>()
            .or_else(|_| Decimal::from_scientific(&plain))
            .map_err(|_| {
                self.wrong(
                    key,
                    &format!("is {digits}: a finite decimal number is needed"),
                )
            })?;
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(self.wrong(key, &format!("is negative ({digits})")));
        }
        Ok(Some(amount.normalize()))
    }
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date (put it in quotes)",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A TOML value as JSON, or what it has that JSON has not.
fn json(value: &DeValue<'_>) -> Result<serde_json::Value, &'static str> {
    const NUMBER: &str = "holds a number that JSON cannot hold";
    Ok(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| NUMBER)?
            .into(),
        DeValue::Float(number) => {
            let number: f64 = number.as_str().parse().map_err(|_| NUMBER)?;
            let number = serde_json::Number::from_f64(number).ok_or(NUMBER)?;
            number.into()
        }
        DeValue::Datetime(_) => return Err("holds a date: put it in quotes"),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| json(item.get_ref()));
            serde_json::Value::Array(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(entries) => {
            let pairs = entries.iter().map(|(key, value)| {
                json(value.get_ref()).map(|value| (key.get_ref().to_string(), value))
            });
            serde_json::Value::Object(pairs.collect::<Result<_, _>>()?)
        }
    })
}

/// The known name closest to `name`, where it is close enough to be meant.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3))
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

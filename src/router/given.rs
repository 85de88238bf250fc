//! The parameters a person gave a router, taken out one by one; what is left
//! over is refused.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut, RangeInclusive};
use std::str::FromStr;

use super::spec::RouterError;

/// Values by name.
#[derive(Debug, Default)]
pub(super) struct Given(pub BTreeMap<String, String>);

impl Deref for Given {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Given {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Given {
    /// Reads the `rest` of a spec, behind the router's `name:`.
    pub fn parse(spec: &str, name: &str, rest: &str) -> Result<Self, RouterError> {
        let mut given = Self::default();
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

    /// A finite number within `range`; `must` says the range in words.
    pub fn within(
        &mut self,
        router: &'static str,
        key: &'static str,
        range: RangeInclusive<f64>,
        must: &'static str,
    ) -> Result<Option<f64>, RouterError> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|x| range.contains(x));
        self.read(router, key, must, number)
    }

    /// Any finite number.
    pub fn finite(
        &mut self,
        router: &'static str,
        key: &'static str,
    ) -> Result<Option<f64>, RouterError> {
        self.within(router, key, f64::MIN..=f64::MAX, "a finite number")
    }

    /// Anything that reads itself from text.
    pub fn parsed<T: FromStr>(
        &mut self,
        router: &'static str,
        key: &'static str,
        must: &'static str,
    ) -> Result<Option<T>, RouterError> {
        self.read(router, key, must, |text| text.parse().ok())
    }

    fn read<T>(
        &mut self,
        router: &'static str,
        key: &'static str,
        must: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, RouterError> {
        let Some(value) = self.remove(key) else {
            return Ok(None);
        };
        match read(&value) {
            Some(read) => Ok(Some(read)),
            None => Err(RouterError::Value {
                router,
                key,
                value,
                must,
            }),
        }
    }
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

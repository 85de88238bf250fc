//! Reading the fields of one record, with errors that name them.

use serde_json::Value;

use super::error::{DatasetError, Fault};
use super::format::Format;
use super::records::{Raw, kind_of};

/// The fields of one record of a known format.
pub(super) struct Fields<'a> {
    raw: &'a Raw,
    format: Format,
}

impl<'a> Fields<'a> {
    pub fn new(raw: &'a Raw, format: Format) -> Self {
        Self { raw, format }
    }

    /// 1-based line on which the record begins.
    pub fn line(&self) -> u64 {
        self.raw.line
    }

    /// The value of a field; `None` where it is absent or null.
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.raw.fields.get(field).filter(|value| !value.is_null())
    }

    /// The first of `names` the record has; its first name where it has none,
    /// for the error.
    pub fn first_of<'n>(&self, names: &[&'n str]) -> &'n str {
        names
            .iter()
            .find(|name| self.get(name).is_some())
            .unwrap_or(&names[0])
    }

    /// An error about a field of this record.
    pub fn error(&self, field: &str, problem: impl Into<String>) -> DatasetError {
        DatasetError::at(
            self.raw.line,
            Fault::Field {
                field: field.to_owned(),
                problem: problem.into(),
                format: self.format.title(),
            },
        )
    }

    /// A string that must be there and not be blank.
    pub fn text(&self, field: &str) -> Result<&'a str, DatasetError> {
        let text = self
            .optional_text(field)?
            .ok_or_else(|| self.error(field, "is missing"))?;
        if text.trim().is_empty() {
            return Err(self.error(field, "is empty"));
        }
        Ok(text)
    }

    /// A string that may be absent.
    pub fn optional_text(&self, field: &str) -> Result<Option<&'a str>, DatasetError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(field, other, "text")),
        }
    }

    /// Text or a number, as text without blanks around it; `None` where it is
    /// absent or blank.
    pub fn scalar(&self, field: &str) -> Result<Option<String>, DatasetError> {
        let text = match self.get(field) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(other) => return Err(self.wrong_type(field, other, "text or a number")),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Text or a number that must be there.
    pub fn needed_scalar(&self, field: &str) -> Result<String, DatasetError> {
        match self.scalar(field)? {
            Some(text) => Ok(text),
            None if self.get(field).is_some() => Err(self.error(field, "is empty")),
            None => Err(self.error(field, "is missing")),
        }
    }

    /// A number, also one written as text.
    pub fn number(&self, field: &str) -> Result<Option<f64>, DatasetError> {
        let number = match self.get(field) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            Some(other) => return Err(self.wrong_type(field, other, "a number")),
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(self.error(field, "is not a number")),
        }
    }

    /// A list of strings joined with `; `, or one string.
    pub fn joined(&self, field: &str) -> Result<Option<String>, DatasetError> {
        let Some(Value::Array(items)) = self.get(field) else {
            return Ok(self.optional_text(field)?.map(str::to_owned));
        };
        let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        let texts = texts.ok_or_else(|| self.error(field, "is not a list of texts"))?;
        Ok(Some(texts.join("; ")).filter(|text| !text.is_empty()))
    }

    fn wrong_type(&self, field: &str, found: &Value, wanted: &str) -> DatasetError {
        self.error(field, format!("is a {}, not {wanted}", kind_of(found)))
    }
}

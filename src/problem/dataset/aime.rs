//! AIME: `problem`, `answer` (0 to 999, leading zeros kept), and in the longer
//! form `id`, `solution`, `url`. The bare form has `problem` and `answer` only,
//! and is told from a plain file by every answer being such a number.

use serde_json::{Map, Value};

use super::Parsed;
use super::error::DatasetError;
use super::fields::Fields;

/// Most digits of an answer.
const DIGITS: usize = 3;

/// The longer form: an AIME address beside the problem.
pub(super) fn is(fields: &Map<String, Value>) -> bool {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    text("problem").is_some()
        && fields.contains_key("answer")
        && text("url").is_some_and(|url| url.contains("AIME"))
}

/// The bare form.
pub(super) fn is_bare(fields: &Map<String, Value>) -> bool {
    fields.len() == 2
        && fields.get("problem").is_some_and(Value::is_string)
        && fields.get("answer").is_some_and(|answer| match answer {
            Value::String(text) => is_answer(text.trim()),
            Value::Number(number) => is_answer(&number.to_string()),
            _ => false,
        })
}

pub(super) fn parse(fields: &Fields<'_>) -> Result<Parsed, DatasetError> {
    let question = fields.text("problem")?.to_owned();
    let gold = fields.needed_scalar("answer")?;
    if !is_answer(&gold) {
        return Err(fields.error("answer", "is not a whole number from 0 to 999"));
    }
    Ok(Parsed {
        id: fields.scalar("id")?,
        question,
        gold: Some(gold),
        ..Parsed::default()
    })
}

/// A degree sign does not make it another answer.
fn is_answer(text: &str) -> bool {
    let text = text.strip_suffix("^\\circ").unwrap_or(text);
    (1..=DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

//! Omni-MATH: `problem`, `answer`, `domain` (a list of `A -> B -> C`),
//! `difficulty` (1–10), `source`. The form of its GPT evaluation keeps the
//! same record as a JSON text in `original_json`.

use serde_json::{Map, Value};

use super::Parsed;
use super::error::DatasetError;
use super::fields::Fields;
use super::format::Format;
use super::records::Raw;

pub(super) fn parse(fields: &Fields<'_>) -> Result<Parsed, DatasetError> {
    if fields.get("original_json").is_none() {
        return parse_record(fields);
    }
    let text = fields.text("original_json")?;
    let inner: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| fields.error("original_json", format!("is not a JSON object: {error}")))?;
    let raw = Raw {
        line: fields.line(),
        number: 0,
        fields: inner,
    };
    let mut parsed = parse_record(&Fields::new(&raw, Format::OmniMath))?;
    if parsed.id.is_none() {
        parsed.id = fields.scalar("uuid")?;
    }
    Ok(parsed)
}

fn parse_record(fields: &Fields<'_>) -> Result<Parsed, DatasetError> {
    let question = fields.text("problem")?.to_owned();
    let gold = fields.scalar("answer")?;
    if gold.is_none() && fields.get("answer").is_none() {
        return Err(fields.error("answer", "is missing"));
    }
    // A proof has nothing to compare with.
    let warning = gold
        .is_none()
        .then(|| "field `answer` is empty: the problem cannot be graded".to_owned());
    Ok(Parsed {
        id: fields.scalar("id")?,
        question,
        gold,
        difficulty: fields.number("difficulty")?,
        domain: fields.joined("domain")?,
        warning,
    })
}

//! MATH and MATH500: `problem`, `solution`, `answer`?, `subject` or `type`,
//! `level` (5 or `Level 5`). Where there is no `answer`, the last `\boxed{}`
//! of the solution is the gold answer.

use serde_json::{Map, Value};

use crate::problem::answer::extract::last_boxed;

use super::Parsed;
use super::error::DatasetError;
use super::fields::Fields;

pub(super) fn is(fields: &Map<String, Value>) -> bool {
    let has = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    has("problem")
        && has("solution")
        && ["level", "subject", "type", "unique_id"]
            .into_iter()
            .any(has)
}

pub(super) fn parse(fields: &Fields<'_>) -> Result<Parsed, DatasetError> {
    let question = fields.text("problem")?.to_owned();
    let gold = match fields.scalar("answer")? {
        Some(gold) => gold,
        None => {
            let solution = fields.text("solution")?;
            let boxed = last_boxed(solution).map(|(answer, _)| answer.trim().to_owned());
            boxed.filter(|gold| !gold.is_empty()).ok_or_else(|| {
                fields.error("answer", "is missing, and `solution` has no \\boxed{}")
            })?
        }
    };
    Ok(Parsed {
        id: fields.scalar(fields.first_of(&["unique_id", "id"]))?,
        question,
        gold: Some(gold),
        difficulty: level(fields)?,
        domain: fields
            .optional_text(fields.first_of(&["subject", "type"]))?
            .map(str::to_owned),
        warning: None,
    })
}

/// 1 to 5; MATH itself has a few `Level ?`, which are unknown.
fn level(fields: &Fields<'_>) -> Result<Option<f64>, DatasetError> {
    let Some(text) = fields.scalar("level")? else {
        return Ok(None);
    };
    let level = text.strip_prefix("Level").unwrap_or(&text).trim();
    if level == "?" {
        return Ok(None);
    }
    match level.parse::<f64>() {
        Ok(level) if level.is_finite() => Ok(Some(level)),
        _ => Err(fields.error("level", "is neither a number nor `Level N`")),
    }
}

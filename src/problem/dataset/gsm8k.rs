//! GSM8K: `question` and `answer`, the worked solution that ends in a line
//! `#### N`; the socratic form differs only in the solution's wording. The
//! file of example solutions has `ground_truth` instead, which ends `A: N`.

use serde_json::{Map, Value};

use super::Parsed;
use super::error::DatasetError;
use super::fields::Fields;

const MARK: &str = "####";
const EXAMPLE_MARK: &str = "A:";

pub(super) fn is(fields: &Map<String, Value>) -> bool {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    text("question").is_some()
        && (text("answer").is_some_and(|answer| answer.contains(MARK))
            || text("ground_truth").is_some_and(|truth| after_last(truth, EXAMPLE_MARK).is_some()))
}

pub(super) fn parse(fields: &Fields<'_>) -> Result<Parsed, DatasetError> {
    let question = fields.text("question")?.to_owned();
    let (field, mark) = if fields.get("answer").is_none() && fields.get("ground_truth").is_some() {
        ("ground_truth", EXAMPLE_MARK)
    } else {
        ("answer", MARK)
    };
    let solution = fields.text(field)?;
    let gold = after_last(solution, mark)
        .ok_or_else(|| fields.error(field, format!("has no final `{mark} N`")))?;
    Ok(Parsed {
        question,
        gold: Some(gold.to_owned()),
        ..Parsed::default()
    })
}

/// What follows the last line that begins with `mark`.
fn after_last<'a>(solution: &'a str, mark: &str) -> Option<&'a str> {
    solution
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix(mark))
        .map(str::trim)
        .filter(|gold| !gold.is_empty())
}

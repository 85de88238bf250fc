//! Anything else: `question` or `problem`, and where known `gold` or `answer`,
//! `id`, `difficulty`, `domain` or `subject`.

use super::Parsed;
use super::error::DatasetError;
use super::fields::Fields;

pub(super) fn parse(fields: &Fields<'_>) -> Result<Parsed, DatasetError> {
    let question = fields.text(fields.first_of(&["question", "problem"]))?;
    Ok(Parsed {
        id: fields.scalar("id")?,
        question: question.to_owned(),
        gold: fields.scalar(fields.first_of(&["gold", "answer"]))?,
        difficulty: fields.number("difficulty")?,
        domain: fields.joined(fields.first_of(&["domain", "subject"]))?,
        warning: None,
    })
}

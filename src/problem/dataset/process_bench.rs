//! ProcessBench: `id`, `problem`, and an annotated model solution (`steps`,
//! `label`, `generator`). It gives no gold answer, so its problems can be
//! routed and looked at but not graded. The same problem may come with
//! several solutions, each under its own id.

use super::Parsed;
use super::error::DatasetError;
use super::fields::Fields;

pub(super) fn parse(fields: &Fields<'_>) -> Result<Parsed, DatasetError> {
    Ok(Parsed {
        id: fields.scalar("id")?,
        question: fields.text("problem")?.to_owned(),
        ..Parsed::default()
    })
}

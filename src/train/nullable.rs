//! Numbers that may not be finite, in JSON, which has none such: `null`, read
//! back as NaN. For `#[serde(with = "nullable")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number, or `null` where it is not finite.
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    value.is_finite().then_some(*value).serialize(serializer)
}

/// A number, or NaN for `null`.
///
/// # Errors
/// Neither a number nor `null`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

//! Keys: read from the environment, shown to nobody.

/// A key. `Debug` prints nothing of it, and [`Secret::redact`] takes it out of
/// what servers send back.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Reads the key from an environment variable, surrounding blanks off.
    ///
    /// # Errors
    /// A sentence that names the variable where it is unset, empty or not
    /// usable in a header.
    pub fn from_env(variable: &str) -> Result<Self, String> {
        let value = std::env::var(variable).map_err(|_| {
            format!("the environment variable {variable}, which holds the key, is not set")
        })?;
        let key = value.trim();
        if key.is_empty() {
            return Err(format!("the environment variable {variable} is empty"));
        }
        if !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(format!(
                "the environment variable {variable} holds characters that no key has"
            ));
        }
        Ok(Self::new(key))
    }

    /// The key itself, for the one header it belongs in.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without the key in it.
    pub fn redact(&self, text: &str) -> String {
        text.replace(&self.0, "[key]")
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_redacted_text_hold_nothing_of_the_key() {
        let secret = Secret::new("sk-planted");
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(secret.redact("bad key sk-planted!"), "bad key [key]!");
        let missing = Secret::from_env("POINTSMAN_NO_SUCH_KEY").unwrap_err();
        assert!(missing.contains("POINTSMAN_NO_SUCH_KEY"));
    }
}

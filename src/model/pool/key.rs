//! The `api_key_…` keys of a model: where its key comes from, never the key.

use std::fmt;

use reqwest::header::{self, HeaderName};
use serde::Deserialize;

use super::PoolError;
use super::table::Table;

/// Keys under which people paste a key.
pub(super) const PASTED: &[&str] = &["api_key", "apikey", "api-key", "key", "token", "secret"];
/// What they are told.
/// Names of fields that hold a key in what is sent to a server.
const SENT: [&str; 5] = [
    "authorization",
    "password",
    "bearer",
    "access_token",
    "auth_token",
];

/// Whether a field of that name is for a key.
pub(super) fn is_pasted(name: &str) -> bool {
    let name = name.to_lowercase();
    PASTED.contains(&name.as_str()) || SENT.contains(&name.as_str())
}

pub(super) const REFUSED: &str = "is refused: keys come from the environment or from a command; \
                                  put the variable's name in `api_key_env` or the command in \
                                  `api_key_command`";

/// A program that prints a key, with its arguments. No shell reads it. `Debug`
/// shows the program alone: people put secrets into arguments.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct KeyCommand {
    program: String,
    arguments: Vec<String>,
}

impl KeyCommand {
    /// The program and its arguments; `None` where there is no program.
    pub fn new<T: Into<String>>(words: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut words = words.into_iter().map(Into::into);
        let program = words.next().filter(|program| !program.trim().is_empty())?;
        Some(Self {
            program,
            arguments: words.collect(),
        })
    }

    pub fn program(&self) -> &str {
        &self.program
    }

    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

impl TryFrom<Vec<String>> for KeyCommand {
    type Error = &'static str;

    fn try_from(words: Vec<String>) -> Result<Self, Self::Error> {
        Self::new(words).ok_or("no program")
    }
}

impl fmt::Debug for KeyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCommand({} …)", self.program)
    }
}

/// Where the key of a model comes from.
pub(super) struct Source {
    pub env: Option<String>,
    pub command: Option<KeyCommand>,
    pub header: Option<String>,
}

impl Source {
    pub fn read(table: &Table<'_, '_, '_>) -> Result<Self, PoolError> {
        let source = Self {
            env: variable(table)?,
            command: command(table)?,
            header: header_name(table)?,
        };
        if source.env.is_some() && source.command.is_some() {
            let problem = "and `api_key_env` are both given: a key comes from one of them";
            return Err(table.wrong("api_key_command", problem));
        }
        if source.header.is_some() && source.env.is_none() && source.command.is_none() {
            let problem = "names a header for a key, but there is none: add `api_key_env` or \
                           `api_key_command`";
            return Err(table.wrong("api_key_header", problem));
        }
        Ok(source)
    }
}

fn variable(table: &Table<'_, '_, '_>) -> Result<Option<String>, PoolError> {
    let Some(name) = table.text("api_key_env")? else {
        return Ok(None);
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // A pasted key must not be repeated, so the message does not quote it.
    if !name.chars().all(allowed) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(table.wrong(
            "api_key_env",
            "is no name of an environment variable: keys come from the environment, never from \
             the file",
        ));
    }
    Ok(Some(name))
}

fn command(table: &Table<'_, '_, '_>) -> Result<Option<KeyCommand>, PoolError> {
    let Some(words) = table.texts("api_key_command")? else {
        return Ok(None);
    };
    let command = KeyCommand::new(words).ok_or_else(|| {
        let example = "names no program: write the program and its arguments, e.g. \
                       [\"pass\", \"show\", \"openai\"]";
        table.wrong("api_key_command", example)
    });
    command.map(Some)
}

fn header_name(table: &Table<'_, '_, '_>) -> Result<Option<String>, PoolError> {
    // Those that the request itself needs.
    const TAKEN: [HeaderName; 6] = [
        header::HOST,
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::USER_AGENT,
    ];
    let Some(name) = table.text("api_key_header")? else {
        return Ok(None);
    };
    // Whoever mistakes it for the header's value pastes a key: not quoted.
    match HeaderName::try_from(&name) {
        Ok(header) if !TAKEN.contains(&header) => Ok(Some(name)),
        Ok(header) => Err(table.wrong(
            "api_key_header",
            &format!("is `{header}`, which has a use of its own: e.g. `api-key`"),
        )),
        Err(_) => Err(table.wrong("api_key_header", "is no name of a header: e.g. `api-key`")),
    }
}

//! Where a key comes from, and the header it is sent in.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::RequestBuilder;
use reqwest::header::{HeaderName, HeaderValue};

use super::key_command;
use super::secret::Secret;
use crate::model::endpoint::FailureKind;
use crate::model::pool::{KeyCommand, ModelSpec};
use crate::model::retry::Failure;

/// The key of one server. Cloning it shares what is known of it.
#[derive(Clone)]
pub struct Key {
    origin: Origin,
    /// The header that holds the bare key; `Authorization: Bearer` where there
    /// is none.
    header: Option<HeaderName>,
}

#[derive(Clone)]
enum Origin {
    /// Read once; a key that is missing fails the calls, so that a program can
    /// start and say so.
    Environment {
        variable: String,
        key: Result<Secret, String>,
    },
    Command(Arc<Asked>),
}

/// A key command with the keys it gave.
struct Asked {
    command: KeyCommand,
    /// Held while the command runs: whoever else needs the key waits for it.
    running: tokio::sync::Mutex<()>,
    /// Newest last. Earlier ones are still taken out of what servers say.
    known: Mutex<Vec<Secret>>,
}

/// The commands of this process: models that name the same one share its key.
static COMMANDS: Mutex<Vec<Arc<Asked>>> = Mutex::new(Vec::new());

impl Key {
    /// The key that the pool names for a model, if it does. No command is run.
    ///
    /// # Errors
    /// A header that there cannot be.
    pub fn of(spec: &ModelSpec) -> Result<Option<Self>, String> {
        let origin = match (&spec.api_key_command, &spec.api_key_env) {
            (Some(command), _) => Origin::Command(Asked::shared(command)),
            (None, Some(variable)) => Origin::Environment {
                variable: variable.clone(),
                key: Secret::from_env(variable),
            },
            (None, None) => return Ok(None),
        };
        let header = spec.api_key_header.as_deref().map(|name| {
            HeaderName::try_from(name).map_err(|error| format!("api_key_header `{name}`: {error}"))
        });
        Ok(Some(Self {
            origin,
            header: header.transpose()?,
        }))
    }

    /// The key; a command is run at first use.
    ///
    /// # Errors
    /// [`FailureKind::Auth`] where there is no key.
    pub(super) async fn secret(&self) -> Result<Secret, Failure> {
        match &self.origin {
            Origin::Environment { key, .. } => key.clone().map_err(no_key),
            Origin::Command(asked) => asked.key().await.map_err(no_key),
        }
    }

    /// The key to try instead of `refused`; `None` where there is no other.
    /// Tokens expire: a command may have a newer one.
    ///
    /// # Errors
    /// [`FailureKind::Auth`] where the command fails.
    pub(super) async fn renewed(&self, refused: &Secret) -> Result<Option<Secret>, Failure> {
        match &self.origin {
            Origin::Environment { .. } => Ok(None),
            Origin::Command(asked) => asked.renewed(refused).await.map_err(no_key),
        }
    }

    /// `request` with the key in its header.
    pub(super) fn sign(&self, request: RequestBuilder, secret: &Secret) -> RequestBuilder {
        let Some(header) = &self.header else {
            return request.bearer_auth(secret.expose());
        };
        match HeaderValue::from_str(secret.expose()) {
            Ok(mut value) => {
                // Keeps it out of the client's own debug output.
                value.set_sensitive(true);
                request.header(header, value)
            }
            // A key is printable ASCII: this cannot be.
            Err(_) => request,
        }
    }

    /// Where the key comes from, in words.
    pub(super) fn source(&self) -> String {
        match &self.origin {
            Origin::Environment { variable, .. } => format!("the environment variable {variable}"),
            Origin::Command(asked) => format!("the key command `{}`", asked.command.program()),
        }
    }

    /// `text` without any key that is known.
    pub fn redact(&self, text: &str) -> String {
        self.each(text.to_owned(), |text, secret| secret.redact(&text))
    }

    /// As [`Key::redact`], for what a model wrote: only what can be no word.
    pub(super) fn redact_written(&self, text: &str) -> String {
        self.each(text.to_owned(), |text, secret| secret.redact_written(&text))
    }

    /// How many bytes at the end of `text` may be the beginning of a key.
    pub(super) fn begun(&self, text: &str) -> usize {
        self.each(0, |most, secret| most.max(secret.begun(text)))
    }

    /// Folds over the keys that are known.
    fn each<T>(&self, first: T, fold: impl Fn(T, &Secret) -> T) -> T {
        match &self.origin {
            Origin::Environment { key: Ok(key), .. } => fold(first, key),
            Origin::Environment { key: Err(_), .. } => first,
            Origin::Command(asked) => asked.known().iter().fold(first, fold),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.source())
    }
}

fn no_key(reason: String) -> Failure {
    Failure::new(FailureKind::Auth, reason)
}

impl Asked {
    fn shared(command: &KeyCommand) -> Arc<Self> {
        let mut all = COMMANDS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = all.iter().find(|asked| asked.command == *command) {
            return Arc::clone(asked);
        }
        let asked = Arc::new(Self {
            command: command.clone(),
            running: tokio::sync::Mutex::new(()),
            known: Mutex::new(Vec::new()),
        });
        all.push(Arc::clone(&asked));
        asked
    }

    fn known(&self) -> MutexGuard<'_, Vec<Secret>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> Option<Secret> {
        self.known().last().cloned()
    }

    async fn key(&self) -> Result<Secret, String> {
        if let Some(key) = self.last() {
            return Ok(key);
        }
        let _running = self.running.lock().await;
        match self.last() {
            Some(key) => Ok(key),
            None => self.ask().await,
        }
    }

    async fn renewed(&self, refused: &Secret) -> Result<Option<Secret>, String> {
        let _running = self.running.lock().await;
        // Another call may have met the same refusal first.
        let newer = match self.last().filter(|last| last != refused) {
            Some(newer) => newer,
            None => self.ask().await?,
        };
        Ok(Some(newer).filter(|newer| newer != refused))
    }

    async fn ask(&self) -> Result<Secret, String> {
        let command = self.command.clone();
        let asked = tokio::task::spawn_blocking(move || key_command::run(&command));
        let key = asked
            .await
            .map_err(|_| "the key command could not be run".to_owned())??;
        let mut known = self.known();
        known.retain(|earlier| *earlier != key);
        known.push(key.clone());
        Ok(key)
    }
}

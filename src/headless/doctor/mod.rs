//! `doctor`: what a pool's endpoints can do and which routers that allows, and
//! whether what ships with the program works on this machine.

mod endpoints;
mod routers;
pub mod shipped;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::model::pool::Pool;

use super::solve::runtime;
use super::stop::signal;
use super::{Exit, Failure};

pub use endpoints::{Endpoint, Key, State};
pub use routers::{Row, RowLack};

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// Worth knowing; nothing fails for it.
    Note,
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The group it belongs to: `terminal` …
    pub area: &'static str,
    pub name: &'static str,
    pub status: Status,
    /// What was found.
    pub text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Check {
    /// Nothing to complain about.
    pub fn ok(area: &'static str, name: &'static str, text: impl Into<String>) -> Self {
        Self {
            area,
            name,
            status: Status::Ok,
            text: text.into(),
            help: None,
        }
    }

    /// The same with another status, and what to do.
    #[must_use]
    pub fn but(mut self, status: Status, help: impl Into<String>) -> Self {
        self.status = status;
        self.help = Some(help.into());
        self
    }
}

/// What was found of a pool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The pool file.
    pub file: String,
    /// What is odd about the file.
    pub warnings: Vec<String>,
    /// The models in pool order, then those that score.
    pub endpoints: Vec<Endpoint>,
    /// What is odd about the models whatever the router: each a sentence.
    pub remarks: Vec<String>,
    pub routers: Vec<Row>,
}

impl Report {
    /// The failure where an endpoint failed.
    pub fn failure(&self) -> Option<Failure> {
        let failed = self
            .endpoints
            .iter()
            .filter(|one| one.state != State::Ready);
        let names: Vec<&str> = failed.map(|one| one.name.as_str()).collect();
        (!names.is_empty()).then(|| {
            Failure::new(
                Exit::Endpoint,
                format!(
                    "{} of {} endpoints failed: {}",
                    names.len(),
                    self.endpoints.len(),
                    names.join(", ")
                ),
            )
        })
    }
}

/// Reads the pool file and asks every endpoint in it what it can do, all at the
/// same time and each for `limit` at most. With `quiet` no progress is shown.
///
/// # Errors
/// A pool file that cannot be used; an interruption. An endpoint that fails is
/// none: see [`Endpoint::state`].
pub fn examine(path: &Path, limit: Duration, quiet: bool) -> Result<Report, Failure> {
    let pool = Pool::load(path)?;
    interruptible(async {
        let endpoints = endpoints::ask(&pool, limit, quiet).await;
        let asked = routers::Known::new(&pool, &endpoints);
        Ok(Report {
            file: path.display().to_string(),
            warnings: pool.warnings.clone(),
            remarks: asked.remarks(),
            routers: asked.rows(),
            endpoints,
        })
    })
}

/// Does some work unless a signal comes first.
pub(super) fn interruptible<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => done,
            () = signal() => Err(Failure::new(Exit::Interrupted, "interrupted")),
        }
    });
    // A model that is being loaded is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}

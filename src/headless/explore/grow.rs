//! One problem's forest, driven over the endpoints until it is grown.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::{FuturesUnordered, StreamExt};
use indicatif::ProgressBar;

use crate::headless::Failure;
use crate::headless::clock::now;
use crate::headless::drive::{Pieces, Shared, ask};
use crate::model::endpoint::FailureKind;
use crate::session::forest::{Call, Forest};
use crate::trace::record::Record;

use super::estimate::count;

/// How it ended.
pub(super) enum Grown {
    Whole,
    /// The run was stopped first.
    Stopped,
    /// An endpoint failed: what it said.
    Failed(String),
}

/// Counts calls and tokens of this session, for the bar.
pub(super) struct Meter {
    bar: ProgressBar,
    calls: AtomicU64,
    tokens: AtomicU64,
}

impl Meter {
    pub fn new(bar: ProgressBar) -> Self {
        Self {
            bar,
            calls: AtomicU64::new(0),
            tokens: AtomicU64::new(0),
        }
    }

    fn add(&self, tokens: u64) {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let tokens = self.tokens.fetch_add(tokens, Ordering::Relaxed) + tokens;
        self.bar.set_message(format!(
            "{} calls · {} output tokens",
            count(calls),
            count(tokens)
        ));
    }
}

/// Grows a forest to its end.
///
/// # Errors
/// The log cannot be written: the run cannot go on.
pub(super) async fn grow(
    shared: &Shared,
    forest: &mut Forest,
    meter: &Meter,
) -> Result<Grown, Failure> {
    keep(shared, forest.settle()).await?;
    loop {
        let wave = forest.advance();
        if wave.is_empty() {
            return Ok(Grown::Whole);
        }
        keep(shared, wave.records).await?;
        if shared.stop.is_stopped() {
            // Not begun: a resumed run makes these very calls.
            return Ok(Grown::Stopped);
        }
        if let Some(ended) = make(shared, forest, wave.calls, meter).await? {
            return Ok(ended);
        }
    }
}

/// Makes calls side by side and keeps each answer as it comes: it is paid for.
/// How the problem ended, where it did.
async fn make(
    shared: &Shared,
    forest: &mut Forest,
    calls: Vec<Call>,
    meter: &Meter,
) -> Result<Option<Grown>, Failure> {
    // However many places in flight there are: what fails of one problem is one
    // failure.
    let begun = shared.stop.begin();
    let mut running: FuturesUnordered<_> = calls
        .into_iter()
        .map(|call| async move {
            let pieces = Pieces::default();
            let answer = ask(shared, call.model, call.request.clone(), &pieces, begun).await;
            (call, pieces.take(), answer)
        })
        .collect();
    let mut ended = None;
    let mut failed = None;
    while let Some((call, text, answer)) = running.next().await {
        let records = match answer {
            Some(Ok(reply)) => {
                meter.add(reply.usage.output);
                forest.take(&call, reply, &now())
            }
            Some(Err(error)) => {
                if error.kind != FailureKind::Context {
                    failed.get_or_insert_with(|| error.to_string());
                }
                forest.failed(&call, error, &text, &now())
            }
            None => {
                ended = Some(Grown::Stopped);
                forest.cancelled(&call, &text, &now())
            }
        };
        keep(shared, records).await?;
        shared.heed(forest.tree().run())?;
    }
    Ok(match failed {
        Some(message) => Some(Grown::Failed(message)),
        None => ended,
    })
}

async fn keep(shared: &Shared, records: Vec<Record>) -> Result<(), Failure> {
    if records.is_empty() {
        return Ok(());
    }
    shared.keep(records)
}

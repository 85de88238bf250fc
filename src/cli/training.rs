//! The training screen: over a run of this program, or over one that is there.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use crate::app::training::Training;
use crate::config::Flags;
use crate::headless::train::{TrainOptions, Trained, stop_flag, train};
use crate::headless::{Exit, Failure};
use crate::train::log::{TRAINING_LOG, TrainingLog};
use crate::tui::training::{Run, run};

use super::screen;

/// Whether a path is the log or the folder of a training run.
pub(super) fn is_run(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name == TRAINING_LOG);
    named || path.join(TRAINING_LOG).is_file()
}

/// Shows a run that is finished, interrupted or made by another program.
pub(super) fn show(path: &Path) -> Result<(), Failure> {
    // Told before the screen is taken.
    TrainingLog::open(path).map_err(|error| Failure::new(Exit::BadData, error.to_string()))?;
    super::needs_terminal("replay", "cat report.md")?;
    let config = screen::configuration(Flags::default())?;
    let shown = Run {
        path: path.to_owned(),
        screen: Training::new(path.display().to_string(), false),
        ended: None,
        stop: stop_flag()?,
    };
    super::ended(screen::with_look(&config, Vec::new(), |look| {
        run(shown, look)
    })?)
}

/// Trains on a thread of its own and shows the run. Leaving the screen stops
/// a run that is not finished; everything is saved.
pub(super) fn watch(options: TrainOptions) -> Result<Trained, Failure> {
    super::needs_terminal("train --watch", "pointsman train")?;
    let config = screen::configuration(Flags::default())?;
    let stop = Arc::clone(&options.stop);
    let path = options.out.clone();
    let result: Arc<Mutex<Option<Result<Trained, Failure>>>> = Arc::default();
    let (kept, seen) = (Arc::clone(&result), Arc::clone(&result));
    let training = std::thread::Builder::new()
        .name("training".to_owned())
        .spawn(move || {
            let trained = train(&options);
            if let Ok(mut kept) = kept.lock() {
                *kept = Some(trained);
            }
        })
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start a thread: {error}")))?;
    let mut told = false;
    let shown = Run {
        screen: Training::new(path.display().to_string(), true),
        path,
        ended: Some(Box::new(move || {
            let result = seen.lock().ok()?;
            let ended = result.as_ref()?;
            // Once: what is told twice would hide what comes after it.
            let first = !std::mem::replace(&mut told, true);
            first.then(|| {
                ended
                    .as_ref()
                    .map(|_| ())
                    .map_err(|failure| failure.message.clone())
            })
        })),
        stop: Arc::clone(&stop),
    };
    let left = screen::with_look(&config, Vec::new(), |look| run(shown, look));
    stop.store(true, Ordering::Relaxed);
    let panicked = training.join().is_err();
    let ended = left?;
    let result = result.lock().ok().and_then(|mut result| result.take());
    match result {
        Some(result) => result,
        None if panicked => Err(Failure::new(
            Exit::Failed,
            "training broke off; this is a bug",
        )),
        None => {
            super::ended(ended)?;
            Err(Failure::new(Exit::Interrupted, "interrupted"))
        }
    }
}

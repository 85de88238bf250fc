//! The training screen: over a run of this program, or over one that is there.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use crate::app::training::Training;
use crate::config::Flags;
use crate::headless::train::{TrainOptions, Trained, train, watch_signals};
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
    super::needs_terminal("replay", "pointsman show RUN")?;
    let config = screen::configuration(Flags::default())?;
    let stop = Arc::default();
    watch_signals(&stop)?;
    let shown = Run {
        path: path.to_owned(),
        screen: Training::new(path.display().to_string(), false),
        ended: None,
        stop,
    };
    super::ended(screen::with_look(&config, Vec::new(), |look| {
        run(shown, look)
    })?)
}

/// Whether `train --watch` can show anything here: told before it trains.
pub(super) fn needs_screen() -> Result<(), Failure> {
    super::needs_terminal("train --watch", "pointsman train")?;
    screen::configuration(Flags::default()).map(|_| ())
}

/// Trains on a thread of its own and shows the run. Leaving the screen stops
/// a run that is not finished; everything is saved.
pub(super) fn watch(options: TrainOptions) -> Result<Trained, Failure> {
    let config = screen::configuration(Flags::default())?;
    let stop = Arc::clone(&options.stop);
    let path = options.out.clone();
    let result: Arc<Mutex<Option<Result<Trained, Failure>>>> = Arc::default();
    let (kept, seen) = (Arc::clone(&result), Arc::clone(&result));
    let training = std::thread::Builder::new()
        .name("training".to_owned())
        .spawn(move || {
            let kept = Kept(kept);
            let trained = train(&options);
            kept.keep(trained);
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
    // What it said on the way is in the result.
    let _ = training.join();
    let ended = left?;
    let result = result.lock().ok().and_then(|mut result| result.take());
    match result {
        Some(result) => result,
        None => {
            super::ended(ended)?;
            Err(Failure::new(Exit::Interrupted, "interrupted"))
        }
    }
}

/// Where the result of the training thread goes. Dropped without one, the
/// thread broke off: that is a result too, and the screen waits for one.
struct Kept(Arc<Mutex<Option<Result<Trained, Failure>>>>);

impl Kept {
    fn keep(&self, result: Result<Trained, Failure>) {
        if let Ok(mut kept) = self.0.lock() {
            kept.get_or_insert(result);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let broken = Failure::new(Exit::Failed, "training broke off; this is a bug");
        self.keep(Err(broken));
    }
}

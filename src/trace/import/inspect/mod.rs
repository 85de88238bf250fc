//! Logs of Inspect: archives (`.eval`) and JSON (`.json`).
//!
//! One sample is one trajectory. Its main line is the final conversation: what
//! the assistant said, split into steps. The calls that gave it (`model`
//! events) say who wrote it, what it took and how probable its tokens were;
//! calls whose text is nowhere in it stand as attempts that gave no step, those
//! of scorers with the score.
//!
//! [`schema`] is what is read of a sample and [`events`] of what happened in
//! it, [`archive`] the members of a ZIP, [`eval`] the samples of an archive in
//! both of their shapes, [`json`] those of a JSON log, [`conversation`] who
//! wrote what, [`cast`] the models of the whole log, [`sample`] the trajectory.

mod archive;
mod cast;
mod conversation;
mod eval;
mod events;
mod json;
mod probabilities;
mod sample;
mod schema;
mod usage;
mod zstd;

use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;

use super::error::{ImportError, open};
use super::{Options, Row, Sink};

use cast::{Cast, Casting};
use conversation::Attachments;
use sample::Maker;
use schema::{Head, Sample};

/// What goes through a log: first its head, then one sample after the other,
/// until it has had enough.
trait Visit {
    fn head(&mut self, head: &Head) -> ControlFlow<()>;

    /// A sample with its attachments, or why it cannot be read; `place` says
    /// where it is.
    fn sample(
        &mut self,
        place: String,
        read: Result<(Sample, Attachments), String>,
    ) -> ControlFlow<()>;
}

/// Reads either form, told apart by how it begins.
pub(super) fn read(path: &Path, options: &Options, sink: Sink<'_>) -> Result<(), ImportError> {
    let mut begin = Vec::new();
    open(path)?
        .take(2)
        .read_to_end(&mut begin)
        .map_err(|source| ImportError::io(path, source))?;
    let each = match begin.as_slice() {
        b"PK" => eval::each,
        _ => json::each,
    };
    let mut casting = Casting::default();
    // What is damaged is told the second time.
    let _ = each(path, &mut casting);
    let mut making = Making {
        cast: casting.finish(),
        options,
        sink,
        maker: None,
    };
    each(path, &mut making)
}

/// Hands over the trajectories of a log whose models are known.
struct Making<'a, 's> {
    cast: Cast,
    options: &'a Options,
    sink: Sink<'s>,
    maker: Option<Maker<'a>>,
}

impl Visit for Making<'_, '_> {
    fn head(&mut self, head: &Head) -> ControlFlow<()> {
        self.maker = Some(Maker::new(head.clone(), self.cast.clone(), self.options));
        ControlFlow::Continue(())
    }

    fn sample(
        &mut self,
        place: String,
        read: Result<(Sample, Attachments), String>,
    ) -> ControlFlow<()> {
        let Some(maker) = &self.maker else {
            return ControlFlow::Continue(());
        };
        let made = read.and_then(|(sample, attachments)| maker.trajectory(&sample, &attachments));
        (self.sink)(match made {
            Ok(trajectory) => Row::Trajectory(Box::new(trajectory)),
            Err(reason) => Row::damaged(place, reason),
        })
    }
}

//! A recording on the screen: what `replay` and `demo` share.

use crate::app::Model;
use crate::app::tour::Tour;
use crate::config::Config;
use crate::headless::Failure;
use crate::headless::scoring::Scoring;
use crate::tui::run::Subject;
use crate::tui::sessions::{LabelsGo, Opener};

use super::screen;
use super::talk::{self, Opened, TalkArgs};

/// A recording, ready to be shown.
pub(super) struct Tape {
    pub model: Model,
    pub opener: Opener,
    pub opened: Opened,
    pub labels: LabelsGo,
    /// Told on the screen, and once more when it is left.
    pub warnings: Vec<String>,
}

impl Tape {
    /// Shows it until the person quits: as a talk where that is asked for, and
    /// with a tour that holds the keys, at a speed.
    ///
    /// # Errors
    /// The file of a tour to be recorded is there; the tour to be played begins
    /// at what is not there; the terminal fails; a signal ended it.
    pub fn show(
        self,
        config: &Config,
        talk: &TalkArgs,
        tour: Option<(Tour, f64)>,
    ) -> Result<(), Failure> {
        let Self {
            mut model,
            opener,
            opened,
            labels,
            mut warnings,
        } = self;
        model.who.clone_from(&config.who.value);
        model.talk.private = talk::private(config, None);
        let recording = talk.claim()?;
        talk.begin(&mut model, opened.clone());
        if let Some((tour, speed)) = tour {
            warnings.extend(opened.others(&tour));
            opened.play(&mut model, tour, speed)?;
        }
        let subject = Subject {
            model,
            opener,
            // Nobody is called, and nothing is written but labels.
            endpoints: Vec::new(),
            scoring: Scoring::default(),
            writer: None,
            labels,
        };
        let left = screen::open(subject, config, warnings)?;
        recording.finish(&left)?;
        super::ended(left.how)
    }
}

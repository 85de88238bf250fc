//! What expressions over texts come to. A survey keeps no texts: they are read
//! from the log beside the screen, some trajectories at a time, and no further
//! than anybody wants to know.

use std::collections::{HashMap, VecDeque};

use crate::expr::Expr;
use crate::survey::{Answer, Asked, Survey, Texts};

use super::{Table, Use};

/// Steps whose texts are read between two messages to the screen.
const PART: usize = 2_000;

/// Expressions over texts, by [`Use::ALL`].
type ByUse<T> = [Option<T>; Use::ALL.len()];

/// Whoever reads the texts of the trajectory at a place.
///
/// # Errors
/// In words for the person.
pub type TextsOf<'a> = &'a dyn Fn(&Survey, usize) -> Result<Texts, String>;

/// Some trajectories whose texts are to be read, and what is asked of them.
#[derive(Debug, Clone, PartialEq)]
pub struct TextsWanted {
    places: Vec<u32>,
    asked: ByUse<Expr>,
    /// Texts that need not be read: of trajectories that are open and grow.
    open: HashMap<u32, Texts>,
}

/// What came of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct TextsRead {
    asked: ByUse<Expr>,
    found: Vec<(u32, Known)>,
    /// Why the rest could not be read.
    failed: Option<String>,
}

/// What is known of a trajectory.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    /// Facts of the trajectory that it was asked with.
    facts: u32,
    answers: ByUse<Answer>,
}

/// Answers of expressions over texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    known: HashMap<u32, Known>,
    /// Places that are still to be read.
    waiting: VecDeque<u32>,
    /// How many they were.
    all: usize,
    /// Facts of the survey that these were found with; `None` where something
    /// else is asked by now.
    made_of: Option<usize>,
    /// A part is being read.
    is_reading: bool,
    /// How many have come since rows were made.
    fresh: usize,
    /// Why no more is read.
    failed: Option<String>,
}

impl Answers {
    /// What an expression comes to for the trajectory at `place`; not known
    /// where its texts have not been read.
    pub(super) fn of(&self, of: Use, place: u32) -> Answer {
        let known = self.known.get(&place);
        let answer = known.and_then(|known| known.answers[of.place()].clone());
        answer.unwrap_or(Answer::Unknown)
    }

    /// Other trajectories are shown.
    pub(super) fn look_again(&mut self) {
        self.made_of = None;
    }

    /// Another expression is asked for a use.
    pub(super) fn forget(&mut self, of: Use) {
        for known in self.known.values_mut() {
            known.answers[of.place()] = None;
        }
        self.made_of = None;
        self.failed = None;
    }
}

impl TextsWanted {
    /// Reads and asks; what cannot be read ends it.
    pub fn read(self, survey: &Survey, texts_of: TextsOf<'_>) -> TextsRead {
        let asked = self.asked.each_ref().map(|expr| {
            let expr = expr.as_ref()?;
            survey.ask(expr).ok()
        });
        let mut read = TextsRead {
            asked: self.asked.clone(),
            found: Vec::with_capacity(self.places.len()),
            failed: None,
        };
        for place in self.places {
            let at = place as usize;
            let Some(trajectory) = survey.trajectories().get(at) else {
                continue;
            };
            let from_log;
            let texts = match self.open.get(&place) {
                Some(texts) => texts,
                None => match texts_of(survey, at) {
                    Ok(texts) => {
                        from_log = texts;
                        &from_log
                    }
                    Err(error) => {
                        read.failed = Some(error);
                        break;
                    }
                },
            };
            let answer = |asked: &Asked| asked.value_with(survey, at, texts);
            let answers = asked.each_ref().map(|asked| asked.as_ref().map(answer));
            let facts = trajectory.facts();
            read.found.push((place, Known { facts, answers }));
        }
        read
    }

    /// The places whose texts are wanted.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// Takes the texts of a trajectory that is open.
    pub fn give(&mut self, place: u32, texts: Texts) {
        self.open.insert(place, texts);
    }
}

impl Table {
    /// Trajectories whose texts were read, and how many are wanted; `None`
    /// where that is all.
    pub fn texts_read(&self) -> Option<(usize, usize)> {
        let answers = &self.answers;
        // Asked for, and nobody has looked yet how many there are.
        let is_new = answers.made_of.is_none() && self.reads_texts();
        let is_open = is_new || answers.is_reading || !answers.waiting.is_empty();
        let read = answers.all.saturating_sub(answers.waiting.len());
        (is_open && answers.failed.is_none()).then_some((read, answers.all))
    }

    /// Why the rest of the texts could not be read.
    pub fn texts_failed(&self) -> Option<&str> {
        self.answers.failed.as_deref()
    }

    /// Whether any of its expressions is over texts.
    fn reads_texts(&self) -> bool {
        let mut all = Use::ALL.into_iter().filter_map(|of| self.expression(of));
        all.any(Expr::reads_texts)
    }

    /// The expressions over texts.
    fn over_texts(&self) -> ByUse<Expr> {
        Use::ALL.map(|of| {
            self.expression(of)
                .filter(|expr| expr.reads_texts())
                .cloned()
        })
    }

    /// The next trajectories whose texts are wanted; `None` where all were read,
    /// or some are being read.
    pub fn next_part(&mut self, survey: &Survey) -> Option<TextsWanted> {
        if self.answers.is_reading || self.answers.failed.is_some() {
            return None;
        }
        if !self.reads_texts() {
            self.answers = Answers::default();
            return None;
        }
        if self.answers.made_of != Some(survey.facts()) {
            self.look_for_unread(survey);
        }
        let mut places = Vec::new();
        let mut steps = 0;
        while steps < PART
            && let Some(place) = self.answers.waiting.pop_front()
        {
            let trajectory = survey.trajectories().get(place as usize);
            steps += trajectory.map_or(0, |found| found.steps().len()) + 1;
            places.push(place);
        }
        if places.is_empty() {
            return None;
        }
        self.answers.is_reading = true;
        Some(TextsWanted {
            places,
            asked: self.over_texts(),
            open: HashMap::new(),
        })
    }

    /// Finds the trajectories whose texts can matter and that were not read as
    /// they are now.
    fn look_for_unread(&mut self, survey: &Survey) {
        let asked = self.over_texts();
        let is_text_filter = asked[Use::Filter.place()].is_some();
        let filter = self.filter.as_ref().and_then(|expr| survey.ask(expr).ok());
        let is_wanted = |place: usize| match &filter {
            None => true,
            Some(filter) if is_text_filter => !filter.fails_without_texts(survey, place),
            Some(filter) => filter.holds(survey, place),
        };
        let answers = &mut self.answers;
        answers.waiting.clear();
        for (place, trajectory) in (0_u32..).zip(survey.trajectories()) {
            if self.run.is_some_and(|run| run != trajectory.run) {
                continue;
            }
            if !is_wanted(place as usize) {
                // Whatever its texts said once, it does not hold any more.
                answers.known.remove(&place);
                continue;
            }
            let is_read = answers.known.get(&place).is_some_and(|known| {
                let mut both = asked.iter().zip(&known.answers);
                known.facts == trajectory.facts()
                    && both.all(|(asked, answer)| asked.is_none() || answer.is_some())
            });
            if !is_read {
                answers.waiting.push_back(place);
            }
        }
        answers.all = answers.waiting.len();
        answers.made_of = Some(survey.facts());
        self.made_of = None;
    }

    /// Takes what was read, unless something else is asked by now.
    pub fn take_read(&mut self, read: TextsRead) {
        let asked = self.over_texts();
        let answers = &mut self.answers;
        answers.is_reading = false;
        if read.asked != asked {
            // Those that were read for nothing are read again.
            answers.made_of = None;
            return;
        }
        answers.fresh += read.found.len();
        answers.known.extend(read.found);
        if read.failed.is_some() {
            answers.waiting.clear();
            answers.failed = read.failed;
        }
        // While they are read rows are made anew when a tenth has come.
        let is_due = answers.fresh * 10 >= answers.known.len();
        if is_due || answers.waiting.is_empty() {
            answers.fresh = 0;
            self.made_of = None;
        }
    }

    /// What decisions lost and why answers are not right is known now, or known
    /// anew: whatever reads it beside texts is asked again.
    pub(super) fn forget_regrets(&mut self) {
        for of in Use::ALL {
            if self.expression(of).is_some_and(Expr::reads_regret) {
                self.answers.forget(of);
            }
        }
    }
}

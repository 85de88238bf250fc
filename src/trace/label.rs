//! What people say of steps: the words of [`LabelRecord::label`], and what
//! holds where several were said.
//!
//! Labels are only ever appended. Of one step and one person `good`, `neutral`,
//! `bad` and `first-error` are ratings, of which the last holds; `flagged`,
//! `skipped` and `noted` stand beside it; `retracted` takes back that person's last label of
//! the step, whatever it was. Along a trajectory one person has one first error:
//! whoever marks another step takes the mark from the one before ([`together`]).
//! A word that this version does not know says
//! nothing, and stays in the log.
//!
//! [`LabelRecord::label`]: super::record::LabelRecord::label

use std::fmt;
use std::str::FromStr;

/// A word of a label record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// The step is right and leads on.
    Good,
    /// Neither right nor wrong: it says nothing, or leads nowhere.
    Neutral,
    Bad,
    /// Bad, and every step before it is right.
    FirstError,
    /// Somebody should look at it again.
    Flagged,
    /// The person has seen it and does not rate it.
    Skipped,
    /// The person has a remark, in the record's note; it says nothing of how
    /// good the step is.
    Noted,
    /// The person takes the label before it back.
    Retracted,
}

impl Label {
    pub const ALL: [Self; 8] = [
        Self::Good,
        Self::Neutral,
        Self::Bad,
        Self::FirstError,
        Self::Flagged,
        Self::Skipped,
        Self::Noted,
        Self::Retracted,
    ];

    /// As the log writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Neutral => "neutral",
            Self::Bad => "bad",
            Self::FirstError => "first-error",
            Self::Flagged => "flagged",
            Self::Skipped => "skipped",
            Self::Noted => "noted",
            Self::Retracted => "retracted",
        }
    }

    /// The label of this word; `None` for one that is not known.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == word)
    }

    /// What it rates the step, if it does.
    pub fn rating(self) -> Option<Rating> {
        match self {
            Self::Good => Some(Rating::Good),
            Self::Neutral => Some(Rating::Neutral),
            Self::Bad => Some(Rating::Bad),
            Self::FirstError => Some(Rating::FirstError),
            Self::Flagged | Self::Skipped | Self::Noted | Self::Retracted => None,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no label: good, neutral, bad, first-error, flagged, skipped, noted or retracted")]
pub struct UnknownLabel(pub String);

impl FromStr for Label {
    type Err = UnknownLabel;

    fn from_str(word: &str) -> Result<Self, UnknownLabel> {
        Self::named(word).ok_or_else(|| UnknownLabel(word.to_owned()))
    }
}

/// How good a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rating {
    Good,
    Neutral,
    Bad,
    FirstError,
}

impl Rating {
    pub const ALL: [Self; 4] = [Self::Good, Self::Neutral, Self::Bad, Self::FirstError];

    /// The label that gives it.
    pub fn label(self) -> Label {
        match self {
            Self::Good => Label::Good,
            Self::Neutral => Label::Neutral,
            Self::Bad => Label::Bad,
            Self::FirstError => Label::FirstError,
        }
    }

    /// As the log writes it.
    pub fn name(self) -> &'static str {
        self.label().name()
    }

    /// Whether the step is wrong.
    pub fn is_error(self) -> bool {
        matches!(self, Self::Bad | Self::FirstError)
    }

    /// Right or wrong; neither where it is neutral.
    pub fn is_good(self) -> Option<bool> {
        match self {
            Self::Good => Some(true),
            Self::Neutral => None,
            Self::Bad | Self::FirstError => Some(false),
        }
    }
}

/// What one person's labels of one step come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opinion {
    pub rating: Option<Rating>,
    pub flagged: bool,
    pub skipped: bool,
}

impl Opinion {
    /// Whether the person is done with the step: rated or passed over. A flag
    /// alone does not say so.
    pub fn is_done(self) -> bool {
        self.rating.is_some() || self.skipped
    }

    /// In a word, but for the flag; `None` where nothing else is said.
    pub fn word(self) -> Option<&'static str> {
        let rating = self.rating.map(Rating::name);
        rating.or(self.skipped.then_some(Label::Skipped.name()))
    }

    /// Whether anything is said at all.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Everything that was said of one step, in the order in which it was. `W` names
/// a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Ballot<W> {
    people: Vec<(W, Vec<(usize, Label)>)>,
    /// Labels that were added.
    said: usize,
}

impl<W> Default for Ballot<W> {
    fn default() -> Self {
        Self {
            people: Vec::new(),
            said: 0,
        }
    }
}

impl<W: PartialEq> Ballot<W> {
    /// Adds the next label.
    pub fn add(&mut self, who: W, label: Label) {
        let at = self.said;
        self.said += 1;
        let known = self.people.iter().position(|(other, _)| *other == who);
        let place = known.unwrap_or_else(|| {
            self.people.push((who, Vec::new()));
            self.people.len() - 1
        });
        let labels = &mut self.people[place].1;
        match label {
            // Nothing to take back is nothing said.
            Label::Retracted => {
                labels.pop();
            }
            label => labels.push((at, label)),
        }
    }

    /// What a person said.
    pub fn of(&self, who: &W) -> Opinion {
        let mut people = self.people.iter();
        people
            .find(|(other, _)| other == who)
            .map_or_else(Opinion::default, |(_, labels)| opinion(labels))
    }

    /// Everybody of whom something stands, in the order in which they came.
    pub fn opinions(&self) -> impl Iterator<Item = (&W, Opinion)> {
        let all = self.people.iter();
        all.map(|(who, labels)| (who, opinion(labels)))
            .filter(|(_, opinion)| !opinion.is_empty())
    }

    /// The rating that was given last, whoever gave it.
    pub fn rating(&self) -> Option<Rating> {
        let last = self.people.iter().filter_map(|(_, labels)| {
            let mut latest = labels.iter().rev();
            latest.find_map(|&(at, label)| Some((at, label.rating()?)))
        });
        last.max_by_key(|&(at, _)| at).map(|(_, rating)| rating)
    }

    /// What is said of it all in all: the last rating, and whether anybody's
    /// flag stands.
    pub fn together(&self) -> Opinion {
        Opinion {
            rating: self.rating(),
            flagged: self.is_flagged(),
            skipped: false,
        }
    }

    /// Whether anybody's flag stands.
    pub fn is_flagged(&self) -> bool {
        self.opinions().any(|(_, opinion)| opinion.flagged)
    }
}

impl<W: PartialEq> FromIterator<(W, Label)> for Ballot<W> {
    fn from_iter<T: IntoIterator<Item = (W, Label)>>(labels: T) -> Self {
        let mut ballot = Self::default();
        for (who, label) in labels {
            ballot.add(who, label);
        }
        ballot
    }
}

fn opinion(labels: &[(usize, Label)]) -> Opinion {
    let holds = |wanted| labels.iter().any(|&(_, label)| label == wanted);
    Opinion {
        rating: labels.iter().rev().find_map(|&(_, label)| label.rating()),
        flagged: holds(Label::Flagged),
        skipped: holds(Label::Skipped),
    }
}

/// Where the first error of a trajectory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FirstError {
    /// No step is wrong.
    None,
    /// The step at this place, from 0.
    At(usize),
}

/// The first error by what each step was found to be (`Some(true)` for wrong,
/// `None` for not looked at), in the order of the trajectory; `None` where a
/// step that nobody looked at may come before it.
pub fn first_error(wrong: impl IntoIterator<Item = Option<bool>>) -> Option<FirstError> {
    for (at, wrong) in wrong.into_iter().enumerate() {
        if wrong? {
            return Some(FirstError::At(at));
        }
    }
    Some(FirstError::None)
}

/// A person's ratings along a trajectory, each with when it was given, as they
/// hold together: there is one first error, the one that was marked last. By it
/// the steps before it are right that had been rated wrong until then, and a
/// mark behind it says no more than that its step is wrong.
pub fn together<T: Ord + Copy>(ratings: &[Option<(Rating, T)>]) -> Vec<Option<Rating>> {
    let marks = ratings.iter().enumerate().filter_map(|(at, rated)| {
        let (rating, when) = (*rated)?;
        (rating == Rating::FirstError).then_some((when, at))
    });
    let last = marks.max();
    let holds = |(at, rated): (usize, &Option<(Rating, T)>)| {
        let (rating, when) = (*rated)?;
        Some(match last {
            Some((_, mark)) if at > mark && rating == Rating::FirstError => Rating::Bad,
            Some((_, mark)) if at < mark && rating == Rating::FirstError => Rating::Good,
            Some((marked, mark)) if at < mark && rating.is_error() && when < marked => Rating::Good,
            _ => rating,
        })
    };
    ratings.iter().enumerate().map(holds).collect()
}

/// The first error by a person's ratings, as they hold [together]. `first-error` says that the steps
/// before it are right, so that they need no rating of their own.
pub fn first_error_of(ratings: &[Option<Rating>]) -> Option<FirstError> {
    let marked = ratings
        .iter()
        .position(|rating| *rating == Some(Rating::FirstError));
    let is_error = |rating: &Option<Rating>| rating.is_some_and(Rating::is_error);
    match marked {
        Some(at) => {
            // A step before it that was rated wrong later on comes first.
            let earlier = ratings[..at].iter().position(is_error);
            Some(FirstError::At(earlier.unwrap_or(at)))
        }
        None => first_error(ratings.iter().map(|rating| rating.map(Rating::is_error))),
    }
}

#[cfg(test)]
mod tests;

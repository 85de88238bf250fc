//! Who decides again: a rule, or for want of its files the probabilities that
//! a policy left in the log.

use std::sync::Arc;

use crate::router::{Choice, DraftScore, EXPLORE, Review, Router, Slide, Slider, Timing};
use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::survey::{Step, View};
use crate::trace::record::{Purpose, RouterFacts, RunRecord};

/// See the module.
pub enum Rule<'a> {
    Of(&'a dyn Router),
    /// The policy of a run, by the π(a|o) of its decisions.
    Recorded(Slider),
}

/// What a rule makes of a step, for every value of its parameter.
pub(in crate::eval) struct Seen {
    /// Who writes the step after it; `None` where the log does not hold what
    /// the rule would have to see.
    pub next: Option<Slide>,
    /// Whether it stands, where the rule asks before it does.
    pub ruling: Option<Slide>,
    /// It asks for a score that the log does not hold.
    pub unruled: bool,
    /// How good the step looks, by what the rule goes by: the score it asks for,
    /// else the confidence.
    pub looks: Option<f64>,
}

/// Who writes a step.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::eval) enum Writer {
    Model(usize),
    /// By these probabilities, in pool order.
    Drawn(Vec<f64>),
}

impl Writer {
    /// Of a decision on so many models that was drawn with this propensity.
    pub fn new(action: usize, propensity: f64, probabilities: &[f64], models: usize) -> Self {
        // Of a rule that does not draw they are not those it draws by.
        match propensity < 1.0 && probabilities.len() == models {
            true => Self::Drawn(probabilities.to_vec()),
            false => Self::Model(action),
        }
    }

    fn of(choice: &Choice, models: usize) -> Self {
        let probabilities = &choice.probabilities;
        Self::new(choice.action, choice.propensity, probabilities, models)
    }

    /// That it is this model.
    pub fn probability(&self, model: usize) -> f64 {
        match self {
            Self::Model(chosen) => f64::from(u8::from(*chosen == model)),
            // A log may say anything.
            Self::Drawn(probabilities) => {
                let probability = probabilities.get(model).copied();
                let probability = probability.filter(|share| !share.is_nan());
                probability.unwrap_or(0.0).clamp(0.0, 1.0)
            }
        }
    }
}

/// How a rule goes on after a step.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::eval) enum Next {
    By(Writer),
    /// This model drafts the next step, and is ruled on.
    Draft(usize),
}

/// What a rule makes of a step, at the value of its parameter that it has.
pub(in crate::eval) struct Said {
    /// `None` where the log does not hold what the rule would have to see.
    pub next: Option<Next>,
    /// Who writes the step that stands where this one is a draft; `None` where
    /// the rule asks for a score that the log does not hold.
    pub ruling: Option<Writer>,
}

/// What decides the run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// The rule itself.
    Rule,
    /// The run's own rule, of files that have changed since.
    ChangedRule,
    /// The π of the log: the policy's files have changed since.
    LogChanged,
    /// The π of the log: the policy's files are not here.
    LogMissing,
}

impl Decider {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Rule => "the rule",
            Self::ChangedRule => "the rule, whose files have changed since",
            Self::LogChanged => "the π of the log: the policy's files have changed",
            Self::LogMissing => "the π of the log: the policy's files are not here",
        }
    }
}

impl<'a> Rule<'a> {
    /// Who decides a run again: `made` is the rule that was asked for, `own`
    /// whether that is the run's own. A policy that was changed since is another
    /// one; what it left in the log is still its own.
    ///
    /// # Errors
    /// Why the rule could not be made, where nothing stands in for it.
    pub fn for_run(
        head: &RunRecord,
        own: bool,
        made: &'a Result<Arc<dyn Router>, String>,
    ) -> Result<(Self, Decider), String> {
        let recorded = Self::recorded(head).filter(|_| own);
        match (made, recorded) {
            (Ok(rule), recorded) if own && rule.facts().files != head.router.files => {
                Ok(match recorded {
                    Some(recorded) => (recorded, Decider::LogChanged),
                    None => (Self::Of(&**rule), Decider::ChangedRule),
                })
            }
            (Ok(rule), _) => Ok((Self::Of(&**rule), Decider::Rule)),
            (Err(_), Some(recorded)) => Ok((recorded, Decider::LogMissing)),
            // Of an imported log.
            (Err(_), None) if own && head.router.name == "none" => Err(
                "nobody says what routed this run: another router may decide in its place"
                    .to_owned(),
            ),
            (Err(_), None) if own && head.router.name == EXPLORE => Err(
                "a forest was grown by no rule that can be slid: another router may decide in \
                 its place, e.g. threshold:t=0.7"
                    .to_owned(),
            ),
            (Err(error), None) => Err(error.clone()),
        }
    }

    /// The policy of a run by what it left in the log; `None` for other
    /// routers.
    pub fn recorded(head: &RunRecord) -> Option<Self> {
        if head.router.name != "policy" {
            return None;
        }
        let kappa = head.router.parameters.get("kappa")?.as_f64()?;
        Some(Self::Recorded(Slider {
            symbol: "κ",
            key: "kappa",
            value: kappa,
            range: Some((0.0, 1.0)),
        }))
    }

    pub(in crate::eval) fn slider(&self) -> Option<Slider> {
        match self {
            Self::Of(rule) => rule.slider(),
            Self::Recorded(slider) => Some(*slider),
        }
    }

    /// Who drafts step `index`.
    pub(in crate::eval) fn writer(&self, index: u32, models: usize) -> usize {
        match self {
            Self::Of(rule) => rule.writer(index, models),
            Self::Recorded(_) => 0,
        }
    }

    /// `signal` is the measure that the confidences of the run are of.
    /// `asked` is the head of the run that is decided again: π of another
    /// policy and scores of another scorer are not its own.
    pub(in crate::eval) fn sees(
        &self,
        view: &View<'_>,
        step: &Step,
        signal: Option<Source>,
        asked: &RunRecord,
    ) -> Seen {
        match self {
            Self::Of(rule) => of_rule(*rule, view, step, signal, asked),
            Self::Recorded(_) => Seen {
                next: recorded(view, step, asked),
                ruling: None,
                unruled: false,
                looks: step.confidence,
            },
        }
    }

    /// What it makes of a step at the value that it has; arguments as in
    /// [`Rule::sees`].
    pub(in crate::eval) fn says(
        &self,
        view: &View<'_>,
        step: &Step,
        signal: Option<Source>,
        asked: &RunRecord,
    ) -> Said {
        match self {
            Self::Of(rule) => Shown::of(*rule, view, step, signal, asked).said(*rule),
            Self::Recorded(slider) => {
                let next = recorded(view, step, asked);
                let next = next.map(|next| Next::By(Writer::Model(next.at(slider.value))));
                Said {
                    next,
                    // It reviews nothing.
                    ruling: view.writer(step).map(Writer::Model),
                }
            }
        }
    }
}

/// By the π that the policy of `asked` left after a step.
fn recorded(view: &View<'_>, step: &Step, asked: &RunRecord) -> Option<Slide> {
    let by = view.head().map(|head| &head.router);
    let is_it = |by: &RouterFacts| by.name == asked.router.name && by.files == asked.router.files;
    let trajectory = view.trajectory();
    let made = trajectory.decision_after(step);
    let made = made.filter(|made| !made.fallback);
    let made = made.or_else(|| trajectory.routed_after(step))?;
    let slide = match trajectory.probabilities(made) {
        // Without an observation the policy has none, and no choice either.
        [] => view.place(made.action).map(Slide::fixed),
        probabilities => Some(Slide::of_action_set(probabilities)),
    };
    slide.filter(|_| by.is_some_and(is_it))
}

/// A step as a rule is shown it.
struct Shown {
    seen: Observation,
    /// What the rule would want to know before it stands.
    review: Review,
    /// The score it wants, where the log holds it.
    score: Option<f64>,
    /// Of the confidence that the rule reads the log holds nothing, where a
    /// run of this rule might have.
    is_blind: bool,
}

impl Shown {
    fn of(
        rule: &dyn Router,
        view: &View<'_>,
        step: &Step,
        signal: Option<Source>,
        asked: &RunRecord,
    ) -> Self {
        let wanted = rule.signal();
        let own = signal == Some(wanted);
        let confidence = match own {
            true => step.confidence,
            false => step.measure(wanted),
        };
        let seen = view.observation(step, confidence);
        let review = match seen.writer {
            Some(_) => rule.review(&seen),
            None => Review::None,
        };
        let score = match review {
            Review::Scored(by) => scored(by, view, step, asked),
            Review::None | Review::Observed => None,
        };
        Self {
            // That a server gives none is known to the rule; that this log
            // holds another measure is not.
            is_blind: confidence.is_none() && !own,
            seen,
            review,
            score,
        }
    }

    /// Whether the log does not hold what a ruling on it needs.
    fn is_unruled(&self) -> bool {
        match self.review {
            Review::None => false,
            Review::Observed => self.is_blind,
            Review::Scored(_) => self.score.is_none(),
        }
    }

    /// The model that drafts the step after it, where the rule has drafts.
    fn drafter(&self, rule: &dyn Router) -> usize {
        rule.writer(self.seen.index.saturating_add(1), self.seen.models)
    }

    fn said(&self, rule: &dyn Router) -> Said {
        // Whoever draws says by which probabilities, whatever was drawn.
        const DRAW: f64 = 0.5;
        let models = self.seen.models;
        let next = match rule.timing() {
            Timing::Ahead if self.is_blind => None,
            Timing::Ahead => {
                let choice = rule.decide(&self.seen, DRAW);
                Some(Next::By(Writer::of(&choice, models)))
            }
            Timing::OnDraft => Some(Next::Draft(self.drafter(rule))),
            Timing::OnQuestion => None,
        };
        let ruling = match self.review {
            _ if self.is_unruled() => None,
            Review::None => self.seen.writer.map(Writer::Model),
            Review::Observed | Review::Scored(_) => {
                let choice = rule.rule_on(&self.seen, self.score, DRAW);
                Some(Writer::of(&choice, models))
            }
        };
        Said { next, ruling }
    }
}

/// The score of a step by the scorer that the run `asked` had.
fn scored(by: DraftScore, view: &View<'_>, step: &Step, asked: &RunRecord) -> Option<f64> {
    let score = match by {
        DraftScore::Prm => step.prm(),
        DraftScore::Judge => step.judge(),
    };
    let scored_by = |head: &RunRecord| head.scorers.get(by.scorer()).cloned();
    let wanted = scored_by(asked);
    let same = view
        .head()
        .is_some_and(|head| head.key == asked.key || wanted.is_none() || scored_by(head) == wanted);
    score.filter(|_| same)
}

fn of_rule(
    rule: &dyn Router,
    view: &View<'_>,
    step: &Step,
    signal: Option<Source>,
    asked: &RunRecord,
) -> Seen {
    let shown = Shown::of(rule, view, step, signal, asked);
    // What was written in place of a draft stands.
    let is_draft = step.purpose != Purpose::Regenerated && shown.review != Review::None;
    let next = match rule.timing() {
        Timing::Ahead if shown.is_blind => None,
        Timing::Ahead => Some(rule.slide(&shown.seen)),
        Timing::OnDraft => Some(Slide::fixed(shown.drafter(rule))),
        // Refused before: it has no slider.
        Timing::OnQuestion => None,
    };
    Seen {
        next,
        ruling: is_draft.then(|| rule.slide_on(&shown.seen, shown.score)),
        unruled: is_draft && shown.is_unruled(),
        looks: match shown.review {
            Review::Scored(_) => shown.score,
            Review::None | Review::Observed => step.confidence,
        },
    }
}

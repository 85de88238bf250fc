//! Who decides again: a rule, or for want of its files the probabilities that
//! a policy left in the log.

use std::sync::Arc;

use crate::router::{DraftScore, Review, Router, Slide, Slider, Timing};
use crate::signal::confidence::Source;
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
    pub(super) fn writer(&self, index: u32, models: usize) -> usize {
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
        let by = view.head().map(|head| &head.router);
        let is_it =
            |by: &RouterFacts| by.name == asked.router.name && by.files == asked.router.files;
        match self {
            Self::Of(rule) => of_rule(*rule, view, step, signal, asked),
            Self::Recorded(_) => Seen {
                next: recorded(view, step).filter(|_| by.is_some_and(is_it)),
                ruling: None,
                unruled: false,
            },
        }
    }
}

fn recorded(view: &View<'_>, step: &Step) -> Option<Slide> {
    let trajectory = view.trajectory();
    let made = trajectory.decision_after(step)?;
    match trajectory.probabilities(made) {
        // Without an observation the policy has none, and no choice either.
        [] => view.place(made.action).map(Slide::fixed),
        probabilities => Some(Slide::of_action_set(probabilities)),
    }
}

fn of_rule(
    rule: &dyn Router,
    view: &View<'_>,
    step: &Step,
    signal: Option<Source>,
    asked: &RunRecord,
) -> Seen {
    let wanted = rule.signal();
    let own = signal == Some(wanted);
    let confidence = match own {
        true => step.confidence,
        false => step.measure(wanted),
    };
    let seen = view.observation(step, confidence);
    let review = match seen.writer.is_some() && step.purpose != Purpose::Regenerated {
        true => rule.review(&seen),
        false => Review::None,
    };
    let (ruling, unruled) = match review {
        Review::None => (None, false),
        Review::Observed => (
            Some(rule.slide_on(&seen, None)),
            !own && confidence.is_none(),
        ),
        Review::Scored(by) => {
            let score = match by {
                DraftScore::Prm => step.prm(),
                DraftScore::Judge => step.judge(),
            };
            let scored_by = |head: &RunRecord| head.scorers.get(by.scorer()).cloned();
            let wanted = scored_by(asked);
            let same = view.head().is_some_and(|head| {
                head.key == asked.key || wanted.is_none() || scored_by(head) == wanted
            });
            let score = score.filter(|_| same);
            (Some(rule.slide_on(&seen, score)), score.is_none())
        }
    };
    let next = match rule.timing() {
        // That a server gives none is known to the rule; that this log holds
        // another measure is not.
        Timing::Ahead if confidence.is_none() && !own => None,
        Timing::Ahead => Some(rule.slide(&seen)),
        Timing::OnDraft => Some(Slide::fixed(
            rule.writer(step.index.saturating_add(1), seen.models),
        )),
        // Refused before: it has no slider.
        Timing::OnQuestion => None,
    };
    Seen {
        next,
        ruling,
        unruled,
    }
}

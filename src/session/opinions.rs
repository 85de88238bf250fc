//! What the rules of a panel would do at a step of the tree, from what is
//! recorded: confidences by every measure, and the scores that were asked for.

use crate::policy::Explanation;
use crate::router::{Panel, Review, Router, Timing};
use crate::signal::confidence::recorded;
use crate::signal::observation::Observation;
use crate::trace::NodeIndex;
use crate::trace::record::{DecisionRecord, QUERY, ScoreRecord, StepRecord};

use super::Session;

/// Where no coin was thrown: the middle of its range.
const NO_DRAW: f64 = 0.5;

/// What a rule would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// The rule, as its spec is written.
    pub router: String,
    pub wants: Wants,
    /// One sentence; where it is unknown, what is missing.
    pub why: String,
    /// Whether something else was done here; `None` where that cannot be
    /// said.
    pub differs: Option<bool>,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// This model writes the next step.
    Next(usize),
    /// The step stands.
    Stands,
    /// This model writes the step again.
    Again(usize),
    /// This model writes the whole answer.
    All(usize),
    Unknown,
}

impl Wants {
    /// The model concerned.
    pub fn model(self) -> Option<usize> {
        match self {
            Self::Next(model) | Self::Again(model) | Self::All(model) => Some(model),
            Self::Stands | Self::Unknown => None,
        }
    }

    /// What is said beside the model's name, or in its place.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Next(_) | Self::All(_) => None,
            Self::Stands => Some("stands"),
            Self::Again(_) => Some("again"),
            Self::Unknown => Some("unknown"),
        }
    }
}

impl Session {
    /// What each rule of the panel would do at `node`: rules that decide ahead
    /// about the step after it, rules on drafts about the step itself, rules
    /// on questions about the whole answer.
    pub fn opinions(&self, node: NodeIndex, panel: &Panel) -> Vec<Opinion> {
        panel
            .rules()
            .map(|(spec, router)| self.opinion(node, spec.to_string(), router.as_ref()))
            .collect()
    }

    /// Whether some rule of the panel would have done something else at
    /// `node`.
    pub fn is_disputed(&self, node: NodeIndex, panel: &Panel) -> bool {
        let opinions = self.opinions(node, panel);
        opinions.iter().any(|opinion| opinion.differs == Some(true))
    }

    /// Why the policy that routes, or else the first one of the panel, decides
    /// as it does after the step at `node`; `None` where no policy is there or
    /// it cannot be asked. With its spec.
    pub fn explanation(&self, node: NodeIndex, panel: &Panel) -> Option<(String, Explanation)> {
        let node = self.tree().node(node);
        if node.outcome().is_some() {
            return None;
        }
        let own = &self.settings().run.router.spec;
        let explain = |router: &dyn Router| {
            let confidence = recorded(&node.step.confidence, router.signal());
            router.explain(&self.seen_by(&node.step, confidence))
        };
        let found: Vec<(String, Explanation)> = panel
            .rules()
            .filter_map(|(spec, router)| Some((spec.to_string(), explain(router.as_ref())?)))
            .collect();
        let of_run = found.iter().position(|(spec, _)| spec == own);
        found.into_iter().nth(of_run.unwrap_or(0))
    }

    fn opinion(&self, node: NodeIndex, name: String, router: &dyn Router) -> Opinion {
        let (wants, why) = match router.timing() {
            Timing::Ahead => self.ahead(node, router),
            Timing::OnDraft => self.on_draft(node, router),
            Timing::OnQuestion => self.on_question(router),
        };
        Opinion {
            router: name,
            differs: self.differs(node, wants),
            wants,
            why,
        }
    }

    fn ahead(&self, node: NodeIndex, router: &dyn Router) -> (Wants, String) {
        let step = &self.tree().node(node).step;
        if self.tree().node(node).outcome().is_some() {
            return (Wants::Unknown, "it ends here".to_owned());
        }
        let signal = router.signal();
        let seen = self.seen_by(step, recorded(&step.confidence, signal));
        if seen.confidence.is_none() {
            return (Wants::Unknown, format!("no `{signal}`"));
        }
        let choice = router.decide(&seen, NO_DRAW);
        (Wants::Next(choice.action), choice.reason)
    }

    fn on_draft(&self, node: NodeIndex, router: &dyn Router) -> (Wants, String) {
        // Of a step that was written again the draft before it is looked at.
        let draft = self.draft_of(node).unwrap_or(node);
        let draft = self.tree().node(draft);
        let seen = self.seen_by(&draft.step, draft.step.confidence.value);
        let by = match router.review(&seen) {
            Review::Scored(by) => by.scorer(),
            Review::None | Review::Observed => {
                return (Wants::Unknown, "not a draft".to_owned());
            }
        };
        let scored = |score: &&ScoreRecord| score.scorer == by;
        let Some(score) = draft.scores.iter().rev().find(scored) else {
            return (Wants::Unknown, format!("no {by} score"));
        };
        let choice = router.rule_on(&seen, score.value, NO_DRAW);
        let wants = match seen.writer == Some(choice.action) {
            true => Wants::Stands,
            false => Wants::Again(choice.action),
        };
        (wants, choice.reason)
    }

    fn on_question(&self, router: &dyn Router) -> (Wants, String) {
        let scores = self.tree().root_scores().iter().rev();
        let Some(score) = scores.clone().find(|score| score.scorer == QUERY) else {
            return (Wants::Unknown, "no score".to_owned());
        };
        let choice = router.choose(score.value, self.settings().models());
        (Wants::All(choice.action), choice.reason)
    }

    /// The ruling under which the step at `node` stands, or was rejected.
    pub fn ruling_on(&self, node: NodeIndex) -> Option<&DecisionRecord> {
        let found = self.tree().node(node);
        // Both stand where the step follows: nothing else is looked through.
        let made = self.tree().decisions(found.parent).iter();
        let mut made = made.map(|decision| &**decision);
        match &found.step.decision {
            Some(id) => made.find(|made| made.id == *id && made.draft.is_some()),
            None => made.find(|made| made.draft.as_ref() == Some(&found.step.id)),
        }
    }

    /// The rejected draft that the step at `node` took the place of.
    pub fn draft_of(&self, node: NodeIndex) -> Option<NodeIndex> {
        let draft = self.ruling_on(node)?.draft.as_deref()?;
        let draft = self.tree().find(draft)?;
        (draft != node && !self.tree().node(draft).step.kept).then_some(draft)
    }

    fn seen_by(&self, step: &StepRecord, confidence: Option<f64>) -> Observation {
        Observation {
            confidence,
            ..self.observe_step(step)
        }
    }

    /// Whether something else was done than is wanted.
    fn differs(&self, node: NodeIndex, wants: Wants) -> Option<bool> {
        let place = |name: &str| self.settings().place(name);
        match wants {
            Wants::Unknown => None,
            Wants::Next(model) => {
                let next = self.next_on_branch(Some(node));
                let done = match next {
                    Some(next) => place(&self.tree().node(next).step.model)?,
                    None => place(&self.decision_after(Some(node))?.action)?,
                };
                Some(done != model)
            }
            Wants::Stands => Some(self.draft_of(node).is_some()),
            Wants::Again(_) => Some(self.draft_of(node).is_none()),
            Wants::All(model) => Some(place(&self.tree().node(node).step.model)? != model),
        }
    }
}

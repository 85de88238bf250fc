//! The router of the run that is asked about: asked anew at every step, also
//! where other runs came, or by what its log says.

use crate::eval::what_if::{Next, Rule, Writer};
use crate::router::Timing;
use crate::survey::{Decision, Step, View};
use crate::trace::record::RunRecord;

use super::Made;

/// The run that is asked about, with its router where that can be asked anew.
pub(super) struct Asked<'a> {
    head: &'a RunRecord,
    rule: Option<Rule<'a>>,
}

/// What the router makes of a step.
pub(super) struct Said {
    /// How it goes on after it.
    pub next: Option<Next>,
    /// Whether that is the asked run's router.
    pub is_own: bool,
    /// Who writes the step that stands where this one is a draft.
    pub ruling: Option<Writer>,
    /// The writer of the step, where only the log of the asked run says that
    /// it was a draft.
    pub drafter: Option<usize>,
}

impl<'a> Asked<'a> {
    pub fn new(head: &'a RunRecord, made: Option<&'a Made>) -> Self {
        // Rules on questions see more than a step.
        let by_step = |made: &&Made| {
            made.as_ref()
                .map_or(true, |router| router.timing() != Timing::OnQuestion)
        };
        let rule = made
            .filter(by_step)
            .and_then(|made| Rule::for_run(head, true, made).ok());
        Self {
            head,
            rule: rule.map(|(rule, _)| rule),
        }
    }

    /// Who writes the first step.
    pub fn start(&self, view: &View<'_>) -> Option<Next> {
        if let Some(rule) = &self.rule {
            return Some(Next::Draft(rule.writer(1, self.head.pool.len())));
        }
        let writer = view.step(0).and_then(|step| view.writer(step));
        writer.map(|writer| Next::By(Writer::Model(writer)))
    }

    pub fn says(&self, view: &View<'_>, step: &Step) -> Said {
        let of = view.head();
        let is_own = of.is_some_and(|of| of.key == self.head.key);
        let logged = || is_own.then(|| view.trajectory().ruling_on(step)).flatten();
        let logged = || logged().and_then(|made| writer(view, made));
        let Some(rule) = &self.rule else {
            let ruling = logged();
            return Said {
                next: routed(view, step, is_own),
                is_own,
                drafter: view.writer(step).filter(|_| ruling.is_some()),
                ruling,
            };
        };
        let signal = of.and_then(|head| head.signal.parse().ok());
        let said = rule.says(view, step, signal, self.head);
        let is_seen = said.next.is_some();
        Said {
            next: said.next.or_else(|| routed(view, step, is_own)),
            is_own: is_own || is_seen,
            ruling: said.ruling.or_else(logged),
            drafter: None,
        }
    }
}

/// Who was to go on after a step by the router that was there: what a person
/// chose says nothing of it. In the asked run's own log a ruling on a draft is
/// of that draft alone.
fn routed(view: &View<'_>, step: &Step, is_own: bool) -> Option<Next> {
    let made = view.trajectory().routed_after(step)?;
    match is_own && made.is_ruling() {
        true => None,
        false => writer(view, made).map(Next::By),
    }
}

fn writer(view: &View<'_>, made: &Decision) -> Option<Writer> {
    let action = view.place(made.action)?;
    let probabilities = view.trajectory().probabilities(made);
    Some(Writer::new(
        action,
        made.propensity,
        probabilities,
        view.models(),
    ))
}

#[cfg(test)]
mod tests;

//! Which trajectories are worth a person's time first.

use crate::expr::Source;
use crate::problem::answer::Verdict;
use crate::signal::confidence::Source as Measure;

use super::{Name, Step, Survey, View};

/// What a decision is worth that lost every answer, in units of one unsure
/// step; one that lost half of them is worth as much as a contradiction.
const LOST: f64 = 4.0;
/// What contradictory evidence is worth.
const CONFLICT: f64 = 2.0;
/// What a trajectory is worth that nobody could grade.
const UNGRADED: f64 = 1.0;

/// How much labelling a trajectory would tell, from 0: most where a decision
/// lost answers, as far as that is known ([`View::regret`]), and where the
/// evidence contradicts itself (a wrong answer whose steps every scorer lets
/// pass, a right one with a refuted step, scorers at odds about a step), less
/// where nobody could grade it, and among these more the less sure the least
/// sure step was.
pub fn worth(view: &View<'_>) -> f64 {
    if Source::steps(view) == 0 {
        return 0.0;
    }
    let lost = LOST * view.regret().unwrap_or(0.0).clamp(0.0, 1.0);
    let conflict = if is_contradictory(view) {
        CONFLICT
    } else {
        0.0
    };
    let open = match view.verdict() {
        Some(Verdict::Ungraded) => UNGRADED,
        _ => 0.0,
    };
    let sure = View::steps(view).filter_map(|step| step.measure(Measure::Prob));
    let least = sure.fold(1.0_f64, f64::min);
    lost + conflict + open + (1.0 - least.clamp(0.0, 1.0))
}

impl Survey {
    /// The trajectories at these places, those [worth](worth()) most first;
    /// equals stay as they stand.
    pub fn by_worth(&self, places: &[u32]) -> Vec<u32> {
        let places = places.iter();
        let valued = places.map(|&place| (worth(&self.view(place as usize)), place));
        let mut valued: Vec<(f64, u32)> = valued.collect();
        valued.sort_by(|a, b| b.0.total_cmp(&a.0));
        valued.into_iter().map(|(_, place)| place).collect()
    }

    /// Whether a person is done with all steps of a trajectory that has any.
    pub fn is_done(&self, place: u32, who: Option<Name>) -> bool {
        let found = self.trajectories().get(place as usize);
        if !found.is_some_and(super::Trajectory::is_labelled) {
            return false;
        }
        let view = self.view(place as usize);
        view.done_by(who) == Source::steps(&view)
    }
}

/// Whether scorers are at odds with each other or with the verdict.
fn is_contradictory(view: &View<'_>) -> bool {
    let mut scored = false;
    let mut refuted = false;
    for step in View::steps(view) {
        let [prm, exact] = [prm_refutes(step), step.is_refuted()];
        if prm.zip(exact).is_some_and(|(prm, exact)| prm != exact) {
            return true;
        }
        scored |= prm.or(exact).is_some();
        refuted |= prm == Some(true) || exact == Some(true);
    }
    match view.verdict() {
        Some(Verdict::Wrong) => scored && !refuted,
        Some(Verdict::Correct) => refuted,
        _ => false,
    }
}

/// Whether a process-reward model finds a step more likely wrong than right.
fn prm_refutes(step: &Step) -> Option<bool> {
    step.prm().map(|score| score < 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::{Fact, Survey};
    use crate::trace::record::{CHECKER, PRM, Record, ScoreRecord, Usage};
    use crate::trace::samples::{outcome, step_of};

    fn of(problem: &str, verdict: Verdict, scores: &[(&str, f64)]) -> f64 {
        let mut outcome = outcome(problem, Some("s"));
        outcome.verdict = verdict;
        let mut records = vec![step_of(problem, "s"), Record::Outcome(Box::new(outcome))];
        records.extend(scores.iter().map(|&(scorer, value)| {
            Record::Score(ScoreRecord {
                run: "r".into(),
                step: Some("s".into()),
                problem: problem.into(),
                scorer: scorer.into(),
                model: None,
                value: Some(value),
                note: None,
                usage: Usage::default(),
                attempts: Vec::new(),
                cost: None,
            })
        }));
        let mut survey = Survey::default();
        records
            .iter()
            .filter_map(Fact::of)
            .for_each(|fact| survey.add(fact));
        worth(&survey.view(0))
    }

    #[test]
    fn what_a_decision_lost_comes_before_contradictions() {
        let [kept, lost] = [0.0, 1.0].map(|regret| {
            let mut survey = Survey::default();
            survey.add(Fact::of(&step_of("p", "s")).unwrap());
            survey.set_regrets(vec![Box::new([regret])], vec![None]);
            worth(&survey.view(0))
        });
        let conflict = of("p", Verdict::Wrong, &[(PRM, 0.9)]);
        assert!(
            lost > conflict && conflict > kept,
            "{lost} {conflict} {kept}"
        );
    }

    #[test]
    fn contradictions_come_first_and_agreement_last() {
        let passed = of("p", Verdict::Wrong, &[(PRM, 0.9)]);
        let at_odds = of("p", Verdict::Correct, &[(PRM, 0.9), (CHECKER, 0.0)]);
        let blamed = of("p", Verdict::Correct, &[(CHECKER, 0.0)]);
        let open = of("p", Verdict::Ungraded, &[]);
        let plain = of("p", Verdict::Correct, &[(PRM, 0.9), (CHECKER, 1.0)]);
        let explained = of("p", Verdict::Wrong, &[(PRM, 0.1)]);
        let unscored = of("p", Verdict::Wrong, &[]);
        for conflict in [passed, at_odds, blamed] {
            assert!(conflict > open, "{conflict} {open}");
        }
        for agreed in [plain, explained, unscored] {
            assert!(agreed < open, "{agreed} {open}");
        }
    }
}

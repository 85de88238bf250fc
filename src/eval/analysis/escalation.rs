//! Where the large model writes: by relative position in the trajectory and by
//! difficulty, of right against wrong answers (figure 5 of STEER).

use std::collections::BTreeMap;

use crate::problem::answer::Verdict;
use crate::survey::Survey;

/// Steps by the large model, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    pub large: usize,
    pub steps: usize,
}

impl Share {
    pub fn value(self) -> Option<f64> {
        (self.steps > 0).then(|| self.large as f64 / self.steps as f64)
    }

    fn add(&mut self, large: bool) {
        self.large += usize::from(large);
        self.steps += 1;
    }
}

/// Right answers beside wrong ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Both {
    pub correct: Share,
    pub wrong: Share,
}

/// Parts of a trajectory that are told apart.
pub const POSITIONS: usize = 10;

/// See the module. Ungraded and unfinished trajectories are in neither.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Escalation {
    /// By tenths of the way.
    pub by_position: Vec<Both>,
    /// By difficulty, whole numbers.
    pub by_difficulty: Vec<(f64, Both)>,
}

impl Escalation {
    pub(super) fn of(survey: &Survey, places: &[usize]) -> Self {
        let mut by_position = vec![Both::default(); POSITIONS];
        let mut by_difficulty: BTreeMap<i64, Both> = BTreeMap::new();
        for &place in places {
            let view = survey.view(place);
            let correct = match view.verdict() {
                Some(Verdict::Correct) => true,
                Some(Verdict::Wrong) => false,
                _ => continue,
            };
            // Of one model alone nobody escalates.
            let Some(large) = view.models().checked_sub(1).filter(|last| *last > 0) else {
                continue;
            };
            let kept: Vec<bool> = view
                .steps()
                .filter(|step| step.kept)
                .map(|step| view.writer(step) == Some(large))
                .collect();
            let difficulty = view.trajectory().difficulty;
            let part = |both: &mut Both, by_large: bool| match correct {
                true => both.correct.add(by_large),
                false => both.wrong.add(by_large),
            };
            for (at, &by_large) in kept.iter().enumerate() {
                // A step stands where its middle does.
                let tenth = (2 * at + 1) * POSITIONS / (2 * kept.len());
                part(&mut by_position[tenth], by_large);
                if let Some(difficulty) = difficulty {
                    let whole = difficulty.floor() as i64;
                    part(by_difficulty.entry(whole).or_default(), by_large);
                }
            }
        }
        Self {
            by_position,
            by_difficulty: by_difficulty
                .into_iter()
                .map(|(difficulty, both)| (difficulty as f64, both))
                .collect(),
        }
    }
}

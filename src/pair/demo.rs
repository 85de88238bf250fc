//! The problems shipped with the demo: held out from training by construction, because they are
//! drawn from [`Split::Demo`], a split by a hash of the question that training never reads.

use std::collections::HashSet;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::language::{Problem, Split, draw};

/// The seed of the shipped file.
pub const DEMO_SEED: u64 = 2_026;

/// One line of the problem file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DemoProblem {
    /// `demo-001` and so on.
    pub id: String,
    /// Prose only, without the prompt template.
    pub question: String,
    /// The answer, a whole number.
    pub gold: String,
    /// 1 to 10.
    pub difficulty: u8,
    /// `story`, `number`, `boxes` or `pair`.
    pub domain: String,
}

/// Draws `per_difficulty` different problems of each difficulty from 1 to 10, in rounds, so that
/// any ten neighbours cover all difficulties.
#[must_use]
pub fn demo_problems(per_difficulty: usize, seed: u64) -> Vec<DemoProblem> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut seen = HashSet::new();
    let mut groups: [Vec<_>; 10] = Default::default();
    while groups.iter().any(|group| group.len() < per_difficulty) {
        let problem = draw(Split::Demo, &mut rng);
        let group = &mut groups[usize::from(problem.difficulty.clamp(1, 10)) - 1];
        if group.len() < per_difficulty && seen.insert(problem.question.clone()) {
            group.push(problem);
        }
    }
    let rounds =
        (0..per_difficulty).flat_map(|round| groups.iter().map(move |group| &group[round]));
    rounds
        .zip(1..)
        .map(|(problem, number)| DemoProblem::new(problem, format!("demo-{number:03}")))
        .collect()
}

impl DemoProblem {
    /// A generated problem as a line of a problem file.
    #[must_use]
    pub fn new(problem: &Problem, id: String) -> Self {
        Self {
            id,
            question: problem.question.clone(),
            gold: problem.answer.to_string(),
            difficulty: problem.difficulty,
            domain: problem.domain.name().to_owned(),
        }
    }
}

/// The problems as JSON lines.
#[must_use]
pub fn to_json_lines(problems: &[DemoProblem]) -> String {
    // Plain strings and numbers always serialise.
    problems
        .iter()
        .filter_map(|problem| serde_json::to_string(problem).ok())
        .map(|line| line + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::language::split_of;

    #[test]
    fn demo_problems_are_held_out_and_cover_all_difficulties() {
        let problems = demo_problems(2, DEMO_SEED);
        assert_eq!(problems.len(), 20);
        let difficulties: Vec<u8> = problems
            .iter()
            .take(10)
            .map(|problem| problem.difficulty)
            .collect();
        assert_eq!(difficulties, (1..=10).collect::<Vec<u8>>());
        assert!(
            problems
                .iter()
                .all(|problem| split_of(&problem.question) == Split::Demo)
        );
        assert_eq!(problems, demo_problems(2, DEMO_SEED));
        assert_eq!(to_json_lines(&problems).lines().count(), 20);
    }
}

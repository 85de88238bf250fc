//! The problem language of the embedded pair: word problems of two to seven operations whose
//! solutions can be checked exactly.
//!
//! A problem is prose (`Mia has 37 coins. Mia bought 48 more. … How many coins are there now?`);
//! a solution has one step per operation and a last step with the answer. Everything is drawn
//! from a seeded generator, and a hash of the question decides which [`Split`] a problem belongs
//! to, so that no problem of one split can ever be met in another.

pub mod arithmetic;
pub mod solution;
pub mod story;

use rand::Rng;

use arithmetic::{LARGEST, Operation, Running};
use story::Teller;

/// The family a problem's prose belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// One hero gains, loses, trades and shares things.
    Story,
    /// `Start with 62, then subtract 19, …`.
    Number,
    /// Begins with a product: boxes of things.
    Boxes,
    /// Two people with boxes, merged.
    Pair,
}

impl Domain {
    /// The name used in problem files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Story => "story",
            Self::Number => "number",
            Self::Boxes => "boxes",
            Self::Pair => "pair",
        }
    }
}

/// What a problem may be used for; decided by [`split_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Training,
    /// Thresholds and verifiers are fitted here.
    Calibration,
    /// Figures are reported on these.
    Evaluation,
    /// The problems shipped with the demo.
    Demo,
}

/// One operation and the clause that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    pub operation: Operation,
    /// Copied word for word into the step that does it.
    pub clause: String,
}

/// A word problem with everything needed to solve and check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Prose only; [`prompt`] puts the template around it.
    pub question: String,
    pub domain: Domain,
    /// Running values before the first task.
    pub start: Running,
    pub tasks: Vec<Task>,
    pub answer: u32,
    /// 1 (easy) to 10, computed from the operations at their true values.
    pub difficulty: u8,
}

/// The prompt both models continue: the question in the fixed template.
#[must_use]
pub fn prompt(question: &str) -> String {
    format!("Question: {question}\n\nSolution:\n\n")
}

/// The split a question belongs to, by a hash of its text: 3 of 64 parts are held out.
#[must_use]
pub fn split_of(question: &str) -> Split {
    // FNV-1a, 64 bits; the high bits are folded in because its low bits mix slowly.
    let hash = question
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    match (hash ^ (hash >> 32) ^ (hash >> 17)) % 64 {
        0 => Split::Demo,
        1 => Split::Calibration,
        2 => Split::Evaluation,
        _ => Split::Training,
    }
}

/// Draws a problem of the wanted split.
pub fn draw(split: Split, rng: &mut impl Rng) -> Problem {
    loop {
        let level = rng.random_range(1..=10);
        if let Some(problem) = attempt(level, rng)
            && split_of(&problem.question) == split
            && problem.fits_context()
        {
            return problem;
        }
    }
}

impl Problem {
    /// Whether the longest solution, all steps by the large model, stays inside the context.
    fn fits_context(&self) -> bool {
        let steps = self
            .running_values()
            .into_iter()
            .zip(&self.tasks)
            .map(|(at, task)| {
                let chain = arithmetic::gold_chain(task.operation.expression(at)).text;
                // The clause stands in the question and in its step, the chain in its step and in
                // the look back of the next one, with about ten tokens of frame around them.
                2 * (tokens(&task.clause) + tokens(&chain)) + 10
            });
        steps.sum::<usize>() <= MOST_TOKENS
    }

    /// The true running values before each task.
    #[must_use]
    pub fn running_values(&self) -> Vec<Running> {
        let mut at = self.start;
        self.tasks
            .iter()
            .map(|task| {
                let before = at;
                let result = task.operation.expression(at).value().unwrap_or(0);
                at = task.operation.after(at, result);
                before
            })
            .collect()
    }
}

/// Bound on the estimated tokens of a large-style solution with its prompt; the exact count
/// stays within the context of 448 tokens (a test counts thousands of problems).
const MOST_TOKENS: usize = 380;

/// About how many tokens a text has: one per digit and per other word.
fn tokens(text: &str) -> usize {
    let count = |word: &str| word.bytes().filter(u8::is_ascii_digit).count().max(1);
    text.split(' ').map(count).sum()
}

/// One attempt at a problem of level 1 to 10; `None` where the draw ran into a dead end.
fn attempt(level: u32, rng: &mut impl Rng) -> Option<Problem> {
    let domain = match rng.random_range(0..100) {
        0..40 => Domain::Story,
        40..70 => Domain::Number,
        70..88 => Domain::Boxes,
        _ => Domain::Pair,
    };
    let fewest = 2 + usize::from(level >= 4) + usize::from(level >= 8);
    let most = 3 + [3, 5, 7, 9].iter().filter(|&&step| level >= step).count();
    let wanted = rng.random_range(fewest..=most);
    let teller = Teller::draw(rng);
    let mut start = Running::default();
    if matches!(domain, Domain::Story | Domain::Number) {
        let largest = if level >= 6 && rng.random_bool(0.3) {
            400
        } else {
            99
        };
        start.current = rng.random_range(11..=largest);
    }
    let mut draft = Draft {
        tasks: Vec::new(),
        at: start,
        hardest: 0,
        total: 0,
    };
    match domain {
        Domain::Boxes => draft.push(boxes(level, rng), domain, teller, rng)?,
        Domain::Pair => {
            draft.push(boxes(level, rng), domain, teller, rng)?;
            draft.push(boxes(level, rng), domain, teller.turned(), rng)?;
            draft.push(Operation::Merge, domain, teller, rng)?;
        }
        _ => {}
    }
    while draft.tasks.len() < wanted {
        let operation = draw_operation(level, draft.at.current, rng);
        draft.push(operation, domain, teller, rng)?;
    }
    let Draft {
        tasks,
        at,
        hardest,
        total,
    } = draft;
    let score = 0.45 * f64::from(hardest) + 0.25 * f64::from(total);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1..=10"
    )]
    let difficulty = score.round().clamp(1.0, 10.0) as u8;
    let question = teller.question(domain, start.current, &tasks);
    Some(Problem {
        question,
        domain,
        start,
        tasks,
        answer: at.current,
        difficulty,
    })
}

/// A problem being drawn: the tasks so far and where they lead.
struct Draft {
    tasks: Vec<Task>,
    at: Running,
    hardest: u32,
    total: u32,
}

impl Draft {
    fn push(
        &mut self,
        operation: Operation,
        domain: Domain,
        teller: Teller,
        rng: &mut impl Rng,
    ) -> Option<()> {
        let result = operation.expression(self.at).value()?;
        let hardness = operation.hardness(self.at);
        self.hardest = self.hardest.max(hardness);
        self.total += hardness;
        self.at = operation.after(self.at, result);
        let clause = teller.clause(domain, operation, rng);
        self.tasks.push(Task { operation, clause });
        Some(())
    }
}

fn boxes(level: u32, rng: &mut impl Rng) -> Operation {
    let hard = rng.random_bool(0.06 * f64::from(level));
    let count = if hard {
        rng.random_range(11..=99)
    } else {
        rng.random_range(2..=9)
    };
    Operation::Boxes {
        count,
        each: rng.random_range(11..=99),
    }
}

/// Draws an operation that is possible at the running value, harder ones more often with the level.
fn draw_operation(level: u32, value: u32, rng: &mut impl Rng) -> Operation {
    let level = f64::from(level);
    let divisors: Vec<u32> = (2..=9)
        .filter(|k| value >= 10 && value.is_multiple_of(*k))
        .collect();
    let weights = [
        if value < 9_000 { 1.0 } else { 0.0 },
        if value > 2 { 1.0 } else { 0.0 },
        if (2..=1_100).contains(&value) {
            0.9
        } else {
            0.0
        },
        if divisors.is_empty() { 0.0 } else { 0.8 },
        if value >= 20 {
            0.05 + 0.05 * level
        } else {
            0.0
        },
        if (11..=99).contains(&value) {
            0.05 + 0.16 * level
        } else {
            0.0
        },
        if (50..=999).contains(&value) {
            0.06 * level
        } else {
            0.0
        },
    ];
    let mut pick = rng.random_range(0.0..weights.iter().sum::<f64>());
    let chosen = weights.iter().position(|weight| {
        pick -= weight;
        pick < 0.0
    });
    let three_digits = rng.random_bool(0.03 * level);
    match chosen.unwrap_or(0) {
        0 => Operation::Add(addend(three_digits, LARGEST - value, rng)),
        1 => Operation::Subtract(addend(three_digits, value - 1, rng)),
        2 => Operation::Multiply(rng.random_range(2..=9.min(LARGEST / value))),
        3 => Operation::Divide(divisors[rng.random_range(0..divisors.len())]),
        4 => Operation::Remainder(rng.random_range(3..=9)),
        5 => Operation::Multiply(rng.random_range(11..=99)),
        _ => Operation::Remainder(rng.random_range(11..=29)),
    }
}

fn addend(three_digits: bool, most: u32, rng: &mut impl Rng) -> u32 {
    if three_digits && most > 100 {
        rng.random_range(100..=most.min(999))
    } else {
        rng.random_range(2.min(most)..=most.min(99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn questions_read_back_to_their_tasks() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..3_000 {
            let problem = draw(Split::Training, &mut rng);
            let (start, tasks) = story::read_question(&problem.question).expect("own language");
            assert_eq!(
                (start, &tasks),
                (problem.start, &problem.tasks),
                "{}",
                problem.question
            );
        }
    }

    #[test]
    fn every_difficulty_and_domain_occurs() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let problems: Vec<Problem> = (0..2_000)
            .map(|_| draw(Split::Training, &mut rng))
            .collect();
        for domain in [Domain::Story, Domain::Number, Domain::Boxes, Domain::Pair] {
            assert!(
                problems.iter().any(|problem| problem.domain == domain),
                "{domain:?}"
            );
        }
        let count = |d: u8| {
            problems
                .iter()
                .filter(|problem| problem.difficulty == d)
                .count()
        };
        assert!((1..=10).all(|difficulty| count(difficulty) > 0));
        assert!(
            problems
                .iter()
                .all(|problem| (2..=7).contains(&problem.tasks.len()))
        );
    }
}

//! Written solutions: gold steps in the style of either model, and steps with a slip.
//!
//! The small model's step copies its clause and works it out. The large model's step begins by
//! working out the *previous* step again, from the values before it, and goes on from what it
//! found; so a large step right after a wrong one repairs the trajectory, one step later is too
//! late. That is what makes routing *before* a step worth anything.

use rand::Rng;

use super::arithmetic::{Chain, Expression, Operation, Running, chain, gold_chain};
use super::story::{changed_digit, miscopied};
use super::{Problem, Task};

/// Which model writes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    Small,
    Large,
}

impl Author {
    /// `small` or `large`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }
}

/// How one step of a trajectory is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub author: Author,
    /// The step carries one wrong computed value or a miscopied operand.
    pub slip: bool,
}

/// A written step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Ends in `"\n\n"`, the last step of a solution in its full stop.
    pub text: String,
    pub order: Order,
}

/// Why a trajectory could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a carried slip made step {0} impossible (a negative value or a division with a rest)")]
pub struct Impossible(pub usize);

/// The gold solution of a problem in one style.
#[must_use]
pub fn gold(problem: &Problem, author: Author) -> Vec<String> {
    let mut writer = Writer::new(problem);
    let mut steps = Vec::with_capacity(problem.tasks.len() + 1);
    for _ in 0..=problem.tasks.len() {
        // Without slips every operation was possible when the problem was drawn.
        steps.extend(writer.gold_step(author));
    }
    steps
}

/// Writes a trajectory whose steps follow `orders` (one per task and one for the answer).
///
/// # Errors
/// [`Impossible`] where a carried slip leaves no gold continuation; draw other slips.
pub fn trajectory(
    problem: &Problem,
    orders: &[Order],
    rng: &mut impl Rng,
) -> Result<Vec<Step>, Impossible> {
    let mut writer = Writer::new(problem);
    let mut steps = Vec::with_capacity(orders.len());
    for (index, &order) in orders.iter().enumerate() {
        let text = if order.slip && index < problem.tasks.len() {
            writer.slipped_step(order.author, rng)
        } else {
            writer.gold_step(order.author)
        };
        steps.push(Step {
            text: text.ok_or(Impossible(index))?,
            order,
        });
    }
    Ok(steps)
}

/// Writes the steps of one trajectory in order and keeps the values it carries.
struct Writer<'a> {
    tasks: &'a [Task],
    next: usize,
    /// The values the step before `next` should have begun with.
    before: Running,
    /// The values as the trajectory states them now.
    stated: Running,
}

impl<'a> Writer<'a> {
    fn new(problem: &'a Problem) -> Self {
        Self {
            tasks: &problem.tasks,
            next: 0,
            before: problem.start,
            stated: problem.start,
        }
    }

    /// The large model's look back: the text and the repaired values. Nothing before the first step.
    fn look_back(&self) -> Option<(String, Running)> {
        let Some(index) = self.next.checked_sub(1) else {
            return Some((String::new(), self.stated));
        };
        let operation = self.tasks[index].operation;
        let expression = operation.expression(self.before);
        expression.value()?;
        let Chain { text, value } = gold_chain(expression);
        Some((
            format!("The result is {text}. "),
            operation.after(self.before, value),
        ))
    }

    fn opening(&self, author: Author) -> Option<(String, Running)> {
        match author {
            Author::Small => Some((String::new(), self.stated)),
            Author::Large => self.look_back(),
        }
    }

    fn gold_step(&mut self, author: Author) -> Option<String> {
        let (opening, at) = self.opening(author)?;
        let Some(task) = self.tasks.get(self.next) else {
            return Some(format!("{opening}The answer is \\boxed{{{}}}.", at.current));
        };
        let expression = task.operation.expression(at);
        expression.value()?;
        Some(self.commit(&opening, at, task.operation, gold_chain(expression)))
    }

    /// A step with one error: usually a wrong computed value, sometimes a miscopied operand.
    fn slipped_step(&mut self, author: Author, rng: &mut impl Rng) -> Option<String> {
        let (opening, at) = self.opening(author)?;
        let operation = self.tasks[self.next].operation;
        let expression = operation.expression(at);
        let truth = expression.value()?;
        for _ in 0..8 {
            let written = if rng.random_bool(0.15) {
                gold_chain(miscopied(expression, rng))
            } else {
                slipped_chain(expression, rng)
            };
            if written.value != truth {
                return Some(self.commit(&opening, at, operation, written));
            }
        }
        None
    }

    fn commit(
        &mut self,
        opening: &str,
        at: Running,
        operation: Operation,
        written: Chain,
    ) -> String {
        let first = if self.next == 0 { "First" } else { "Next" };
        let clause = &self.tasks[self.next].clause;
        let text = format!("{opening}{first}, {clause}, so {}.\n\n", written.text);
        self.before = at;
        self.stated = operation.after(at, written.value);
        self.next += 1;
        text
    }
}

/// A chain with one computed value changed; what follows is worked out from the wrong value.
fn slipped_chain(expression: Expression, rng: &mut impl Rng) -> Chain {
    let mut computed = 0_u32;
    chain(expression, &mut |value| {
        computed += 1;
        value
    });
    let wrong = rng.random_range(1..=computed.max(1));
    let mut index = 0;
    chain(expression, &mut |value| {
        index += 1;
        if index == wrong {
            changed_digit(value, rng)
        } else {
            value
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::language::{Domain, Running, story};

    fn example() -> Problem {
        let question = "Mia has 46 coins. Mia bought 10 more. Mia swapped every one for 86 new ones. \
                        Mia sold 225. How many coins are there now?";
        let (start, tasks) = story::read_question(question).expect("own language");
        assert_eq!(
            start,
            Running {
                current: 46,
                held: 0
            }
        );
        Problem {
            question: question.to_owned(),
            domain: Domain::Story,
            start,
            tasks,
            answer: 4_591,
            difficulty: 8,
        }
    }

    #[test]
    fn small_style() {
        assert_eq!(
            gold(&example(), Author::Small),
            [
                "First, Mia bought 10 more, so 46 + 10 = 56.\n\n",
                "Next, Mia swapped every one for 86 new ones, so 56 * 86 = 56 * 80 + 56 * 6 = 4480 + 336 = 4816.\n\n",
                "Next, Mia sold 225, so 4816 - 225 = 4816 - 200 - 20 - 5 = 4616 - 20 - 5 = 4596 - 5 = 4591.\n\n",
                "The answer is \\boxed{4591}.",
            ]
        );
    }

    #[test]
    fn large_style_looks_back() {
        let steps = gold(&example(), Author::Large);
        assert_eq!(steps[0], "First, Mia bought 10 more, so 46 + 10 = 56.\n\n");
        assert!(steps[1].starts_with("The result is 46 + 10 = 56. Next, Mia swapped"));
        assert!(steps[3].starts_with("The result is 4816 - 225 = 4816 - 200"));
        assert!(steps[3].ends_with("= 4591. The answer is \\boxed{4591}."));
    }
}

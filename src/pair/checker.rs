//! The exact step checker: is this step right, given the question and the steps so far?
//!
//! An error counts once: a step that goes on correctly from a wrong value is right. A step of
//! the large model that works out the previous result again is checked on that part too, and
//! its result, when right, repairs the value the trajectory carries.

use super::language::Task;
use super::language::arithmetic::{Expression, Operation, Running, Sign, gold_chain};
use super::language::story::read_question;
use crate::problem::answer::extract::last_boxed;

/// The kind of the first error in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A part of the chain does not have the value of the first part.
    Arithmetic,
    /// The chain begins with other operands than the question and the steps before ask for.
    Operand,
    /// Not a step of the language, or the wrong step at this place.
    Format,
}

/// What the checker says about one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Wrong(Fault),
}

impl Verdict {
    /// Whether the step is right.
    #[must_use]
    pub fn is_right(self) -> bool {
        self == Self::Right
    }
}

/// The question is not of the embedded pair's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the question is not a problem of the embedded pair's language, so its steps cannot be checked"
)]
pub struct ForeignQuestion;

/// Checks the steps of one trajectory in order.
#[derive(Clone, Debug)]
pub struct Checker {
    tasks: Vec<Task>,
    next: usize,
    before: Running,
    stated: Running,
}

/// Verdicts on all steps of a trajectory.
///
/// # Errors
/// [`ForeignQuestion`] when the question cannot be read.
pub fn verdicts<S: AsRef<str>>(
    question: &str,
    steps: &[S],
) -> Result<Vec<Verdict>, ForeignQuestion> {
    let mut checker = Checker::new(question)?;
    Ok(steps
        .iter()
        .map(|step| checker.check(step.as_ref()))
        .collect())
}

/// The whole number in the last `\boxed{}` of a text; `None` for anything but digits.
#[must_use]
pub fn boxed(text: &str) -> Option<u32> {
    let (number, _) = last_boxed(text)?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| number.parse().ok()).flatten()
}

impl Checker {
    /// A checker at the start of a trajectory.
    ///
    /// # Errors
    /// [`ForeignQuestion`] when the question cannot be read.
    pub fn new(question: &str) -> Result<Self, ForeignQuestion> {
        let (start, tasks) = read_question(question).ok_or(ForeignQuestion)?;
        Ok(Self {
            tasks,
            next: 0,
            before: start,
            stated: start,
        })
    }

    /// Whether every operation has its step, so that only the answer can follow.
    #[must_use]
    pub fn answer_is_due(&self) -> bool {
        self.next >= self.tasks.len()
    }

    /// What a right step says next, in the words of a judge that works it out
    /// itself: `The result is 56 + 10 = 66.` for an operation, `The answer is
    /// \\boxed{66}.` once all are done. `None` where a carried error has made
    /// the operation impossible.
    #[must_use]
    pub fn due(&self) -> Option<String> {
        let Some(task) = self.tasks.get(self.next) else {
            return Some(format!("The answer is \\boxed{{{}}}.", self.stated.current));
        };
        let expression = task.operation.expression(self.stated);
        expression.value()?;
        Some(format!("The result is {}.", gold_chain(expression).text))
    }

    /// The verdict on the next step; the trajectory moves on whatever it is.
    pub fn check(&mut self, step: &str) -> Verdict {
        let mut step = step.trim();
        let mut at = self.stated;
        let mut fault = None;
        if let Some(rest) = step.strip_prefix("The result is ") {
            let Some((derivation, rest)) = rest.split_once(". ") else {
                return self.skip(Fault::Format);
            };
            let Some(operation) = self.previous() else {
                return self.skip(Fault::Format);
            };
            let checked = check_chain(derivation, operation, self.before);
            fault = checked.fault;
            if let Some(value) = checked.stated {
                at = operation.after(self.before, value);
            }
            step = rest;
        }
        if let Some(answer) = step.strip_prefix("The answer is ") {
            return self.check_answer(answer, at, fault);
        }
        self.check_task(step, at, fault)
    }

    fn previous(&self) -> Option<Operation> {
        Some(self.tasks.get(self.next.checked_sub(1)?)?.operation)
    }

    fn check_answer(&mut self, answer: &str, at: Running, fault: Option<Fault>) -> Verdict {
        let due = self.answer_is_due();
        self.next = self.tasks.len() + 1;
        let number = boxed(answer).filter(|number| answer == format!("\\boxed{{{number}}}."));
        let right = number == Some(at.current);
        match fault {
            Some(fault) => Verdict::Wrong(fault),
            None if !due || number.is_none() => Verdict::Wrong(Fault::Format),
            None if !right => Verdict::Wrong(Fault::Operand),
            None => Verdict::Right,
        }
    }

    fn check_task(&mut self, step: &str, at: Running, fault: Option<Fault>) -> Verdict {
        let Some(task) = self.tasks.get(self.next) else {
            return self.skip(Fault::Format);
        };
        let operation = task.operation;
        let opening = if self.next == 0 { "First, " } else { "Next, " };
        let body = step
            .strip_prefix(opening)
            .and_then(|body| body.strip_suffix('.'));
        let Some((clause, chain)) = body.and_then(|body| body.split_once(", so ")) else {
            return self.skip(Fault::Format);
        };
        let miscopied = (clause != task.clause).then_some(Fault::Operand);
        let checked = check_chain(chain, operation, at);
        self.before = at;
        let value = checked.stated.unwrap_or(at.current);
        self.stated = operation.after(at, value);
        self.next += 1;
        fault
            .or(miscopied)
            .or(checked.fault)
            .map_or(Verdict::Right, Verdict::Wrong)
    }

    /// A step that cannot be read: the value stays, the operation counts as done.
    fn skip(&mut self, fault: Fault) -> Verdict {
        if let Some(task) = self.tasks.get(self.next) {
            self.before = self.stated;
            self.stated = task.operation.after(self.stated, self.stated.current);
        }
        self.next += 1;
        Verdict::Wrong(fault)
    }
}

struct CheckedChain {
    fault: Option<Fault>,
    /// The number the chain ends in, right or wrong.
    stated: Option<u32>,
}

/// Checks a chain against the expression `operation` asks for at `at`.
fn check_chain(chain: &str, operation: Operation, at: Running) -> CheckedChain {
    let wanted = operation.expression(at);
    let stated = chain
        .rsplit(" = ")
        .next()
        .and_then(|last| last.parse().ok());
    let mut parts = chain.split(" = ");
    let opening = parts.next().unwrap_or_default();
    let Some(written) = read_expression(opening) else {
        return CheckedChain {
            fault: Some(Fault::Format),
            stated,
        };
    };
    if !same_operation(written, wanted) {
        return CheckedChain {
            fault: Some(Fault::Operand),
            stated,
        };
    }
    let Some(truth) = whole_value(wanted) else {
        return CheckedChain {
            fault: Some(Fault::Arithmetic),
            stated,
        };
    };
    let mut fault = None;
    for part in parts {
        match evaluate(part) {
            Some(value) if value == truth => {}
            Some(_) => fault = fault.or(Some(Fault::Arithmetic)),
            None => fault = fault.or(Some(Fault::Format)),
        }
    }
    if stated.is_none() {
        fault = fault.or(Some(Fault::Format));
    }
    CheckedChain { fault, stated }
}

fn same_operation(written: Expression, wanted: Expression) -> bool {
    let turned = Expression {
        left: written.right,
        sign: written.sign,
        right: written.left,
    };
    let commutes = matches!(wanted.sign, Sign::Times | Sign::Plus);
    written == wanted || commutes && turned == wanted
}

/// The value a chain must have. A carried slip can make a division inexact or a value long; the
/// step is then judged on the whole part, as every part of its chain is.
fn whole_value(expression: Expression) -> Option<i64> {
    evaluate(&expression.to_string()).filter(|&value| value >= 0)
}

fn read_expression(text: &str) -> Option<Expression> {
    let (left, rest) = text.split_once(' ')?;
    let (sign, right) = rest.split_once(' ')?;
    let sign = match sign {
        "+" => Sign::Plus,
        "-" => Sign::Minus,
        "*" => Sign::Times,
        "/" => Sign::Over,
        "mod" => Sign::Modulo,
        _ => return None,
    };
    Some(Expression {
        left: left.parse().ok()?,
        sign,
        right: right.parse().ok()?,
    })
}

/// The value of one part of a chain, with the usual precedence; divisions give the whole part.
/// `None` for anything that is not an expression of the language.
#[must_use]
pub fn evaluate(part: &str) -> Option<i64> {
    let spaced = part.replace('(', "( ").replace(')', " )");
    let words: Vec<&str> = spaced.split(' ').collect();
    let mut reader = PartReader {
        words: &words,
        at: 0,
    };
    let value = reader.sum()?;
    (reader.at == words.len()).then_some(value)
}

struct PartReader<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl PartReader<'_> {
    fn accept(&mut self, signs: &[&str]) -> Option<usize> {
        let word = self.words.get(self.at)?;
        let found = signs.iter().position(|sign| sign == word)?;
        self.at += 1;
        Some(found)
    }

    fn sum(&mut self) -> Option<i64> {
        let mut value = self.product()?;
        while let Some(sign) = self.accept(&["+", "-"]) {
            let term = self.product()?;
            value = if sign == 0 {
                value.checked_add(term)?
            } else {
                value.checked_sub(term)?
            };
        }
        Some(value)
    }

    fn product(&mut self) -> Option<i64> {
        let mut value = self.atom()?;
        while let Some(sign) = self.accept(&["*", "/", "mod"]) {
            let factor = self.atom()?;
            value = match sign {
                0 => value.checked_mul(factor)?,
                1 => value.checked_div(factor)?,
                _ => value.checked_rem(factor)?,
            };
        }
        Some(value)
    }

    fn atom(&mut self) -> Option<i64> {
        if self.accept(&["("]).is_some() {
            let value = self.sum()?;
            self.accept(&[")"])?;
            return Some(value);
        }
        let word = self.words.get(self.at)?;
        let number =
            !word.is_empty() && word.len() <= 9 && word.bytes().all(|byte| byte.is_ascii_digit());
        if !number {
            return None;
        }
        self.at += 1;
        word.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::language::solution::{Author, Order, gold, trajectory};
    use crate::pair::language::{Split, draw};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const QUESTION: &str = "Mia has 46 coins. Mia bought 10 more. Mia sold 6. Mia traded each one for 3 new ones. \
                            How many coins are there now?";

    fn check(steps: &[&str]) -> Vec<Verdict> {
        verdicts(QUESTION, steps).expect("own language")
    }

    #[test]
    fn gold_steps_of_both_styles_are_right() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..3_000 {
            let problem = draw(Split::Training, &mut rng);
            for author in [Author::Small, Author::Large] {
                let steps = gold(&problem, author);
                assert_eq!(steps.len(), problem.tasks.len() + 1);
                let verdicts = verdicts(&problem.question, &steps).expect("own language");
                assert!(
                    verdicts.iter().all(|verdict| verdict.is_right()),
                    "{steps:?} {verdicts:?}"
                );
                let answer = steps.last().and_then(|step| boxed(step));
                assert_eq!(answer, Some(problem.answer));
            }
        }
    }

    #[test]
    fn slips_are_found_exactly_where_they_are() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut written = 0;
        while written < 3_000 {
            let problem = draw(Split::Training, &mut rng);
            let orders: Vec<Order> = (0..=problem.tasks.len())
                .map(|index| Order {
                    author: if rng.random_bool(0.5) {
                        Author::Large
                    } else {
                        Author::Small
                    },
                    slip: index < problem.tasks.len() && rng.random_bool(0.35),
                })
                .collect();
            let Ok(steps) = trajectory(&problem, &orders, &mut rng) else {
                continue;
            };
            written += 1;
            let texts: Vec<&str> = steps.iter().map(|step| step.text.as_str()).collect();
            let verdicts = verdicts(&problem.question, &texts).expect("own language");
            let right: Vec<bool> = verdicts.iter().map(|verdict| verdict.is_right()).collect();
            let wanted: Vec<bool> = orders.iter().map(|order| !order.slip).collect();
            assert_eq!(right, wanted, "{} {texts:?} {verdicts:?}", problem.question);
        }
    }

    #[test]
    fn carried_value_is_forgiven_and_repaired_only_by_looking_back() {
        let wrong = "First, Mia bought 10 more, so 46 + 10 = 66.\n\n";
        let carried = "Next, Mia sold 6, so 66 - 6 = 60.\n\n";
        let repaired = "The result is 46 + 10 = 56. Next, Mia sold 6, so 56 - 6 = 50.\n\n";
        let unasked = "Next, Mia sold 6, so 56 - 6 = 50.\n\n";
        let arithmetic = Verdict::Wrong(Fault::Arithmetic);
        assert_eq!(check(&[wrong, carried]), [arithmetic, Verdict::Right]);
        assert_eq!(check(&[wrong, repaired]), [arithmetic, Verdict::Right]);
        assert_eq!(
            check(&[wrong, unasked]),
            [arithmetic, Verdict::Wrong(Fault::Operand)]
        );
        let late = "The result is 66 - 6 = 60. Next, Mia traded each one for 3 new ones, so 60 * 3 = 180.\n\n";
        assert_eq!(
            check(&[wrong, carried, late]),
            [arithmetic, Verdict::Right, Verdict::Right]
        );
        let unrepaired = "The result is 46 + 10 = 66. Next, Mia sold 6, so 66 - 6 = 60.\n\n";
        assert_eq!(check(&[wrong, unrepaired]), [arithmetic, arithmetic]);
    }

    #[test]
    fn answers_and_strange_steps() {
        let steps = gold_texts();
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        assert!(check(&steps).iter().all(|verdict| verdict.is_right()));
        assert_eq!(
            check(&["The answer is \\boxed{46}."]),
            [Verdict::Wrong(Fault::Format)]
        );
        assert_eq!(
            check(&["", "gibberish"]),
            [Verdict::Wrong(Fault::Format); 2]
        );
        assert_eq!(
            check(&["First, Mia bought 10 more, so 46 + 10 = .\n\n"]),
            [Verdict::Wrong(Fault::Format)]
        );
        assert_eq!(
            check(&["First, Mia bought 11 more, so 46 + 10 = 56."]),
            [Verdict::Wrong(Fault::Operand)]
        );
        assert!(Checker::new("Prove that P is not NP.").is_err());
    }

    fn gold_texts() -> Vec<String> {
        [
            "First, Mia bought 10 more, so 46 + 10 = 56.\n\n",
            "Next, Mia sold 6, so 56 - 6 = 50.\n\n",
            "Next, Mia traded each one for 3 new ones, so 50 * 3 = 150.\n\n",
            "The answer is \\boxed{150}.",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn evaluation_follows_precedence() {
        assert_eq!(evaluate("(979 - 900) mod 15"), Some(4));
        assert_eq!(evaluate("47 * 30 + 47 * 6"), Some(1692));
        assert_eq!(evaluate("560 / 7 + 35 / 7"), Some(85));
        assert_eq!(evaluate("12 +"), None);
        assert_eq!(evaluate("(12"), None);
        assert_eq!(evaluate("5 / 0"), None);
        assert_eq!(evaluate(""), None);
    }
}

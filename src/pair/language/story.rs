//! The sentences of the language: how each operation is told and read back.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::arithmetic::{Expression, Operation, Running, Sign};
use super::{Domain, Task};

/// Who the stories are about.
pub const NAMES: [&str; 8] = ["Mia", "Leo", "Zoe", "Eva", "Max", "Ben", "Ada", "Tom"];
/// What the stories count.
pub const THINGS: [&str; 8] = [
    "coins", "stamps", "marbles", "cards", "shells", "beads", "pens", "stickers",
];

/// Tells problems about one hero, one helper and one kind of thing.
#[derive(Clone, Copy, Debug)]
pub struct Teller {
    pub hero: &'static str,
    pub helper: &'static str,
    pub thing: &'static str,
}

impl Teller {
    /// Draws two different names and a thing.
    pub fn draw(rng: &mut impl Rng) -> Self {
        let first = rng.random_range(0..NAMES.len());
        let second = (first + rng.random_range(1..NAMES.len())) % NAMES.len();
        let thing = THINGS[rng.random_range(0..THINGS.len())];
        Self {
            hero: NAMES[first],
            helper: NAMES[second],
            thing,
        }
    }

    /// The clause that asks for `operation`, one of several paraphrases.
    pub fn clause(&self, domain: Domain, operation: Operation, rng: &mut impl Rng) -> String {
        if domain == Domain::Number {
            return number_clause(operation);
        }
        let Self {
            hero,
            helper,
            thing,
        } = self;
        let choices = match operation {
            Operation::Add(k) => vec![
                format!("{hero} bought {k} more"),
                format!("{hero} found {k} more"),
                format!("{helper} gave {hero} {k} more"),
            ],
            Operation::Subtract(k) => {
                vec![
                    format!("{hero} sold {k}"),
                    format!("{hero} lost {k}"),
                    format!("{hero} gave away {k}"),
                ]
            }
            Operation::Multiply(k) => vec![
                format!("{hero} traded each one for {k} new ones"),
                format!("{hero} swapped every one for {k} new ones"),
            ],
            Operation::Divide(k) => vec![
                format!("{hero} split them into {k} equal piles and kept one"),
                format!("{hero} shared them into {k} equal bags and kept one"),
            ],
            Operation::Remainder(k) => vec![format!(
                "{hero} packed them into bags of {k} and kept only the rest"
            )],
            Operation::Boxes { count, each } => {
                vec![format!("{hero} has {count} boxes of {each} {thing}")]
            }
            Operation::Merge => vec![format!("{helper} gave all {thing} to {hero}")],
        };
        choices.choose(rng).cloned().unwrap_or_default()
    }

    /// The helper as the hero of a sentence.
    #[must_use]
    pub fn turned(self) -> Self {
        Self {
            hero: self.helper,
            helper: self.hero,
            thing: self.thing,
        }
    }

    /// The whole question of a problem, without the prompt around it.
    #[must_use]
    pub fn question(&self, domain: Domain, start: u32, tasks: &[Task]) -> String {
        let clauses = tasks.iter().map(|task| task.clause.as_str());
        if domain == Domain::Number {
            let told: String = clauses.map(|clause| format!(", then {clause}")).collect();
            return format!("Start with {start}{told}. What is the result?");
        }
        let opening = match domain {
            Domain::Story => format!("{} has {start} {}. ", self.hero, self.thing),
            _ => String::new(),
        };
        let told: String = clauses.map(|clause| format!("{clause}. ")).collect();
        format!("{opening}{told}How many {} are there now?", self.thing)
    }
}

fn number_clause(operation: Operation) -> String {
    match operation {
        Operation::Add(k) => format!("add {k}"),
        Operation::Subtract(k) => format!("subtract {k}"),
        Operation::Multiply(k) => format!("multiply by {k}"),
        Operation::Divide(k) => format!("divide by {k}"),
        Operation::Remainder(k) => format!("take the result modulo {k}"),
        // Number puzzles have no boxes; the generator never asks for these two.
        Operation::Boxes { count, each } => format!("take {count} boxes of {each}"),
        Operation::Merge => "add all".to_owned(),
    }
}

/// Reads a question back: the start value and the tasks. `None` for text of another language.
#[must_use]
pub fn read_question(question: &str) -> Option<(Running, Vec<Task>)> {
    let body = question.trim();
    if let Some(puzzle) = body.strip_prefix("Start with ") {
        let puzzle = puzzle.strip_suffix(". What is the result?")?;
        let mut pieces = puzzle.split(", then ");
        let start = pieces.next()?.parse().ok()?;
        let tasks = pieces.map(read_clause).collect::<Option<Vec<_>>>()?;
        return (!tasks.is_empty()).then_some((
            Running {
                current: start,
                held: 0,
            },
            tasks,
        ));
    }
    let (told, _asked) = body.rsplit_once(". How many ")?;
    let mut sentences = told.split(". ").peekable();
    let mut start = Running::default();
    let opening = sentences.peek()?;
    if !opening.contains(" boxes of ") {
        start.current = *numbers(opening).first()?;
        sentences.next();
    }
    let tasks = sentences.map(read_clause).collect::<Option<Vec<_>>>()?;
    (!tasks.is_empty()).then_some((start, tasks))
}

fn read_clause(clause: &str) -> Option<Task> {
    let numbers = numbers(clause);
    let has = |word: &str| clause.split(' ').any(|each| each == word);
    let operation = match (numbers.as_slice(), clause) {
        ([], _) if has("gave") && has("all") => Operation::Merge,
        ([count, each], _) if has("boxes") => Operation::Boxes {
            count: *count,
            each: *each,
        },
        ([k], _) if has("add") || has("more") => Operation::Add(*k),
        ([k], _) if has("subtract") || has("sold") || has("lost") || has("away") => {
            Operation::Subtract(*k)
        }
        ([k], _) if has("multiply") || has("traded") || has("swapped") => Operation::Multiply(*k),
        ([k], _) if has("divide") || has("split") || has("shared") => Operation::Divide(*k),
        ([k], _) if has("modulo") || has("packed") => Operation::Remainder(*k),
        _ => return None,
    };
    Some(Task {
        operation,
        clause: clause.to_owned(),
    })
}

fn numbers(text: &str) -> Vec<u32> {
    text.split(' ')
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// The expression whose operands may be miscopied: one digit of one operand changed.
pub fn miscopied(expression: Expression, rng: &mut impl Rng) -> Expression {
    let mut changed = expression;
    if rng.random_bool(0.5) {
        changed.left = changed_digit(changed.left, rng);
    } else {
        changed.right = changed_digit(changed.right, rng).max(1);
    }
    if changed.sign == Sign::Over {
        changed.left -= changed.left % changed.right.max(1);
    }
    changed
}

/// The number with one of its digits changed; most often by one, as models err.
pub fn changed_digit(value: u32, rng: &mut impl Rng) -> u32 {
    let unit = 10_u32.pow(rng.random_range(0..super::arithmetic::digits(value)));
    let digit = value / unit % 10;
    let step = if rng.random_bool(0.6) {
        1
    } else {
        rng.random_range(2..=8)
    };
    let other = if rng.random_bool(0.5) {
        (digit + step) % 10
    } else {
        (digit + 10 - step) % 10
    };
    value - digit * unit + other * unit
}

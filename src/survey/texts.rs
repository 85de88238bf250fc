//! A trajectory with its texts, which a survey does not keep.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::expr::{Field, Source, Value, calculation};
use crate::problem::repeat::repeats;
use crate::trace::{Log, LogError, Tree};

use super::{View, step_key};

/// The texts of a trajectory, its drafts and branches included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    question: Option<String>,
    /// By [`Step::key`](super::Step::key).
    steps: HashMap<u64, String>,
}

impl Texts {
    /// Reads those of a trajectory, and nothing else of it.
    ///
    /// # Errors
    /// As [`Log::texts`].
    pub fn of_log(log: &Log, run: &str, problem: &str) -> Result<Self, LogError> {
        let (question, steps) = log.texts(run, problem)?;
        let mut texts = Self::of_question(question);
        for step in steps {
            texts.add(&step.id, step.text);
        }
        Ok(texts)
    }

    /// Those of a trajectory that is open.
    pub fn of_tree(tree: &Tree) -> Self {
        let question = tree.problem().map(|problem| problem.question.clone());
        let mut texts = Self::of_question(question);
        for (_, node) in tree.nodes() {
            texts.add(&node.step.id, node.step.text.clone());
        }
        texts
    }

    /// Of a trajectory without a step.
    pub fn of_question(question: Option<String>) -> Self {
        Self {
            question,
            steps: HashMap::new(),
        }
    }

    /// Of several steps of one id the first is there.
    fn add(&mut self, id: &str, text: String) {
        self.steps.entry(step_key(id)).or_insert(text);
    }
}

/// The main line of a trajectory as expressions see it, texts included.
#[derive(Debug)]
pub struct WithTexts<'a> {
    view: View<'a>,
    texts: &'a Texts,
    /// Whether each step says again what one before it said.
    repeats: OnceCell<Vec<bool>>,
}

impl<'a> WithTexts<'a> {
    pub fn new(view: View<'a>, texts: &'a Texts) -> Self {
        Self {
            view,
            texts,
            repeats: OnceCell::new(),
        }
    }

    fn text(&self, at: usize) -> Option<&str> {
        let key = self.view.step(at)?.key();
        self.texts.steps.get(&key).map(String::as_str)
    }

    fn repeats(&self, at: usize) -> Option<bool> {
        self.text(at)?;
        let found = self.repeats.get_or_init(|| {
            let texts = (0..Source::steps(&self.view)).map(|at| self.text(at).unwrap_or_default());
            repeats(texts).iter().map(Option::is_some).collect()
        });
        found.get(at).copied()
    }
}

impl Source for WithTexts<'_> {
    fn steps(&self) -> usize {
        Source::steps(&self.view)
    }

    fn of_trajectory(&self, field: Field) -> Value<'_> {
        match field {
            Field::Question => self.texts.question.as_deref().into(),
            other => self.view.of_trajectory(other),
        }
    }

    fn of_step(&self, at: usize, field: Field) -> Value<'_> {
        match field {
            Field::Text => self.text(at).into(),
            Field::Calculation => self.text(at).map(calculation).into(),
            Field::Repeats => self.repeats(at).into(),
            other => self.view.of_step(at, other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::expr::{Expr, Scope};
    use crate::survey::{Fact, Survey};
    use crate::trace::record::Record;
    use crate::trace::samples;

    fn steps() -> [Record; 2] {
        [("a", None), ("b", Some("a"))].map(|(id, parent)| {
            let step = samples::step(id, parent, "so 3 + 4 = 8 in all");
            Record::Step(Arc::new(step))
        })
    }

    #[test]
    fn texts_and_what_a_survey_knows_stand_in_one_expression() {
        let records = steps();
        let mut survey = Survey::default();
        let facts = records.iter().filter_map(Fact::of);
        facts.for_each(|fact| survey.add(fact));
        survey.set_regrets(vec![Box::new([0.5, 0.0])], vec![Some("routing")]);
        let (run, problem) = survey.key(&survey.trajectories()[0]);
        let tree = Tree::from_records(run, problem, records.iter().cloned());
        let texts = Texts::of_tree(&tree);
        let holds = |text: &str, texts: &Texts| {
            let condition = Expr::condition(text, Scope::Trajectory).unwrap();
            condition.holds(&WithTexts::new(survey.view(0), texts))
        };
        for held in [
            "failure = routing & any(text ~ \"3 + 4\")",
            "max(regret) = 0.5 & first(repeats) = 2",
            "count(calculation = wrong) = steps",
            "!known(question)",
        ] {
            assert!(holds(held, &texts), "{held}");
            assert!(
                !holds(held, &Texts::default()) || held.contains('!'),
                "{held}"
            );
        }
        // Where a text is lost nothing is said of it.
        assert!(holds(
            "!any(known(text)) & !any(known(repeats))",
            &Texts::default()
        ));
    }

    #[test]
    fn texts_are_read_where_they_can_matter_and_only_there() {
        let mut survey = Survey::default();
        let records = steps();
        let facts = records.iter().filter_map(Fact::of);
        facts.for_each(|fact| survey.add(fact));
        let fails = |text: &str| {
            let condition = Expr::condition(text, Scope::Trajectory).unwrap();
            condition.fails_without_texts(&survey.view(0))
        };
        assert!(fails("steps > 2 & any(text ~ x)"));
        assert!(
            fails("any(text ~ x) & (wrong & steps = 2)"),
            "the verdict is not known"
        );
        assert!(!fails("steps = 2 & any(text ~ x)"));
        assert!(!fails("steps > 2 | any(text ~ x)"));
        assert!(!fails("count(text ~ x) = 0 & steps = 2"));
    }
}

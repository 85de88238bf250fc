//! A trajectory as a document tells it: question, steps with who wrote them
//! and what was decided after them, how it came out. Texts are safe to show
//! and readable; each layout escapes them for its own language.

use crate::counts::counted;
use crate::trace::NodeIndex;
use crate::trace::import::told;
use crate::trace::label::{Label, Rating};
use crate::trace::record::{
    CHECKER, Continuation, DecisionRecord, GRADER, PriceFacts, StepEnd, TrajectoryEnd, VERIFIER,
};
use crate::trace::tree::Node;
use crate::trace::visible::{visible, without_credentials};

use super::Subject;

/// How texts and figures are worded; given by whoever has a screen, so that a
/// document says it as the screen does.
#[derive(Clone, Copy)]
pub struct Wording {
    /// Mathematics as text.
    pub readable: fn(&str) -> String,
    /// An amount in a unit (`flops` or a currency code).
    pub amount: fn(Option<f64>, Option<&str>) -> String,
}

/// A trajectory.
pub struct Outline {
    pub problem: String,
    pub run: String,
    /// The spec of the router; `None` where the run's head is lost.
    pub router: Option<String>,
    /// Domain, difficulty, when it began.
    pub facts: Vec<(&'static str, String)>,
    /// The models of the pool, cheapest first, with what is known of their cost.
    pub pool: Vec<(Writer, String)>,
    pub question: Option<String>,
    /// The decision about the first step.
    pub first: Option<Decided>,
    pub steps: Vec<Step>,
    pub outcome: Option<Outcome>,
    /// What is not shown.
    pub notes: Vec<String>,
}

/// Who wrote a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    pub name: String,
    pub kind: WriterKind,
}

/// What a writer is in its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriterKind {
    Small,
    Between,
    Large,
    /// A person, or a model of a pool that is not known.
    Other,
}

impl WriterKind {
    /// Emptier is cheaper.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Small => "○",
            Self::Between => "◐",
            Self::Large => "●",
            Self::Other => "✎",
        }
    }
}

/// A step of the main line.
pub struct Step {
    pub index: u32,
    pub writer: Writer,
    pub text: String,
    /// Confidence, tokens, seconds, how it ended, what was said of it.
    pub facts: Vec<String>,
    /// Whether somebody found it incorrect.
    pub is_refuted: bool,
    /// Rejected drafts of it, in order.
    pub drafts: Vec<Draft>,
    /// What was decided after it.
    pub decided: Option<Decided>,
}

/// A rejected draft.
pub struct Draft {
    pub writer: Writer,
    pub text: String,
    pub facts: Vec<String>,
}

/// A decision.
pub struct Decided {
    pub action: Writer,
    /// Probabilities, threshold, propensity.
    pub rule: Vec<String>,
    pub reason: String,
    /// Who took it in the router's place, and what the router had wanted.
    pub overridden: Option<(String, String)>,
}

/// How it came out.
pub struct Outcome {
    pub verdict: &'static str,
    pub answer: Option<String>,
    pub gold: Option<String>,
    /// Rule, end, costs.
    pub facts: Vec<(&'static str, String)>,
}

impl Outline {
    /// The main line of a trajectory.
    pub fn of(subject: &Subject<'_>, wording: Wording) -> Self {
        let teller = Teller { subject, wording };
        let problem = subject.tree.problem();
        let mut facts = Vec::new();
        if let Some(problem) = problem {
            facts.extend(problem.domain.as_ref().map(|of| ("domain", clean(of))));
            let difficulty = problem.difficulty;
            facts.extend(difficulty.map(|d| ("difficulty", d.to_string())));
        }
        if let Some(head) = subject.head {
            facts.push(("begun", clean(&head.started)));
            facts.push(("seed", head.seed.to_string()));
        }
        let steps = (0..subject.main_line.len()).map(|at| teller.step(at));
        Self {
            problem: clean(subject.tree.problem_id()),
            run: clean(subject.tree.run()),
            router: subject.head.map(|head| clean(&head.router.spec)),
            facts,
            pool: teller.pool(),
            question: problem.map(|problem| teller.text(&problem.question)),
            first: subject
                .decision_after(None)
                .map(|made| teller.decided(made)),
            steps: steps.collect(),
            outcome: teller.outcome(),
            notes: teller.notes(),
        }
    }
}

/// A name or remark, safe to show.
fn clean(text: &str) -> String {
    visible(&without_credentials(text)).into_owned()
}

/// A number of the log in four digits behind the point, without zeros at the
/// end.
fn figure(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

struct Teller<'a> {
    subject: &'a Subject<'a>,
    wording: Wording,
}

impl Teller<'_> {
    /// What a model or a person wrote.
    fn text(&self, text: &str) -> String {
        // Tabs lay text out; written out they would only be in the way.
        let text = without_credentials(text).replace('\t', "    ");
        visible(&(self.wording.readable)(&text.replace("\r\n", "\n"))).into_owned()
    }

    fn writer(&self, name: &str) -> Writer {
        let kind = match self.subject.place(name) {
            None => WriterKind::Other,
            Some(0) => WriterKind::Small,
            Some(place) if place + 1 >= self.subject.models() => WriterKind::Large,
            Some(_) => WriterKind::Between,
        };
        Writer {
            name: clean(name),
            kind,
        }
    }

    fn pool(&self) -> Vec<(Writer, String)> {
        let pool = self.subject.head.map_or(&[][..], |head| &head.pool);
        let rows = pool.iter().map(|model| {
            let price = model.price.as_ref().map(price);
            let params = model.params.map(|n| format!("{n:.3e} parameters"));
            let facts = [Some(clean(&model.server)), params, price];
            let facts: Vec<String> = facts.into_iter().flatten().collect();
            (self.writer(&model.name), facts.join(", "))
        });
        rows.collect()
    }

    fn step(&self, at: usize) -> Step {
        let node = self.subject.main_line[at];
        let step = self.subject.step(node);
        let before = self.subject.tree.node(node).parent;
        let drafts = self.subject.tree.drafts(before).iter();
        Step {
            index: step.index,
            writer: self.writer(&step.model),
            text: self.text(&step.text),
            facts: self.facts(node),
            is_refuted: Subject::score_of(self.subject.tree.node(node), &[VERIFIER, CHECKER])
                .is_some_and(|found| found < 0.5),
            drafts: drafts.map(|&draft| self.draft(draft)).collect(),
            decided: self
                .subject
                .decision_after(Some(at))
                .map(|made| self.decided(made)),
        }
    }

    fn draft(&self, node: NodeIndex) -> Draft {
        let step = self.subject.step(node);
        Draft {
            writer: self.writer(&step.model),
            text: self.text(&step.text),
            facts: self.facts(node),
        }
    }

    fn facts(&self, node: NodeIndex) -> Vec<String> {
        let found = self.subject.tree.node(node);
        let step = &found.step;
        let mut facts = Vec::new();
        facts.push(match step.confidence.value {
            Some(value) => format!("u {}", figure(value)),
            None => "u n/a".to_owned(),
        });
        facts.extend(told::output_tokens(step).map(|tokens| counted(tokens, "token")));
        facts.extend(told::seconds(step).map(|seconds| format!("{} s", figure(seconds))));
        if !matches!(step.end, StepEnd::Delimiter | StepEnd::Eos) {
            facts.push(format!("ended: {}", step.end.name()));
        }
        if step.continuation == Continuation::Edited {
            facts.push("written by a person".to_owned());
        }
        // A grader's score is of the whole trajectory.
        for score in found.scores.iter().filter(|score| score.scorer != GRADER) {
            let value = score.value.map_or_else(|| "n/a".to_owned(), figure);
            facts.push(format!("{} {value}", clean(&score.scorer)));
        }
        facts.extend(labels(found));
        facts
    }

    fn decided(&self, made: &DecisionRecord) -> Decided {
        let pool = self.subject.head.map_or(&[][..], |head| &head.pool);
        let mut rule = Vec::new();
        if !made.probabilities.is_empty() {
            let named = made.probabilities.iter().enumerate().map(|(place, p)| {
                let name = pool
                    .get(place)
                    .map_or_else(|| place.to_string(), |model| clean(&model.name));
                format!("π({name}) = {}", figure(*p))
            });
            rule.extend(named);
        }
        rule.extend(made.threshold.map(|at| format!("threshold {}", figure(at))));
        if made.propensity < 1.0 {
            rule.push(format!("drawn with {}", figure(made.propensity)));
        }
        Decided {
            action: self.writer(&made.action),
            rule,
            reason: clean(&made.reason),
            overridden: made
                .overridden
                .as_ref()
                .map(|person| (clean(&person.who), clean(&person.wanted))),
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        let outcome = self.subject.outcome()?;
        let unit = self.subject.head.and_then(|head| head.cost_unit.as_deref());
        let unit = unit.map(clean);
        let amount = |value| clean(&(self.wording.amount)(value, unit.as_deref()));
        let mut facts = vec![
            (
                "rule",
                format!("{}, {}", clean(&outcome.rule), clean(&outcome.grader)),
            ),
            ("published cost", amount(outcome.cost.published)),
            ("full cost", amount(outcome.cost.full)),
        ];
        if outcome.end != TrajectoryEnd::Finished {
            facts.push(("ended", outcome.end.name().to_owned()));
        }
        let said = [("reason", &outcome.reason), ("error", &outcome.error)];
        facts.extend(said.iter().filter_map(|(name, text)| {
            let text = text.as_ref()?;
            Some((*name, clean(text)))
        }));
        Some(Outcome {
            verdict: outcome.verdict.name(),
            answer: outcome.answer.as_deref().map(|answer| self.text(answer)),
            gold: outcome.gold.as_deref().map(|gold| self.text(gold)),
            facts,
        })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let leaves = self.subject.tree.leaves().count();
        if let Some(others @ 1..) = leaves.checked_sub(1) {
            notes.push(format!("not shown: {}", counted(others, "other branch")));
        }
        if self.subject.head.is_none() {
            notes.push("the run's head is lost: router, pool and unit are not known".to_owned());
        }
        let faults = self.subject.tree.faults().len();
        if faults > 0 {
            let records = counted(faults, "record");
            notes.push(format!(
                "{records} without what they belong to, which is lost"
            ));
        }
        notes
    }
}

/// What stands of what people said of a step.
fn labels(node: &Node) -> Vec<String> {
    let ballot = node.ballot();
    let told = ballot.opinions().map(|(who, opinion)| {
        let words = [
            opinion.rating.map(Rating::label),
            opinion.flagged.then_some(Label::Flagged),
            opinion.skipped.then_some(Label::Skipped),
        ];
        let words: Vec<&str> = words.into_iter().flatten().map(Label::name).collect();
        let note = node.note_of(who);
        let note = note.map_or_else(String::new, |note| format!(" ({})", clean(note)));
        format!("label {} by {}{note}", words.join(", "), clean(who))
    });
    told.collect()
}

fn price(price: &PriceFacts) -> String {
    format!(
        "{} in, {} out {} per {}",
        price.input,
        price.output,
        clean(&price.currency),
        counted(price.per, "token")
    )
}

/// Something that every layout can be tested with.
#[cfg(test)]
pub(super) fn plain() -> Wording {
    Wording {
        readable: str::to_owned,
        amount: |value, unit| {
            let value = value.map_or_else(|| "unknown".to_owned(), |value| value.to_string());
            format!("{value} {}", unit.unwrap_or_default())
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Tree;
    use crate::trace::import::told::UNTOLD;
    use crate::trace::record::LabelRecord;
    use crate::trace::record::Record;
    use crate::trace::samples;

    fn facts(said: &[(&str, Label)], source: Option<&str>) -> Vec<String> {
        let mut step = samples::step("a", None, "text");
        step.usage.output = 0;
        step.seconds = 0.0;
        if let Some(source) = source {
            step.confidence.source = source.to_owned();
        }
        let labels = said.iter().map(|(who, label)| {
            Record::Label(LabelRecord {
                run: "r".into(),
                step: "a".into(),
                problem: "p".into(),
                who: (*who).into(),
                when: String::new(),
                label: label.name().into(),
                note: (*label == Label::Bad).then(|| "why".into()),
            })
        });
        let records = std::iter::once(Record::Step(step.into())).chain(labels);
        let tree = Tree::from_records("r", "p", records);
        let outline = Outline::of(&Subject::new(None, &tree), plain());
        outline.steps.into_iter().next().unwrap().facts
    }

    #[test]
    fn of_labels_those_are_told_that_stand() {
        let said = [
            ("ann", Label::Good),
            ("bob", Label::Bad),
            ("ann", Label::Retracted),
            ("bob", Label::Flagged),
        ];
        let facts = facts(&said, None);
        let labels: Vec<&String> = facts.iter().filter(|one| one.contains("label")).collect();
        assert_eq!(labels, ["label bad, flagged by bob (why)"]);
    }

    #[test]
    fn what_an_imported_step_does_not_say_is_no_zero() {
        assert!(facts(&[], None).contains(&"0 tokens".to_owned()));
        let untold = facts(&[], Some(UNTOLD));
        assert!(!untold.iter().any(|one| one.starts_with('0')), "{untold:?}");
    }
}

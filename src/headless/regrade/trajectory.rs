//! One recorded trajectory: its outcomes graded again, its steps verified.

use std::sync::Arc;

use crate::cost::{Ledger, PERSON};
use crate::model::scorer::grader::is_llm;
use crate::model::scorer::{GradeMode, verifier};
use crate::problem::answer::{Grader as _, RuleGrader, Verdict};
use crate::trace::import::COMMAND;
use crate::trace::record::{
    Continuation, OutcomeRecord, Record, Regraded, Replaced, Role, RunRecord, ScoreRecord,
    TrajectoryEnd, VERIFIER,
};
use crate::trace::tree::{Fault, Node};
use crate::trace::{Log, NodeIndex, Tree};

use super::Scorers;
use super::report::{Change, Report};
use crate::headless::Failure;
use crate::headless::clock::now;
use crate::headless::grading::{About, Grading, was_paid};
use crate::headless::journal::Journal;
use crate::headless::stop::Stop;

/// What the trajectories of a log are worked on with.
pub(super) struct Work {
    pub scorers: Scorers,
    pub stop: Arc<Stop>,
    /// The log that is open; `None` where nothing is appended.
    pub journal: Option<Journal>,
    pub dry_run: bool,
}

/// A trajectory of the log.
struct Recorded<'a> {
    tree: &'a Tree,
    ledger: &'a Ledger,
    head: Option<&'a RunRecord>,
}

impl Recorded<'_> {
    /// The question; `None` where its record is lost.
    fn question(&self) -> Option<&str> {
        self.tree.problem().map(|problem| problem.question.as_str())
    }

    /// Whether every step up to `node` is there: else nobody knows its text.
    fn is_whole(&self, node: NodeIndex) -> bool {
        let first = self.tree.path(node).first().copied();
        first.is_some_and(|first| !self.tree.node(first).is_orphan())
    }
}

/// What an outcome is to become.
enum Again {
    /// It stands, perhaps with another answer read from the text.
    Stands(OutcomeRecord),
    Replaced(Option<ScoreRecord>, Box<OutcomeRecord>),
    /// The grader would be asked.
    WouldAsk,
    /// The grader failed, or the run was stopped before it answered.
    Unknown,
}

impl Work {
    /// Appends to the log that is open.
    pub fn append(&self, records: Vec<Record>) -> Result<(), Failure> {
        match &self.journal {
            Some(journal) => journal.append(records),
            None => Ok(()),
        }
    }

    /// Works on one trajectory and counts in `report` what was done, also
    /// where it fails.
    pub async fn trajectory(
        &self,
        log: &Log,
        run: &str,
        problem: &str,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let (tree, damages) = log.tree(run, problem)?;
        report.damaged(damages);
        let head = log.run(run);
        let ledger = head.map(|head| Ledger::new(&head.pool)).unwrap_or_default();
        let recorded = Recorded {
            tree: &tree,
            ledger: &ledger,
            head,
        };
        let lost =
            |fault: &Fault| matches!(fault, Fault::Stray { record, .. } if *record == "outcome");
        report.incomplete += tree.faults().iter().filter(|fault| lost(fault)).count();
        if let Some(outcome) = tree.root_outcomes().last() {
            self.outcome(&recorded, outcome, None, report).await?;
        }
        for (index, node) in tree.nodes() {
            let Some(outcome) = node.outcome() else {
                continue;
            };
            if recorded.is_whole(index) {
                self.outcome(&recorded, outcome, Some(index), report)
                    .await?;
            } else {
                report.incomplete += 1;
            }
        }
        if self.scorers.verifier.is_some() {
            self.verify(&recorded, report).await?;
        }
        Ok(())
    }

    async fn outcome(
        &self,
        of: &Recorded<'_>,
        outcome: &OutcomeRecord,
        leaf: Option<NodeIndex>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        if self.stop.is_stopped() {
            return Ok(());
        }
        report.trajectories += 1;
        if outcome.end == TrajectoryEnd::Error {
            report.left_alone += 1;
            return Ok(());
        }
        let text = leaf.map(|leaf| of.tree.text(leaf)).unwrap_or_default();
        let (score, mut newer) = match self.again(of, outcome, &text, report).await? {
            Again::Stands(outcome) => (None, Box::new(outcome)),
            Again::Replaced(score, newer) => (score, newer),
            Again::WouldAsk | Again::Unknown => return Ok(()),
        };
        report.regraded += 1;
        let said = |outcome: &OutcomeRecord| {
            (
                outcome.verdict,
                outcome.answer.clone(),
                outcome.rule.clone(),
                outcome.grader.clone(),
            )
        };
        if said(outcome) == said(&newer) {
            report.unchanged += 1;
            return Ok(());
        }
        newer.regraded = Some(Regraded {
            when: now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            replaces: Replaced {
                grader: outcome.grader.clone(),
                verdict: outcome.verdict,
                rule: outcome.rule.clone(),
            },
        });
        report.change(Change::new(outcome, &newer));
        let score = score.map(Record::Score);
        let records = score.into_iter().chain([Record::Outcome(newer)]);
        self.append(records.collect())
    }

    /// What `outcome`, of the trajectory whose text is `text`, is to become.
    async fn again(
        &self,
        of: &Recorded<'_>,
        outcome: &OutcomeRecord,
        text: &str,
        report: &mut Report,
    ) -> Result<Again, Failure> {
        let mut rules = outcome.clone();
        if let Some(gold) = of.tree.problem().and_then(|problem| problem.gold.as_ref()) {
            rules.gold = Some(gold.clone());
        }
        let grade = RuleGrader.grade(rules.gold.as_deref(), text);
        rules.set_grade(grade, RuleGrader.name());
        let stands = || {
            Again::Stands(OutcomeRecord {
                answer: rules.answer.clone(),
                ..outcome.clone()
            })
        };
        if self.scorers.unsaid && model_decides(of.head, outcome, &rules) {
            return Ok(stands());
        }
        let grading = self.scorers.grading.as_ref();
        let Some(grading) = grading.filter(|grading| grading.asks_about(&rules)) else {
            return Ok(Again::Replaced(None, Box::new(rules)));
        };
        if outcome.grader == grading.name() {
            // Asked about this very text already, greedily.
            return Ok(stands());
        }
        let Some(question) = of.question() else {
            report.incomplete += 1;
            return Ok(Again::Unknown);
        };
        if self.dry_run {
            report.grader.asked += 1;
            return Ok(Again::WouldAsk);
        }
        let begun = self.stop.begin();
        let graded = tokio::select! {
            graded = grading.grade(question, text, &rules, of.ledger) => graded,
            () = self.stop.stopped() => return Ok(Again::Unknown),
        };
        report.grader.asked += 1;
        if let Some(score) = &graded.score {
            report.grader.count(score);
        }
        match graded.outcome {
            Ok(newer) => {
                self.stop.answered(grading.grader.endpoint.name());
                Ok(Again::Replaced(graded.score, Box::new(newer)))
            }
            Err(error) => {
                report.grader.fail(&error);
                self.stop.failed(begun, &error);
                if let Some(score) = graded.score {
                    report.paid += 1;
                    let paid = Grading::after_failure(outcome, &score, of.ledger);
                    let records = vec![Record::Score(score), Record::Outcome(Box::new(paid))];
                    self.append(records)?;
                }
                Ok(Again::Unknown)
            }
        }
    }

    /// Asks the verifier about the steps that it has not judged yet, one after
    /// the other: each prompt begins as the one before it.
    async fn verify(&self, of: &Recorded<'_>, report: &mut Report) -> Result<(), Failure> {
        for (index, node) in of.tree.nodes() {
            if self.stop.is_stopped() {
                break;
            }
            if !to_verify(node) {
                continue;
            }
            let Some(question) = of.question().filter(|_| of.is_whole(index)) else {
                report.verified.incomplete += 1;
                continue;
            };
            if self.dry_run {
                report.verified.steps += 1;
                continue;
            }
            self.verify_step(of, node, question, report).await?;
        }
        Ok(())
    }

    async fn verify_step(
        &self,
        of: &Recorded<'_>,
        node: &Node,
        question: &str,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let Some(scorer) = &self.scorers.verifier else {
            return Ok(());
        };
        let prefix = node.parent.map(|parent| of.tree.text(parent));
        let case = verifier::Case {
            problem: of.tree.problem_id(),
            question,
            prefix: prefix.as_deref().unwrap_or_default(),
            step: &node.step.text,
        };
        let begun = self.stop.begin();
        let said = tokio::select! {
            said = verifier::verify(scorer.endpoint.as_ref(), &case) => said,
            () = self.stop.stopped() => return Ok(()),
        };
        let about = About {
            run: of.tree.run(),
            problem: of.tree.problem_id(),
            step: &node.step.id,
            ledger: of.ledger,
        };
        let score = scorer.score(about, Role::Verifier, said.as_ref());
        report.verifier.asked += 1;
        report.verifier.count(&score);
        match said {
            Ok(opinion) => {
                self.stop.answered(scorer.endpoint.name());
                report.verified.add(opinion.correct);
            }
            Err(error) => {
                report.verifier.fail(&error);
                self.stop.failed(begun, &error);
                if !was_paid(&error) {
                    return Ok(());
                }
                report.paid += 1;
            }
        }
        self.append(vec![Record::Score(score)])
    }
}

/// Whether a model's verdict stands where nobody said who grades: the rules
/// have none still, or the run asked for a model's in the first place.
fn model_decides(head: Option<&RunRecord>, outcome: &OutcomeRecord, rules: &OutcomeRecord) -> bool {
    let by_model = head
        .and_then(|head| head.grading.as_deref())
        .is_some_and(|mode| mode == GradeMode::Llm.name());
    // What the source of an imported run says is all there is, too.
    let imported = head.is_some_and(|head| head.command == COMMAND);
    let by_other = is_llm(&outcome.grader) || imported;
    by_other && (by_model || rules.verdict == Verdict::Ungraded)
}

/// Whether the step is a model's and no verifier has answered about it.
fn to_verify(node: &Node) -> bool {
    let step = &node.step;
    let by_model = step.model != PERSON && step.continuation != Continuation::Edited;
    // A call that failed left what it cost, and no answer.
    let answered = |score: &ScoreRecord| {
        score.scorer == VERIFIER && (score.value.is_some() || score.usage.output > 0)
    };
    step.kept && by_model && !step.text.trim().is_empty() && !node.scores.iter().any(answered)
}

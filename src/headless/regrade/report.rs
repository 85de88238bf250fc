//! What grading again came to.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::headless::plain::plain;
use crate::headless::{Exit, Failure};
use crate::model::endpoint::EndpointError;
use crate::problem::answer::Verdict;
use crate::trace::index::FileDamage;
use crate::trace::record::{ModelFacts, OutcomeRecord, ScoreRecord};

/// Changed problems that the text names.
const MOST_NAMED: usize = 20;
/// Damaged lines that are named.
const MOST_DAMAGED: usize = 5;

/// Counts over all logs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// True where nothing was appended and nobody was asked.
    pub dry_run: bool,
    pub logs: usize,
    /// Trajectories with an outcome: a branched problem may have several.
    pub trajectories: usize,
    /// Those graded again.
    pub regraded: usize,
    pub unchanged: usize,
    /// Those of which verdict, answer, rule or grader changed.
    pub changed: usize,
    /// Those that an endpoint's failure had ended.
    pub left_alone: usize,
    /// Outcomes of which steps or question are lost: nobody can grade them.
    pub incomplete: usize,
    /// Changed outcomes by old and new verdict.
    pub verdicts: Vec<Moved>,
    /// Every changed outcome.
    pub problems: Vec<Change>,
    /// Of a dry run, what would be asked.
    pub grader: Asked,
    pub verifier: Asked,
    pub verified: Verified,
    /// Lines that could not be read.
    pub damaged_lines: usize,
    /// The first of them.
    pub damaged: Vec<String>,
    #[serde(skip)]
    damaged_at: BTreeSet<(PathBuf, u64)>,
    #[serde(skip)]
    log: String,
    /// Failed calls of which the log keeps the cost.
    #[serde(skip)]
    pub(super) paid: usize,
}

/// How many outcomes moved from one verdict to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    pub from: Verdict,
    pub to: Verdict,
    pub count: usize,
}

/// An outcome that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub log: String,
    pub run: String,
    pub problem: String,
    pub leaf: Option<String>,
    pub old: Said,
    pub new: Said,
}

/// What an outcome says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    pub verdict: Verdict,
    pub answer: Option<String>,
    pub grader: String,
    pub rule: String,
}

/// Calls of one scorer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// `None` where nobody is asked.
    pub model: Option<String>,
    pub asked: usize,
    pub failed: usize,
    /// Tokens of every call, failed ones included.
    pub prompt_tokens: u64,
    pub output_tokens: u64,
    /// Why the first call failed.
    pub first_failure: Option<String>,
}

/// What the verifier said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Steps it answered about; of a dry run, steps it would be asked about.
    pub steps: usize,
    pub correct: usize,
    pub incorrect: usize,
    /// Replies without a verdict.
    pub no_verdict: usize,
    /// Steps of which the question or a step before them is lost.
    pub incomplete: usize,
}

impl From<&OutcomeRecord> for Said {
    fn from(outcome: &OutcomeRecord) -> Self {
        Self {
            verdict: outcome.verdict,
            answer: outcome.answer.clone(),
            grader: outcome.grader.clone(),
            rule: outcome.rule.clone(),
        }
    }
}

impl Change {
    pub(super) fn new(old: &OutcomeRecord, new: &OutcomeRecord) -> Self {
        Self {
            log: String::new(),
            run: old.run.clone(),
            problem: old.problem.clone(),
            leaf: old.leaf.clone(),
            old: old.into(),
            new: new.into(),
        }
    }
}

impl Asked {
    pub(super) fn count(&mut self, score: &ScoreRecord) {
        let attempts = score.attempts.iter().map(|attempt| attempt.usage);
        for usage in attempts.chain([score.usage]) {
            self.prompt_tokens += usage.prompt;
            self.output_tokens += usage.output;
        }
    }

    pub(super) fn fail(&mut self, error: &EndpointError) {
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| error.to_string());
    }

    fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.failed += other.failed;
        self.prompt_tokens += other.prompt_tokens;
        self.output_tokens += other.output_tokens;
        if self.first_failure.is_none() {
            self.first_failure = other.first_failure;
        }
    }

    fn tokens(&self) -> String {
        let (prompt, output) = (self.prompt_tokens, self.output_tokens);
        format!("{prompt} tokens in, {output} out")
    }
}

impl Verified {
    pub(super) fn add(&mut self, correct: Option<bool>) {
        self.steps += 1;
        match correct {
            Some(true) => self.correct += 1,
            Some(false) => self.incorrect += 1,
            None => self.no_verdict += 1,
        }
    }
}

impl Report {
    pub(super) fn new(
        dry_run: bool,
        grader: Option<&ModelFacts>,
        verifier: Option<&ModelFacts>,
    ) -> Self {
        let asked = |facts: Option<&ModelFacts>| Asked {
            model: facts.map(|facts| facts.name.clone()),
            ..Asked::default()
        };
        Self {
            dry_run,
            grader: asked(grader),
            verifier: asked(verifier),
            ..Self::default()
        }
    }

    pub(super) fn begin_log(&mut self, path: &Path, damages: impl Iterator<Item = FileDamage>) {
        self.logs += 1;
        self.log = path.to_string_lossy().into_owned();
        self.damaged(damages.collect());
    }

    /// A damaged line is met again where it is loaded again.
    pub(super) fn damaged(&mut self, damages: Vec<FileDamage>) {
        for found in damages {
            if self
                .damaged_at
                .insert((found.path.clone(), found.damage.line))
            {
                self.damaged_lines += 1;
                if self.damaged.len() < MOST_DAMAGED {
                    self.damaged.push(found.to_string());
                }
            }
        }
    }

    pub(super) fn change(&mut self, change: Change) {
        let (from, to) = (change.old.verdict, change.new.verdict);
        self.changed += 1;
        self.moved(from, to, 1);
        self.problems.push(change);
    }

    fn moved(&mut self, from: Verdict, to: Verdict, count: usize) {
        let known = self
            .verdicts
            .iter_mut()
            .find(|m| (m.from, m.to) == (from, to));
        match known {
            Some(known) => known.count += count,
            None => self.verdicts.push(Moved { from, to, count }),
        }
    }

    /// Adds what was done to a part of the logs.
    pub(super) fn add(&mut self, part: Self) {
        self.trajectories += part.trajectories;
        self.regraded += part.regraded;
        self.unchanged += part.unchanged;
        self.changed += part.changed;
        self.left_alone += part.left_alone;
        self.incomplete += part.incomplete;
        self.paid += part.paid;
        for Moved { from, to, count } in part.verdicts {
            self.moved(from, to, count);
        }
        let log = &self.log;
        let problems = part.problems.into_iter().map(|mut change| {
            if change.log.is_empty() {
                change.log.clone_from(log);
            }
            change
        });
        self.problems.extend(problems);
        self.grader.add(part.grader);
        self.verifier.add(part.verifier);
        self.verified.steps += part.verified.steps;
        self.verified.correct += part.verified.correct;
        self.verified.incorrect += part.verified.incorrect;
        self.verified.no_verdict += part.verified.no_verdict;
        self.verified.incomplete += part.verified.incomplete;
        let known = self.damaged_at.len();
        self.damaged_at.extend(part.damaged_at);
        let fresh = self.damaged_at.len() - known;
        self.damaged_lines += fresh;
        let room = MOST_DAMAGED.saturating_sub(self.damaged.len()).min(fresh);
        self.damaged.extend(part.damaged.into_iter().take(room));
    }

    /// Whether there was nothing to work on.
    pub(super) fn is_empty(&self) -> bool {
        self.trajectories + self.incomplete + self.verified.steps + self.verified.incomplete == 0
    }

    /// How many records were appended for it.
    pub(super) fn appended(&self) -> usize {
        match self.dry_run {
            true => 0,
            false => self.changed + self.verified.steps + self.paid,
        }
    }

    /// Why not everything was done: calls failed.
    pub(super) fn failure(&self) -> Option<Failure> {
        let failed = self.grader.failed + self.verifier.failed;
        let calls = self.grader.asked + self.verifier.asked;
        let first = self.grader.first_failure.as_ref();
        let first = first.or(self.verifier.first_failure.as_ref())?;
        let message = format!("{failed} of {calls} calls failed: {first}");
        Some(Failure::new(Exit::Endpoint, message).hint("run the same command again"))
    }

    /// A few lines for people.
    pub fn to_text(&self) -> String {
        let mut lines: Vec<(&str, String)> = Vec::new();
        let tense = if self.dry_run { "would be" } else { "were" };
        lines.push((
            "logs",
            format!(
                "{} · {} trajectories with an outcome",
                self.logs, self.trajectories
            ),
        ));
        let mut graded = format!("{} again", self.regraded);
        for (count, what) in [
            (
                self.left_alone,
                "ended in an endpoint error and were left alone",
            ),
            (
                self.incomplete,
                "cannot be graded: lines of the log are lost",
            ),
        ] {
            if count > 0 {
                let _ = write!(graded, ", {count} {what}");
            }
        }
        lines.push(("graded", graded));
        lines.push((
            "changed",
            format!("{} outcomes {tense} appended", self.changed),
        ));
        for Moved { from, to, count } in &self.verdicts {
            let same = if from == to {
                "  (answer, rule or grader)"
            } else {
                ""
            };
            let moved = format!("{:<8} → {:<8} {count:>6}{same}", from.name(), to.name());
            lines.push(("", moved));
        }
        lines.extend(
            self.problems
                .iter()
                .take(MOST_NAMED)
                .map(|change| ("", told(change))),
        );
        if self.problems.len() > MOST_NAMED {
            let more = self.problems.len() - MOST_NAMED;
            lines.push(("", format!("and {more} more (`--json` names all)")));
        }
        lines.extend(self.asked_lines());
        if self.damaged_lines > 0 {
            let more = if self.damaged_lines > self.damaged.len() {
                " …"
            } else {
                ""
            };
            let named = format!(
                "{} lines skipped: {}{more}",
                self.damaged_lines,
                self.damaged.join("; ")
            );
            lines.push(("damaged", named));
        }
        let mut text = String::new();
        for (name, value) in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<10} {}", plain(&value));
        }
        text
    }

    fn asked_lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        let Verified {
            steps,
            correct,
            incorrect,
            no_verdict,
            incomplete,
        } = &self.verified;
        let failed = |asked: &Asked| match asked.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        if let Some(model) = &self.grader.model {
            let asked = self.grader.asked;
            lines.push((
                "grader",
                match self.dry_run {
                    true => format!("{model} would be asked {asked} times"),
                    false => format!(
                        "{model} was asked {asked} times{} · {}",
                        failed(&self.grader),
                        self.grader.tokens()
                    ),
                },
            ));
        }
        if let Some(model) = &self.verifier.model {
            let mut text = match self.dry_run {
                true => format!("{model} would be asked about {steps} steps"),
                false => format!(
                    "{model}: {steps} steps, {correct} correct, {incorrect} incorrect, \
                     {no_verdict} without a verdict{} · {}",
                    failed(&self.verifier),
                    self.verifier.tokens()
                ),
            };
            if *incomplete > 0 {
                let _ = write!(
                    text,
                    ", {incomplete} steps left out: lines of the log are lost"
                );
            }
            lines.push(("verifier", text));
        }
        lines
    }
}

/// A line about one change.
fn told(change: &Change) -> String {
    let Change {
        problem, old, new, ..
    } = change;
    format!(
        "{problem}: {} → {} ({} {} → {} {})",
        old.verdict.name(),
        new.verdict.name(),
        old.grader,
        old.rule,
        new.grader,
        new.rule
    )
}

//! Two trajectories step by step, or two runs problem by problem.

mod pair;
mod runs;

use crate::headless::Failure;

use super::{Shown, Subject};

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// `PROBLEM` or `PROBLEM@RUN`.
    pub problem: Option<String>,
    /// The same; `@RUN` is the same problem in that run.
    pub with: Option<String>,
    /// Runs by the beginnings of their ids.
    pub run: Option<String>,
    pub with_run: Option<String>,
    /// Texts as well.
    pub content: bool,
    /// Most problems listed of two runs.
    pub limit: Option<usize>,
}

/// Compares two trajectories, or without a problem two runs.
///
/// # Errors
/// A problem or a run that is not there, or of which there are several; runs
/// without anything in common.
pub fn compare(subject: &Subject<'_>, wanted: &Compared) -> Result<Shown, Failure> {
    match &wanted.problem {
        Some(problem) => pair::trajectories(subject, problem, wanted),
        None if wanted.with.is_some() => Err(Failure::usage("--with what?")
            .hint("--problem takes the first trajectory, as PROBLEM or PROBLEM@RUN")),
        None => runs::runs(subject, wanted),
    }
}

/// A trajectory by the ids of its run and its problem.
struct Place {
    run: String,
    problem: String,
}

impl Subject<'_> {
    /// The id of a run that begins so.
    fn run_id(&self, id: &str) -> Result<String, Failure> {
        let run = self.run(Some(id))?;
        let name = self.survey.runs()[run as usize].id;
        Ok(self.survey.name(name).to_owned())
    }

    fn runs_of(&self, problem: &str) -> Vec<String> {
        let all = self.log.trajectories();
        all.filter(|found| found.problem == problem)
            .map(|found| found.run.to_owned())
            .collect()
    }

    /// `PROBLEM@RUN` in its parts; an id may hold an `@` itself.
    fn parts<'t>(&self, text: &'t str) -> (&'t str, Option<&'t str>) {
        if !self.runs_of(text).is_empty() {
            return (text, None);
        }
        match text.rsplit_once('@') {
            Some((problem, run)) => (problem, Some(run)),
            None => (text, None),
        }
    }

    /// The trajectory of a problem that is wanted as `flag` says.
    fn locate(&self, wanted: &Wanted<'_>, flag: &str) -> Result<Place, Failure> {
        let problem = wanted.problem;
        let mut runs = self.runs_of(problem);
        if runs.is_empty() {
            return Err(Failure::usage(format!("no problem `{problem}` in the log")));
        }
        if let Some(run) = wanted.run {
            let run = self.run_id(run)?;
            if !runs.contains(&run) {
                let message = format!("run {run} has no problem `{problem}`");
                let hint = format!("it is in {}", runs.join(", "));
                return Err(Failure::usage(message).hint(hint));
            }
            runs = vec![run];
        }
        runs.retain(|run| Some(run.as_str()) != wanted.not_in);
        match runs.as_slice() {
            [run] | [run, _] if runs.len() == 1 || wanted.first_of_two => Ok(Place {
                run: run.clone(),
                problem: problem.to_owned(),
            }),
            [] => Err(
                Failure::usage(format!("no other run has problem `{problem}`"))
                    .hint("--with takes another problem as well"),
            ),
            several => {
                let message = format!(
                    "problem `{problem}` is in {} runs of the log",
                    several.len()
                );
                let hint = format!(
                    "{flag} takes it as {problem}@RUN, where RUN is one of {}",
                    several.join(", ")
                );
                Err(Failure::usage(message).hint(hint))
            }
        }
    }
}

/// What is known of a trajectory that is sought.
struct Wanted<'t> {
    problem: &'t str,
    /// The beginning of the id of its run.
    run: Option<&'t str>,
    /// The run that it is not in.
    not_in: Option<&'t str>,
    /// Whether of two runs the first is meant: the other one is then compared
    /// with it.
    first_of_two: bool,
}

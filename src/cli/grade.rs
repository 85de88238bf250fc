//! `grade`: answer extraction and equivalence alone.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::headless::grade::{Done, GradeError, grade};
use crate::headless::{Exit, Failure};

/// Grade pairs of answers: extraction and equivalence alone
///
/// Grades pairs of a gold answer and a text or an answer, by rules alone.
///
/// Reads JSON lines: `gold`, and either `prediction_text` (a model's whole
/// text, whose final answer is found first) or `answer` (the answer itself);
/// `id` comes back as it is. Writes JSON lines in the same order: `id`,
/// `extracted`, `verdict` (`correct`, `wrong` or `ungraded`), `rule`, `reason`
/// where ungraded, `extraction` (what found the answer) and `forms` (both
/// answers as they were compared).
///
/// Where the pairs carry `expected` (true or false), how the verdicts agree is
/// told on stderr, by `category`; an ungraded pair agrees with no label.
/// `--summary FILE` keeps that as a JSON document.
///
/// Exit code 4: some lines were no pairs; they are named and left out.
#[derive(Debug, Clone, Args)]
pub(super) struct GradeArgs {
    /// The pairs, as JSON lines; `-` for stdin
    #[arg(long, value_name = "FILE", required = true)]
    pairs: PathBuf,
    /// Write the counts as one JSON document
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Cores to use; all where not given
    #[arg(long, value_name = "N", value_parser = super::options::at_least_one)]
    concurrency: Option<usize>,
    /// The counts on stderr as one JSON document too
    #[arg(long)]
    json: bool,
    /// No counts, no warnings
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &GradeArgs) -> Result<(), Failure> {
    let cores = args
        .concurrency
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let name = args.pairs.display();
    if let Some(summary) = &args.summary {
        check_summary(summary, &args.pairs)?;
    }
    let source = open(&args.pairs)?;
    let output = BufWriter::new(io::stdout().lock());
    let done = match grade(BufReader::with_capacity(1 << 18, source), output, cores) {
        Ok(done) => done,
        // Whoever closed the pipe has read enough.
        Err(GradeError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            return Ok(());
        }
        Err(error) => return Err(Failure::new(Exit::Failed, format!("{name}: {error}"))),
    };
    if let Some(path) = &args.summary {
        super::export::write(path, &super::document(&done.summary, "the summary")?)?;
    }
    match (args.quiet, args.json) {
        (true, _) => {}
        (false, true) => super::say(&format!(
            "{}\n",
            serde_json::json!({"summary": done.summary})
        )),
        (false, false) => super::say(&done.summary.to_text()),
    }
    bad_lines(&args.pairs, &done)
}

fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            return Err(Failure::usage("stdin is a terminal")
                .hint("pipe JSON lines into it, or name a file"));
        }
        return Ok(Box::new(io::stdin()));
    }
    match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|found| found.is_dir()) => Err(Failure::usage(
            format!("{}: this is a folder, not a file of pairs", path.display()),
        )),
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::usage(format!(
            "{}: cannot open the pairs: {error}",
            path.display()
        ))),
    }
}

/// Refuses a summary that could not be written, or that would be written over
/// the pairs, before any work is done.
fn check_summary(summary: &Path, pairs: &Path) -> Result<(), Failure> {
    let shown = summary.display();
    if summary == Path::new("-") {
        return Err(
            Failure::usage("the summary is written to a file, not to `-`")
                .hint("`--json` prints it on stderr"),
        );
    }
    let real = |path: &Path| path.canonicalize().ok();
    if real(summary).is_some_and(|summary| Some(summary) == real(pairs)) {
        return Err(
            Failure::usage(format!("{shown}: these are the pairs themselves"))
                .hint("name another file for the summary"),
        );
    }
    if summary.is_dir() {
        return Err(Failure::usage(format!("{shown}: a folder, not a file"))
            .hint("name a file in it for the summary"));
    }
    let folder = summary
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!("{shown}: no such folder"))
            .hint("make it first, or name another file"));
    }
    Ok(())
}

/// What was graded is printed; lines that were no pairs are the exit code.
fn bad_lines(path: &Path, done: &Done) -> Result<(), Failure> {
    if done.bad_lines == 0 {
        if done.pairs == 0 {
            super::say(&format!("warning: {}: no pairs in it\n", path.display()));
        }
        return Ok(());
    }
    let named: Vec<String> = done
        .bad
        .iter()
        .map(|bad| format!("line {}: {}", bad.number, bad.reason))
        .collect();
    let more = if done.bad_lines > named.len() as u64 {
        "; …"
    } else {
        ""
    };
    Err(Failure::new(
        Exit::BadData,
        format!(
            "{}: {} of {} lines are no pairs: {}{more}",
            path.display(),
            done.bad_lines,
            done.pairs + done.bad_lines,
            named.join("; ")
        ),
    )
    .hint("a line is like {\"id\": 1, \"gold\": \"\\\\frac{1}{2}\", \"answer\": \"0.5\"}"))
}

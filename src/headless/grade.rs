//! Grading pairs of a gold answer and a text or an answer: JSON lines in, JSON
//! lines out, in their order, on all cores.

mod summary;

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::problem::answer::{Forms, Grade, Grader as _, RuleGrader, Verdict};
use crate::problem::lines::{LineEnd, LineReader, trimmed};

pub use summary::{Category, GradeSummary};

/// Longest line, in bytes.
const LONGEST_LINE: usize = 4 << 20;
/// Lines that are graded together, and the most bytes of them.
const BATCH_LINES: usize = 4096;
const BATCH_BYTES: usize = 16 << 20;
/// Lines a core takes at a time: some take a thousand times as long as others.
const TAKEN: usize = 16;

/// One line of the input: a gold answer, and a text whose final answer is to
/// be found or the answer itself.
#[derive(Debug, Deserialize)]
struct Pair<'a> {
    #[serde(default)]
    id: Option<Value>,
    /// As they are written: a number keeps all its digits.
    #[serde(default, borrow)]
    gold: Option<&'a RawValue>,
    #[serde(default)]
    prediction_text: Option<String>,
    #[serde(default, borrow)]
    answer: Option<&'a RawValue>,
    #[serde(default)]
    expected: Option<bool>,
    #[serde(default)]
    category: Option<String>,
}

/// One line of the output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Graded {
    /// As in the input; the number of the line where it had none.
    pub id: Value,
    /// The answer that was compared, verbatim.
    pub extracted: Option<String>,
    pub verdict: Verdict,
    /// What decided.
    pub rule: String,
    /// Why there is no verdict; set iff ungraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rule that found the answer in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extraction: Option<String>,
    /// Both answers in the form in which they were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forms: Option<Forms>,
    /// The label of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// A line that is no pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub number: u64,
    pub reason: String,
}

/// What grading a file came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Done {
    pub pairs: u64,
    pub summary: GradeSummary,
    /// The first lines that were no pairs, and how many there were.
    pub bad: Vec<BadLine>,
    pub bad_lines: u64,
}

/// Why grading stopped.
#[derive(Debug, thiserror::Error)]
pub enum GradeError {
    #[error("cannot read the pairs: {0}")]
    Read(std::io::Error),
    #[error("cannot write the verdicts: {0}")]
    Write(std::io::Error),
}

/// Grades every line of `input` and writes one line each to `output`. A line
/// that is no pair is reported and left out.
///
/// # Errors
/// Those of reading and writing.
pub fn grade(
    input: impl BufRead,
    mut output: impl Write,
    cores: usize,
) -> Result<Done, GradeError> {
    const MOST_BAD: usize = 5;
    let mut lines = LineReader::new(input, LONGEST_LINE);
    let mut done = Done::default();
    loop {
        let batch = next_batch(&mut lines).map_err(GradeError::Read)?;
        if batch.is_empty() {
            output.flush().map_err(GradeError::Write)?;
            return Ok(done);
        }
        for result in graded(&batch, cores) {
            match result {
                Ok(judged) => {
                    done.pairs += 1;
                    done.summary.add(&judged);
                    output
                        .write_all(judged.line.as_bytes())
                        .map_err(GradeError::Write)?;
                }
                Err(bad) => {
                    done.bad_lines += 1;
                    if done.bad.len() < MOST_BAD {
                        done.bad.push(bad);
                    }
                }
            }
        }
    }
}

/// A line of the input with its number, or why it could not be read.
struct Numbered {
    number: u64,
    text: Result<Vec<u8>, &'static str>,
}

fn next_batch(lines: &mut LineReader<impl BufRead>) -> std::io::Result<Vec<Numbered>> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut buffer = Vec::new();
    while batch.len() < BATCH_LINES && bytes < BATCH_BYTES {
        let Some(line) = lines.next_line(&mut buffer)? else {
            break;
        };
        let content = trimmed(&buffer);
        if line.end != LineEnd::TooLong && content.is_empty() {
            continue;
        }
        bytes += content.len();
        batch.push(Numbered {
            number: line.number,
            text: match line.end {
                LineEnd::TooLong => Err("the line is longer than 4 MiB"),
                LineEnd::Newline | LineEnd::EndOfFile => Ok(content.to_vec()),
            },
        });
    }
    Ok(batch)
}

/// What one pair came to, ready to be written.
#[derive(Debug, Clone)]
struct Judged {
    line: String,
    verdict: Verdict,
    expected: Option<bool>,
    category: Option<String>,
    /// Whether there was a gold answer.
    gold: bool,
}

/// Grades a batch on so many cores; the results are in the batch's order.
fn graded(batch: &[Numbered], cores: usize) -> Vec<Result<Judged, BadLine>> {
    let chunks: Vec<&[Numbered]> = batch.chunks(TAKEN).collect();
    let results: Vec<Mutex<Vec<Result<Judged, BadLine>>>> =
        chunks.iter().map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores.clamp(1, chunks.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(chunk), Some(result)) = (chunks.get(place), results.get(place))
                    else {
                        return;
                    };
                    let judged = chunk.iter().map(one).collect();
                    *result.lock().unwrap_or_else(PoisonError::into_inner) = judged;
                }
            });
        }
    });
    results
        .into_iter()
        .flat_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn one(numbered: &Numbered) -> Result<Judged, BadLine> {
    let bad = |reason: String| BadLine {
        number: numbered.number,
        reason,
    };
    let text = numbered
        .text
        .as_deref()
        .map_err(|reason| bad((*reason).to_owned()))?;
    if !text.starts_with(b"{") {
        return Err(bad("it is no JSON object".to_owned()));
    }
    let pair: Pair<'_> = serde_json::from_slice(text).map_err(|error| bad(said(&error)))?;
    let gold = text_of(pair.gold, "gold").map_err(bad)?;
    let answer = text_of(pair.answer, "answer").map_err(bad)?;
    let grade = match (&pair.prediction_text, answer) {
        (Some(text), _) => RuleGrader.grade(gold.as_deref(), text),
        (None, Some(answer)) => RuleGrader::grade_answer(gold.as_deref(), &answer),
        (None, None) => {
            return Err(bad(
                "neither `prediction_text` nor `answer` is there".to_owned()
            ));
        }
    };
    Ok(judged(pair, grade, numbered.number))
}

/// What is wrong with a line; its number is told beside it.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} (column {})", error.column()),
        None => text,
    }
}

/// Strings as they are, numbers as they are written.
fn text_of(value: Option<&RawValue>, field: &str) -> Result<Option<String>, String> {
    let Some(written) = value.map(RawValue::get) else {
        return Ok(None);
    };
    match written.as_bytes().first() {
        Some(b'"') => serde_json::from_str(written)
            .map(Some)
            .map_err(|error| format!("`{field}`: {}", said(&error))),
        Some(b'-' | b'0'..=b'9') => Ok(Some(written.to_owned())),
        Some(b'n') => Ok(None),
        _ => Err(format!("`{field}` must be a text or a number")),
    }
}

fn judged(pair: Pair<'_>, grade: Grade, number: u64) -> Judged {
    let verdict = grade.verdict;
    let graded = Graded {
        id: pair.id.unwrap_or_else(|| Value::from(number)),
        extracted: grade.extracted,
        verdict,
        rule: grade.rule,
        reason: grade.reason,
        extraction: grade.extraction,
        forms: grade.forms,
        expected: pair.expected,
        category: pair.category,
    };
    // Texts and flags are always JSON.
    let mut line = serde_json::to_string(&graded).unwrap_or_default();
    line.push('\n');
    Judged {
        line,
        verdict,
        expected: graded.expected,
        category: graded.category,
        gold: graded.rule != "no-gold",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &str, cores: usize) -> (Vec<Value>, Done) {
        let mut output = Vec::new();
        let done = grade(input.as_bytes(), &mut output, cores).unwrap();
        let lines = String::from_utf8(output).unwrap();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        (lines.collect(), done)
    }

    #[test]
    fn every_pair_gives_a_line_in_its_place() {
        let input: String = (0..5_000)
            .map(|n| {
                format!(
                    "{{\"id\": {n}, \"gold\": \"{n}\", \"answer\": \"{}\"}}\n",
                    n - n % 3
                )
            })
            .collect();
        let (one, done) = run(&input, 1);
        let (many, same) = run(&input, 7);
        assert_eq!((&one, &done), (&many, &same));
        assert_eq!((one.len(), done.pairs), (5_000, 5_000));
        for (n, line) in one.iter().enumerate() {
            let verdict = if n % 3 == 0 { "correct" } else { "wrong" };
            assert_eq!(
                (&line["id"], &line["verdict"]),
                (&Value::from(n), &Value::from(verdict))
            );
        }
    }

    #[test]
    fn texts_answers_numbers_and_nothing_are_taken() {
        let (lines, done) = run(
            concat!(
                "{\"id\": \"a\", \"gold\": \"5\", \"prediction_text\": \"So \\\\boxed{5}.\"}\n",
                "\n",
                "{\"id\": \"b\", \"gold\": 72, \"answer\": 72.0}\r\n",
                "{\"gold\": \"5\", \"prediction_text\": \"I do not know\"}\n",
                "{\"id\": \"d\", \"gold\": null, \"answer\": \"5\", \"extra\": 1}\n",
            ),
            2,
        );
        let of = |n: usize, field: &str| lines[n][field].clone();
        assert_eq!(
            (of(0, "verdict"), of(0, "extraction")),
            ("correct".into(), "boxed".into())
        );
        assert_eq!(
            (of(0, "forms"), of(0, "rule")),
            (
                serde_json::json!({"gold": "5", "answer": "5"}),
                "exact-string".into()
            )
        );
        assert_eq!(of(1, "verdict"), "correct");
        assert_eq!(
            (of(2, "id"), of(2, "rule"), of(2, "extracted")),
            (4.into(), "no-answer".into(), Value::Null)
        );
        assert_eq!(
            (of(3, "verdict"), of(3, "reason")),
            ("ungraded".into(), "no gold answer".into())
        );
        assert_eq!((done.pairs, done.bad_lines), (4, 0));
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let (lines, _) = run(
            concat!(
                "{\"gold\": 12345678901234567890123, \"answer\": \"12345678901234567890123\"}\n",
                "{\"gold\": 0.1234567890123456789, \"answer\": \"0.1234567890123456788\"}\n",
            ),
            1,
        );
        assert_eq!(lines[0]["verdict"], "correct");
        assert_eq!(lines[1]["verdict"], "wrong");
    }

    #[test]
    fn bad_lines_are_reported_and_left_out() {
        let (lines, done) = run(
            "{\"gold\": \"5\"}\nnot json\n{\"gold\": [1], \"answer\": \"1\"}\n{\"gold\": \"1\", \"answer\": \"1\"}",
            2,
        );
        assert_eq!((lines.len(), done.bad_lines), (1, 3));
        let numbers: Vec<u64> = done.bad.iter().map(|bad| bad.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert!(done.bad[0].reason.contains("prediction_text"));
        assert!(done.bad[2].reason.contains("`gold`"));
    }
}

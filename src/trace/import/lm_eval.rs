//! Samples of the LM evaluation harness: JSON lines, one a document and filter.
//!
//! Whole texts by one model, which are split into steps. A document comes
//! once for every filter, far apart: the file is read twice, first for what
//! each filter made of it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::problem::Problem;
use crate::problem::answer::Grade;
use crate::trace::record::{Sampling, TrajectoryEnd};

use super::error::ImportError;
use super::trajectory::{Conclusion, Origin, Trajectory};
use super::{Options, Row, Sink, rows, stem, text, tolerant};

const NAME: &str = "lm-eval";
/// Metrics that say whether an answer is right, the most telling first.
const METRICS: [&str; 6] = [
    "exact_match",
    "math_verify",
    "acc",
    "acc_norm",
    "pass@1",
    "correct",
];
/// Fields of a document that hold its question, the most telling first.
const QUESTIONS: [&str; 6] = ["question", "problem", "query", "input", "prompt", "text"];
/// Fields of a document that hold its difficulty, likewise.
const LEVELS: [&str; 2] = ["difficulty", "level"];
/// Fields of a document that hold its domain, the most telling first.
const DOMAINS: [&str; 4] = ["domain", "subject", "type", "category"];
/// Of rows without a name of their filter.
const NO_FILTER: &str = "none";

/// What is read of a row the first time.
#[derive(Deserialize)]
struct Judged {
    doc_id: Value,
    #[serde(default)]
    filter: Option<String>,
    #[serde(default)]
    metrics: Option<Vec<String>>,
    #[serde(default)]
    filtered_resps: Value,
    #[serde(default)]
    target: Value,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What is read of a row the second time.
#[derive(Deserialize)]
struct Sampled {
    doc_id: Value,
    #[serde(default)]
    doc: Value,
    #[serde(default)]
    arguments: Value,
    #[serde(default)]
    resps: Value,
}

/// What a filter made of a document.
struct Filtered {
    filter: String,
    metric: Option<(String, Value)>,
    answer: Option<String>,
    gold: Option<String>,
}

pub(super) fn read(path: &Path, options: &Options, sink: Sink<'_>) -> Result<(), ImportError> {
    let mut judged = judged(path)?;
    let task = task(path);
    let model = model(path, options);
    rows::each(path, &mut |found| {
        let row = found.row.and_then(tolerant::from_slice::<Sampled>);
        let read = row.and_then(|row| {
            let id = text::scalar(&row.doc_id).ok_or(NO_ID)?;
            // The other filters' rows of a document are one with the first.
            let Some(filtered) = judged.remove(&id) else {
                return Ok(None);
            };
            trajectory(&row, &format!("{task}-{id}"), &filtered, &model, options).map(Some)
        });
        match read {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(trajectory)) => sink(Row::of_line(found.line, Ok(trajectory))),
            Err(reason) => sink(Row::of_line(found.line, Err(reason))),
        }
    })
}

const NO_ID: &str = "its `doc_id` is neither a text nor a number";

/// What every filter made of every document, by its id. Rows that cannot be
/// read are told the second time.
fn judged(path: &Path) -> Result<HashMap<String, Vec<Filtered>>, ImportError> {
    let mut found: HashMap<String, Vec<Filtered>> = HashMap::new();
    rows::each(path, &mut |row| {
        let row = row.row.and_then(tolerant::from_slice::<Judged>).ok();
        if let Some((id, row)) = row.and_then(|row| Some((text::scalar(&row.doc_id)?, row))) {
            found.entry(id).or_default().push(Filtered {
                metric: metric(&row),
                answer: first(&row.filtered_resps).and_then(text::scalar),
                gold: text::scalar(&row.target),
                filter: row.filter.unwrap_or_else(|| NO_FILTER.to_owned()),
            });
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The metric that says whether the answer is right: one that is known to, or
/// else the first that the row names.
fn metric(row: &Judged) -> Option<(String, Value)> {
    let of = |name: &str| Some((name.to_owned(), row.rest.get(name)?.clone()));
    let known = METRICS.iter().find_map(|name| of(name));
    known.or_else(|| row.metrics.iter().flatten().find_map(|name| of(name)))
}

/// The first element, of a list of lists the first of the first.
fn first(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(items) => first(items.first()?),
        value => Some(value),
    }
}

/// The task that a file's name tells: `samples_{task}_{date}`.
fn task(path: &Path) -> String {
    let stem = stem(path);
    let name = stem.strip_prefix("samples_").unwrap_or(&stem);
    let date = name.rfind("_20").filter(|&at| {
        let year = name.get(at + 1..at + 5);
        year.is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()))
    });
    name.get(..date.unwrap_or(name.len()))
        .unwrap_or(name)
        .to_owned()
}

/// The model's name: as a person says, or as the harness calls the folder.
fn model(path: &Path, options: &Options) -> String {
    if let Some(named) = options.models.first() {
        return named.clone();
    }
    let of_harness = stem(path).starts_with("samples_");
    let folder = path
        .parent()
        .and_then(Path::file_name)
        .filter(|_| of_harness);
    folder.map_or_else(
        || text::UNKNOWN.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn trajectory(
    row: &Sampled,
    id: &str,
    filtered: &[Filtered],
    model: &str,
    options: &Options,
) -> Result<Trajectory, String> {
    let texts = texts(&row.resps)?;
    let whole = texts.first().ok_or("`resps` is empty")?;
    let mut steps = Vec::new();
    text::append(&mut steps, model, whole, &options.separator);
    if steps.is_empty() {
        // An answer that was not given is one, too.
        steps.push(super::Step::new(None, model, String::new()));
    }
    text::end(&mut steps);
    let mut notes = Vec::new();
    if texts.len() > 1 {
        notes.push(format!(
            "{} more texts of this document were left out: the metrics are not of each",
            texts.len() - 1
        ));
    }
    let head = filtered.first();
    notes.extend(filtered.iter().skip(1).map(other));
    Ok(Trajectory {
        origin: origin(model, options),
        problem: Problem {
            id: id.to_owned(),
            question: question(row).unwrap_or_default(),
            gold: head.and_then(|one| one.gold.clone()),
            difficulty: LEVELS
                .iter()
                .find_map(|name| row.doc.get(name).and_then(text::level)),
            domain: DOMAINS
                .iter()
                .find_map(|name| row.doc.get(name).and_then(text::scalar)),
            source: NAME.to_owned(),
        },
        written: Vec::new(),
        conclusion: Some(Conclusion {
            leaf: steps.len().checked_sub(1),
            grade: grade(head, whole),
            gold: head.and_then(|one| one.gold.clone()),
            grader: match head {
                Some(one) if one.filter != NO_FILTER => format!("{NAME}:{}", one.filter),
                _ => NAME.to_owned(),
            },
            end: TrajectoryEnd::Finished,
            error: None,
        }),
        steps,
        notes,
    })
}

fn grade(filtered: Option<&Filtered>, whole: &str) -> Grade {
    let Some(one) = filtered else {
        return Grade::ungraded("none", "the row holds no metric");
    };
    let graded = match &one.metric {
        None => Grade::ungraded("none", "the row holds no metric"),
        Some((name, value)) => {
            let why_not = format!("`{name}` is {value}: neither right nor wrong");
            text::given(text::verdict(value), name, &why_not)
        }
    };
    // A filter that takes nothing out of the text says nothing of the answer.
    let answer = one.answer.clone().filter(|answer| answer != whole);
    Grade {
        extracted: answer.or(graded.extracted),
        ..graded
    }
}

/// What another filter said.
fn other(one: &Filtered) -> String {
    let metric = match &one.metric {
        Some((name, value)) => format!("{name} = {value}"),
        None => "no metric".to_owned(),
    };
    let answer = one.answer.as_deref().unwrap_or("none");
    format!("filter `{}`: {metric}, answer {answer}", one.filter)
}

/// The texts that the model wrote, in the order of the file.
fn texts(resps: &Value) -> Result<Vec<&str>, String> {
    let Value::Array(items) = resps else {
        return Err("`resps` is no list".to_owned());
    };
    let of_first = match items.first() {
        Some(Value::Array(inner)) => inner,
        _ => items,
    };
    let texts: Option<Vec<&str>> = of_first.iter().map(Value::as_str).collect();
    texts.ok_or_else(|| {
        "`resps` holds no texts: a task that is scored by likelihood has no steps".to_owned()
    })
}

/// The question of a document, or else the prompt that it became.
fn question(row: &Sampled) -> Option<String> {
    let named = QUESTIONS
        .iter()
        .find_map(|name| row.doc.get(name)?.as_str());
    named.or_else(|| prompt(&row.arguments)).map(str::to_owned)
}

/// The prompt: `[prompt, …]`, `[[prompt, …]]`, or as saved files have it
/// `{"gen_args_0": {"arg_0": prompt, …}}`.
fn prompt(arguments: &Value) -> Option<&str> {
    match arguments {
        Value::Object(calls) => {
            let call = calls.get("gen_args_0").or_else(|| calls.values().next())?;
            call.get("arg_0")?.as_str()
        }
        other => first(other)?.as_str(),
    }
}

fn origin(model: &str, options: &Options) -> Origin {
    let mut not_held: Vec<String> = [
        "sampling",
        "seed",
        "tokens",
        "costs",
        "times",
        "probabilities",
        "how texts ended",
    ]
    .map(str::to_owned)
    .into();
    if options.models.is_empty() && model == text::UNKNOWN {
        not_held.push("the model's name".to_owned());
    }
    Origin {
        models: vec![model.to_owned()],
        sampling: Sampling::UNKNOWN,
        graded_by: Some(NAME.to_owned()),
        not_held,
        ..Origin::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Format;
    use super::super::samples::{of_named, trajectories};
    use super::*;
    use crate::problem::answer::Verdict;

    const FILE: &str = "org__model/samples_gsm8k_cot_2025-01-02T03-04-05.678.jsonl";

    fn row(id: u32, filter: &str, exact: f64, arguments: Value) -> String {
        let row = json!({
            "doc_id": id, "doc": {"question": format!("q{id}")}, "target": 5,
            "arguments": arguments, "resps": [["a\n\nb"]], "filtered_resps": ["5"],
            "filter": filter, "metrics": ["exact_match"], "exact_match": exact,
            "doc_hash": "x",
        });
        format!("{row}\n")
    }

    #[test]
    fn a_document_is_one_trajectory_whatever_its_filters() {
        let old = json!([["prompt", {"until": []}]]);
        let new = json!({"gen_args_0": {"arg_0": "prompt", "arg_1": {}}});
        let file = [
            row(0, "strict", 1.0, old.clone()),
            row(1, "strict", 0.0, new.clone()),
            row(0, "flexible", 0.0, old),
            row(1, "flexible", 0.5, new),
        ]
        .concat();
        let found = of_named(Format::LmEval, FILE, file.as_bytes(), &Options::default());
        let [one, two] = trajectories(&found);
        assert_eq!(
            (one.problem.id.as_str(), two.problem.id.as_str()),
            ("gsm8k_cot-0", "gsm8k_cot-1")
        );
        assert_eq!((one.steps.len(), one.problem.question.as_str()), (2, "q0"));
        let verdicts = [one, two].map(|t| t.conclusion.as_ref().unwrap().grade.verdict);
        assert_eq!(verdicts, [Verdict::Correct, Verdict::Wrong]);
        assert_eq!(
            one.notes,
            ["filter `flexible`: exact_match = 0.0, answer 5"]
        );
        assert_eq!(one.origin.models, ["org__model"]);
        assert_eq!(one.conclusion.as_ref().unwrap().gold.as_deref(), Some("5"));
    }

    #[test]
    fn the_prompt_stands_for_a_question_that_is_not_there() {
        for arguments in [
            json!([["the prompt", {}]]),
            json!(["the prompt", {}]),
            json!({"gen_args_0": {"arg_0": "the prompt"}}),
        ] {
            let row = json!({"doc_id": "x", "doc": {}, "arguments": arguments, "resps": [["a"]], "acc": "?"});
            let found = of_named(
                Format::LmEval,
                "some.jsonl",
                row.to_string().as_bytes(),
                &Options::default(),
            );
            let [one] = trajectories(&found);
            assert_eq!(one.problem.question, "the prompt");
            let grade = &one.conclusion.as_ref().unwrap().grade;
            assert_eq!(grade.verdict, Verdict::Ungraded);
            assert!(
                grade.reason.as_ref().unwrap().contains("`acc`"),
                "{grade:?}"
            );
            assert_eq!(one.origin.models, ["unknown"]);
        }
    }

    #[test]
    fn a_whole_text_is_no_answer_and_what_a_document_says_of_itself_is_read() {
        let row = json!({
            "doc_id": 0, "doc": {"problem": "q", "type": "Algebra", "level": "Level 5"},
            "target": "4", "resps": [["so\n\nit is 4"]], "filtered_resps": ["so\n\nit is 4"],
            "exact_match": 1,
        });
        let found = of_named(
            Format::LmEval,
            FILE,
            row.to_string().as_bytes(),
            &Options::default(),
        );
        let [one] = trajectories(&found);
        let grade = &one.conclusion.as_ref().unwrap().grade;
        assert_eq!((grade.verdict, &grade.extracted), (Verdict::Correct, &None));
        let problem = &one.problem;
        assert_eq!(
            (problem.domain.as_deref(), problem.difficulty),
            (Some("Algebra"), Some(5.0))
        );
    }

    #[test]
    fn tasks_without_texts_and_broken_rows_are_told() {
        let likelihood = json!({"doc_id": 0, "doc": {}, "resps": [[[-1.5, false]]], "acc": 1.0});
        let file = format!("{likelihood}\nnope\n");
        let found = of_named(Format::LmEval, FILE, file.as_bytes(), &Options::default());
        assert_eq!((found.trajectories.len(), found.damaged.len()), (0, 2));
        assert!(found.damaged[0].reason.contains("likelihood"));
    }
}

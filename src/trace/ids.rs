//! Content hashes: the names of steps, decisions and runs.
//!
//! Every part is hashed with its length before it, so that two different
//! lists of parts never hash the same bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::problem::shard::Shard;

use super::record::{ModelFacts, Purpose, RouterFacts, Sampling, StepId};

/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 16;

/// What a step's id is made of: equal facts are the same step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepKey<'a> {
    pub run: &'a str,
    pub parent: Option<&'a str>,
    pub problem: &'a str,
    pub model: &'a str,
    pub text: &'a str,
    pub purpose: Purpose,
    /// False for a rejected draft.
    pub kept: bool,
    pub seed: u64,
    /// Id of the decision that led to it: a re-run that gives the same text
    /// after another decision is a step of its own.
    pub decision: Option<&'a str>,
}

/// What a decision's id is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecisionKey<'a> {
    pub run: &'a str,
    pub problem: &'a str,
    /// The step decided after; `None` for the first step.
    pub after: Option<&'a str>,
    pub router: &'a str,
    pub action: &'a str,
    /// Whether a person decided.
    pub overridden: bool,
    /// How many decisions were made after the same step before this one.
    pub repeat: u32,
}

/// Id of a step: 16 hexadecimal digits.
pub fn step_id(key: &StepKey<'_>) -> StepId {
    let mut parts = Parts::new("step");
    parts.text(key.run);
    parts.optional(key.parent);
    parts.text(key.problem);
    parts.text(key.model);
    parts.text(key.text);
    parts.text(key.purpose.name());
    parts.number(u64::from(key.kept));
    parts.number(key.seed);
    parts.optional(key.decision);
    parts.id()
}

/// Names what stands before a step, whatever run it was written in: the
/// writers and texts so far, as a chain. `before` names what stood before the
/// last of them.
pub fn prefix_id(before: Option<&str>, model: &str, text: &str) -> String {
    let mut parts = Parts::new("prefix");
    parts.optional(before);
    parts.text(model);
    parts.text(text);
    parts.id()
}

/// Id of a call that gave no step: of calls that would be the same step, each
/// is one of its own.
pub fn abandoned_id(step: &str, at: &str, generation: u64) -> StepId {
    let mut parts = Parts::new("abandoned");
    parts.text(step);
    parts.text(at);
    parts.number(generation);
    parts.id()
}

/// Id of a decision: 16 hexadecimal digits.
pub fn decision_id(key: &DecisionKey<'_>) -> String {
    let mut parts = Parts::new("decision");
    parts.text(key.run);
    parts.text(key.problem);
    parts.optional(key.after);
    parts.text(key.router);
    parts.text(key.action);
    parts.number(u64::from(key.overridden));
    parts.number(u64::from(key.repeat));
    parts.id()
}

/// Everything that shapes the results of a run.
#[derive(Debug, Clone, Copy)]
pub struct Shaped<'a> {
    pub router: &'a RouterFacts,
    pub pool: &'a [ModelFacts],
    pub sampling: &'a Sampling,
    pub seed: u64,
    /// The confidence that the router reads.
    pub signal: &'a str,
    /// Mode and model, where a model grades; without one the key is what it
    /// was before models could.
    pub grading: Option<(&'a str, &'a ModelFacts)>,
    /// Role and model of whom the router asks, likewise.
    pub asked: Option<(&'a str, &'a ModelFacts)>,
}

/// Key of a run: a hash over everything that shapes its results. Two runs
/// share results only if their keys agree.
///
/// Of the router's files the contents count, not where they lie. The data set
/// is left out: results are shared problem by problem, and the run record
/// keeps its hash.
pub fn run_key(run: &Shaped<'_>) -> String {
    let mut parts = Parts::new("run-key");
    parts.text(&run.router.name);
    parts.number(run.router.parameters.len() as u64);
    for (name, value) in &run.router.parameters {
        parts.text(name);
        parts.text(&canonical(value));
    }
    let mut files: Vec<&String> = run.router.files.values().collect();
    files.sort_unstable();
    parts.number(files.len() as u64);
    for hash in files {
        parts.text(hash);
    }
    parts.number(run.pool.len() as u64);
    for model in run.pool {
        parts.model(model);
    }
    parts.number(run.sampling.temperature.to_bits());
    parts.number(run.sampling.top_p.to_bits());
    parts.number(u64::from(run.sampling.max_tokens));
    parts.number(u64::from(run.sampling.max_steps));
    parts.number(run.seed);
    parts.text(run.signal);
    for (role, model) in run.grading.iter().chain(&run.asked) {
        parts.text(role);
        parts.model(model);
    }
    parts.id()
}

/// Id of a run: its key, its start (RFC 3339), the process that makes it and
/// its shard, which tells apart jobs started in the same instant: each may be
/// process 1 of a container of its own.
pub fn run_id(key: &str, started: &str, process: u32, shard: Option<Shard>) -> String {
    let mut parts = Parts::new("run");
    parts.text(key);
    parts.text(started);
    parts.number(u64::from(process));
    if let Some(shard) = shard {
        parts.text(&shard.to_string());
    }
    parts.id()
}

/// SHA-256 of bytes as 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// SHA-256 of a file's bytes as 64 hexadecimal digits, read in pieces.
///
/// # Errors
/// Those of opening and reading the file.
pub fn file_sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0_u8; 1 << 16];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(format!("{:x}", hash.finalize())),
            Ok(read) => hash.update(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// JSON with the keys of every object in order, whatever map serde_json was
/// built with.
fn canonical(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            let members: Vec<String> = keys
                .into_iter()
                .map(|key| format!("{}:{}", Value::from(key.as_str()), canonical(&map[key])))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Collects the parts of an id.
struct Parts(Sha256);

impl Parts {
    fn new(what: &str) -> Self {
        let mut parts = Self(Sha256::new());
        parts.text(what);
        parts
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn model(&mut self, model: &ModelFacts) {
        let facts = serde_json::to_value(model)
            .expect("model facts are strings, numbers and decimals only");
        self.text(&canonical(&facts));
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn id(self) -> String {
        let mut hex = format!("{:x}", self.0.finalize());
        hex.truncate(ID_DIGITS);
        hex
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const SAMPLING: Sampling = Sampling {
        temperature: 0.7,
        top_p: 1.0,
        max_tokens: 512,
        max_steps: 40,
    };

    fn shaped<'a>(router: &'a RouterFacts, seed: u64, signal: &'a str) -> Shaped<'a> {
        Shaped {
            router,
            pool: &[],
            sampling: &SAMPLING,
            seed,
            signal,
            grading: None,
            asked: None,
        }
    }

    fn key<'a>() -> StepKey<'a> {
        StepKey {
            run: "r",
            parent: None,
            problem: "p",
            model: "small",
            text: "1 + 1 = 2",
            purpose: Purpose::Step,
            kept: true,
            seed: 7,
            decision: None,
        }
    }

    #[test]
    fn equal_facts_give_equal_ids_of_sixteen_digits() {
        let id = step_id(&key());
        assert_eq!(id, step_id(&key()));
        assert_eq!(id.len(), 16);
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn every_fact_changes_the_id() {
        let others = [
            StepKey { run: "s", ..key() },
            StepKey {
                parent: Some(""),
                ..key()
            },
            StepKey {
                problem: "q",
                ..key()
            },
            StepKey {
                model: "large",
                ..key()
            },
            StepKey { text: "2", ..key() },
            StepKey {
                purpose: Purpose::Draft,
                ..key()
            },
            StepKey {
                kept: false,
                ..key()
            },
            StepKey { seed: 8, ..key() },
            StepKey {
                decision: Some("d"),
                ..key()
            },
        ];
        let mut ids: Vec<String> = others.iter().map(step_id).collect();
        ids.push(step_id(&key()));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 10);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let one = StepKey {
            problem: "ab",
            model: "c",
            ..key()
        };
        let other = StepKey {
            problem: "a",
            model: "bc",
            ..key()
        };
        assert_ne!(step_id(&one), step_id(&other));
    }

    #[test]
    fn the_run_key_sees_parameters_and_file_contents_but_not_paths() {
        let router = |t: f64, path: &str, hash: &str| RouterFacts {
            spec: format!("threshold:t={t}"),
            name: "threshold".into(),
            parameters: BTreeMap::from([("t".to_owned(), serde_json::json!(t))]),
            files: BTreeMap::from([(path.to_owned(), hash.to_owned())]),
        };
        let of = |router: &RouterFacts| run_key(&shaped(router, 1, "logit"));
        assert_eq!(of(&router(0.5, "a", "1")), of(&router(0.5, "b", "1")));
        assert_ne!(of(&router(0.5, "a", "1")), of(&router(0.6, "a", "1")));
        assert_ne!(of(&router(0.5, "a", "1")), of(&router(0.5, "a", "2")));
    }

    #[test]
    fn the_run_key_sees_who_grades_and_without_a_model_is_what_it_was() {
        let router = RouterFacts {
            spec: "small".into(),
            name: "small".into(),
            parameters: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        let model = |name: &str| ModelFacts {
            params: Some(1.0),
            ..ModelFacts::new(name, "llama-cpp")
        };
        let of = |grading| {
            run_key(&Shaped {
                grading,
                ..shaped(&router, 1, "prob")
            })
        };
        // As it was made before models could grade.
        assert_eq!(of(None), "193d61debab82777");
        let (a, b) = (model("a"), model("b"));
        let keys = [
            of(None),
            of(Some(("llm", &a))),
            of(Some(("llm", &b))),
            of(Some(("rules-then-llm", &a))),
        ];
        let different: std::collections::BTreeSet<&String> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn shards_started_in_the_same_instant_are_different_runs() {
        let of = |shard: Option<&str>| {
            let shard = shard.map(|text| text.parse().unwrap());
            run_id("k", "2026-01-01T00:00:00.000Z", 1, shard)
        };
        let ids: std::collections::BTreeSet<String> =
            [None, Some("1/2"), Some("2/2"), Some("1/3")].map(of).into();
        assert_eq!(ids.len(), 4);
    }

    #[test]
    fn objects_are_hashed_in_key_order() {
        let value = serde_json::json!({"b": [1, {"d": null, "c": "x"}], "a": true});
        assert_eq!(
            canonical(&value),
            r#"{"a":true,"b":[1,{"c":"x","d":null}]}"#
        );
    }

    #[test]
    fn a_file_hashes_to_its_sha256() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(
            file_sha256(file.path()).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(file_sha256(Path::new("no/such/file")).is_err());
    }
}

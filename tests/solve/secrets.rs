//! A key is in nothing that a run writes or says, whatever servers repeat.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;

use crate::common::llama_fake::{Answer, Fake, tokens};
use crate::{PROBLEMS, answer, finish, pointsman, said, step};

const VARIABLE: &str = "POINTSMAN_TEST_KEY";
/// A key with characters that JSON, URLs and base64 write otherwise.
const KEY: &str = "sk-planted/42+secret=1";
/// It and its disguises.
const SHAPES: [&str; 5] = [
    KEY,
    r"sk-planted\/42+secret=1",
    "sk-planted%2F42%2Bsecret%3D1",
    "sk-planted%2f42%2bsecret%3d1",
    // All of its base64 but the characters that depend on what follows it.
    "c2stcGxhbnRlZC80MitzZWNyZXQ9M",
];

/// Everything a server may repeat it in.
fn echo() -> String {
    format!(
        "bad key {KEY} ({}), {}; Basic c2stcGxhbnRlZC80MitzZWNyZXQ9MQ==",
        SHAPES[1], SHAPES[2]
    )
}

fn refusal(status: u16) -> Answer {
    Answer::error(status, "server_error", &echo())
}

fn page() -> Answer {
    let kind = ("content-type", format!("text/{KEY}"));
    Answer::Status(200, vec![kind], format!("<html>{}</html>", echo()))
}

/// A folder of a run, another with the key, and the homes of the process.
struct Place {
    work: TempDir,
    safe: TempDir,
}

impl Place {
    /// `small` has its key from the environment, all others from a command.
    fn new(url: &str) -> Self {
        let (work, safe) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let key = safe.path().join("key");
        std::fs::write(&key, format!("{KEY}\nlogin: me\n")).unwrap();
        let command = format!(
            "api_key_command = [\"cat\", \"{}\"]\napi_key_header = \"api-key\"",
            key.display()
        );
        let model = |table: &str, name: &str, key: &str| {
            format!(
                "{table}\nname = \"{name}\"\nserver = \"llama-cpp\"\nbase_url = \"{url}\"\n\
                 template = \"plain\"\nparams = 1e6\n{key}\n"
            )
        };
        let variable = format!("api_key_env = \"{VARIABLE}\"");
        let pool = model("[[model]]", "small", &variable)
            + &model("[[model]]", "large", &command)
            + &model("[judge]", "judge", &command)
            + &model("[grader]", "grader", &command);
        std::fs::write(work.path().join("pool.toml"), pool).unwrap();
        std::fs::write(work.path().join("problems.jsonl"), PROBLEMS).unwrap();
        Self { work, safe }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = pointsman(self.work.path(), arguments);
        command.env(VARIABLE, KEY);
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("TMPDIR", "tmp"),
        ] {
            let folder = self.work.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            command.env(name, folder);
        }
        command
    }

    async fn solve(&self, more: &[&str]) -> Output {
        let files = ["--pool", "pool.toml", "--problems", "problems.jsonl"];
        let mut command = self.command(&["solve", "--log", "log.jsonl", "--concurrency", "1"]);
        command.args(files).args(more);
        self.checked(finish(command).await)
    }

    /// What was said and written so far holds no key.
    fn checked(&self, output: Output) -> Output {
        for stream in [&output.stdout, &output.stderr] {
            check(stream, "what was said");
        }
        let files = files(self.work.path());
        assert!(files.len() > 2, "{files:?}");
        for file in files {
            check(&std::fs::read(&file).unwrap(), &file.display().to_string());
        }
        output
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.work.path().join("log.jsonl")).unwrap()
    }
}

fn check(bytes: &[u8], place: &str) {
    let text = String::from_utf8_lossy(bytes);
    for shape in SHAPES {
        if let Some(at) = text.find(shape) {
            let around = &text[text.floor_char_boundary(at.saturating_sub(200))..at];
            panic!("the key as `{shape}` in {place}, behind: {around}");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_in_nothing_a_run_writes() {
    // Two models and the judge are tried out first.
    let probes = || (0..3).map(|_| tokens(&["1"], "limit"));
    let score = || tokens(&["9"], "eos");
    let mut script: Vec<Answer> = probes().collect();
    script.extend([
        // The first problem: a failure, a model that repeats the key, a judge
        // that fails and one that chatters.
        refusal(500),
        step(&format!("My key is {KEY}.")),
        refusal(500),
        tokens(&[KEY], "eos"),
        score(),
        answer(r"\boxed{2}"),
        score(),
        // The second is refused, the third gets pages of a proxy.
        refusal(400),
        page(),
        page(),
    ]);
    let fake = Fake::start(script).await;
    let place = Place::new(&fake.url);
    let router = ["--router", "specreason:tau=5", "--grader", "rules"];
    let output = place.solve(&router).await;
    let log = place.log();
    assert!(log.contains("My key is [key]."), "{}", said(&output));
    for part in [
        "[key]",
        "asked again, more strictly",
        "server error 500",
        "text/[key]",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    let first = &fake.seen("/completion")[0];
    let bearer = format!("Bearer {KEY}");
    assert!(
        fake.seen("/completion")
            .iter()
            .any(|seen| seen.authorization == Some(bearer.clone())),
        "{first:?}"
    );

    // Gone on with; the last problem fails again.
    let mut script: Vec<Answer> = probes().collect();
    script.extend([answer(r"\boxed{4}"), score(), refusal(422)]);
    fake.on("/completion", script);
    let output = place.solve(&[&router[..], &["--resume"]].concat()).await;
    assert!(said(&output).contains("1 of 3 problems failed") || output.status.success());

    // A grader that fails.
    let mut script: Vec<Answer> = vec![tokens(&["1"], "limit")];
    script.push(refusal(500));
    fake.on("/completion", script);
    let regrade = [
        "regrade",
        "log.jsonl",
        "--pool",
        "pool.toml",
        "--grader",
        "llm",
    ];
    let output = finish(place.command(&regrade)).await;
    let told = said(&place.checked(output));
    assert!(told.contains("[key]"), "{told}");

    // Refused as soon as it is shown.
    fake.on("/health", vec![refusal(401)]);
    let output = place.solve(&[&router[..], &["--resume"]].concat()).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains(VARIABLE), "{output:?}");
    fake.on("/health", vec![Answer::json(200, &json!({}))]);
    fake.on("/completion", probes().collect());

    // A command that fails says which and how, and nothing it printed.
    let pool = place.work.path().join("pool.toml");
    let text = std::fs::read_to_string(&pool).unwrap();
    let script = format!("cat '{}'; exit 9", place.safe.path().join("key").display());
    let cat = format!("[\"cat\", \"{}\"]", place.safe.path().join("key").display());
    std::fs::write(
        &pool,
        text.replace(&cat, &format!("[\"sh\", \"-c\", \"{script}\"]")),
    )
    .unwrap();
    let output = place.solve(&[&router[..], &["--resume"]].concat()).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(
        said(&output).contains("the key command `sh` failed (exit status: 9)"),
        "{output:?}"
    );
}

//! `doctor` as a process: on pools that are good, half there, silent, loading
//! or without their key, and on this machine alone; and what the log keeps of
//! the probes.

use std::path::Path;
use std::process::Output;

use pointsman::trace::record::Record;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::llama_fake::{Answer, Fake, token, tokens};
use crate::{
    finish, folder, interrupt, pointsman, probes, records, said, solve, stalled, until_seen,
};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";
const KEY: &str = "POINTSMAN_TEST_DOCTOR_KEY";

async fn doctor(folder: &Path, more: &[&str]) -> Output {
    let mut command = pointsman(folder, &["doctor", "--pool", "pool.toml"]);
    command.args(more).env_remove(KEY);
    finish(command).await
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
}

/// Changes the pool file.
fn change(folder: &TempDir, from: &str, to: &str) {
    let path = folder.path().join("pool.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// The second model elsewhere.
fn move_large(folder: &TempDir, url: &str, to: &str) {
    let address =
        |url: &str| format!("name = \"large\"\nserver = \"llama-cpp\"\nbase_url = \"{url}\"");
    change(folder, &address(url), &address(to));
}

/// What a router may do, by name and confidence.
fn allowed(document: &Value) -> Vec<String> {
    let rows = document["pool"]["routers"].as_array().unwrap();
    assert_eq!(rows.len(), 11);
    let allowed = rows.iter().filter(|row| row["allowed"] == true);
    let named = allowed.map(|row| {
        let name = row["router"].as_str().unwrap();
        match row["signal"].as_str() {
            Some(signal) => format!("{name} {signal}"),
            None => name.to_owned(),
        }
    });
    named.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_pool_is_told_with_what_it_allows() {
    let fake = Fake::start(probes()).await;
    let folder = folder(&fake.url);
    let output = doctor(folder.path(), &[]).await;
    assert!(output.status.success(), "{output:?}");
    assert!(
        output.stderr.is_empty(),
        "no progress without a terminal: {output:?}"
    );
    let text = printed(&output);
    for words in [
        "small",
        "model 2",
        "goes on exactly",
        "names the stop",
        "context 2048",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(line("threshold (prob)").ends_with("yes"), "{text}");
    assert!(line("threshold (logit)").contains("no  "), "{text}");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{text}");
    // Nothing but what the two probes asked for was sent.
    assert_eq!(fake.seen("/completion").len(), 2);

    let document = document(&doctor(folder.path(), &["--json"]).await);
    let expected = [
        "small",
        "large",
        "random",
        "threshold prob",
        "percentile prob",
        "specreason",
        "query",
        "policy prob",
    ];
    assert_eq!(allowed(&document), expected);
    let small = &document["pool"]["endpoints"][0];
    for (field, value) in [
        ("name", json!("small")),
        ("role", json!("model")),
        ("place", json!(1)),
        ("server", json!("llama-cpp")),
        ("base_url", json!(fake.url)),
        ("state", json!("ready")),
        ("usage", json!({ "prompt": 20, "cached": 12, "output": 1 })),
    ] {
        assert_eq!(small[field], value, "{field}");
    }
    let can = &small["capabilities"];
    assert_eq!(can["values"], "logprob-pre-temperature");
    assert_eq!((&can["top"], &can["context"]), (&json!(2), &json!(2048)));
    assert!(small["seconds"].as_f64().unwrap() >= 0.0);
    let logit = &document["pool"]["routers"][4];
    assert_eq!(
        (&logit["router"], &logit["signal"]),
        (&json!("threshold"), &json!("logit"))
    );
    let lack = &logit["lacks"][0];
    assert!(
        lack["why"].as_str().unwrap().contains("not raw logits"),
        "{lack}"
    );
    assert!(
        lack["way_out"].as_str().unwrap().contains("signal=prob"),
        "{lack}"
    );
    let percentile = document["pool"]["routers"][5]["needs"].as_str().unwrap();
    assert!(
        percentile.contains("pointsman calibrate percentile"),
        "{percentile}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_down_is_a_row_and_the_exit_code() {
    let fake = Fake::start(probes()).await;
    let folder = folder(&fake.url);
    move_large(&folder, &fake.url, NOWHERE);
    let output = doctor(folder.path(), &["--json"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(
        said(&output).contains("1 of 2 endpoints failed: large"),
        "{output:?}"
    );
    let document = document(&output);
    assert_eq!(document["pool"]["endpoints"][0]["state"], "ready");
    let large = &document["pool"]["endpoints"][1];
    assert_eq!(large["state"], "failed");
    assert!(
        large["error"].as_str().unwrap().contains("cannot reach"),
        "{large}"
    );
    assert_eq!(allowed(&document), Vec::<String>::new());
    let text = printed(&doctor(folder.path(), &[]).await);
    assert!(text.contains("failed: cannot reach"), "{text}");
    assert_eq!(text.matches("cannot reach").count(), 1, "told once: {text}");
}

/// Another dialect's endpoint, or one that cannot be made at all, leaves the
/// others alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_cannot_be_made_is_a_row() {
    let fake = Fake::start(probes()).await;
    let folder = folder(&fake.url);
    change(
        &folder,
        "template = \"plain\"\nparams = 1e7",
        "template = \"no-such.jinja\"\nparams = 1e7",
    );
    let output = doctor(folder.path(), &["--json"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let document = document(&output);
    assert_eq!(document["pool"]["endpoints"][0]["state"], "ready");
    let error = document["pool"]["endpoints"][1]["error"].as_str().unwrap();
    assert!(error.contains("no-such.jinja"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_probabilities_allows_what_reads_none() {
    let mut bare = token("2", "2", 1);
    bare["completion_probabilities"] = json!([]);
    bare["timings"] = json!(null);
    let end = json!({ "content": "", "stop": true });
    let fake = Fake::start(vec![Answer::events(&[bare, end])]).await;
    let folder = folder(&fake.url);
    let output = doctor(folder.path(), &["--json"]).await;
    assert!(output.status.success(), "{output:?}");
    let found = document(&output);
    assert_eq!(
        allowed(&found),
        ["small", "large", "random", "specreason", "query"]
    );
    let remark = found["pool"]["remarks"][0].as_str().unwrap();
    assert!(remark.contains("costs are an upper bound"), "{remark}");
    let text = printed(&doctor(folder.path(), &[]).await);
    for words in [
        "no probabilities",
        "does not name the stop",
        "does not count cached tokens",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // A run is refused by the same sentence.
    let refused = finish(solve(folder.path(), &["--router", "threshold:t=0.8"])).await;
    assert_eq!(refused.status.code(), Some(3));
    let why = found["pool"]["routers"][3]["lacks"][0]["why"]
        .as_str()
        .unwrap();
    assert!(said(&refused).contains(why), "{why}: {}", said(&refused));
    // And warned of the same.
    let run = finish(solve(folder.path(), &["--router", "small"])).await;
    assert!(
        said(&run).contains(&format!("warning: {remark}")),
        "{}",
        said(&run)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keys_variable_is_told_and_the_key_never() {
    let fake = Fake::start(probes()).await;
    let folder = folder(&fake.url);
    let address = format!("base_url = \"{}\"", fake.url);
    change(
        &folder,
        &address,
        &format!("{address}\napi_key_env = \"{KEY}\""),
    );
    let output = doctor(folder.path(), &["--json"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let small = &document(&output)["pool"]["endpoints"][0];
    assert_eq!(small["key"], json!({ "variable": KEY, "set": false }));
    assert!(small["error"].as_str().unwrap().contains(KEY), "{small}");
    assert!(
        fake.seen("/completion")
            .iter()
            .all(|seen| seen.authorization.is_none())
    );

    let mut command = pointsman(folder.path(), &["doctor", "--pool", "pool.toml", "--all"]);
    command.env(KEY, "sk-planted");
    let output = finish(command).await;
    assert!(output.status.success(), "{output:?}");
    let text = printed(&output);
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(
        words.join(" ").contains(&format!("key in {KEY} (set)")),
        "{text}"
    );
    assert!(!text.contains("sk-planted") && !said(&output).contains("sk-planted"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_is_loading_is_told_from_one_that_is_silent() {
    let loading = Fake::start(probes()).await;
    let message = Answer::error(503, "unavailable_error", "Loading model");
    loading.on("/health", vec![message]);
    let folder = folder(&loading.url);
    let silent = Fake::start(vec![stalled("1")]).await;
    move_large(&folder, &loading.url, &silent.url);
    let output = doctor(folder.path(), &["--json", "--timeout", "0.2"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let document = document(&output);
    let [small, large] = [0, 1].map(|at| &document["pool"]["endpoints"][at]);
    assert_eq!(small["state"], "loading");
    assert!(
        small["error"].as_str().unwrap().contains("still loading"),
        "{small}"
    );
    assert_eq!(large["state"], "failed");
    assert!(
        large["error"]
            .as_str()
            .unwrap()
            .contains("no answer to the probe"),
        "{large}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_told_however_short_the_time() {
    let there = Fake::start(probes()).await;
    let folder = folder(&there.url);
    move_large(&folder, &there.url, NOWHERE);
    let output = doctor(folder.path(), &["--json", "--timeout", "0.2"]).await;
    let document = document(&output);
    let large = &document["pool"]["endpoints"][1];
    let error = large["error"].as_str().unwrap();
    assert_eq!(large["state"], "failed");
    assert!(error.contains("cannot reach"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_probe_is_130() {
    let fake = Fake::start(vec![stalled("1")]).await;
    let folder = folder(&fake.url);
    let child = pointsman(folder.path(), &["doctor", "--pool", "pool.toml"])
        .spawn()
        .unwrap();
    until_seen(&fake, 2).await;
    interrupt(&child);
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_pool_file_is_2() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("pool.toml"), "[[model]]\nname = 1\n").unwrap();
    for file in ["pool.toml", "none.toml"] {
        let output = finish(pointsman(folder.path(), &["doctor", "--pool", file])).await;
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(said(&output).contains(file), "{output:?}");
        assert!(output.stdout.is_empty());
    }
    let wrong = ["doctor", "--pool", "pool.toml", "--timeout", "0"];
    let output = finish(pointsman(folder.path(), &wrong)).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_machine_is_looked_at_without_a_pool() {
    let folder = TempDir::new().unwrap();
    let look = |config: &str| {
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        let mut command = pointsman(folder.path(), &["doctor", "--json"]);
        for (name, value) in [
            ("HOME", "."),
            ("XDG_DATA_HOME", "data"),
            ("POINTSMAN_CONFIG_DIR", "."),
        ] {
            command.env(name, folder.path().join(value));
        }
        command
            .env("NO_COLOR", "1")
            .env("EDITOR", "no-such-editor")
            .env_remove("VISUAL");
        finish(command)
    };
    let check = |document: &Value, area: &str, name: &str| {
        let checks = document["checks"].as_array().unwrap();
        let found = checks
            .iter()
            .find(|check| check["area"] == area && check["name"] == name);
        found
            .cloned()
            .unwrap_or_else(|| panic!("{area} {name}: {document}"))
    };
    let output = look("theme = \"light\"\n").await;
    assert!(output.status.success(), "{output:?}");
    let found = document(&output);
    assert!(found.get("pool").is_none());
    for name in [
        "small",
        "large",
        "prm",
        "judge",
        "policy",
        "threshold",
        "steer",
        "percentile",
        "query",
    ] {
        let inside = check(&found, "inside", name);
        assert_eq!(inside["status"], "ok", "{inside}");
    }
    let connected = check(&found, "terminal", "connected");
    assert_eq!(connected["status"], "note", "{connected}");
    let colours = check(&found, "terminal", "colours");
    assert!(
        colours["text"].as_str().unwrap().contains("NO_COLOR"),
        "{colours}"
    );
    assert_eq!(check(&found, "terminal", "editor")["status"], "note");
    let settings = check(&found, "configuration", "settings");
    let text = settings["text"].as_str().unwrap();
    assert!(
        text.contains("theme = light (") && text.contains("config.toml"),
        "{text}"
    );

    let found = document(&look("them = \"light\"\n").await);
    let settings = check(&found, "configuration", "settings");
    assert_eq!(settings["status"], "problem");
    let text = settings["text"].as_str().unwrap();
    assert!(
        text.contains("line 1") && text.contains("did you mean `theme`"),
        "{text}"
    );
}

/// The note holds what everybody said that the run may call, with what asking
/// took; none of it is in the cost of a problem.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_what_the_probes_found() {
    let fake = Fake::start(vec![tokens(&["9"], "eos")]).await;
    let folder = folder(&fake.url);
    let judge = format!(
        "[judge]\nserver = \"llama-cpp\"\nbase_url = \"{}\"\ntemplate = \"plain\"\nparams = 1e7\n",
        fake.url
    );
    let path = folder.path().join("pool.toml");
    let pool = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, pool + &judge).unwrap();
    let output = finish(solve(
        folder.path(),
        &["--router", "specreason:tau=5", "--limit", "1"],
    ))
    .await;
    assert!(output.status.success(), "{}", said(&output));
    let note = records(folder.path())
        .into_iter()
        .find_map(|record| match record {
            Record::Note(note) if note.kind == "probe" => Some(note.text),
            _ => None,
        });
    let note: Value = serde_json::from_str(&note.unwrap()).unwrap();
    let usage = json!({ "prompt": 20, "cached": 12, "output": 1 });
    for model in ["small", "large"] {
        assert_eq!(note["models"][model]["values"], "logprob-pre-temperature");
        assert_eq!(note["models"][model]["usage"], usage);
    }
    let judge = &note["scorers"]["judge"];
    assert_eq!(
        (&judge["name"], &judge["server"]),
        (&json!("judge"), &json!("llama-cpp"))
    );
    assert_eq!(judge["usage"], usage);
    assert_eq!(judge["capabilities"]["top"], 2);
}

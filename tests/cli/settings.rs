//! `config`, `keys` and `themes`, in a configuration folder of the test's own.

use serde_json::{Value, json};

use super::*;

const DEFAULT_CONFIG: &str = include_str!("../../assets/default-config.toml");

/// A configuration folder of these files.
fn settings(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("themes")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn with(folder: &Path, env: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("pointsman").unwrap();
    let ours = ["THEME", "COLORS", "MOUSE", "SHADING", "WHO"];
    for name in ours.map(|name| format!("POINTSMAN_{name}")) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env("POINTSMAN_CONFIG_DIR", folder)
        .env("USER", "ada")
        .envs(env.iter().copied())
        .args(arguments)
        .output()
        .unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// The words, wherever their lines were broken.
fn words(output: &[u8]) -> String {
    let text = text(output);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn document(folder: &Path, arguments: &[&str]) -> Value {
    let output = with(folder, &[], &[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn setting<'a>(document: &'a Value, name: &str) -> &'a Value {
    let settings = document["settings"].as_array().unwrap();
    settings.iter().find(|one| one["name"] == name).unwrap()
}

#[test]
fn every_setting_is_told_with_who_set_it() {
    let folder = settings(&[("config.toml", "theme = \"light\"\n")]);
    let path = folder.path();
    let env = [("POINTSMAN_MOUSE", "on"), ("NO_COLOR", "1")];
    let output = with(path, &env, &["config", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["named"], true);
    let theme = setting(&told, "theme");
    assert_eq!(
        (&theme["value"], &theme["source"]["kind"]),
        (&json!("light"), &json!("file"))
    );
    let mouse = json!({ "kind": "environment", "name": "POINTSMAN_MOUSE" });
    assert_eq!(setting(&told, "mouse")["source"], mouse);
    assert_eq!(setting(&told, "colors")["value"], "none");
    assert_eq!(
        setting(&told, "shading")["source"],
        json!({ "kind": "default" })
    );
    assert_eq!(setting(&told, "who")["value"], "ada");
    let found: Vec<&Value> = told["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["found"] == true)
        .map(|file| &file["name"])
        .collect();
    assert_eq!(found, ["config.toml", "themes"]);
    let shown = words(&with(path, &env, &["config"]).stdout);
    for part in [
        "config.toml",
        "light",
        "environment variable NO_COLOR",
        "keys.toml",
    ] {
        assert!(shown.contains(part), "{part} not in\n{shown}");
    }
}

#[test]
fn what_cannot_be_used_is_2_with_its_line_and_still_told_on_stdout() {
    let wrong = "# mine\n\n\"colors\" = \"purple\"\n";
    let folder = settings(&[("config.toml", wrong)]);
    let output = with(folder.path(), &[], &["config", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("config.toml, line 3: `purple`"), "{stderr}");
    assert!(stderr.contains("config --default"), "{stderr}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["settings"], json!([]));
    assert!(
        told["faults"][0]["text"]
            .as_str()
            .unwrap()
            .contains("line 3")
    );
}

#[test]
fn a_check_fails_for_what_would_only_be_warned_of() {
    let folder = settings(&[
        ("keys.toml", "[global]\n\"f9\" = \"qiut\"\n"),
        ("themes/other.toml", "[roles]\nstep.smal = \"red\"\n"),
    ]);
    let path = folder.path();
    let shown = with(path, &[], &["config"]);
    assert!(shown.status.success(), "{shown:?}");
    assert!(words(&shown.stdout).contains("did you mean `quit`?"));
    let checked = with(path, &[], &["config", "--check"]);
    assert_eq!(checked.status.code(), Some(2));
    let told = words(&checked.stdout);
    assert!(told.contains("did you mean `quit`?"), "{told}");
    assert!(told.contains("did you mean `step.small`?"), "{told}");
    assert!(text(&checked.stderr).contains("2 things are wrong"));
}

#[test]
fn the_default_files_can_be_started_from() {
    let folder = settings(&[]);
    let path = folder.path();
    let default = with(path, &[], &["config", "--default"]);
    assert_eq!(text(&default.stdout), DEFAULT_CONFIG);
    let keys = with(path, &[], &["config", "--default-keys"]);
    std::fs::write(path.join("config.toml"), &default.stdout).unwrap();
    std::fs::write(path.join("keys.toml"), &keys.stdout).unwrap();
    let checked = with(path, &[], &["config", "--check"]);
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn keys_are_told_by_context_with_those_that_were_changed() {
    let changes = "[inspector]\n\"x\" = \"override\"\n[global]\n\"q\" = \"none\"\n\"ctrl-q\" = \"quit\"\n\"x\" = \"help\"\n";
    let folder = settings(&[("keys.toml", changes)]);
    let path = folder.path();
    let told = document(path, &["keys", "--changed"]);
    let contexts = told["contexts"].as_array().unwrap();
    let mut changed: Vec<(String, String, Value)> = Vec::new();
    for context in contexts {
        for key in context["keys"].as_array().unwrap() {
            assert_eq!(key["changed"], true);
            changed.push((
                context["context"].as_str().unwrap().to_owned(),
                key["keys"].as_str().unwrap().to_owned(),
                key["action"].clone(),
            ));
        }
    }
    changed.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let row = |context: &str, keys: &str, action: Value| (context.into(), keys.into(), action);
    assert_eq!(
        changed,
        [
            row("global", "ctrl-q", json!("quit")),
            row("global", "q", Value::Null),
            row("global", "x", json!("help")),
            row("inspector", "x", json!("override")),
        ]
    );
    // Told on stderr too: the tree has `x` for something else.
    let shown = with(path, &[], &["keys", "--context", "inspector"]);
    assert!(shown.status.success(), "{shown:?}");
    assert!(words(&shown.stdout).contains("(default: breakpoint)"));
    let warned = text(&shown.stderr);
    assert!(
        warned.contains("warning: keys.global.\"x\": `help` not in"),
        "{warned}"
    );
    let wrong = with(path, &[], &["keys", "--context", "inspectr"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("inspector"));
}

#[test]
fn the_printed_file_of_keys_is_the_keymap_again() {
    let changes =
        "[inspector]\n\"x\" = \"override\"\n[global]\n\"g\" = \"last\"\n\"q\" = \"none\"\n";
    let folder = settings(&[("keys.toml", changes)]);
    let path = folder.path();
    let before = document(path, &["keys"]);
    assert!(
        before["faults"].to_string().contains("hides `gg`"),
        "{}",
        before["faults"]
    );
    let file = with(path, &[], &["keys", "--toml"]).stdout;
    std::fs::write(path.join("keys.toml"), file).unwrap();
    let after = document(path, &["keys"]);
    assert_eq!(before["contexts"], after["contexts"]);
    // Without anything changed every line is a comment.
    std::fs::remove_file(path.join("keys.toml")).unwrap();
    let file = text(&with(path, &[], &["keys", "--toml"]).stdout);
    assert!(
        file.lines()
            .all(|line| line.is_empty() || line.starts_with(['#', '['])),
        "{file}"
    );
    assert!(file.contains("# \"space\" = \"step\""), "{file}");
}

#[test]
fn themes_are_listed_printed_and_checked() {
    let mine = "inherits = \"light\"\ndescription = \"for the train\"\n";
    let folder = settings(&[
        ("config.toml", "theme = \"mine\"\n"),
        ("themes/mine.toml", mine),
        ("wrong.toml", "backgruond = \"light\"\n"),
    ]);
    let path = folder.path();
    let told = document(path, &["themes"]);
    assert_eq!(told["current"], "mine");
    let themes = told["themes"].as_array().unwrap();
    assert_eq!(themes.len(), 7);
    let of = |name: &str| themes.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(of("dark")["file"], Value::Null);
    assert_eq!(of("mine")["inherits"], "light");
    assert!(of("mine")["file"].as_str().unwrap().ends_with("mine.toml"));
    let shown = text(&with(path, &[], &["themes"]).stdout);
    assert!(shown.contains("part of the program"), "{shown}");
    assert!(
        shown.lines().any(|line| line.starts_with("*  mine")),
        "{shown}"
    );
    assert_eq!(text(&with(path, &[], &["themes", "mine"]).stdout), mine);
    let check = |file: &str| with(path, &[], &["themes", "--check", file]);
    assert!(check("themes/mine.toml").status.success());
    let wrong = check("wrong.toml");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(words(&wrong.stdout).contains("did you mean `background`?"));
    // A theme that was printed is one that can be started from.
    for name in [
        "dark",
        "light",
        "ansi16",
        "mono",
        "high-contrast",
        "projector",
    ] {
        let toml = with(path, &[], &["themes", name]).stdout;
        std::fs::write(path.join("copy.toml"), toml).unwrap();
        assert!(check("copy.toml").status.success(), "{name}");
    }
    let unknown = with(path, &[], &["themes", "drak"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("did you mean `dark`?"));
    assert_eq!(check("none.toml").status.code(), Some(2));
}

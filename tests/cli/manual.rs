//! `man` and `completions`, and that every command can be asked for help.

use serde_json::Value;

use super::*;

fn text(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that `--help` lists.
fn commands(folder: &Path) -> Vec<String> {
    let help = text(folder, &["--help"]);
    let listed = help.split("Commands:\n").nth(1).unwrap();
    let lines = listed.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| {
        line.strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '))
    });
    let names = names.filter_map(|rest| rest.split(' ').next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_has_a_page_and_none_is_written_over() {
    let folder = folder(&[]);
    let path = folder.path();
    let commands = commands(path);
    assert!(commands.contains(&"stats".to_owned()), "{commands:?}");
    let out = ["man", "--out", "pages"];
    assert!(run(path, &out).status.success());
    let pages = path.join("pages");
    for command in &commands {
        let page = std::fs::read_to_string(pages.join(format!("pointsman-{command}.1"))).unwrap();
        assert!(
            page.contains(&format!(".TH pointsman-{command} 1")),
            "{command}"
        );
        let options = page.contains(".SH OPTIONS") && page.contains(".SH SYNOPSIS");
        assert!(options, "{command}");
    }
    assert!(pages.join("pointsman.1").is_file());
    assert!(pages.join("pointsman-calibrate-steer.1").is_file());
    let names: Vec<String> = pages
        .read_dir()
        .unwrap()
        .map(|item| item.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.contains("help") || name.contains("pair")),
        "{names:?}"
    );
    let page = pages.join("pointsman-solve.1");
    std::fs::write(&page, "mine").unwrap();
    fails(path, &out, 2, &["is there already", "--force"]);
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "mine");
    assert!(
        run(path, &[&out[..], &["--force"]].concat())
            .status
            .success()
    );
    assert!(
        std::fs::read_to_string(&page)
            .unwrap()
            .contains(".SH OPTIONS")
    );
}

#[test]
fn one_page_goes_to_stdout() {
    let folder = folder(&[]);
    let path = folder.path();
    let whole = text(path, &["man"]);
    for part in [
        ".SH \"EXIT STATUS\"",
        "POINTSMAN_CONFIG_DIR",
        "pointsman\\-solve(1)",
    ] {
        assert!(whole.contains(part), "{part} not in\n{whole}");
    }
    let nested = text(path, &["man", "calibrate", "steer"]);
    assert!(
        nested.contains(".TH pointsman-calibrate-steer 1"),
        "{nested}"
    );
    assert!(!nested.contains("EXIT STATUS"));
    let json: Value = serde_json::from_str(&text(path, &["man", "solve", "--json"])).unwrap();
    assert_eq!(json["name"], "pointsman-solve.1");
    fails(
        path,
        &["man", "slove"],
        2,
        &["no command `slove`", "did you mean `solve`?"],
    );
    fails(path, &["man", "solve", "--out", "pages"], 2, &["--out"]);
}

#[test]
fn every_shell_is_offered_what_is_not_hidden() {
    let folder = folder(&[]);
    let path = folder.path();
    let commands = commands(path);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(path, &["completions", shell]);
        let words: Vec<&str> = script
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .collect();
        for command in &commands {
            assert!(words.contains(&command.as_str()), "{shell}: {command}");
        }
        // The others have sentences with that word.
        assert!(shell != "bash" || !words.contains(&"pair"), "{shell}");
    }
    fails(path, &["completions", "tcsh"], 2, &["tcsh", "bash"]);
}

#[test]
fn what_is_wrong_about_a_filter_can_be_looked_up_without_a_log() {
    let folder = folder(&[]);
    let path = folder.path();
    assert!(text(path, &["replay", "--filter", "help"]).contains("large_share"));
    fails(path, &["replay", "--filter", "wrong"], 2, &["which log?"]);
}

#[test]
fn a_task_of_an_array_without_a_shard_is_told_that_it_does_everything() {
    let folder = folder(&[]);
    let path = folder.path();
    let solve = |tasks: &str, log: &str, more: &[&str]| {
        let output = Command::cargo_bin("pointsman")
            .unwrap()
            .current_dir(path)
            .env("SLURM_ARRAY_TASK_ID", "3")
            .env("SLURM_ARRAY_TASK_COUNT", tasks)
            .args([
                "solve", "--limit", "4", "--router", "small", "--json", "--log", log,
            ])
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        let told = String::from_utf8_lossy(&output.stderr).contains("Slurm array of");
        (told, summary["shard"].clone())
    };
    // Nothing is taken from the variables: they only make a note.
    assert_eq!(solve("8", "a.jsonl", &[]), (true, Value::Null));
    assert!(!solve("8", "b.jsonl", &["--quiet"]).0);
    assert!(!solve("1", "c.jsonl", &[]).0);
    let (told, shard) = solve("8", "d.jsonl", &["--shard", "1/2"]);
    assert!(!told && shard["shard"] == "1/2", "{shard}");
}

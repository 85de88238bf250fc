//! `export`: a log of the embedded pair in every format.

use std::io::Read as _;

use serde_json::Value;

use super::*;

/// Six problems of the demo, decided on by the policy.
fn log() -> TempDir {
    let folder = folder(&[]);
    let solve = [
        "solve", "--limit", "6", "--router", "policy", "--log", "a.jsonl", "--quiet",
    ];
    let output = run(folder.path(), &solve);
    assert!(output.status.success(), "{output:?}");
    folder
}

fn export(folder: &Path, arguments: &[&str]) -> Output {
    let output = run(folder, &[&["export"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output
}

/// What is printed where the file is `-`.
fn text(folder: &Path, arguments: &[&str]) -> String {
    String::from_utf8(export(folder, arguments).stdout).unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = export(folder, &[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A table as the names of its columns and its rows.
fn table(folder: &Path, arguments: &[&str]) -> (Vec<String>, Vec<Vec<String>>) {
    let text = text(folder, &[&["a.jsonl", "--csv", "-"], arguments].concat());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let owned = |row: &csv::StringRecord| row.iter().map(str::to_owned).collect();
    let names = owned(reader.headers().unwrap());
    let rows = reader.records().map(|row| owned(&row.unwrap())).collect();
    (names, rows)
}

/// The problems of the log with the number of their steps.
fn problems(folder: &Path) -> Vec<(String, u64)> {
    let output = run(folder, &["show", "a.jsonl", "--json"]);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let listed = shown["trajectories"].as_array().unwrap().iter();
    listed
        .map(|one| {
            let id = one["problem"].as_str().unwrap().to_owned();
            (id, one["steps"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn everything_is_written_in_one_call_and_agrees() {
    let folder = log();
    let path = folder.path();
    let done = json(
        path,
        &[
            "a.jsonl",
            "--csv",
            "s.csv",
            "--markdown",
            "m.md",
            "--html",
            "h.html",
            "--otel",
            "o.jsonl",
            "--inspect",
            "i.json",
            "--svg",
            "p.svg",
            "--cast",
            "c.cast",
        ],
    );
    let steps: u64 = problems(path).iter().map(|(_, steps)| steps).sum();
    assert_eq!(done["trajectories"], 6);
    assert_eq!(done["counts"]["csv"], steps);
    assert_eq!(done["counts"]["inspect"], 6);
    assert_eq!(done["svg"], "p.svg");
    let read = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
    assert_eq!(read("s.csv").lines().count() as u64, 1 + steps);
    assert_eq!(read("h.html").matches("<article").count(), 6);
    assert_eq!(
        read("h.html").matches("<section class=\"step ").count() as u64,
        steps
    );
    let headings = read("m.md");
    let headings = headings.lines().filter(|line| line.starts_with("## "));
    assert_eq!(headings.count(), 6);
    let spans = read("o.jsonl");
    assert_eq!(spans.lines().count(), 6);
    let calls = spans.matches("\"kind\":3").count() as u64;
    assert_eq!(calls, steps);
    let log: Value = serde_json::from_str(&read("i.json")).unwrap();
    assert_eq!(log["samples"].as_array().unwrap().len(), 6);
    assert_eq!(log["results"]["total_samples"], 6);
    assert!(read("p.svg").contains("<svg"));
    let leftovers = path.read_dir().unwrap();
    let names = leftovers.map(|item| item.unwrap().file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.starts_with(".pointsman")));
}

#[test]
fn tables_have_rows_of_what_was_asked_for() {
    let folder = log();
    let path = folder.path();
    let (names, steps) = table(path, &[]);
    let at = |name: &str| names.iter().position(|known| known == name).unwrap();
    assert!(!names.iter().any(|name| name == "text"));
    for row in &steps {
        assert!(row[at("step")].parse::<u32>().unwrap() > 0);
        let confidence: f64 = row[at("confidence")].parse().unwrap();
        assert!((0.0..=1.0).contains(&confidence));
    }
    let (with, _) = table(path, &["--content"]);
    assert_eq!(with.len(), names.len() + 1);
    let (names, outcomes) = table(path, &["--of", "outcomes", "--content"]);
    let at = |name: &str| names.iter().position(|known| known == name).unwrap();
    assert_eq!(outcomes.len(), 6);
    assert!(outcomes.iter().all(|row| row[at("holds")] == "true"));
    assert!(outcomes.iter().any(|row| !row[at("answer")].is_empty()));
    let (_, decisions) = table(path, &["--of", "decisions"]);
    assert!(decisions.len() >= steps.len() - 6);
    let (names, none) = table(path, &["--of", "labels"]);
    assert!(none.is_empty() && names.iter().any(|name| name == "label"));
    // One problem, one trajectory, or those that fulfil something.
    let (id, count) = problems(path).swap_remove(1);
    let (_, one) = table(path, &["--problem", &id]);
    assert_eq!(one.len() as u64, count);
    let (names, limited) = table(path, &["--limit", "2", "--of", "outcomes"]);
    assert_eq!(limited.len(), 2);
    let verdict = names.iter().position(|name| name == "verdict").unwrap();
    let (_, correct) = table(path, &["--filter", "correct", "--of", "outcomes"]);
    assert!(correct.iter().all(|row| row[verdict] == "correct"));
}

#[test]
fn an_archive_for_inspect_holds_its_members() {
    let folder = log();
    let path = folder.path();
    export(path, &["a.jsonl", "--inspect", "i.eval"]);
    let file = std::fs::File::open(path.join("i.eval")).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut header = String::new();
    archive
        .by_name("header.json")
        .unwrap()
        .read_to_string(&mut header)
        .unwrap();
    let header: Value = serde_json::from_str(&header).unwrap();
    assert_eq!(header["version"], 2);
    let samples = archive
        .file_names()
        .filter(|name| name.as_ref().is_ok_and(|name| name.starts_with("samples/")));
    assert_eq!(samples.count(), 6);
}

#[test]
fn a_recording_plays_every_step() {
    let folder = log();
    let path = folder.path();
    let (id, steps) = problems(path).swap_remove(0);
    let cast = ["a.jsonl", "--problem", &id, "--cast", "-", "--pace", "2"];
    let cast = text(path, &cast);
    let mut lines = cast.lines();
    let header: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(
        (&header["version"], &header["width"]),
        (&2.into(), &120.into())
    );
    let events: Vec<(f64, String, String)> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The question, every step, and the end.
    assert_eq!(events.len() as u64, steps + 2);
    let last = events.last().unwrap();
    assert_eq!(last.0, 2.0 * (steps + 1) as f64);
    assert!(events.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    let shown: String = events.iter().map(|(.., data)| data.as_str()).collect();
    assert!(shown.contains(&id), "the problem is named");
    for sequence in shown.split('\u{1b}').skip(1) {
        let parameters = sequence.strip_prefix('[').unwrap();
        let end = parameters.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        let (what, by) = (&parameters[end..=end], &parameters[..end]);
        let own = what == "m" || what == "H" || by == "?25";
        assert!(own, "{sequence:?}");
    }
}

#[test]
fn a_picture_for_a_talk_holds_nothing_private() {
    let folder = log();
    let path = folder.path();
    let log = std::fs::read_to_string(path.join("a.jsonl")).unwrap();
    let head: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let spec = head["router"]["spec"].as_str().unwrap();
    let theirs = log.replace(
        &format!("\"spec\":\"{spec}\""),
        "\"spec\":\"policy:path=/home/lovelace/mine\"",
    );
    std::fs::write(path.join("t.jsonl"), theirs).unwrap();
    for format in [["--svg", "-"], ["--cast", "-"]] {
        let drawn = |talk: &[&str]| {
            let size = ["t.jsonl", "--width", "200"];
            text(path, &[&size[..], &format, talk].concat())
        };
        assert!(drawn(&[]).contains("lovelace"), "{format:?}");
        assert!(!drawn(&["--talk"]).contains("lovelace"), "{format:?}");
    }
}

#[test]
fn there_are_pictures_of_every_screen() {
    let folder = log();
    let path = folder.path();
    let svg = |more: &[&str]| text(path, &[&["a.jsonl", "--svg", "-"], more].concat());
    let mut seen = vec![svg(&[])];
    for (screen, word) in [
        ("tree", ">Tree"),
        ("runs", "policy"),
        ("problems", "story"),
        ("what-if", "coverage"),
        ("values", "Values"),
        ("analysis", "Calibration"),
    ] {
        let picture = svg(&["--screen", screen]);
        assert!(picture.contains(word), "{screen}: {picture}");
        assert!(!seen.contains(&picture), "{screen}");
        seen.push(picture);
    }
    assert_eq!(svg(&["--tree"]), seen[1]);
    // Two runs are compared; of one there is no such picture.
    let compare = ["--svg", "-", "--screen", "compare"];
    let alone = [&["export", "a.jsonl"], &compare[..]].concat();
    fails(path, &alone, 1, &["no other run", "both runs"]);
    let solve = [
        "solve", "--limit", "2", "--router", "small", "--log", "b.jsonl", "--quiet",
    ];
    assert!(run(path, &solve).status.success());
    let both = text(path, &[&["a.jsonl", "b.jsonl"], &compare[..]].concat());
    assert!(both.contains("Compare"), "{both}");
    assert_ne!(svg(&["--step", "0"]), seen[0]);
    assert_ne!(svg(&["--theme", "light"]), seen[0]);
}

/// What `show` is asked of a screen a picture is asked as well.
#[test]
fn pictures_are_asked_as_screens_are() {
    let folder = log();
    let path = folder.path();
    let picture = ["a.jsonl", "--svg", "-"];
    let svg = |more: &[&str]| text(path, &[&picture[..], more].concat());
    let refused = |more: &[&str], said: &[&str]| {
        fails(path, &[&["export"], &picture[..], more].concat(), 2, said);
    };
    let logged = svg(&["--screen", "what-if"]);
    let slid = svg(&["--value", "0.9"]);
    assert!(slid.contains("coverage") && slid != logged);
    assert_eq!(svg(&["--screen", "what-if", "--value", "0.9"]), slid);
    assert_ne!(svg(&["--value", "0.2"]), slid);
    refused(&["--value", "7"], &["--value 7", "goes from 0 to 1"]);
    refused(&["--rule", "small"], &["--rule"]);
    refused(
        &["--screen", "tree", "--value", "0.9"],
        &["--value says nothing on the screen `tree`"],
    );
    refused(&["--screen", "runs", "--step", "1"], &["--step"]);
    let cheap = [&["export"], &picture[..], &["--cost", "1"]].concat();
    fails(
        path,
        &cheap,
        1,
        &["no value with an estimate is as cheap as 1"],
    );
    let cheaper = svg(&["--rule", "threshold:t=0.5", "--value", "0.1"]);
    assert_ne!(cheaper, svg(&["--rule", "threshold:t=0.5"]));
    let analysis = svg(&["--screen", "analysis"]);
    assert_ne!(svg(&["--by", "difficulty"]), analysis);
    let (first, second) = ("--filter", "difficulty > 1");
    let problems = svg(&["--screen", "problems"]);
    assert_ne!(svg(&["--screen", "problems", first, second]), problems);
    assert_ne!(svg(&["--sort=-cost"]), problems);
}

/// What decisions lost follows from the whole log: an export goes by it as the
/// table does.
#[test]
fn filters_by_regret_choose_what_show_lists() {
    let folder = log();
    let path = folder.path();
    let solve = [
        "solve", "--limit", "6", "--router", "small", "--log", "b.jsonl", "--quiet",
    ];
    assert!(run(path, &solve).status.success());
    for filter in ["any(regret > 0)", "known(failure)"] {
        let logs = ["a.jsonl", "b.jsonl", "--filter", filter];
        let shown = run(path, &[&["show"], &logs[..], &["--json"]].concat());
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let listed = shown["trajectories"].as_array().unwrap().len() as u64;
        assert!(listed > 0 && listed < 12, "{filter}: {listed}");
        let done = json(
            path,
            &[&logs[..], &["--html", "h.html", "--force"]].concat(),
        );
        assert_eq!(done["trajectories"], listed, "{filter}");
    }
}

/// Where one of several cannot be made, none is there afterwards.
#[test]
fn all_is_written_or_nothing() {
    let folder = log();
    let path = folder.path();
    let both = ["export", "a.jsonl", "--csv", "s.csv", "--svg", "p.svg"];
    for more in [
        &["--step", "1000"][..],
        &["--theme", "nowhere"],
        &["--value", "7"],
    ] {
        fails(path, &[&both[..], more].concat(), 2, &[]);
        assert!(!path.join("s.csv").exists(), "{more:?}");
    }
    // Before the first row there is no heading either.
    let nowhere = ["export", "a.jsonl", "--csv", "-", "--run", "zzz"];
    assert!(run(path, &nowhere).stdout.is_empty());
}

/// A rename would take their place.
#[test]
fn what_is_no_file_is_written_over_by_nothing() {
    let folder = log();
    let path = folder.path();
    std::fs::create_dir(path.join("taken")).unwrap();
    #[cfg(unix)]
    let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
    for (name, what) in [("taken", "a folder"), ("socket", "no file")] {
        if !path.join(name).exists() {
            continue;
        }
        for format in ["--csv", "--svg", "--cast"] {
            let over = ["export", "a.jsonl", format, name, "--force"];
            fails(path, &over, 2, &[name, what]);
        }
    }
    assert!(path.join("taken").is_dir());
    assert!(!path.join("socket").is_file());
}

#[test]
fn files_that_are_there_are_kept() {
    let folder = log();
    let path = folder.path();
    let csv = ["a.jsonl", "--csv", "taken.csv"];
    std::fs::write(path.join("taken.csv"), "mine").unwrap();
    fails(
        path,
        &[&["export"], &csv[..]].concat(),
        2,
        &["taken.csv is there", "--force"],
    );
    assert_eq!(std::fs::read(path.join("taken.csv")).unwrap(), b"mine");
    export(path, &[&csv[..], &["--force"]].concat());
    assert!(
        std::fs::read(path.join("taken.csv"))
            .unwrap()
            .starts_with(b"run,")
    );
    // A picture is made again without being asked.
    export(path, &["a.jsonl", "--svg", "p.svg"]);
    export(path, &["a.jsonl", "--svg", "p.svg"]);
    // A log is written over by nothing.
    let before = std::fs::read(path.join("a.jsonl")).unwrap();
    for format in ["--csv", "--svg", "--cast", "--otel"] {
        let over = ["export", "a.jsonl", format, "./a.jsonl", "--force"];
        fails(path, &over, 2, &["is a log that is read"]);
    }
    assert_eq!(std::fs::read(path.join("a.jsonl")).unwrap(), before);
}

#[test]
fn wrong_wishes_are_refused_with_what_to_do() {
    let folder = log();
    let path = folder.path();
    let wrong = |arguments: &[&str], code, said: &[&str]| {
        fails(
            path,
            &[&["export", "a.jsonl"], arguments].concat(),
            code,
            said,
        );
    };
    wrong(&[], 2, &["--csv", "--svg"]);
    wrong(
        &["--markdown", "m.md", "--of", "steps"],
        2,
        &["--csv or --parquet"],
    );
    wrong(
        &["--csv", "x", "--markdown", "./x"],
        2,
        &["both written to"],
    );
    wrong(&["--csv", "-", "--json"], 2, &["stdout"]);
    wrong(
        &["--csv", "x.csv", "--run", "zzz"],
        2,
        &["begins with `zzz`", "--run takes"],
    );
    wrong(
        &["--csv", "x.csv", "--problem", "nowhere"],
        2,
        &["no problem `nowhere`"],
    );
    wrong(
        &["--csv", "x.csv", "--filter", "wrng"],
        2,
        &["did you mean `wrong`"],
    );
    wrong(
        &["--csv", "x.csv", "--filter", "steps > 1000"],
        1,
        &["none of the 6"],
    );
    wrong(&["--inspect", "i.zip"], 2, &[".json or .eval"]);
    wrong(
        &["--svg", "x.svg", "--step", "1000"],
        2,
        &["there is no step 1000"],
    );
    wrong(
        &["--svg", "x.svg", "--screen", "nowhere"],
        2,
        &["inspector", "what-if"],
    );
    wrong(&["--csv", "x.csv", "--screen", "tree"], 2, &["--svg"]);
    wrong(
        &["--csv", "x.csv", "--width", "90"],
        2,
        &["--svg", "--cast"],
    );
    wrong(&["--cast", "x.cast", "--pace", "0"], 2, &["--pace"]);
    wrong(
        &["--csv", "none/x.csv"],
        2,
        &["none/x.csv: no such folder none"],
    );
    wrong(&["--csv", "x.csv", "--talk"], 2, &["--svg or --cast"]);
    if !cfg!(feature = "parquet") {
        wrong(
            &["--parquet", "x.parquet"],
            2,
            &["--features parquet", "--csv"],
        );
    }
    let solve = [
        "solve", "--limit", "6", "--router", "small", "--log", "b.jsonl", "--quiet",
    ];
    assert!(run(path, &solve).status.success());
    wrong(
        &["b.jsonl", "--inspect", "i.json"],
        2,
        &["of one run", "--run"],
    );
    for left in ["x", "x.csv", "x.svg", "x.cast", "i.json", "x.parquet"] {
        assert!(!path.join(left).exists(), "{left}");
    }
}

#[test]
fn nothing_that_acts_leaves_a_hostile_log() {
    let folder = log();
    let path = folder.path();
    let log = std::fs::read_to_string(path.join("a.jsonl")).unwrap();
    let (id, _) = problems(path).swap_remove(0);
    // JSON escapes of: OSC 52, an OSC 8 that never ends, ESC c, C1, bidi, tab,
    // zero width; a formula; a tag; a fence; credentials.
    let hostile = "=1+1\\u001b]52;c;eA==\\u0007\\u001b]8;;http://x\\u001bc\u{9b}2J\u{202e}\\t\u{200b}\
                   </pre><script>alert(1)</script>\\n```\\n# out\\nhttps://u:hunter2@h/?token=hunter2 ";
    let log = log
        .replace(&format!("\"{id}\""), &format!("\"{id}{hostile}\""))
        .replace(
            "\"spec\":\"policy\"",
            &format!("\"spec\":\"policy{hostile}\""),
        )
        .replace("\"domain\":\"", &format!("\"domain\":\"{hostile}"))
        .replace("\"rule\":\"", &format!("\"rule\":\"{hostile}"))
        .replace("\"reason\":\"", &format!("\"reason\":\"{hostile}"))
        .replace("\"answer\":\"", &format!("\"answer\":\"{hostile}"))
        .replace("\"text\":\"First", &format!("\"text\":\"{hostile}First"));
    assert!(log.contains("hunter2"));
    std::fs::write(path.join("h.jsonl"), log).unwrap();
    let formats: [&[&str]; 11] = [
        &["--csv", "-", "--content"],
        &["--csv", "-", "--content", "--of", "decisions"],
        &["--csv", "-", "--content", "--of", "outcomes"],
        &["--markdown", "-"],
        &["--html", "-"],
        &["--otel", "-", "--content"],
        &["--inspect", "-"],
        &["--cast", "-"],
        &["--svg", "-"],
        &["--svg", "-", "--screen", "problems"],
        &["--csv", "h.csv", "--json"],
    ];
    for format in formats {
        let arguments = [&["export", "h.jsonl"], format].concat();
        let output = run(path, &arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let acts = |c: &char| {
            (c.is_control() && *c != '\n')
                || ('\u{202a}'..='\u{202e}').contains(c)
                || *c == '\u{200b}'
        };
        assert_eq!(shown.chars().find(acts), None, "{arguments:?}");
        if format.contains(&"--html") || format.contains(&"--svg") {
            assert!(!shown.contains("<script"), "{arguments:?}");
        }
        // What is drawn is cut where a pane ends: it is looked at as text.
        if !format.contains(&"--svg") && !format.contains(&"--cast") {
            assert!(!shown.contains("hunter2"), "{arguments:?}");
        }
    }
}

//! `show --screen compare`: two trajectories, two runs, on logs of the embedded
//! pair.

use serde_json::Value;

use super::show::{json, logs, text};
use super::*;

/// A problem that both runs have, and the ids of the runs.
fn subject(path: &Path) -> (String, [String; 2]) {
    let runs = json(path, &["a.jsonl", "b.jsonl", "--screen", "runs"]);
    let id = |at: usize| runs["runs"][at]["run"].as_str().unwrap().to_owned();
    let listed = json(path, &["a.jsonl"]);
    // One with a step by the large model, so that the runs part.
    let all = listed["trajectories"].as_array().unwrap();
    let differs = |one: &&Value| one["large_share"].as_f64() > Some(0.0);
    let problem = all.iter().find(differs).unwrap()["problem"].as_str();
    (problem.unwrap().to_owned(), [id(0), id(1)])
}

#[test]
fn two_trajectories_are_compared_step_by_step() {
    let folder = logs();
    let path = folder.path();
    let (problem, runs) = subject(path);
    let both = ["a.jsonl", "b.jsonl"];
    let found = json(
        path,
        &[&both[..], &["--problem", &problem, "--screen", "compare"]].concat(),
    );
    assert_eq!(found["of"], "trajectories");
    let sides = found["sides"].as_array().unwrap();
    let routers: Vec<&Value> = sides.iter().map(|side| &side["router"]).collect();
    assert_eq!(
        routers,
        ["policy", "small"],
        "of two runs the first comes first"
    );
    // Every step of both stands in one row, in order.
    let rows = found["rows"].as_array().unwrap();
    for (side, name) in [(0, "left"), (1, "right")] {
        let steps = rows.iter().filter_map(|row| row[name]["step"].as_u64());
        let wanted = 1..=sides[side]["steps"].as_u64().unwrap();
        assert!(steps.eq(wanted), "{name}: {found}");
    }
    // The large model wrote a step of the one and none of the other.
    let first = &found["first_divergence"];
    assert!(first.is_object(), "{found}");
    let counts = found["counts"].as_object().unwrap();
    let kinds = [
        "same",
        "respelled",
        "changed",
        "unlike",
        "only_left",
        "only_right",
    ];
    let sum: u64 = kinds
        .iter()
        .map(|kind| counts[*kind].as_u64().unwrap())
        .sum();
    assert_eq!(sum, rows.len() as u64);
    for row in rows {
        assert_eq!(
            row["words"].is_object(),
            row["alike"] == "changed" || row["alike"] == "respelled"
        );
        assert!(
            row["left"].is_null() || row["left"]["text"].is_null(),
            "no texts"
        );
    }
    let told = text(
        path,
        &[
            &both[..],
            &["--problem", &problem, "--with", &format!("@{}", runs[1])],
        ]
        .concat(),
    );
    assert!(told.contains("first difference: "), "{told}");
    assert!(told.contains("embedded-large"), "{told}");
}

#[test]
fn the_sides_can_be_named_in_every_way_and_exchanged() {
    let folder = logs();
    let path = folder.path();
    let (problem, [a, b]) = subject(path);
    let [left, right] = [&a, &b].map(|run| format!("{problem}@{run}"));
    let compared = |arguments: &[&str]| {
        let both = ["a.jsonl", "b.jsonl"];
        json(path, &[&both[..], arguments].concat())
    };
    let ours = compared(&["--problem", &left, "--with", &right]);
    let same = compared(&["--problem", &problem, "--run", &a, "--with-run", &b]);
    assert_eq!(ours, same);
    let theirs = compared(&["--problem", &right, "--with", &left]);
    assert_eq!(ours["sides"][0], theirs["sides"][1]);
    assert_eq!(ours["counts"]["changed"], theirs["counts"]["changed"]);
    assert_eq!(ours["counts"]["only_left"], theirs["counts"]["only_right"]);
    let words = |found: &Value, kind: &str| -> u64 {
        let rows = found["rows"].as_array().unwrap();
        rows.iter()
            .filter_map(|row| row["words"][kind].as_u64())
            .sum()
    };
    assert_eq!(words(&ours, "removed"), words(&theirs, "added"));
    // Another problem of the same run.
    let listed = compared(&["--run", &a]);
    let other = listed["trajectories"].as_array().unwrap().iter();
    let other = other.map(|one| one["problem"].as_str().unwrap());
    let other = other.clone().find(|id| *id != problem).unwrap();
    let across = compared(&["--problem", &left, "--with", &format!("{other}@{a}")]);
    assert_eq!(across["sides"][1]["problem"], other);
}

#[test]
fn texts_are_shown_only_when_asked_for() {
    let folder = logs();
    let path = folder.path();
    let (problem, _) = subject(path);
    let asked = [
        "a.jsonl",
        "b.jsonl",
        "--problem",
        &problem,
        "--screen",
        "compare",
    ];
    let steps = json(path, &["a.jsonl", "--problem", &problem, "--content"]);
    let sentence = steps["steps"][0]["text"].as_str().unwrap();
    for form in ["--text", "--json"] {
        let without = run(path, &[&["show"], &asked[..], &[form]].concat());
        let without = String::from_utf8(without.stdout).unwrap();
        assert!(!without.contains(sentence), "{form}: {without}");
    }
    let content = json(path, &[&asked[..], &["--content"]].concat());
    assert_eq!(content["rows"][0]["left"]["text"], sentence);
    for row in content["rows"].as_array().unwrap() {
        for part in row["parts"].as_array().into_iter().flatten() {
            let whole = row["left"]["text"].as_str().unwrap();
            assert!(whole.contains(part["left"].as_str().unwrap()));
        }
    }
    let told = text(path, &[&asked[..], &["--content"]].concat());
    assert!(told.contains("{+") || told.contains("[-"), "{told}");
}

#[test]
fn two_runs_are_compared_over_the_problems_of_both() {
    let folder = logs();
    let path = folder.path();
    let (_, [a, b]) = subject(path);
    let both = ["a.jsonl", "b.jsonl"];
    let found = json(
        path,
        &[&both[..], &["--run", &a, "--with-run", &b]].concat(),
    );
    assert_eq!(found["of"], "runs");
    assert_eq!(found["problems"], 6);
    let outcomes = found["outcomes"].as_object().unwrap();
    let sum: u64 = outcomes.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(sum, 6);
    let compare = ["a.jsonl", "b.jsonl", "--screen", "compare"];
    for one in [&["--run", &a], &["--with-run", &b]] {
        let implied = json(path, &[&compare[..], one].concat());
        assert_eq!(implied, found, "of two runs the other one is meant");
    }
    let turned = json(path, &[&compare[..], &["--run", &b]].concat());
    assert_eq!(turned["sides"][0], found["sides"][1]);
    let runs = json(path, &[&both[..], &["--screen", "runs"]].concat());
    let figures = &found["figures"];
    for (name, at) in [("first", 0), ("second", 1)] {
        let accuracy = &runs["runs"][at]["came_to"]["accuracy"];
        let ours = figures["accuracy"][name].as_f64().unwrap();
        assert!((ours - accuracy.as_f64().unwrap()).abs() < 1e-12);
    }
    // `small` is the cheaper one, surely.
    let published = &figures["published"]["difference"];
    assert!(published["value"].as_f64().unwrap() < 0.0, "{published}");
    assert!(published["interval"][0].as_f64() <= published["interval"][1].as_f64());
    assert_eq!(figures["test"]["name"], "exact McNemar");
    let flipped = |one: &Value| ["lost", "gained"].contains(&one["outcome"].as_str().unwrap());
    let listed = found["listed"].as_array().unwrap();
    let first_level = listed.iter().position(|one| !flipped(one)).unwrap();
    assert!(
        !listed[first_level..].iter().any(flipped),
        "flipped ones first"
    );
    let few = json(
        path,
        &[&both[..], &["--screen", "compare", "--limit", "2"]].concat(),
    );
    assert_eq!(few["listed"].as_array().unwrap().len(), 2);
    assert_eq!(few["figures"], *figures, "the figures are of all");
    let told = text(path, &[&both[..], &["--screen", "compare"]].concat());
    for words in [
        "b less a",
        "share of large",
        "exact McNemar over 6 problems",
    ] {
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn wrong_wishes_are_refused_with_what_to_do() {
    let folder = logs();
    let path = folder.path();
    let (problem, [a, _]) = subject(path);
    let wrong = |arguments: &[&str], code, said: &[&str]| {
        fails(path, &[&["show"], arguments].concat(), code, said);
    };
    wrong(
        &["a.jsonl", "--screen", "compare"],
        2,
        &["holds one run", "another log"],
    );
    wrong(
        &["a.jsonl", "--problem", &problem, "--screen", "compare"],
        2,
        &["no other run has problem", "--with"],
    );
    wrong(
        &["a.jsonl", "--problem", "nobody", "--with", &problem],
        2,
        &["no problem `nobody`"],
    );
    wrong(
        &[
            "a.jsonl",
            "b.jsonl",
            "--problem",
            &problem,
            "--with",
            "@zzz",
        ],
        2,
        &["begins with `zzz`"],
    );
    wrong(
        &["a.jsonl", "b.jsonl", "--run", &a, "--with-run", &a],
        1,
        &["a run and itself"],
    );
    wrong(
        &[
            "a.jsonl",
            "--with",
            &problem,
            "--screen",
            "steps",
            "--problem",
            &problem,
        ],
        2,
        &["--with says nothing on the screen `steps`"],
    );
    wrong(
        &["a.jsonl", "b.jsonl", "--screen", "compare", "--content"],
        2,
        &["--content says nothing"],
    );
}

#[test]
fn nothing_that_a_terminal_obeys_leaves_a_hostile_log() {
    let folder = logs();
    let path = folder.path();
    let (problem, _) = subject(path);
    let hostile = "\\u001b]52;c;eA==\\u0007\\u001bc\u{9b}2J\u{202e}\u{7f}";
    for name in ["a", "b"] {
        let log = std::fs::read_to_string(path.join(format!("{name}.jsonl"))).unwrap();
        let log = log
            .replace("\"text\":\"", &format!("\"text\":\"{hostile}{name} "))
            .replace("\"spec\":\"", &format!("\"spec\":\"{hostile}"));
        std::fs::write(path.join(format!("h{name}.jsonl")), log).unwrap();
    }
    let logs = ["ha.jsonl", "hb.jsonl"];
    let screens: [&[&str]; 2] = [
        &["--problem", &problem, "--screen", "compare", "--content"],
        &["--screen", "compare"],
    ];
    for screen in screens {
        for form in ["--text", "--json"] {
            let output = run(path, &[&["show"], &logs[..], screen, &[form]].concat());
            assert!(output.status.success(), "{screen:?}: {output:?}");
            let shown = [output.stdout, output.stderr].concat();
            let shown = String::from_utf8(shown).unwrap();
            let obeyed =
                |c: &char| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c);
            assert_eq!(shown.chars().find(obeyed), None, "{screen:?}: {shown:?}");
        }
    }
}

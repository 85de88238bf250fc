//! `show`: the twins of the screens, on logs of the embedded pair.

use serde_json::Value;

use super::*;

/// Two routers over the first problems of the demo.
pub fn logs() -> TempDir {
    let folder = folder(&[]);
    for (router, log) in [("policy", "a.jsonl"), ("small", "b.jsonl")] {
        let solve = [
            "solve", "--limit", "6", "--router", router, "--log", log, "--quiet",
        ];
        let output = run(folder.path(), &solve);
        assert!(output.status.success(), "{output:?}");
    }
    folder
}

pub fn json(folder: &Path, arguments: &[&str]) -> Value {
    let arguments = [&["show"], arguments, &["--json"]].concat();
    let output = run(folder, &arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn text(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, &[&["show"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_screen_has_a_twin_in_text_and_json() {
    let folder = logs();
    let path = folder.path();
    let both = ["a.jsonl", "b.jsonl"];

    let runs = json(path, &[&both[..], &["--screen", "runs"]].concat());
    let specs: Vec<&Value> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["router"]["spec"])
        .collect();
    assert_eq!(specs, ["policy", "small"]);
    assert_eq!(runs["runs"][0]["came_to"]["trajectories"], 6);
    assert!(text(path, &[&both[..], &["--screen", "runs"]].concat()).contains("policy"));

    let problems = json(path, &both);
    let listed = problems["trajectories"].as_array().unwrap();
    assert_eq!((listed.len(), &problems["of"]), (12, &Value::from(12)));
    for one in listed {
        let writers = one["writers"].as_array().unwrap();
        assert_eq!(one["steps"], writers.len());
        assert!(
            one.get("text").is_none(),
            "texts are asked for by --content"
        );
    }
    let small = "router = small & large_share = 0";
    let filtered = [&both[..], &["--filter", small, "--sort", "-cost"]].concat();
    let filtered = json(path, &filtered);
    let costs: Vec<f64> = filtered["trajectories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["cost"]["published"].as_f64().unwrap())
        .collect();
    assert_eq!(costs.len(), 6);
    assert!(costs.is_sorted_by(|a, b| a >= b), "{costs:?}");
    let by_text = json(
        path,
        &[&both[..], &["--filter", "any(text ~ \"answer\")"]].concat(),
    );
    assert!(!by_text["trajectories"].as_array().unwrap().is_empty());
    // Beside what is worked out of the log, and to sort and group by as well.
    let mixed = "!known(failure) & any(text ~ \"answer\")";
    let mixed = json(path, &[&both[..], &["--filter", mixed]].concat());
    for one in mixed["trajectories"].as_array().unwrap() {
        assert!(
            matches!(one["verdict"].as_str(), Some("correct") | None),
            "{one}"
        );
    }
    let mut arranged = both.to_vec();
    arranged.extend([
        "--sort",
        "count(text ~ \"e\")",
        "--group",
        "any(text ~ \"answer\")",
    ]);
    let grouped = json(path, &arranged);
    let groups = grouped["groups"].as_array().unwrap();
    let yes = groups.iter().find(|group| group["value"] == "yes").unwrap();
    let found = by_text["trajectories"].as_array().unwrap().len();
    assert_eq!(yes["came_to"]["trajectories"], found);
    let grouped = json(path, &[&both[..], &["--group", "verdict"]].concat());
    let counts = grouped["groups"].as_array().unwrap().iter();
    let sum: u64 = counts
        .map(|group| group["came_to"]["trajectories"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 12);

    let id = listed[0]["problem"].as_str().unwrap();
    let steps = json(path, &["a.jsonl", "--problem", id]);
    assert_eq!(
        steps["steps"].as_array().unwrap().len() as u64,
        listed[0]["steps"]
    );
    assert_eq!(steps["steps"][0]["text"], Value::Null);
    let content = json(path, &["a.jsonl", "--problem", id, "--content"]);
    assert!(content["steps"][0]["text"].is_string());
    assert!(text(path, &["a.jsonl", "--problem", id]).contains("embedded-small"));
}

#[test]
fn a_run_is_decided_again() {
    let folder = logs();
    let path = folder.path();
    let frontier = json(path, &["a.jsonl", "--screen", "what-if"]);
    let logged = frontier["logged"].as_f64().unwrap();
    let values = frontier["values"].as_array().unwrap();
    assert!(values.len() > 20);
    let as_logged = values.iter().find(|one| one["value"] == logged).unwrap();
    assert_eq!(as_logged["unchanged"], 6);
    assert_eq!(as_logged["coverage"], 1.0);
    // κ = 0 asks the large model for everything behind the first step.
    let all_large = json(path, &["a.jsonl", "--value", "0"]);
    let one = &all_large["values"][0];
    let changed = all_large["changed"].as_array().unwrap();
    let counts = ["branched", "unknown"].map(|band| one[band].as_u64().unwrap());
    assert_eq!(changed.len() as u64, counts.iter().sum::<u64>());
    let costs = [one, as_logged].map(|one| one["estimate"]["cost"].as_f64());
    if let [Some(large), Some(logged)] = costs {
        assert!(large >= logged, "{large} {logged}");
    }
    let full = json(path, &["a.jsonl", "--value", "0", "--ledger", "full"]);
    assert_eq!(
        (&full["ledger"], &all_large["ledger"]),
        (&"full".into(), &"published".into())
    );
    let cost = |of: &Value| of["as_logged"]["known_cost"].as_f64().unwrap();
    assert!(cost(&full) > cost(&all_large), "prompts are paid for too");
    // Done again, the run counts once.
    let again = [
        "solve", "--limit", "6", "--router", "policy", "--log", "c.jsonl", "--quiet",
    ];
    assert!(run(path, &again).status.success());
    let id = frontier["run"].as_str().unwrap();
    let twice = json(path, &["a.jsonl", "c.jsonl", "--run", id, "--value", "0"]);
    assert_eq!(
        (&twice["trajectories"], &twice["repeated"]),
        (&6.into(), &6.into())
    );
    let twice = ["a.jsonl", "c.jsonl"];
    assert_eq!(json(path, &twice)["superseded"], 6);
    assert!(text(path, &twice).contains("6 of them were done again"));
    let cheap = json(path, &["a.jsonl", "--cost", "1e12"]);
    assert!(cheap["for_cost"].is_number());
    let other = json(
        path,
        &["a.jsonl", "--rule", "threshold:t=0.5", "--value", "0.5"],
    );
    assert_eq!(other["parameter"], "t");
    assert!(text(path, &["a.jsonl", "--value", "0.3"]).contains("coverage"));
}

#[test]
fn a_decision_is_worth_what_the_runs_that_parted_there_came_to() {
    let folder = logs();
    let path = folder.path();
    let both = ["a.jsonl", "b.jsonl"];
    let problems = json(path, &both);
    let listed = problems["trajectories"].as_array().unwrap();
    assert!(problems["regret"]["decisions"].as_u64().unwrap() > 0);
    let mut compared = 0;
    for one in listed.iter().filter(|one| one["router"] == "small") {
        let other = listed
            .iter()
            .find(|other| other["router"] == "policy" && other["problem"] == one["problem"])
            .unwrap();
        let writers = |run: &Value| run["writers"].as_array().unwrap().clone();
        let (own, beside) = (writers(one), writers(other));
        let pairs = own.iter().zip(&beside);
        let Some(parted) = pairs.clone().position(|(a, b)| a != b) else {
            continue;
        };
        let id = one["problem"].as_str().unwrap();
        let run = one["run"].as_str().unwrap();
        let asked = ["--problem", id, "--run", run, "--screen", "values"];
        let values = json(path, &[&both[..], &asked].concat());
        // One continuation each: right or wrong as these runs were.
        let actions = values["steps"][parted]["actions"].as_array().unwrap();
        let verdicts = [one, other].map(|run| f64::from(u8::from(run["verdict"] == "correct")));
        assert_eq!(actions.len(), 2, "{values:#}");
        for (action, verdict) in actions.iter().zip(verdicts) {
            assert_eq!(
                (&action["right"], &action["draws"]),
                (&verdict.into(), &1.into())
            );
        }
        let gain = values["steps"][parted]["regret"]["gain"].as_f64().unwrap();
        assert_eq!(gain, verdicts[1] - verdicts[0]);
        let rescued = values["rescue"].is_object();
        assert_eq!(rescued, verdicts == [0.0, 1.0], "{values:#}");
        assert!(text(path, &[&both[..], &asked].concat()).contains("right after it"));
        compared += 1;
    }
    assert!(compared > 0, "the policy escalates somewhere");
}

#[test]
fn a_log_is_looked_at_as_a_whole() {
    let folder = logs();
    let path = folder.path();
    let both = ["a.jsonl", "b.jsonl"];
    let figures = path.join("figures");
    let asked = ["--screen", "analysis", "--plots", figures.to_str().unwrap()];
    let found = json(path, &[&both[..], &asked].concat());
    assert_eq!(found["trajectories"], 12);
    let all = &found["reliability"][0];
    let steps = all["steps"].as_u64().unwrap();
    let parts = found["reliability"].as_array().unwrap().iter().skip(1);
    assert_eq!(
        steps,
        parts
            .map(|part| part["steps"].as_u64().unwrap())
            .sum::<u64>()
    );
    let bins = all["bins"].as_array().unwrap().iter();
    assert_eq!(
        steps,
        bins.map(|bin| bin["steps"].as_u64().unwrap()).sum::<u64>()
    );
    // Parts of the full ledger sum to it.
    let costs = &found["costs"];
    let part = |name: &str| costs[name].as_f64().unwrap();
    let written = costs["output"].as_array().unwrap().iter();
    let written: f64 = written.map(|one| one["cost"].as_f64().unwrap()).sum();
    let names = [
        "prefill",
        "after_a_switch",
        "cached",
        "rejected_drafts",
        "other",
    ];
    let sum = written + names.map(part).iter().sum::<f64>();
    assert!((sum - part("full")).abs() < 1e-6 * sum, "{costs:#}");
    assert!(
        (written - part("published")).abs() < 1e-6 * written,
        "{costs:#}"
    );
    let rows = found["failures"]["by_domain"].as_array().unwrap();
    let count = |row: &Value| {
        let failures = row["failures"].as_object().unwrap().values();
        let failed: u64 = failures.map(|count| count.as_u64().unwrap()).sum();
        failed + row["correct"].as_u64().unwrap()
    };
    assert_eq!(rows.iter().map(count).sum::<u64>(), 12);
    for name in ["calibration", "distribution", "escalation-by-position"] {
        let picture = std::fs::read_to_string(figures.join(name).with_extension("svg")).unwrap();
        assert!(
            picture.starts_with("<svg") && picture.contains("</svg>"),
            "{name}"
        );
    }
    let small = [
        &both[..],
        &["--screen", "analysis", "--filter", "router = small"],
    ]
    .concat();
    assert!(text(path, &small).contains("6 trajectories"));
    // What only this screen takes asks for it.
    let by = json(path, &["a.jsonl", "--by", "domain"]);
    assert_eq!(
        (&by["screen"], &by["by"]),
        (&"analysis".into(), &"domain".into())
    );
    let refused = run(path, &["show", "a.jsonl", "--score", "mood"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("confidence, prob"));
}

#[test]
fn wrong_wishes_are_refused_with_what_to_do() {
    let folder = logs();
    let path = folder.path();
    let wrong = |arguments: &[&str], code, said: &[&str]| {
        fails(path, &[&["show"], arguments].concat(), code, said);
    };
    let both = ["a.jsonl", "b.jsonl"];
    wrong(
        &["a.jsonl", "--sort", "csot"],
        2,
        &["--sort: at 1", "did you mean `cost`"],
    );
    wrong(
        &["a.jsonl", "--group", "confidence"],
        2,
        &["--group", "any(confidence"],
    );
    wrong(
        &["a.jsonl", "--filter", "steps > 1000"],
        1,
        &["none of the 6"],
    );
    wrong(&["a.jsonl", "--screen", "steps"], 2, &["--problem"]);
    wrong(
        &["a.jsonl", "--problem", "nowhere"],
        2,
        &["no problem `nowhere`"],
    );
    let id = json(path, &["a.jsonl"])["trajectories"][0]["problem"].clone();
    let several = [&both[..], &["--problem", id.as_str().unwrap()]].concat();
    wrong(&several, 2, &["is in 2 runs", "--run"]);
    wrong(
        &[&both[..], &["--value", "0.4"]].concat(),
        2,
        &["2 runs", "--run"],
    );
    wrong(
        &["b.jsonl", "--value", "0.4"],
        2,
        &["no parameter to slide"],
    );
    wrong(
        &["a.jsonl", "--rule", "nobody"],
        2,
        &["unknown router `nobody`"],
    );
    let idle = ["a.jsonl", "--value", "0.4", "--filter", "wrong"];
    wrong(&idle, 2, &["--filter says nothing on the screen `what-if`"]);
    wrong(&["a.jsonl", "--value", "7"], 2, &["κ goes from 0 to 1"]);
    wrong(
        &["a.jsonl", "--cost", "1"],
        1,
        &["no value with an estimate is as cheap as 1"],
    );
    wrong(&["a.jsonl", "--run", "zzz"], 2, &["begins with `zzz`"]);
    for worth in ["0", "-5", "NaN", "inf"] {
        wrong(
            &["a.jsonl", "--worth", worth],
            2,
            &["--worth", "more than 0"],
        );
    }
}

#[test]
fn nothing_that_a_terminal_obeys_leaves_a_hostile_log() {
    let folder = logs();
    let path = folder.path();
    let log = std::fs::read_to_string(path.join("a.jsonl")).unwrap();
    // In ids, domains, router, rules and steps: escape, C1, bidi, DEL.
    let hostile = "\\u001b]52;c;eA==\\u0007\\u001bc\u{9b}2J\u{202e}\u{7f}";
    let id = json(path, &["a.jsonl"])["trajectories"][0]["problem"].clone();
    let id = id.as_str().unwrap();
    let log = log
        .replace(&format!("\"{id}\""), &format!("\"{id}{hostile}\""))
        .replace(
            "\"spec\":\"policy\"",
            &format!("\"spec\":\"policy{hostile}\""),
        )
        .replace("\"domain\":\"", &format!("\"domain\":\"{hostile}"))
        .replace("\"rule\":\"", &format!("\"rule\":\"{hostile}"))
        .replace("\"text\":\"First", &format!("\"text\":\"{hostile}First"));
    std::fs::write(path.join("h.jsonl"), log).unwrap();
    let problem = json(path, &["h.jsonl"])["trajectories"][0]["problem"].clone();
    let problem = problem.as_str().unwrap();
    let screens: [&[&str]; 11] = [
        &["--screen", "runs"],
        &["--sort", "cost"],
        &["--group", "domain"],
        &["--problem", problem, "--content"],
        &["--problem", problem, "--screen", "tree", "--content"],
        &["--problem", problem, "--screen", "labels", "--content"],
        &["--problem", problem, "--screen", "rules"],
        &["--screen", "labels"],
        &["--screen", "rules"],
        &["--screen", "what-if"],
        &["--value", "0"],
    ];
    for screen in screens {
        for form in ["--text", "--json"] {
            let arguments = [&["show", "h.jsonl"], screen, &[form]].concat();
            let output = run(path, &arguments);
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            let shown = [output.stdout, output.stderr].concat();
            let shown = String::from_utf8(shown).unwrap();
            let obeyed =
                |c: &char| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c);
            let found = shown.chars().find(obeyed);
            assert_eq!(found, None, "{arguments:?}: {shown:?}");
        }
    }
}

//! Texts that would take over a terminal, a page or a spreadsheet go through
//! every format as text.

use std::io::Cursor;

use super::inspect::{Archive, Document};
use super::outline::plain;
use super::table::Of;
use super::{Export, Subject, csv::Csv, html::Html, markdown::Markdown, otel::Otel};
use crate::trace::Tree;
use crate::trace::record::{LabelRecord, Override, ProblemRecord, Record, RunRecord, ScoreRecord};
use crate::trace::samples;
use crate::trace::visible::is_unsafe;

const HOSTILE: [&str; 14] = [
    "\u{1b}]52;c;cm0gLXJmIH4=\u{7}",
    "\u{1b}]8;;https://evil.example/never-ended",
    "\u{9b}2J\u{9b}31m",
    "\u{1b}c\u{1b}[2J",
    "\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{e0041}",
    "\ttabs\t\r\nand\u{8}\u{0}\u{7f}\u{2028}",
    "=cmd|' /C calc'!A0\n+1+1\n@SUM(A1)",
    "</style></pre></article><script>alert(1)</script><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" ' autofocus onfocus='alert(1)",
    "```\n# heading\n[a](javascript:alert(1)) ![i](http://evil.example/x)\n````text\n~~~",
    "`code` | cell | <b>bold</b> &lt; &#x3c;script>",
    "https://user:hunter2@host/v1?api_key=hunter2",
    "<!-- --!> ]]> <![CDATA[ <?php",
    "a,\"b\",'c'",
];

fn all() -> String {
    HOSTILE.join("\n\n")
}

fn head() -> RunRecord {
    let mut head = samples::run("r");
    head.router.spec = all();
    head.router.name = all();
    head.started = all();
    head.version = all();
    let mut model = samples::model(&all());
    model.server = all();
    model.model = Some(all());
    head.pool = vec![model, samples::model("large")];
    head.cost_unit = Some(all());
    head
}

/// A tree in which every text is hostile, with so many steps.
fn tree(id: &str, steps: usize, text: &str) -> Tree {
    let mut records = vec![Record::Problem(ProblemRecord {
        run: "r".into(),
        problem: crate::problem::Problem {
            id: id.into(),
            question: text.into(),
            gold: Some(text.into()),
            difficulty: Some(3.0),
            domain: Some(text.into()),
            source: text.into(),
        },
    })];
    for at in 0..steps {
        let (own, before) = (format!("{at:016x}"), at.checked_sub(1));
        let before = before.map(|before| format!("{before:016x}"));
        let mut decision = samples::decision(&format!("d{own}"), before.as_deref());
        decision.problem = id.into();
        decision.action = text.into();
        decision.reason = text.into();
        decision.router = text.into();
        decision.observation.insert(text.into(), Some(0.5));
        decision.action_set = vec![text.into()];
        decision.probabilities = vec![0.25, 0.75];
        decision.overridden = Some(Override {
            who: text.into(),
            when: text.into(),
            wanted: text.into(),
        });
        records.push(Record::Decision(decision.into()));
        for kept in [false, true] {
            let name = if kept { own.clone() } else { format!("x{own}") };
            let mut step = samples::step(&name, before.as_deref(), text);
            step.problem = id.into();
            step.kept = kept;
            step.model = text.into();
            step.index = u32::try_from(at + 1).unwrap();
            step.decision = Some(format!("d{own}"));
            step.end_note = Some(text.into());
            step.confidence.unavailable = Some(text.into());
            step.at = text.into();
            records.push(Record::Step(step.into()));
        }
        for label in [text, "bad"] {
            records.push(Record::Label(LabelRecord {
                run: "r".into(),
                step: own.clone(),
                problem: id.into(),
                who: text.into(),
                when: text.into(),
                label: label.into(),
                note: Some(text.into()),
            }));
        }
        records.push(Record::Score(ScoreRecord {
            run: "r".into(),
            step: Some(own),
            problem: id.into(),
            scorer: text.into(),
            model: Some(text.into()),
            value: Some(0.5),
            note: Some(text.into()),
            usage: Default::default(),
            attempts: Vec::new(),
            cost: None,
        }));
    }
    let leaf = steps.checked_sub(1).map(|last| format!("{last:016x}"));
    let mut outcome = samples::outcome(id, leaf.as_deref());
    outcome.answer = Some(text.into());
    outcome.gold = Some(text.into());
    outcome.reason = Some(text.into());
    outcome.error = Some(text.into());
    outcome.rule = text.into();
    outcome.grader = text.into();
    outcome.end = crate::trace::record::TrajectoryEnd::Error;
    records.push(Record::Outcome(Box::new(outcome)));
    Tree::from_records("r", id, records)
}

type Format = Box<dyn Export<Vec<u8>>>;

/// What every format makes of a tree, by its name.
fn written(head: &RunRecord, tree: &Tree) -> Vec<(String, String)> {
    let mut formats: Vec<(String, Format)> = vec![
        (
            "markdown".to_owned(),
            Box::new(Markdown::new(Vec::new(), plain()).unwrap()),
        ),
        (
            "html".to_owned(),
            Box::new(Html::new(Vec::new(), plain()).unwrap()),
        ),
        ("otel".to_owned(), Box::new(Otel::new(Vec::new(), true))),
        (
            "inspect".to_owned(),
            Box::new(Document::new(Vec::new()).unwrap()),
        ),
    ];
    for of in Of::ALL {
        let csv = Csv::new(Vec::new(), of, true).unwrap();
        formats.push((format!("csv of {}", of.name()), Box::new(csv)));
    }
    formats
        .into_iter()
        .map(|(name, mut format)| {
            format.add(&Subject::new(Some(head), tree)).unwrap();
            let bytes = format.finish().unwrap();
            (name, String::from_utf8(bytes).unwrap())
        })
        .collect()
}

#[test]
fn nothing_acts_and_no_credentials_leave() {
    let head = head();
    let tree = tree(&all(), 3, &all());
    for (name, text) in written(&head, &tree) {
        let found = text.chars().find(|c| *c != '\n' && is_unsafe(*c));
        assert_eq!(found, None, "{name}");
        assert!(!text.contains("hunter2"), "{name}");
        if name.starts_with("csv") {
            let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
            let names = reader.headers().unwrap().clone();
            for record in reader.records() {
                for (column, cell) in names.iter().zip(&record.unwrap()) {
                    if ["action_set", "observation"].contains(&column) {
                        let _: serde_json::Value = serde_json::from_str(cell).unwrap();
                    }
                    assert!(
                        !cell.starts_with(['=', '@', '+', '-', '\t', '\n']),
                        "{name}: {cell}"
                    );
                }
            }
        } else if name == "otel" || name == "inspect" {
            // One document: nothing in a text ends it.
            let _: serde_json::Value = serde_json::from_str(&text).unwrap();
        }
    }
}

#[test]
fn a_page_has_only_our_own_tags() {
    let head = head();
    let tree = tree(&all(), 2, &all());
    let written = written(&head, &tree);
    let html = &written.iter().find(|(name, _)| name == "html").unwrap().1;
    const OWN: [&str; 23] = [
        "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "h1", "h2", "article", "dl",
        "dt", "dd", "div", "span", "pre", "ol", "li", "a", "section", "p", "/", "",
    ];
    for tag in html.split('<').skip(1) {
        let name = tag.trim_start_matches('/');
        let name = name.split([' ', '>', '\n']).next().unwrap();
        assert!(OWN.contains(&name), "{tag}");
        // Outside the values of attributes stand names, of which none is a handler's.
        let inside = tag.split('>').next().unwrap();
        let names: String = inside.split('"').step_by(2).collect();
        assert!(!names.contains(" on") && !names.contains('\''), "{inside}");
        assert_eq!(inside.matches('"').count() % 2, 0, "{inside}");
    }
    assert_eq!(html.matches("<style>").count(), 1);
    assert_eq!(html.matches("<article").count(), 1);
}

/// The lines of a page that are no text in a fence.
fn outside_fences(page: &str) -> Vec<&str> {
    let mut fence: Option<usize> = None;
    let mut outside = Vec::new();
    for line in page.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            // As the specification has it: at least as many, and nothing else.
            Some(open) if ticks >= open && ticks == line.len() => fence = None,
            Some(_) => {}
            None if ticks >= 3 && !line[ticks..].contains('`') => fence = Some(ticks),
            None => outside.push(line),
        }
    }
    assert_eq!(fence, None, "a fence is never closed");
    outside
}

/// A line without its code spans.
fn outside_spans(line: &str) -> String {
    let mut rest = line;
    let mut out = String::new();
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let ticks = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let body = &rest[at + ticks..];
        let mut from = 0;
        let end = loop {
            let start = body[from..].find('`').expect("a span is never closed") + from;
            let run = body[start..].len() - body[start..].trim_start_matches('`').len();
            if run == ticks {
                break start + run;
            }
            from = start + run;
        };
        rest = &body[end..];
    }
    out + rest
}

#[test]
fn markdown_outside_code_is_our_own() {
    let head = head();
    let tree = tree(&all(), 2, &all());
    let written = written(&head, &tree);
    let page = &written
        .iter()
        .find(|(name, _)| name == "markdown")
        .unwrap()
        .1;
    for line in outside_fences(page) {
        let own = outside_spans(line);
        assert!(
            !own.contains(['<', '[', ']', '|', '&', '`', '@', '~']),
            "{own}"
        );
        assert!(!own.contains("evil") && !own.contains("://"), "{own}");
    }
}

#[test]
fn a_line_of_a_megabyte_and_ten_thousand_steps_go_through() {
    let head = samples::run("r");
    let long = "x = 1 ".repeat(175_000);
    for (_, text) in written(&head, &tree("p", 1, &long)) {
        assert!(!text.is_empty());
    }
    let many = tree("p", 10_000, "1 + 1 = 2");
    for (name, text) in written(&head, &many) {
        // Prompts are not written again for every call.
        assert!(text.len() < 60_000_000, "{name}: {}", text.len());
    }
    let mut archive: Box<dyn Export<Cursor<Vec<u8>>>> =
        Box::new(Archive::new(Cursor::new(Vec::new())));
    archive.add(&Subject::new(Some(&head), &many)).unwrap();
    assert!(!archive.finish().unwrap().into_inner().is_empty());
}

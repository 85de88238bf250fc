use super::*;
use crate::trace::Tree;
use crate::trace::record::Record;
use crate::trace::samples;

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|one| one["key"] == name);
    found.map_or(&Value::Null, |found| &found["value"])
}

fn line(content: bool) -> Vec<Value> {
    let mut first = samples::step("00000000000000aa", None, "secret");
    first.at = "2026-01-01T00:00:02Z".into();
    first.seconds = 0.5;
    first.usage.prompt = 7;
    first.usage.cached = Some(3);
    let mut second = samples::step("00000000000000bb", Some("00000000000000aa"), "two");
    second.decision = Some("d".into());
    second.at = "2026-01-01T00:00:03Z".into();
    second.seed = u64::MAX;
    let score = Record::Score(ScoreRecord {
        run: "r".into(),
        step: Some("00000000000000aa".into()),
        problem: "p".into(),
        scorer: "prm".into(),
        model: None,
        value: Some(0.25),
        note: Some("secret".into()),
        usage: Default::default(),
        attempts: Vec::new(),
        cost: None,
    });
    let records = [
        Record::Step(first.into()),
        score,
        Record::Decision(samples::decision("d", Some("00000000000000aa")).into()),
        Record::Step(second.into()),
        Record::Outcome(Box::new(samples::outcome("p", Some("00000000000000bb")))),
    ];
    let tree = Tree::from_records("r", "p", records);
    let head = samples::run("r");
    let mut otel: Box<dyn Export<Vec<u8>>> = Box::new(Otel::new(Vec::new(), content));
    let count = otel.add(&Subject::new(Some(&head), &tree)).unwrap();
    let text = String::from_utf8(otel.finish().unwrap()).unwrap();
    assert_eq!(text.contains("secret"), content);
    assert_eq!(text.lines().count(), 1);
    let value: Value = serde_json::from_str(&text).unwrap();
    let spans = &value["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!(spans.as_array().unwrap().len() as u64, count);
    spans.as_array().unwrap().clone()
}

#[test]
fn a_trajectory_is_a_trace_of_decisions_and_calls() {
    let spans = line(true);
    let names: Vec<&str> = spans
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    let call = "text_completion small";
    assert_eq!(
        names,
        ["invoke_workflow small", call, "decision small", call]
    );
    let root = &spans[0];
    assert!(root.get("parentSpanId").is_none());
    for span in &spans[1..] {
        assert_eq!(span["parentSpanId"], root["spanId"]);
        assert_eq!(span["traceId"], root["traceId"]);
    }
    assert_eq!(spans[1]["spanId"], "00000000000000aa");
    assert_eq!(spans[1]["kind"], CLIENT);
    let second = 1_000_000_000_u64;
    let begin: u64 = spans[1]["startTimeUnixNano"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let end: u64 = spans[1]["endTimeUnixNano"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(end - begin, second / 2);
    // A decision is made when the step before it is there.
    assert_eq!(spans[2]["startTimeUnixNano"], end.to_string());
    assert_eq!(root["endTimeUnixNano"], (end + second).to_string());
    let tokens = attribute(&spans[1], "gen_ai.usage.input_tokens");
    assert_eq!(tokens, &json!({"intValue": "7"}));
    let seed = attribute(&spans[3], "route.seed");
    assert_eq!(seed, &json!({"stringValue": u64::MAX.to_string()}));
    assert_eq!(spans[1]["events"][0]["name"], "gen_ai.evaluation.result");
    assert_eq!(line(true), spans, "the same log makes the same spans");
}

#[test]
fn texts_are_asked_for() {
    for span in line(false) {
        assert_eq!(attribute(&span, "gen_ai.output.messages"), &Value::Null);
    }
}

/// Whatever is cut out of URLs, a message stays JSON and the rest of its text.
#[test]
fn messages_are_json_without_credentials() {
    let text = "see \"https://u:p@h/?token=abc\"\nhttps://h\nme@x.org \\ https://h/?key=k\\";
    let step = samples::step("a", None, text);
    let tree = Tree::from_records("r", "p", [Record::Step(step.into())]);
    let head = samples::run("r");
    let mut otel: Box<dyn Export<Vec<u8>>> = Box::new(Otel::new(Vec::new(), true));
    otel.add(&Subject::new(Some(&head), &tree)).unwrap();
    let line: Value = serde_json::from_slice(&otel.finish().unwrap()).unwrap();
    for span in line["resourceSpans"][0]["scopeSpans"][0]["spans"]
        .as_array()
        .unwrap()
    {
        let messages = attribute(span, "gen_ai.output.messages")["stringValue"].as_str();
        let messages: Value = serde_json::from_str(messages.unwrap()).unwrap();
        let content = messages[0]["parts"][0]["content"].as_str().unwrap();
        // A step ends at its delimiter, the answer as a whole without.
        assert_eq!(
            content.trim_end(),
            "see \"https://…@h/?token=…\"\nhttps://h\nme@x.org \\ https://h/?key=…"
        );
    }
}

use super::*;

#[test]
fn usages_add_up_and_an_unknown_cached_count_stays_unknown() {
    let usage = Usage {
        prompt: 30,
        cached: Some(20),
        output: 5,
        ..Usage::default()
    };
    let unknown = Usage {
        cached: None,
        ..usage
    };
    assert_eq!(usage.plus(usage).cached, Some(40));
    assert_eq!(usage.plus(unknown).cached, None);
    assert_eq!(usage.plus(unknown).prompt, 60);
}

#[test]
fn a_reported_cost_adds_up_where_every_call_was_told() {
    let told = |cents: i64| Usage {
        prompt: 10,
        reported: Some(Decimal::new(cents, 2)),
        ..Usage::default()
    };
    let silent = Usage {
        prompt: 10,
        ..Usage::default()
    };
    // A call that never reached its model has nothing to tell.
    let begun = Usage {
        cached: Some(0),
        ..Usage::default()
    };
    assert_eq!(told(3).plus(told(4)).reported, Some(Decimal::new(7, 2)));
    assert_eq!(told(3).plus(silent).reported, None);
    assert_eq!(silent.plus(told(3)).reported, None);
    assert_eq!(begun.plus(told(3)).reported, Some(Decimal::new(3, 2)));
    assert_eq!(begun.plus(silent).plus(told(3)).reported, None);
    let line = serde_json::to_string(&told(3)).unwrap();
    assert_eq!(
        line,
        r#"{"prompt":10,"cached":null,"output":0,"reported":"0.03"}"#
    );
    assert_eq!(serde_json::from_str::<Usage>(&line).unwrap(), told(3));
}

#[test]
fn records_of_earlier_versions_are_read_and_written_as_they_were() {
    for line in [
        r#"{"record":"score","run":"r","step":"s","problem":"p","scorer":"prm","value":0.5,"usage":{"prompt":0,"cached":null,"output":0}}"#,
        r#"{"record":"outcome","run":"r","problem":"p","leaf":null,"answer":null,"gold":"2","verdict":"wrong","grader":"rules-v1","rule":"no-answer","steps":1,"cost":{"published":1.0,"full":2.0,"upper_bound":false},"end":"finished","steps_by_model":{}}"#,
        r#"{"record":"run","format":1,"run":"r","key":"k","started":"","version":"0","command":"solve","router":{"spec":"small","name":"small","parameters":{},"files":{}},"pool":[],"sampling":{"temperature":0.7,"top_p":1.0,"max_tokens":512,"max_steps":40},"seed":0,"signal":"prob","cost_unit":null,"dataset":null}"#,
    ] {
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }
}

use std::io::Write;

use proptest::prelude::*;

use super::*;

fn good(text: &str) -> Dataset {
    read("set.jsonl", text.as_bytes()).unwrap()
}

#[track_caller]
fn refused(bytes: &[u8], message: &str) {
    let error = read("set.jsonl", bytes).unwrap_err();
    assert!(error.to_string().contains(message), "{error}");
    assert!(error.to_string().starts_with("set.jsonl"), "{error}");
    assert_eq!(error.category(), ErrorCategory::BadData);
}

const GSM8K: &str = r#"{"question": "1+1?", "answer": "one and one\n#### 2"}"#;

#[test]
fn gsm8k_in_its_three_forms() {
    let set = good(&format!(
        "{GSM8K}\n{}\n",
        r#"{"question": "How much?", "answer": "What? ** It is 65,960\n#### 65,960"}"#
    ));
    assert_eq!(set.format, Format::Gsm8k);
    assert_eq!(set.problems[0].id, "set-1");
    assert_eq!(set.problems[0].source, "gsm8k");
    assert_eq!(set.problems[1].gold.as_deref(), Some("65,960"));
    let set = good(r#"{"question": "q", "ground_truth": "so 18\nA: 18", "6b": {}}"#);
    assert_eq!(
        (set.format, set.problems[0].gold.as_deref()),
        (Format::Gsm8k, Some("18"))
    );
}

#[test]
fn math_takes_the_answer_or_the_last_box() {
    let set = good(concat!(
        r#"{"problem": "p", "solution": "s", "answer": "\\frac12", "subject": "Algebra", "level": 5, "unique_id": "test/a/1.json"}"#,
        "\n",
        r#"{"problem": "p", "solution": "\\boxed{1} no \\boxed{\\frac{1}{2}}", "type": "Geometry", "level": "Level 3"}"#,
        "\n",
        r#"{"problem": "p", "solution": "\\boxed{1}", "level": "Level ?"}"#,
    ));
    assert_eq!(set.format, Format::Math);
    let [first, second, third] = set.problems.as_slice() else {
        panic!("three problems")
    };
    assert_eq!(first.id, "test/a/1.json");
    assert_eq!(first.difficulty, Some(5.0));
    assert_eq!(first.domain.as_deref(), Some("Algebra"));
    assert_eq!(second.gold.as_deref(), Some("\\frac{1}{2}"));
    assert_eq!(second.difficulty, Some(3.0));
    assert_eq!(second.domain.as_deref(), Some("Geometry"));
    assert_eq!(third.difficulty, None);
}

#[test]
fn omni_math_in_both_forms() {
    let record = serde_json::json!({
        "domain": ["A -> B", "C"], "difficulty": 5.5, "problem": "p", "solution": "s",
        "answer": "7", "source": "imo",
    });
    let wrapped = serde_json::json!({"uuid": "u1", "original_json": record.to_string()});
    for (set, id) in [
        (good(&record.to_string()), "set-1"),
        (good(&wrapped.to_string()), "u1"),
    ] {
        assert_eq!(set.format, Format::OmniMath);
        assert_eq!(set.problems[0].id, id);
        assert_eq!(set.problems[0].domain.as_deref(), Some("A -> B; C"));
        assert_eq!(set.problems[0].difficulty, Some(5.5));
    }
    let broken = serde_json::json!({"original_json": "{\"problem\""});
    refused(
        broken.to_string().as_bytes(),
        "`original_json` is not a JSON object",
    );
    let proof = r#"{"domain": [], "problem": "prove it", "answer": ""}"#;
    let set = good(proof);
    assert_eq!(set.problems[0].gold, None);
    assert_eq!(set.warnings.len(), 1);
}

#[test]
fn aime_keeps_leading_zeros() {
    let set = good(
        r#"{"id": 3, "problem": "p", "solution": "s", "answer": "073", "url": "https://x/2022_AIME_I/3"}"#,
    );
    assert_eq!(set.format, Format::Aime);
    assert_eq!(set.problems[0].id, "3");
    assert_eq!(set.problems[0].gold.as_deref(), Some("073"));
    let bare = "{\"problem\": \"p\", \"answer\": \"70\"}\n{\"problem\": \"q\", \"answer\": 8}\n";
    assert_eq!(good(bare).format, Format::Aime);
    let plain =
        "{\"problem\": \"p\", \"answer\": \"70\"}\n{\"problem\": \"q\", \"answer\": \"x\"}\n";
    assert_eq!(good(plain).format, Format::Plain);
}

#[test]
fn process_bench_is_an_array_without_gold() {
    let set = good(
        "[\n {\"id\": \"gsm8k-0\", \"generator\": \"m\", \"problem\": \"p, [q] \\\"}\",\n  \"steps\": [\"a\"], \"label\": -1},\n {\"id\": \"gsm8k-1\", \"problem\": \"r\", \"steps\": [], \"label\": 0}\n]\n",
    );
    assert_eq!(set.format, Format::ProcessBench);
    assert_eq!(set.problems.len(), 2);
    assert_eq!(set.problems[0].question, "p, [q] \"}");
    assert_eq!(set.problems[1].id, "gsm8k-1");
    assert!(set.problems.iter().all(|problem| problem.gold.is_none()));
}

#[test]
fn plain_takes_either_name() {
    let set = good(concat!(
        r#"{"id": 7, "question": "q", "gold": 12.5, "difficulty": "3", "domain": "sums"}"#,
        "\n\n",
        r#"{"problem": "q", "answer": "A"}"#,
        "\n",
        r#"{"problem": "q"}"#,
    ));
    assert_eq!(set.format, Format::Plain);
    let problem = &set.problems[0];
    assert_eq!(
        (problem.id.as_str(), problem.gold.as_deref()),
        ("7", Some("12.5"))
    );
    assert_eq!(
        (problem.difficulty, problem.domain.as_deref()),
        (Some(3.0), Some("sums"))
    );
    // Line 3, for line 2 is blank.
    assert_eq!(set.problems[1].id, "set-3");
    assert_eq!(set.problems[2].gold, None);
}

#[test]
fn the_same_records_as_lines_and_as_an_array() {
    let lines = good(&format!("{GSM8K}\n{GSM8K}"));
    let array = good(&format!("[{GSM8K},{GSM8K}]"));
    assert_eq!(lines.problems, array.problems);
    assert_ne!(lines.sha256, array.sha256);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_tolerated() {
    let set = good(&format!("\u{feff}{GSM8K}\r\n{GSM8K}\r\n"));
    assert_eq!(set.problems.len(), 2);
    assert_eq!(good(&format!("\u{feff}[{GSM8K}]")).problems.len(), 1);
}

#[test]
fn the_hash_is_of_the_files_bytes() {
    let set = good(GSM8K);
    let mut hash = Sha256::new();
    hash.update(GSM8K.as_bytes());
    assert_eq!(set.sha256, format!("{:x}", hash.finalize()));
}

#[test]
fn a_repeated_id_gets_a_suffix_and_a_warning() {
    let set = good(concat!(
        "{\"id\": \"a\", \"question\": \"1\"}\n",
        "{\"id\": \"a-2\", \"question\": \"2\"}\n",
        "{\"id\": \"a\", \"question\": \"3\"}\n",
    ));
    let ids: Vec<&str> = set
        .problems
        .iter()
        .map(|problem| problem.id.as_str())
        .collect();
    assert_eq!(ids, ["a", "a-2", "a-3"]);
    assert_eq!(set.warnings[0].line, 3);
    assert!(set.warnings[0].message.contains("`a-3`"));
}

#[test]
fn a_bad_record_names_its_line_and_field() {
    let missing = format!("{GSM8K}\n\n{{\"question\": \"q\"}}\n");
    let error = read("set.jsonl", missing.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "set.jsonl line 3: field `answer` is missing (GSM8K record)"
    );
    let bad = |record: &str, message: &str| {
        refused(format!("{GSM8K}\n{record}\n").as_bytes(), message);
    };
    bad(
        r#"{"question": 5, "answer": "x"}"#,
        "line 2: field `question` is a number, not text",
    );
    bad(
        r#"{"question": " ", "answer": "x"}"#,
        "field `question` is empty",
    );
    bad(
        r#"{"question": "q", "answer": "x"}"#,
        "field `answer` has no final `#### N`",
    );
    bad("[1]", "line 2: a list where a record");
    bad(
        "{\"question\": \"q\" \"answer\"}",
        "line 2: not JSON: expected",
    );
    let math = r#"{"problem": "p", "solution": "none", "level": 1}"#;
    refused(
        math.as_bytes(),
        "field `answer` is missing, and `solution` has no \\boxed{}",
    );
    let math = r#"{"problem": "p", "solution": "s", "answer": "1", "level": "hard"}"#;
    refused(math.as_bytes(), "field `level` is neither");
    let aime = r#"{"problem": "p", "answer": "1000", "url": "AIME"}"#;
    refused(
        aime.as_bytes(),
        "field `answer` is not a whole number from 0 to 999",
    );
}

#[test]
fn other_files_are_refused_with_what_they_are() {
    refused(b"", "no records");
    refused(b" \n\n", "no records");
    refused(b"[]", "no records");
    refused(b"[ \n ]\n", "no records");
    refused(b"\x1f\x8b\x08\x00", "gzip");
    refused(b"\x7fELF\x00\x00", "a binary file");
    refused(b"{}", "unknown format: the record has the fields (none)");
    refused(
        b"{\"prompt\": 1}",
        "the fields `prompt`; known are ProcessBench",
    );
    refused(b"question,answer\n", "line 1: not JSON");
    refused(b"{\n \"question\": \"q\"\n}", "must be on one line");
    refused(
        b"{\"question\": \"\xff\"}\n",
        "line 1: not UTF-8 at byte 15",
    );
    refused(
        format!("{GSM8K}\n{{\"question\": \"q").as_bytes(),
        "line 2: the JSON ends early",
    );
    refused(
        format!("[{GSM8K},\n{{\"question\": \"q").as_bytes(),
        "line 2: the JSON ends early",
    );
    refused(format!("[{GSM8K},\n").as_bytes(), "the JSON ends early");
    refused(
        format!("[{GSM8K}] x").as_bytes(),
        "`x` after the end of the array",
    );
    refused(format!("[{GSM8K},]").as_bytes(), "not JSON");
    refused("[".repeat(5000).as_bytes(), "the JSON ends early");
    refused(
        format!("[{}]", "[".repeat(300) + &"]".repeat(300)).as_bytes(),
        "recursion limit",
    );
}

/// Gives `count` bytes of one line, and fails the test if all are asked for.
struct Endless(usize);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(b'a');
        self.0 += buffer.len();
        Ok(if self.0 > 100 << 20 { 0 } else { buffer.len() })
    }
}

#[test]
fn an_endless_line_is_refused_with_bounded_memory() {
    for open in ["{\"question\": \"", "[\""] {
        let error = read_from("big", open.as_bytes().chain(Endless(0))).unwrap_err();
        assert!(error.to_string().contains("more than 16 MiB"), "{error}");
        assert_eq!(error.line, Some(1));
    }
}

#[test]
fn a_missing_file_and_a_folder_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(&folder.path().join("none.jsonl")).unwrap_err();
    assert!(missing.to_string().ends_with("none.jsonl: no such file"));
    assert_eq!(missing.category(), ErrorCategory::NotFound);
    let error = load(folder.path()).unwrap_err();
    assert_eq!(error.category(), ErrorCategory::NotFound);
    let path = folder.path().join("my.set.jsonl");
    File::create(&path)
        .unwrap()
        .write_all(GSM8K.as_bytes())
        .unwrap();
    let set = load(&path).unwrap();
    assert_eq!(set.name, "my.set.jsonl");
    assert_eq!(set.problems[0].id, "my.set-1");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("x", &bytes);
    }

    #[test]
    fn a_file_cut_anywhere_never_panics(cut in 0_usize..400, array in any::<bool>()) {
        let text = if array {
            format!("[{GSM8K},\n{GSM8K}]")
        } else {
            format!("{GSM8K}\n{GSM8K}\n")
        };
        let whole = cut >= text.trim_end().len();
        let cut = cut.min(text.len());
        let result = read("x", &text.as_bytes()[..cut]);
        if array || cut < GSM8K.len() {
            prop_assert_eq!(result.is_ok(), whole);
        }
    }

    #[test]
    fn any_question_comes_back_byte_for_byte(question in "(?s).*[a-z].*", gold in "[a-z0-9]{1,9}") {
        let record = serde_json::json!({"question": question, "gold": gold, "id": "1"});
        let pretty = serde_json::to_string_pretty(&[&record]).unwrap();
        let set = read("x", pretty.as_bytes()).unwrap();
        prop_assert_eq!(&set.problems[0].question, &question);
        prop_assert_eq!(set, {
            let mut lines = read("x", record.to_string().as_bytes()).unwrap();
            lines.sha256 = read("x", pretty.as_bytes()).unwrap().sha256;
            lines
        });
    }
}

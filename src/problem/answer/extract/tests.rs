use proptest::prelude::*;

use super::*;

fn found(text: &str) -> Option<(String, &'static str)> {
    extract(text).map(|found| {
        assert_eq!(
            &text[found.span.clone()],
            found.answer,
            "the span holds the answer"
        );
        (found.answer, found.rule)
    })
}

#[track_caller]
fn expect(text: &str, answer: &str, rule: &'static str) {
    assert_eq!(found(text), Some((answer.to_owned(), rule)), "{text}");
}

#[test]
fn the_last_whole_box_wins() {
    expect(
        "\\boxed{1} then \\boxed{\\frac{1}{2}}.",
        "\\frac{1}{2}",
        "boxed",
    );
    expect("\\boxed{{8\\sqrt{55}}}", "{8\\sqrt{55}}", "boxed");
    expect("\\fbox{7}", "7", "boxed");
    expect("\\boxed {7}", "7", "boxed");
    expect("\\boxed{\\boxed{7}}", "\\boxed{7}", "boxed");
    expect("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}", "boxed");
    expect("stray } and { \\boxed{3}", "3", "boxed");
    // Cut off within the second.
    expect("\\boxed{3} so \\boxed{4", "3", "boxed");
}

#[test]
fn a_later_final_answer_wins_over_a_box() {
    expect(
        "We get \\boxed{48}. One case was missed, so the final answer is 47.",
        "47",
        "final-answer",
    );
    expect("The final answer is 47. \\boxed{48}", "48", "boxed");
}

#[test]
fn statements_are_found() {
    expect("So the answer is 12.5 apples.", "12.5 apples", "answer-is");
    expect(
        "The answer is 12... no. Final answer: 9",
        "9",
        "final-answer",
    );
    expect(
        "Final Answer: The final answer is $3$. I hope it is correct.",
        "3",
        "final-answer",
    );
    expect("### Final Answer\n\n**30**", "30", "final-answer");
    expect("**Answer:** 12 1/2", "12 1/2", "answer-is");
    expect("Thus, the answer is \\[177\\]", "177", "answer-is");
    expect("so 20\nA: 20", "20", "answer-is");
}

#[test]
fn hash_lines_are_found_but_headings_are_not() {
    expect("Total = 8041\n#### 8,041", "8,041", "hash");
    expect(
        "#### Step 1: add the two numbers\n2 + 2 = 4",
        "4",
        "last-number",
    );
}

#[test]
fn the_last_number_is_the_last_resort() {
    expect("in total she has 67 of them", "67", "last-number");
    expect("it is -1,234.5 now", "-1,234.5", "last-number");
    expect("so 7-5", "5", "last-number");
    expect("= \\frac{31}{35} of it", "\\frac{31}{35}", "last-number");
    expect("about 20\\%", "20\\%", "last-number");
    assert_eq!(found("nothing at all"), None);
    assert_eq!(found(""), None);
}

#[test]
fn thought_counts_only_where_nothing_else_does() {
    expect(
        "<think>\\boxed{12}</think>\nThe answer is 17.",
        "17",
        "answer-is",
    );
    expect("<think>\\boxed{12}</think>\nDone.", "12", "boxed");
    expect("<think>so \\boxed{12}", "12", "boxed");
}

#[test]
fn long_bad_input_is_linear() {
    for piece in [
        "\\boxed{",
        "####\n",
        "answer:",
        "<think>",
        "{",
        "1,",
        "\\frac{1}{",
    ] {
        let text = piece.repeat(400_000 / piece.len());
        let _ = extract(&text);
    }
}

proptest! {
    #[test]
    fn any_text_is_searched_without_panic(text in "(?s).{0,200}") {
        found(&text);
    }

    #[test]
    fn text_of_marks_is_searched_without_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "\\boxed{", "}", "{", "answer is", "final ", "final answer", ":", "**", "$", "5",
                "é", "####", "\n", " ", "\\", "-", "<think>", "</think>", "\\(", "\\)", ".", "−",
            ]),
            0..30,
        )
    ) {
        found(&parts.concat());
    }

    #[test]
    fn a_box_at_the_end_is_found(before in "[a-z .]{0,40}", n in any::<i32>()) {
        let text = format!("{before} \\boxed{{{n}}}");
        prop_assert_eq!(found(&text), Some((n.to_string(), "boxed")));
    }
}

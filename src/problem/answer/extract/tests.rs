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

#[track_caller]
fn expect_none(text: &str) {
    assert_eq!(found(text), None, "{text}");
}

#[test]
fn the_last_whole_box_wins() {
    expect(
        "\\boxed{1} then \\boxed{\\frac{1}{2}}.",
        "\\frac{1}{2}",
        "boxed",
    );
    expect("\\boxed{{3\\sqrt{7}}}", "{3\\sqrt{7}}", "boxed");
    expect("\\fbox{7}", "7", "boxed");
    expect("\\boxed {7}", "7", "boxed");
    expect("\\boxed{\\boxed{7}}", "\\boxed{7}", "boxed");
    expect("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}", "boxed");
    expect("stray } and { \\boxed{3}", "3", "boxed");
    expect("Answer: \\(\\boxed{44}\\)", "44", "boxed");
    expect(
        "\\[\\begin{aligned} a &= 2 + 7 \\\\ &= \\boxed{9} \\end{aligned}\\]",
        "9",
        "boxed",
    );
    // Cut off within the second.
    expect("\\boxed{3} so \\boxed{4", "3", "boxed");
    // Cut off after the box.
    expect("\\boxed{3}. To check, \\( x + ", "3", "boxed");
}

#[test]
fn a_box_needs_no_braces_but_an_answer() {
    expect("It is $\\boxed 52$.", "52", "boxed");
    expect("so \\boxed5.", "5", "boxed");
    expect("\\boxed\\frac{1}{2}", "\\frac{1}{2}", "boxed");
    expect("\\boxed A.", "A", "boxed");
    expect(
        "in \\boxed notation: \\boxed{4}. In \\boxed{}.",
        "4",
        "boxed",
    );
    expect("\\boxed{4}, written as \\boxed{answer}", "4", "boxed");
    expect_none("\\boxedx and \\boxed{\\ldots}");
}

#[test]
fn a_later_correction_wins_over_a_box() {
    expect(
        "We get \\boxed{31}. A case is missing, so the final answer is 33.",
        "33",
        "final-answer",
    );
    expect(
        "\\boxed{31}. Wait, the first step is wrong. The answer is 33.",
        "33",
        "answer-is",
    );
    expect(
        "\\boxed{31}. However, zero counts too: the answer is $32$.",
        "32",
        "answer-is",
    );
    expect(
        "\\boxed{odd}. Wait, I missed zero. The final answer is even.",
        "even",
        "final-answer",
    );
    expect("The final answer is 33. \\boxed{31}", "31", "boxed");
    expect("\\boxed{31} is the correct answer.", "31", "boxed");
}

#[test]
fn a_remark_does_not_break_a_box() {
    expect("\\boxed{2.35}. The answer is rounded.", "2.35", "boxed");
    expect("\\boxed{31}, so the answer is 31 apples.", "31", "boxed");
    expect(
        "\\boxed{31}. However, the answer is correct only for integers.",
        "31",
        "boxed",
    );
    expect(
        "\\boxed{31}. The final answer in this form requires a proof.",
        "31",
        "boxed",
    );
}

#[test]
fn statements_are_found() {
    expect("So the answer is 12.5 apples.", "12.5 apples", "answer-is");
    expect(
        "The answer is 3... no. Final answer: 8",
        "8",
        "final-answer",
    );
    expect(
        "Final Answer: The final answer is $6$. I hope it is correct.",
        "6",
        "final-answer",
    );
    expect("### Final Answer\n\n**21**", "21", "final-answer");
    expect("Final Answer\r\n21\r\n", "21", "final-answer");
    expect("**Answer:** 7 1/3", "7 1/3", "answer-is");
    expect("**Answer: 7 km**", "7 km", "answer-is");
    expect("ANSWER = 7", "7", "answer-is");
    expect("Thus, the answer is \\[45\\]", "45", "answer-is");
    expect("so 14\nA: 14", "14", "answer-is");
    expect("The answer is `14`.", "14", "answer-is");
    expect("The answer to part (b) is 14.", "14", "answer-is");
    expect("The answers are 14 and 15", "14 and 15", "answer-is");
    expect("Hence 14 is the answer.", "14", "answer-is");
    expect("<answer> 14 </answer>", "14", "final-answer");
    expect("Answer: 5\n\nExplanation: 2 + 3 = 5", "5", "answer-is");
    // Cut off after the statement.
    expect("The final answer is 5. As \\( x", "5", "final-answer");
}

#[test]
fn signs_marks_and_expressions_stay_whole() {
    expect("Answer: −17", "−17", "answer-is");
    expect("The answer is -1/7.", "-1/7", "answer-is");
    expect(
        "So the answer is 3*sqrt(2) - pi/5",
        "3*sqrt(2) - pi/5",
        "answer-is",
    );
    expect("The answer is (2, 9).", "(2, 9)", "answer-is");
    expect("The answer is x = 2, y = 9.", "x = 2, y = 9", "answer-is");
    expect("The answer is ¾.", "¾", "answer-is");
    expect("The answer is 5:4.", "5:4", "answer-is");
}

#[test]
fn options_and_words_are_answers() {
    expect("answer: (C) 18", "(C) 18", "answer-is");
    expect("Answer: C) 18", "C) 18", "answer-is");
    expect("The correct option is (B).", "(B)", "final-answer");
    expect("The final answer is prime.", "prime", "final-answer");
    expect("Answer: Yes, such a square exists.", "Yes", "answer-is");
    expect("The answer is a rhombus.", "a rhombus", "answer-is");
}

#[test]
fn a_value_ends_where_its_reason_begins() {
    for reason in [
        " because both halves match.",
        ", since it is even.",
        ", which is even.",
        " as claimed.",
        " (see above).",
        ", so she wins.",
    ] {
        expect(&format!("The answer is 18{reason}"), "18", "answer-is");
    }
}

#[test]
fn a_formula_in_words_and_lists_of_formulas_are_found() {
    expect(
        "The answer is one third, i.e. $\\frac{1}{3}$.",
        "\\frac{1}{3}",
        "answer-is",
    );
    expect(
        "The answer is $y=3$ or $y=-3$.",
        "$y=3$ or $y=-3$",
        "answer-is",
    );
    expect(
        "### Final Answer\nThe sum of \\(a\\) and \\(b\\) is **8**.",
        "8",
        "final-answer",
    );
}

#[test]
fn lone_dollars_are_money() {
    expect(
        "He saves $45 a week, so the answer is $45.",
        "$45",
        "answer-is",
    );
    expect("Final answer: \\$45", "\\$45", "final-answer");
    expect("He pays $4<<2+2=4>>.\nA: 4", "4", "answer-is");
    expect("So he has $45 left.", "$45", "conclusion");
}

#[test]
fn no_statement_is_found_where_none_is_made() {
    expect(
        "If the answer is 5, we stop. So it is 6.",
        "6",
        "conclusion",
    );
    expect("One might say the answer is 5.\nA: 6", "6", "answer-is");
    expect_none("Is the answer 12?");
    expect_none("The answer is:");
    expect_none("The final answer is $\\frac{1");
    expect_none("A: 1\nB: 2\nC: 3");
    expect_none("Nothing can be said: the answer is not known.");
    expect_none("The answer cannot be determined from 3 numbers.");
    expect_none("The task cannot be solved with the 2 facts given.");
}

#[test]
fn hash_lines_are_found_but_headings_are_not() {
    expect("Sum: 5207\n#### 5,207", "5,207", "hash");
    expect("#### $5$", "5", "hash");
    expect_none("#### Step 3: add the numbers");
    expect_none("#### 2. Count the 5 sides\nThere are");
    expect_none("#### Part 1: from 2 to 5\nHere");
}

#[test]
fn the_concluding_sentence_is_the_last_resort() {
    expect("So in total he has 31 of them.", "31", "conclusion");
    expect(
        "Therefore, the value of \\(y\\) is \\(8\\).",
        "8",
        "conclusion",
    );
    expect("Thus, the 90th term is **31**.", "31", "conclusion");
    expect("Therefore, \\(y^2 = 16\\).", "16", "conclusion");
    expect("Thus $a = b = 7$ cm.", "7", "conclusion");
    expect(
        "Hence the roots are \\(x = 2\\) and \\(x = 5\\).",
        "\\(x = 2\\) and \\(x = 5\\)",
        "conclusion",
    );
    expect("Therefore, 4 guests did not come.", "4", "conclusion");
    expect(
        "Time = 60 / 20 = 3 hours.\nSo a 60 km trip takes 2 people 3 hours.",
        "3",
        "conclusion",
    );
    expect(
        "Thus, the maximum is \\(9\\), where \\(x\\) is \\(2\\).",
        "9",
        "conclusion",
    );
    expect(
        "Thus the equation of the line is \\(y = 2x + 1\\).",
        "y = 2x + 1",
        "conclusion",
    );
    expect("So the total is 12. I hope this helps!", "12", "conclusion");
    expect("Adding it all up: 870", "870", "conclusion");
    expect("2 + 3 = 5", "5", "last-number");
}

#[test]
fn expressions_in_plain_text_are_whole() {
    for value in [
        "-3 - sqrt(7)",
        "2**(k - 1)",
        "x² − 7",
        "ln 3",
        "pi - sqrt(2)/4",
        "k³ + 2·k",
    ] {
        expect(&format!("The answer is {value}."), value, "answer-is");
        expect(&format!("**Answer:** {value}"), value, "answer-is");
    }
    expect("We are done.\n#### Tuesday", "Tuesday", "hash");
    expect(
        "The final answer is $Two circles$.",
        "Two circles",
        "final-answer",
    );
}

#[test]
fn the_last_display_gives_its_last_member() {
    expect(
        "Therefore, the area is: \\[ \\text{Area} = 3 \\times 5 = 15 \\text{ cm} \\]",
        "15 \\text{ cm}",
        "conclusion",
    );
    expect(
        "Thus the solution is:\n$$\nf(n) = n^2\n$$\nfor all positive \\(n\\).",
        "f(n) = n^2",
        "conclusion",
    );
    expect(
        "Hence\n\\begin{align*} s &= 2 + 3 \\\\ &= 5 \\end{align*}",
        "5",
        "conclusion",
    );
}

#[test]
fn a_text_that_breaks_off_has_no_answer() {
    for text in [
        "Thus we write 12 as \\( 4m + 3 ",
        "Therefore, \\[ x = 3",
        "Thus $$ 3 = 3",
        "Here $a^2 = 4$, and so we need $20",
        "The slope is: \\[ \\text{slope} = 3. \\] Using",
        "Thus it can be done in at most n-",
        "Hence both sides agree:\n\\[ 12 + a = 3 + b \\]",
        "Therefore, since 5 is odd, the",
        "Add them up. So there are 12 ga",
        "Next, we divide 12 by 3.",
        "Dividing by two, \\( 2x = 8 \\).",
        "Let \\(x = 5\\).",
        "nothing at all",
        "",
    ] {
        expect_none(text);
    }
}

#[test]
fn a_statement_taken_back_gives_way_to_the_conclusion() {
    expect(
        "The answer is 12. Wait, that is wrong. Therefore, the total is **15**.",
        "15",
        "conclusion",
    );
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
    expect(
        "<|begin_of_thought|>\\boxed{12}<|end_of_thought|>\nA: 5",
        "5",
        "answer-is",
    );
}

#[test]
fn long_bad_input_is_linear() {
    for piece in [
        "\\boxed{",
        "####\n",
        "#### ",
        "answer:",
        "answer is ",
        "<think>",
        "{",
        "1,",
        "(",
        "**",
        "*",
        "....",
        "\\frac{1}{",
        "$",
        "$1 ",
        "$a$, ",
        "\\(",
        "\\[ a = b \\]",
        "\\boxed{1} wait, the answer is 5 ",
        "x = 5 ",
        "the correct answer is $a = b$ and ",
        "A:\n",
        "\n",
        " ",
        "\\begin{align}",
        "is 5 if ",
        "so 5. ",
        "<<1=1>>",
    ] {
        let text = piece.repeat(400_000 / piece.len());
        let start = std::time::Instant::now();
        found(&text);
        found(&format!("{text} The answer is 5."));
        found(&format!("The answer is {text}"));
        // Far above the time of one pass, and far below that of two nested.
        assert!(start.elapsed().as_secs() < 10, "{piece:?}");
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
                "\\boxed", "is ", "So ", "=", "\\[", "\\]", "$$", "≈", "½", ",", "(", ")", "and ", "i.e. ",
                "\\begin{align}", "\\end{align}", "<<", ">>", "√", "°", "\\\\", "x", "not ", "…", "A:", "\r\n",
                "\\text{", "if ", "3,000", "%", "`", " the answer.", "”", "’s ",
            ]),
            0..40,
        )
    ) {
        found(&parts.concat());
    }

    #[test]
    fn a_box_at_the_end_is_found(before in "[a-z .]{0,40}", n in any::<i32>()) {
        let text = format!("{before} \\boxed{{{n}}}");
        prop_assert_eq!(found(&text), Some((n.to_string(), "boxed")));
    }

    #[test]
    fn a_statement_is_found(before in "[b-z ]{0,40}", n in any::<i32>()) {
        let text = format!("{before}. The final answer is {n}.");
        prop_assert_eq!(found(&text), Some((n.to_string(), "final-answer")));
    }

    #[test]
    fn an_open_formula_has_no_answer(n in any::<u32>(), open in prop::sample::select(vec!["\\(", "\\[", "$$"])) {
        let text = format!("So the total is {open} {n} + {n}");
        prop_assert_eq!(found(&text), None);
    }
}

#[test]
fn yes_and_no_begin_the_last_sentence_or_the_first() {
    let said = |text: &str| yes_or_no(text).map(|found| (text[found.span].to_owned(), found.rule));
    for (text, word) in [
        ("Yes, it is prime.", "Yes"),
        ("We have tried all of them. Therefore, no.", "no"),
        ("So the statement is true.", "true"),
        ("No. There are 3 of them, and none fits.", "No"),
        ("<think>Yes?</think>No.", "No"),
    ] {
        assert_eq!(said(text), Some((word.to_owned(), "yes-no")), "{text}");
    }
    for text in [
        "",
        "It is prime.",
        "There is no such number here, as 3 shows.",
    ] {
        assert_eq!(said(text), None, "{text}");
    }
}

use proptest::prelude::*;

use super::*;
use crate::problem::answer::{Grader, RuleGrader};

mod properties;
mod soundness;

#[track_caller]
fn equal(pairs: &[(&str, &str)]) {
    for (gold, answer) in pairs {
        let found = compare(gold, answer);
        assert_eq!(
            found.verdict,
            Verdict::Correct,
            "{gold} | {answer}: {found:?}"
        );
    }
}

#[track_caller]
fn different(pairs: &[(&str, &str)]) {
    for (gold, answer) in pairs {
        let found = compare(gold, answer);
        assert_eq!(
            found.verdict,
            Verdict::Wrong,
            "{gold} | {answer}: {found:?}"
        );
    }
}

#[track_caller]
fn ungraded(pairs: &[(&str, &str)]) {
    for (gold, answer) in pairs {
        let found = compare(gold, answer);
        assert_eq!(
            found.verdict,
            Verdict::Ungraded,
            "{gold} | {answer}: {found:?}"
        );
        assert!(found.reason.is_some());
    }
}

#[test]
fn the_exact_value_decides() {
    equal(&[
        ("\\frac{7}{8}", "0.875"),
        ("\\frac{7}{8}", "\\tfrac{21}{24}"),
        ("2048", "2^{11}"),
        ("21", "{}^{7}C_5"),
        ("21", "binom(7, 2)"),
        ("21", "7 choose 2"),
        ("\\binom{2500}{1200}", "\\frac{2500!}{1200! \\cdot 1300!}"),
        ("21", "\\binom{7}{5}"),
        ("21", "{7 \\choose 2}"),
        ("720", "6!"),
        ("15", "5!!"),
        ("\\sqrt{72}", "6\\sqrt2"),
        ("\\frac{1}{\\sqrt{7}}", "\\frac{\\sqrt{7}}{7}"),
        ("1+\\sqrt{3}", "\\sqrt{4+2\\sqrt{3}}"),
        ("\\frac{\\sqrt[3]{9}}{3}", "3^{-1/3}"),
        ("\\frac{4}{11}", "0.\\overline{36}"),
        ("\\frac{5}{6}", "0.8\\overline{3}"),
        ("\\frac{2}{3}", "0.666..."),
        ("\\frac{1}{7}", "0.(142857)"),
        ("\\sin 40^\\circ", "\\cos 50^\\circ"),
        ("\\ln 81", "4 \\ln 3"),
        ("\\log_4 32", "\\frac{5}{2}"),
        ("\\tan\\frac{\\pi}{8}", "\\sqrt{2}-1"),
        ("\\sum_{k=1}^{10} k^2", "385"),
        ("\\sum_{i=0}^{4} 2^i", "31"),
        ("\\lfloor \\pi^3 \\rfloor", "31"),
        ("|3-\\pi|", "\\pi-3"),
        ("\\gcd(84, 30)", "6"),
    ]);
    different(&[
        ("\\frac{1}{3}", "0.333"),
        ("\\sqrt{5}", "2.236"),
        ("2\\pi", "6.28"),
        ("\\frac{2}{3}", "0.67"),
        ("\\frac{7}{8}", "\\frac{8}{7}"),
        ("6\\sqrt{2}", "2\\sqrt{6}"),
        ("1+\\sqrt{3}", "1-\\sqrt{3}"),
        ("7\\pi", "7"),
        ("\\ln 81", "3 \\ln 4"),
        ("\\log_2 7", "\\log_7 2"),
        ("\\sin 40^\\circ", "\\sin 50^\\circ"),
    ]);
}

#[test]
fn no_floating_point_makes_different_numbers_equal() {
    different(&[
        ("\\frac{1}{2^{1999}}", "\\frac{1}{2^{2000}}"),
        ("3^{1500}+1", "3^{1500}-1"),
        ("3^{1500}", "3^{1500}+1"),
        ("\\frac{10^{400}+1}{10^{400}}", "1"),
        ("\\sqrt{10^{200}+1}", "10^{100}"),
        ("\\cos(10^{-80})", "1"),
        ("\\arctan(10^{90})", "\\frac{\\pi}{2}"),
        ("e^{10^{-60}}", "1"),
        ("\\sin(\\pi) + 10^{-300}", "0"),
        ("\\pi + 10^{-50}", "\\pi"),
    ]);
    let long = |last: char| format!("\\sqrt{{{}{last}}}", "7".repeat(500));
    different(&[(&long('7'), &long('8'))]);
    equal(&[(&long('7'), &format!("({}7)^{{1/2}}", "7".repeat(500)))]);
}

#[test]
fn units_signs_and_prefixes_do_not_matter() {
    equal(&[
        ("35", "35 \\text{ square inches}"),
        ("35", "35\\text{ cm}^2"),
        ("9", "9\\,\\frac{\\text{m}}{\\text{s}}"),
        ("9", "9\\ \\mathrm{m\\,s^{-1}}"),
        ("70^\\circ", "70^o"),
        ("250", "USD 250"),
        ("9", "**9**"),
        ("9", "\\approx 9"),
        ("10", "{}_5C_2"),
        ("9", "P(X = 3) = 9"),
        ("9", "\\text{Answer: } 9"),
        ("9", "x^2 + y^2 = 9"),
        ("12 \\mathrm{~km}/\\mathrm{h}", "12"),
        ("12", "12 km per hour"),
        ("45^\\circ", "45"),
        ("45", "45°"),
        ("45^{\\circ}", "45 degrees"),
        ("\\frac{\\pi}{4}", "45^\\circ"),
        ("31^{\\circ} \\mathrm{C}", "31"),
        ("250", "\\$250.00"),
        ("250", "250 dollars"),
        ("12", "x = 12"),
        ("12", "x+y=12"),
        ("(3,-1)", "(x, y) = (3, -1)"),
        ("\\frac{1}{x}", "f(x) = \\frac{1}{x}"),
        ("66", "40 + 26 = 66"),
        ("12", "12 m/s"),
        ("24^\\circ \\mathrm{C}", "24 °C"),
        ("4000000", "4 \\text{ million}"),
        ("\\frac{3}{7}", "\\frac{3}{7} \\approx 0.4286"),
        ("\\frac{3}{7}", "\\lim_{n \\to \\infty} a_n = \\frac{3}{7}"),
        ("\\frac{3}{7}", "\\Pr(X > Y) = \\frac{3}{7}"),
        ("\\frac{3}{7}", "P(A \\mid B) = \\frac{3}{7}"),
        ("\\frac{3}{7}", "\\frac{3}{7} \\quad \\blacksquare"),
        ("12", "\\text{€}12"),
        ("17 \\pmod{40}", "57 \\pmod{40}"),
        ("12", "12 m"),
        ("8", "There are 8"),
        ("8", "eight"),
        ("5", "\\text{5}"),
        ("5", "\\mathbf{5}"),
        ("17", "m \\equiv 17 \\pmod{40}"),
    ]);
    different(&[
        ("35", "34\\text{ cm}^2"),
        ("12", "x = 13"),
        ("4", "4 \\text{ million}"),
        ("12", "\\ge 12"),
        ("66", "66 + 26 = 92"),
        ("x = 4", "y = 4"),
        ("17 \\pmod{40}", "17 \\pmod{41}"),
    ]);
}

#[test]
fn percentages_equal_their_share() {
    equal(&[
        ("35\\%", "35"),
        ("35\\%", "0.35"),
        ("35\\%", "\\frac{7}{20}"),
        ("35", "35\\%"),
        ("\\frac{7}{20}", "35\\%"),
        ("12.5\\%", "12.5 percent"),
        ("66\\frac{2}{3}\\%", "\\frac{2}{3}"),
        ("12.5\\%", "12\\frac12\\%"),
        ("0.4", "40\\%"),
    ]);
    different(&[
        ("\\frac{7}{20}", "0.35\\%"),
        ("35\\%", "0.35\\%"),
        ("35\\%", "3.5"),
        ("40", "4000\\%"),
        ("40", "0.4\\%"),
    ]);
}

#[test]
fn separators_between_thousands_do_not_matter() {
    for form in [
        "54,321",
        "54{,}321",
        "54\\,321",
        "54,\\!321",
        "54 321",
        "54\\ 321",
        "54321.0",
        "054321",
        "54321.",
    ] {
        equal(&[("54321", form), (form, "54321")]);
    }
    equal(&[
        ("2,345,678", "2345678"),
        ("100,200,300", "300, 100, 200"),
        ("(7,421)", "(7, 421)"),
    ]);
    different(&[
        ("54321", "54.321"),
        ("54321", "543210"),
        ("1234", "1,2,3,4"),
    ]);
}

#[test]
fn mixed_numbers_are_sums() {
    equal(&[
        ("\\frac{17}{5}", "3\\frac{2}{5}"),
        ("\\frac{17}{5}", "3 2/5"),
        ("\\frac{17}{5}", "3 {\\frac{2}{5}}"),
        ("\\frac{17}{5}", "3\\frac25"),
        ("-\\frac{17}{5}", "-3 \\frac{2}{5}"),
        ("\\frac{7}{2}", "3½"),
        ("3\\frac{2}{5}", "3.4"),
    ]);
    different(&[
        ("\\frac{6}{5}", "3\\frac{2}{5}"),
        ("\\frac{17}{5}", "3\\frac{3}{5}"),
    ]);
}

#[test]
fn lists_are_sets_and_tuples_are_ordered() {
    equal(&[
        ("2, -7", "-7, 2"),
        ("2, -7", "\\{-7, 2\\}"),
        ("2, -7", "-7 \\text{ and } 2"),
        ("2, -7", "x = 2 \\text{ or } x = -7"),
        ("2, -7", "x_1 = -7, x_2 = 2"),
        ("3 \\pm \\sqrt{5}", "3+\\sqrt5, 3-\\sqrt5"),
        (
            "\\frac{-1 \\pm \\sqrt{13}}{2}",
            "x = -\\frac12 + \\frac{\\sqrt{13}}{2}, x = -\\frac12 - \\frac{\\sqrt{13}}{2}",
        ),
        ("\\{0, 1 \\pm \\sqrt{2}\\}", "1-\\sqrt{2}, 0, 1+\\sqrt{2}"),
        ("6", "6, 6.0"),
        ("(1, 4), (4, 1)", "(4,1) and (1,4)"),
        ("(1,4)", "y=4, x=1"),
        ("(1,4)", "x=1, y=4"),
        ("(4, \\frac{1}{2})", "\\left( 4.0, 0.5 \\right)"),
        (
            "\\langle 1, 2, 3\\rangle",
            "\\begin{pmatrix} 1 \\\\ 2 \\\\ 3 \\end{pmatrix}",
        ),
        ("\\text{B, D}", "D, B"),
    ]);
    different(&[
        ("(1, 4)", "(4, 1)"),
        ("2, -7", "2"),
        ("2", "2, -7"),
        ("2, -7", "2, 7"),
        ("5", "5 or 6"),
        ("\\pm 3", "3"),
        ("(1, 4)", "(1, 4, 0)"),
        ("(1, 4), (4, 1)", "(1, 4)"),
        ("(1,4)", "y=1, x=4"),
        ("x=2, y=3", "x=3, y=2"),
        ("\\text{B, D}", "B, E"),
    ]);
}

#[test]
fn intervals_and_inequalities_are_sets_of_numbers() {
    equal(&[
        ("(1, 5]", "1 < x \\le 5"),
        ("(1, 5]", "x \\in (1, 5]"),
        ("(1, 5]", "5 \\ge x > 1"),
        ("[2, \\infty)", "x \\geq 2"),
        ("[2, \\infty)", "\\{x \\mid x \\ge 2\\}"),
        (
            "(-\\infty, 1) \\cup (4, \\infty)",
            "x > 4 \\text{ or } x < 1",
        ),
        ("(-\\infty, 0) \\cup (0, \\infty)", "x \\ne 0"),
        (
            "(-\\infty, 0) \\cup (0, \\infty)",
            "\\mathbb{R} \\setminus \\{0\\}",
        ),
        ("(-\\infty, \\infty)", "\\mathbb{R}"),
        ("[0, 3]", "[0, 1] \\cup (1, 3]"),
        ("(1, 2)", "x > 1 \\text{ and } x < 2"),
        ("[-\\sqrt{2}, \\sqrt{2}]", "-\\sqrt2 \\le t \\le \\sqrt2"),
        ("1 < x < 2 \\cup 3 \\le x < 4", "(1,2) \\cup [3,4)"),
        (
            "(-\\infty, 1) \\cup (6, \\infty)",
            "\\{x : x < 1 \\text{ or } x > 6\\}",
        ),
        ("(2, 7]", "]2, 7]"),
        ("t > \\frac{3}{4}", "4t > 3"),
        ("t > \\frac{3}{4}", "3 - 4t < 0"),
        ("[-2, 4]", "|x - 1| \\le 3"),
        ("(-\\sqrt{7}, \\sqrt{7})", "x^2 < 7"),
        (
            "(-\\infty, 1) \\cup (6, \\infty)",
            "\\mathbb{R} \\setminus [1, 6]",
        ),
        (
            "(-\\infty, 1) \\cup (6, \\infty)",
            "(-\\infty, 1) \\text{ or } (6, \\infty)",
        ),
        (
            "(-\\infty, 1) \\cup (6, \\infty)",
            "(-\\infty, 1) U (6, \\infty)",
        ),
        ("(0, 4) \\cup (4, 8)", "0 < x < 8, x \\neq 4"),
        ("(-\\infty, 3) \\cup (3, \\infty)", "\\mathbb{R} - \\{3\\}"),
        ("n \\le \\sqrt{m}", "\\sqrt{m} \\ge n"),
    ]);
    different(&[
        ("(1, 5]", "[1, 5]"),
        ("(1, 5]", "(1, 6]"),
        ("[2, \\infty)", "(2, \\infty)"),
        ("[2, \\infty)", "x \\le 2"),
        ("(-\\infty, 1) \\cup (4, \\infty)", "(4, \\infty)"),
        ("t > \\frac{3}{4}", "4t < 3"),
        ("[-2, 4]", "|x - 1| < 3"),
        ("x < 2", "y < 2"),
        ("(-\\infty, 1)", "(1, \\infty)"),
    ]);
}

#[test]
fn matrices_compare_entry_by_entry() {
    let pmatrix = "\\begin{pmatrix} 1 & 1/2 \\\\ -3 & 0 \\end{pmatrix}";
    equal(&[
        (
            pmatrix,
            "\\begin{bmatrix} 1 & 0.5\\\\[2pt] -3 & 0\\end{bmatrix}",
        ),
        (
            pmatrix,
            "\\left( \\begin{array}{cc} 1 & \\frac12 \\\\ -3 & 0 \\end{array} \\right)",
        ),
        (
            pmatrix,
            "\\frac12 \\begin{pmatrix} 2 & 1 \\\\ -6 & 0 \\end{pmatrix}",
        ),
        (pmatrix, "-\\pmatrix{-1 & -1/2 \\cr 3 & 0}"),
    ]);
    different(&[
        (
            pmatrix,
            "\\begin{pmatrix} 1 & -3 \\\\ 1/2 & 0 \\end{pmatrix}",
        ),
        (pmatrix, "\\begin{pmatrix} 1 & 1/2 \\end{pmatrix}"),
        (pmatrix, "5"),
    ]);
}

#[test]
fn expressions_are_equal_as_functions() {
    equal(&[
        ("(x+2)(x-3)", "x^2 - x - 6"),
        ("\\frac{x^2-1}{x-1}", "x+1"),
        ("2^{n+3}", "8 \\cdot 2^n"),
        ("4^n", "2^{2n}"),
        ("\\frac{n(n+1)}{2}", "\\binom{n+1}{2}"),
        ("n \\cdot n!", "(n+1)! - n!"),
        ("(-1)^n", "(-1)^{n+2}"),
        ("\\cos 2x", "1 - 2\\sin^2 x"),
        ("\\tan x", "\\frac{\\sin x}{\\cos x}"),
        ("(pq)^3", "p^3 q^3"),
        ("2^n n", "2^nn"),
        ("n \\cdot n!", "nn!"),
        ("\\frac{p}{q}", "\\frac pq"),
        ("2^{E}", "2^e"),
        ("a b c", "cab"),
        ("\\sqrt{a^2 b}", "a\\sqrt{b}"),
        (
            "\\left\\lceil \\frac{n}{2} \\right\\rceil",
            "\\left\\lfloor \\frac{n+1}{2} \\right\\rfloor",
        ),
        ("x^2+1", "x**2 + 1"),
        ("e^{2x}", "(e^x)^2"),
        ("4+3i", "4+3\\mathrm{i}"),
        ("4+3i", "4 + 3I"),
        ("\\frac{\\sqrt{2}}{2}(1+i)", "\\operatorname{cis} 45^\\circ"),
        ("4+3i", "3i+4"),
        ("\\frac{1+i}{1-i}", "i"),
    ]);
    different(&[
        ("x^2 - x - 6", "x^2 + x - 6"),
        ("2^{n+3}", "2^{n+2}"),
        ("(-1)^n", "(-1)^{n+1}"),
        ("pq^3", "(pq)^3"),
        ("(pq)!", "pq!"),
        (
            "\\lfloor \\frac{n}{9} \\rfloor",
            "\\lfloor \\frac{n+1}{9} \\rfloor",
        ),
        ("7", "7x"),
        ("3\\sqrt{5}", "3\\sqrt{5}x"),
        ("5x^2", "5y^2"),
        ("x", "|x|"),
        ("4+3i", "4-3i"),
        ("\\sin 2x", "2 \\sin x"),
        ("\\lfloor n/2 \\rfloor", "n/2"),
        ("n!", "n^2"),
    ]);
}

#[test]
fn equations_are_equal_up_to_a_factor() {
    equal(&[
        ("2x - 3y + 5 = 0", "4x + 10 = 6y"),
        ("y = 3x - 1", "3x - y = 1"),
        ("y = 3x - 1", "3x - 1"),
        ("y = \\frac{2}{x}", "xy = 2"),
        ("x^2 + y^2 = 4", "\\frac{x^2}{4} + \\frac{y^2}{4} = 1"),
        ("\\sqrt{2} x = y", "2x = \\sqrt{2} y"),
    ]);
    different(&[
        ("2x - 3y + 5 = 0", "2x + 3y + 5 = 0"),
        ("y = 3x - 1", "y = 3x + 1"),
        ("y = 3x - 1", "t = 3x - 1"),
        ("x^2 + y^2 = 4", "x^2 + y^2 = 2"),
        ("2x - 3y + 5 = 0", "5"),
    ]);
}

#[test]
fn numbers_in_a_base_keep_it() {
    equal(&[
        ("312_5", "{312}_{5}"),
        ("312_5", "312_{\\text{five}}"),
        ("2A_{16}", "2a_{16}"),
        ("312_5", "312 \\text{ (base 5)}"),
        ("312_5", "312 base five"),
    ]);
    different(&[
        ("312_5", "312_6"),
        ("312_5", "313_5"),
        ("312_5", "312"),
        ("312_5", "82"),
    ]);
}

#[test]
fn ratios_are_equal_up_to_a_factor() {
    equal(&[
        ("2:3", "2 : 3"),
        ("2:3", "4:6"),
        ("2:3", "2 \\text{ to } 3"),
        ("10:15", "10{:}15"),
        ("2:3", "\\frac23"),
        ("1:2:4", "\\frac12 : 1 : 2"),
    ]);
    different(&[("10:15", "2:3"), ("2:3", "3:2"), ("1:2:4", "1:2:3")]);
}

#[test]
fn words_are_compared_as_words() {
    equal(&[
        ("\\text{hyperbola}", "Hyperbola."),
        ("\\text{hyperbola}", "\\textbf{hyperbola}"),
        ("\\text{hyperbola}", "a **hyperbola**"),
        ("\\text{(D)}", "\\mathsf{D}"),
        ("\\text{(D)}", "D"),
        ("D", "\\mathrm{(D)}"),
        ("\\textbf{(D)}", "(D) 24"),
        ("\\text{Yes}", "Yes, because the sum is even"),
        ("\\text{No}", "\\text{No such number exists}"),
        ("\\text{no}", "False"),
        ("\\text{Maria}", "Maria"),
    ]);
    different(&[
        ("\\text{hyperbola}", "ellipse"),
        ("\\text{(D)}", "(E)"),
        ("\\text{Yes}", "No"),
        ("\\text{Yes}", "3"),
        ("\\text{Maria}", "Peter"),
        ("12", "cannot be determined"),
        ("\\text{hyperbola}", "12"),
    ]);
}

#[test]
fn other_ways_of_writing_are_read() {
    equal(&[
        ("3\\sqrt{13}", "3*sqrt(13)"),
        ("2\\sqrt{17}", "2√17"),
        ("-5", "\u{2212}5"),
        ("\\frac{3}{4}", "¾"),
        ("x^2", "x²"),
        ("\\sqrt[4]{7}", "∜7"),
        ("42", "４２"),
        ("4e-3", "4e - 3"),
        ("\\frac{1}{2^{5}", "\\frac{1}{32}"),
        ("21,\\! 345,\\! 600", "21345600"),
        ("\\[ N \\equiv 5 \\pmod{9} \\]", "N \\equiv 5 \\pmod{9}"),
        ("She wins iff and only if \\( n \\le 7 \\).", "n \\le 7"),
        ("10^{-3}", "10⁻³"),
        ("2 \\times 3", "2×3"),
        ("6300000", "6.3 \\times 10^6"),
        ("6300000", "6.3e6"),
        ("\\frac{\\pi}{6}", "pi/6"),
        ("\\frac{-9}{4}", "-(9/4)"),
        ("\\frac{1}{2}", "\\dfrac12"),
        ("\\frac{\\sqrt{3}}{2}", "\\frac{\\sqrt3}2"),
        ("\\left(\\frac12\\right)", "\\bigl(\\tfrac{1}{2}\\bigr)"),
        ("48\\pi", "{{48\\pi}}"),
        ("14", "$\\boxed{14}.$"),
        ("\\boxed{14}", "14"),
        ("\\(\\frac{1}{9}\\)", "\\frac{1}{9}"),
        ("\u{c}rac{3}{8}", "\\frac{3}{8}"),
        ("\\\\frac{3}{8}", "\\frac{3}{8}"),
        (
            "The sum of the roots is \\(\\frac{3}{8}\\).",
            "\\frac{3}{8}",
        ),
        ("$2n$ OR $n+n$", "2n"),
    ]);
}

#[test]
fn what_cannot_be_decided_is_ungraded_with_a_reason() {
    ungraded(&[
        ("\\frac{1}", "\\frac{1}{3}"),
        ("5", "1/0"),
        ("10^{10^{10}}", "10^{10^{10}} + 1"),
        ("5", ""),
        ("1 + 2 + \\cdots + n", "n"),
        ("\\begin{cases} 1 & n > 0 \\\\ 2 & n < 0 \\end{cases}", "1"),
        ("5", "\\unknowncommand{3}"),
        (
            "there are infinitely many such numbers n",
            "for every prime p there is exactly one",
        ),
    ]);
    equal(&[("1 + 2 + \\cdots + n", "1+2+\\cdots+n")]);
}

#[test]
fn the_grader_names_what_decided() {
    let grader = RuleGrader;
    let grade = grader.grade(Some("\\frac{1}{2}"), "so \\boxed{0.5}");
    assert_eq!(grade.verdict, Verdict::Correct);
    assert_eq!(
        (grade.rule.as_str(), grade.extraction.as_deref()),
        ("exact-rational", Some("boxed"))
    );
    let forms = grade.forms.unwrap();
    assert_eq!((forms.gold.as_str(), forms.answer.as_str()), ("1/2", "1/2"));
    let grade = grader.grade(None, "so \\boxed{18}");
    assert_eq!(grade.verdict, Verdict::Ungraded);
    assert_eq!(grade.reason.as_deref(), Some("no gold answer"));
    assert_eq!(grade.extracted.as_deref(), Some("18"));
    let grade = grader.grade(Some("18"), "nothing to say");
    assert_eq!(
        (grade.verdict, grade.rule.as_str()),
        (Verdict::Wrong, "no-answer")
    );
    assert!(grade.reason.is_none());
}

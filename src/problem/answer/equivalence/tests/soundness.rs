//! Pairs that a careless grader accepts: brackets lost, pieces not looked at,
//! letters taken for words and words for letters.

use super::*;

#[track_caller]
fn never_correct(pairs: &[(&str, &str)]) {
    for (gold, answer) in pairs {
        for (gold, answer) in [(gold, answer), (answer, gold)] {
            let found = compare(gold, answer);
            assert_ne!(
                found.verdict,
                Verdict::Correct,
                "{gold} | {answer}: {found:?}"
            );
        }
    }
}

#[test]
fn brackets_and_points_are_not_lost_beside_words() {
    never_correct(&[
        ("3*(sqrt(13)+1)", "3*sqrt(13)+1"),
        (".5 \\text{ cm}", "5 cm"),
        (".75 dollars", "75 dollars"),
        ("\\text{5!}", "5"),
        ("2(x+1) \\text{ cm}", "2 x+1 cm"),
        ("1 2", "12"),
        ("1,2,3", "1,2,3,..."),
    ]);
}

#[test]
fn functions_in_pieces_are_looked_at_beyond_their_breaks() {
    never_correct(&[
        ("|x-3|", "3-x"),
        ("|x+5|", "x+5"),
        ("\\max(x,10)", "10"),
        ("|x-3|+|x+3|", "6"),
        ("\\sqrt{(x-3)^2}", "3-x"),
        ("\\lfloor x\\rfloor", "x"),
        ("\\lfloor x\\rfloor", "\\lceil x\\rceil"),
        ("\\lceil n/2023\\rceil", "1"),
        ("\\lfloor n/20\\rfloor", "0"),
        ("\\lfloor n/7\\rfloor", "\\lfloor (n+1)/7\\rfloor"),
    ]);
    equal(&[
        ("|x-3|", "|3-x|"),
        ("\\sqrt{(x-3)^2}", "|x-3|"),
        ("\\max(x,y)", "\\frac{x+y+|x-y|}{2}"),
        ("\\lfloor n/2 \\rfloor + \\lceil n/2 \\rceil", "n"),
    ]);
}

#[test]
fn equations_keep_their_solutions() {
    never_correct(&[
        ("3/4=0.75", "1/2=0.5"),
        ("12+13=25", "3\\times 4=12"),
        ("x^2=x", "x=1"),
        ("x^2=4x", "x=4"),
        ("xy=x", "y=1"),
        ("\\sin x=\\sin x\\cos x", "\\cos x=1"),
        ("9", "2x+3=9"),
    ]);
}

#[test]
fn inequalities_are_about_their_variables() {
    never_correct(&[
        ("x>1 \\text{ and } y<3", "1<x<3"),
        ("x>0, y<-1", "x<-1, y>0"),
        ("x>1, x<3", "\\mathbb{R}"),
        ("x^2 > 4", "x > 2"),
    ]);
    equal(&[
        ("0<x<2", "x>0, x<2"),
        ("0<x<2", "1<2x+1<5"),
        ("a<b", "b>a"),
        (
            "(-\\infty,a)\\cup(b,\\infty)",
            "(b,\\infty)\\cup(-\\infty,a)",
        ),
        ("\\emptyset", "\\text{no solution}"),
    ]);
    for (gold, answer) in [("x^2-4<0", "-2<x<2"), ("2x+2y>4", "x+y>2")] {
        let found = compare(gold, answer).verdict;
        assert_ne!(found, Verdict::Wrong, "{gold} | {answer}");
    }
}

#[test]
fn words_are_no_products_and_products_no_words() {
    never_correct(&[
        ("BAC", "CAB"),
        ("IV", "VI"),
        ("east", "seat"),
        ("dog", "god"),
        ("Ian", "Ina"),
        ("3\\mathbf{a}+4\\mathbf{b}", "4\\mathbf{a}+3\\mathbf{b}"),
        ("3\\mathbf{a}+4\\mathbf{b}", "7"),
        ("5\\mathrm{x}^2", "5"),
        ("\\frac{5}{m}", "5"),
        ("5x", "5"),
        ("f'", "f"),
        ("y^\\prime", "y"),
    ]);
    equal(&[("ab", "ba"), ("abc", "c a b")]);
    // An answer may have a unit; a letter of the gold answer is none.
    different(&[("2m", "2"), ("\\frac{5}{m}", "5")]);
    equal(&[("2", "2m")]);
}

#[test]
fn long_numbers_are_not_told_by_their_length() {
    never_correct(&[
        ("\\sin(10^{1000})", "\\sin(10^{1000}+1)"),
        ("\\sqrt{x+10^{1000}}", "\\sqrt{x+10^{1000}+1}"),
    ]);
    let n = "10000000000000000000";
    let near = format!("\\sin(1)\\frac{{{n}({n}+2)^6({n}+4)}}{{({n}+1)^4({n}+3)^4}}");
    never_correct(&[(&near, "\\sin(1)")]);
}

#[test]
fn what_is_written_after_a_value_counts_where_it_changes_it() {
    never_correct(&[
        ("x^2 \\text{ for } x>0", "x^2 \\text{ for } x<0"),
        ("n \\text{ odd}", "n \\text{ even}"),
        ("5 \\text{ at most}", "5"),
        ("5 kg", "5 g"),
        ("100 mod 7", "100"),
        ("one hundred", "1"),
        ("two thirds", "2"),
        ("twenty-one", "19"),
        ("\\frac{d}{dx}x^2", "x"),
        ("12:30", "0.4"),
    ]);
    equal(&[
        ("100", "one hundred"),
        ("\\frac{2}{3}", "two thirds"),
        ("\\frac12", "one half"),
        ("21", "twenty-one"),
        ("42", "forty two"),
        ("5 cm", "5 centimeters"),
    ]);
}

#[test]
fn shapes_are_not_mixed_up() {
    never_correct(&[
        ("[0,1)", "\\langle 0,1\\rangle"),
        ("[0,1]", "\\begin{pmatrix}0\\\\1\\end{pmatrix}"),
        (
            "\\begin{pmatrix}1&\\\\&2\\end{pmatrix}",
            "\\begin{pmatrix}&1\\\\2&\\end{pmatrix}",
        ),
        ("1,000", "0, 1"),
        ("12,345", "345, 12"),
        ("1,002", "2, 1"),
    ]);
    equal(&[("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "[[1,2],[3,4]]")]);
}

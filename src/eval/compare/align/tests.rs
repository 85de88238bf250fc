use proptest::prelude::*;

use super::*;

fn steps<'a>(texts: &[&'a str]) -> Vec<Step<'a>> {
    // A model writes its own steps: `small: text`.
    let step = |told: &&'a str| match told.split_once(": ") {
        Some((writer, text)) => Step { text, writer },
        None => Step {
            text: told,
            writer: "small",
        },
    };
    texts.iter().map(step).collect()
}

fn told(left: &[&str], right: &[&str]) -> Vec<(Option<usize>, Option<usize>, Alike)> {
    let alignment = Alignment::of(&steps(left), &steps(right));
    let rows = alignment.rows.iter();
    rows.map(|row| (row.left, row.right, row.alike)).collect()
}

#[test]
fn what_belongs_together_stands_together() {
    use Alike::{Changed, Left, Respelled, Same, Unlike};
    let left = [
        "First we add 2 and 2.",
        "That gives 0.5 of them, which we keep.",
        "We check this by drawing a picture.",
        "So the sum of all of it is 7.",
    ];
    let right = [
        "First we add 2 and 2.",
        r"That gives $\frac12$ of them, which we keep.",
        "So the sum of all of it is 8.",
    ];
    assert_eq!(
        told(&left, &right),
        [
            (Some(0), Some(0), Same),
            (Some(1), Some(1), Respelled),
            (Some(2), None, Left),
            (Some(3), Some(2), Changed),
        ]
    );
    assert_eq!(
        told(&["one two three"], &["four five six", "seven"]),
        [(Some(0), Some(0), Unlike), (None, Some(1), Alike::Right),]
    );
    assert_eq!(told(&[], &[]), []);
}

#[test]
fn the_same_text_is_an_anchor() {
    // The repeated text pairs up before anything that is only alike.
    let left = ["a b c d", "the answer is 7"];
    let right = ["a b c e", "a b c d", "the answer is 7"];
    assert_eq!(
        told(&left, &right),
        [
            (None, Some(0), Alike::Right),
            (Some(0), Some(1), Alike::Same),
            (Some(1), Some(2), Alike::Same),
        ]
    );
}

#[test]
fn another_writer_of_the_same_text_is_a_divergence() {
    let left = steps(&["small: a", "small: b", "small: c"]);
    let right = steps(&["small: a", "large: b", "small: c"]);
    let alignment = Alignment::of(&left, &right);
    assert_eq!(alignment.first_divergence(), Some(1));
    assert_eq!(alignment.differing(), 1);
    let counts = alignment.counts();
    assert_eq!((counts.same, counts.other_writer), (3, 1));
    assert_eq!(Alignment::of(&left, &left).first_divergence(), None);
}

#[test]
fn a_thousand_steps_are_aligned_near_the_diagonal() {
    let text = |step: usize| format!("step {step} takes {} from {}", step * 3, step * 7);
    let all: Vec<String> = (0..2_000).map(text).collect();
    let left: Vec<Step<'_>> = all.iter().map(|text| Step { text, writer: "s" }).collect();
    // Five steps are missing, so that everything behind is shifted.
    let right = [&left[..400], &left[405..]].concat();
    let alignment = Alignment::of(&left, &right);
    let counts = alignment.counts();
    assert_eq!((counts.same, counts.only_left), (1_995, 5));
}

fn trajectories() -> impl Strategy<Value = Vec<String>> {
    let word = prop::sample::select(vec!["add", "sum", "7", "8", "0.5", "1/2", "so", "it"]);
    let step = prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "));
    prop::collection::vec(step, 0..12)
}

fn of(texts: &[String]) -> Vec<Step<'_>> {
    let step = |text| Step { text, writer: "s" };
    texts.iter().map(|text| step(text)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn rows_hold_every_step_once_and_in_order(left in trajectories(), right in trajectories()) {
        let alignment = Alignment::of(&of(&left), &of(&right));
        for (side, steps) in [(0, left.len()), (1, right.len())] {
            let places: Vec<usize> =
                alignment.rows.iter().filter_map(|row| row.step(side)).collect();
            prop_assert_eq!(places, (0..steps).collect::<Vec<_>>());
        }
        for row in &alignment.rows {
            let same = row.left.zip(row.right).map(|(a, b)| left[a] == right[b]);
            prop_assert_eq!(row.alike == Alike::Same, same == Some(true));
        }
    }

    #[test]
    fn the_other_order_is_the_same_alignment(
        left in trajectories(),
        right in trajectories(),
    ) {
        let ours = Alignment::of(&of(&left), &of(&right));
        let theirs = Alignment::of(&of(&right), &of(&left));
        prop_assert_eq!(ours, theirs.swapped());
    }

    #[test]
    fn a_common_beginning_stays_together(
        start in trajectories(),
        left in trajectories(),
        right in trajectories(),
    ) {
        let [a, b] = [&left, &right].map(|rest| [&start[..], &rest[..]].concat());
        let alignment = Alignment::of(&of(&a), &of(&b));
        for at in 0..start.len() {
            let row = alignment.rows[at];
            prop_assert_eq!((row.left, row.right), (Some(at), Some(at)));
        }
    }
}

//! Two texts word by word.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, Token};

use super::units::{Keys, Kind, Unit, units};

/// Most units of both texts between their common beginning and end; larger ones
/// are compared line by line, and those of more lines not at all.
const MOST_UNITS: usize = 24_000;
/// Longest pair of texts that is looked through for values that are written
/// differently, in bytes.
const MOST_RESPELLED: usize = 1 << 18;

/// How two stretches of text compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// The same units, but for blanks between them.
    Same,
    /// The same value or formula, written differently.
    Respelled,
    Changed,
}

/// A stretch of both texts, from its first unit to its last; empty on the side
/// that has nothing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    pub sameness: Sameness,
    /// Bytes of the left text.
    pub left: Range<usize>,
    pub right: Range<usize>,
    /// Number of units on the left and on the right.
    pub units: [usize; 2],
}

/// The difference of two texts: stretches in the order of both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    pub ops: Vec<Op>,
    /// Whether the texts were too long to be told apart word by word, and lines
    /// were compared instead, or nothing but how they begin and end.
    pub by_line: bool,
}

impl Difference {
    /// Compares two texts. The work is bounded, and the difference of the texts
    /// in the other order is this one in the other order.
    #[must_use]
    pub fn of(left: &str, right: &str) -> Self {
        // One order is computed, so that ties are broken alike.
        match left <= right {
            true => Self::in_order(left, right),
            false => Self::in_order(right, left).swapped(),
        }
    }

    /// Units that are the same, are written differently, stand only on the left,
    /// and only on the right.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for op in &self.ops {
            match op.sameness {
                Sameness::Same => counts[0] += op.units[0],
                Sameness::Respelled => counts[1] += op.units[0],
                Sameness::Changed => {
                    counts[2] += op.units[0];
                    counts[3] += op.units[1];
                }
            }
        }
        counts
    }

    fn swapped(mut self) -> Self {
        for op in &mut self.ops {
            std::mem::swap(&mut op.left, &mut op.right);
            op.units.reverse();
        }
        self
    }

    fn in_order(left: &str, right: &str) -> Self {
        let texts = [left, right];
        let mut sides = texts.map(units);
        let by_line = differing(&texts, &sides) > MOST_UNITS;
        if by_line {
            sides = texts.map(lines);
        }
        let mut ops = Ops::default();
        let (start, end) = common(&texts, &sides);
        let middle = [start..sides[0].len() - end, start..sides[1].len() - end];
        for (ours, theirs) in sides[0].iter().zip(&sides[1]).take(start) {
            ops.pair(Sameness::Same, ours, theirs);
        }
        match middle.iter().map(ExactSizeIterator::len).sum::<usize>() > MOST_UNITS {
            true => ops.changed(
                sides[0][middle[0].clone()].iter(),
                sides[1][middle[1].clone()].iter(),
            ),
            false => hunks(&texts, &sides, &middle, &mut ops),
        }
        for back in (1..=end).rev() {
            let [a, b] = [0, 1].map(|side: usize| &sides[side][sides[side].len() - back]);
            ops.pair(Sameness::Same, a, b);
        }
        Self {
            ops: ops.0,
            by_line,
        }
    }
}

/// Whether two texts say the same: unit by unit the same, but for how values
/// are written and for blanks.
#[must_use]
pub fn is_respelled(left: &str, right: &str) -> bool {
    if left.len() + right.len() > MOST_RESPELLED {
        return unblanked(left).eq(unblanked(right));
    }
    let [a, b] = [left, right].map(units);
    if a.len() != b.len() {
        return false;
    }
    let mut keys = Keys::default();
    a.iter().zip(&b).all(|(a, b)| {
        let is_read = |unit: &Unit| matches!(unit.kind, Kind::Number | Kind::Formula);
        let written = left.get(a.range.clone()) == right.get(b.range.clone());
        written || is_read(a) && is_read(b) && keys.of(left, a) == keys.of(right, b)
    })
}

/// Each line as a unit.
fn lines(text: &str) -> Vec<Unit> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let inside = line.trim();
        if !inside.is_empty() {
            let from = at + (line.len() - line.trim_start().len());
            let range = from..from + inside.len();
            found.push(Unit {
                inner: range.clone(),
                range,
                kind: Kind::Word,
            });
        }
        at += line.len();
    }
    found
}

fn written<'t>(text: &'t str, unit: &Unit) -> &'t str {
    text.get(unit.range.clone()).unwrap_or_default()
}

/// The characters of a text that are not blank.
fn unblanked(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !c.is_whitespace())
}

/// Units that both sides begin with, and end with, as they are written.
fn common(texts: &[&str; 2], sides: &[Vec<Unit>; 2]) -> (usize, usize) {
    let [left, right] = sides;
    let same = |(a, b): &(&Unit, &Unit)| written(texts[0], a) == written(texts[1], b);
    let start = left.iter().zip(right).take_while(same).count();
    let rest = |side: &[Unit]| side.len() - start;
    let most = rest(left).min(rest(right));
    let back = left.iter().rev().zip(right.iter().rev());
    let end = back.take(most).take_while(same).count();
    (start, end)
}

/// Units of both sides between their common beginning and end.
fn differing(texts: &[&str; 2], sides: &[Vec<Unit>; 2]) -> usize {
    let (start, end) = common(texts, sides);
    sides.iter().map(|side| side.len() - start - end).sum()
}

/// Compares the units of `middle`.
fn hunks(texts: &[&str; 2], sides: &[Vec<Unit>; 2], middle: &[Range<usize>; 2], ops: &mut Ops) {
    let mut keys = Keys::default();
    let tokens = [0, 1].map(|side: usize| {
        let units = sides[side].get(middle[side].clone()).unwrap_or_default();
        let tokens = units.iter().map(|unit| Token(keys.of(texts[side], unit)));
        tokens.collect::<Vec<Token>>()
    });
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Myers, &tokens[0], &tokens[1], keys.len());
    let [mut a, mut b] = [0, 0];
    let unit = |side: usize, at: usize| &sides[side][middle[side].start + at];
    let same = |from: [usize; 2], to: usize, ops: &mut Ops| {
        for (a, b) in (from[0]..to).zip(from[1]..) {
            let (left, right) = (unit(0, a), unit(1, b));
            let [ours, theirs] = [written(texts[0], left), written(texts[1], right)];
            let sameness = match ours == theirs || unblanked(ours).eq(unblanked(theirs)) {
                true => Sameness::Same,
                false => Sameness::Respelled,
            };
            ops.pair(sameness, left, right);
        }
    };
    for hunk in diff.hunks() {
        let before = hunk.before.start as usize..hunk.before.end as usize;
        let after = hunk.after.start as usize..hunk.after.end as usize;
        same([a, b], before.start, ops);
        ops.changed(
            before.clone().map(|at| unit(0, at)),
            after.clone().map(|at| unit(1, at)),
        );
        (a, b) = (before.end, after.end);
    }
    same([a, b], tokens[0].len(), ops);
}

/// Stretches that grow.
#[derive(Default)]
struct Ops(Vec<Op>);

impl Ops {
    /// A unit of both sides.
    fn pair(&mut self, sameness: Sameness, left: &Unit, right: &Unit) {
        if let Some(last) = self.0.last_mut().filter(|last| last.sameness == sameness) {
            last.left.end = left.range.end;
            last.right.end = right.range.end;
            last.units = last.units.map(|count| count + 1);
            return;
        }
        self.0.push(Op {
            sameness,
            left: left.range.clone(),
            right: right.range.clone(),
            units: [1, 1],
        });
    }

    /// Units of one side or both that have no like.
    fn changed<'u>(
        &mut self,
        left: impl Iterator<Item = &'u Unit>,
        right: impl Iterator<Item = &'u Unit>,
    ) {
        // Where a side has nothing, the place behind what came before.
        let behind = self.0.last();
        let [at_left, at_right] = behind.map_or([0, 0], |last| [last.left.end, last.right.end]);
        let (left, ours) = span(left, at_left);
        let (right, theirs) = span(right, at_right);
        self.0.push(Op {
            sameness: Sameness::Changed,
            left,
            right,
            units: [ours, theirs],
        });
    }
}

/// From the first unit to the last, and how many they are; empty at `at` where
/// there is none.
fn span<'u>(units: impl Iterator<Item = &'u Unit>, at: usize) -> (Range<usize>, usize) {
    let mut range: Option<Range<usize>> = None;
    let mut count = 0;
    for unit in units {
        count += 1;
        let start = range.map_or(unit.range.start, |range| range.start);
        range = Some(start..unit.range.end);
    }
    (range.unwrap_or(at..at), count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told<'t>(left: &'t str, right: &'t str) -> Vec<(Sameness, &'t str, &'t str)> {
        let difference = Difference::of(left, right);
        difference
            .ops
            .iter()
            .map(|op| {
                (
                    op.sameness,
                    &left[op.left.clone()],
                    &right[op.right.clone()],
                )
            })
            .collect()
    }

    #[test]
    fn words_numbers_and_formulas_are_told_apart() {
        use Sameness::{Changed, Respelled, Same};
        assert_eq!(
            told(
                r"So half is 0.5 and $x + 1$ is 3.",
                r"So half is \frac{1}{2} and $1+x$ is 4."
            ),
            [
                (Same, "So half is", "So half is"),
                (Respelled, "0.5", r"\frac{1}{2}"),
                (Same, "and", "and"),
                (Respelled, "$x + 1$", "$1+x$"),
                (Same, "is", "is"),
                (Changed, "3", "4"),
                (Same, ".", "."),
            ]
        );
        assert_eq!(told("a  b\n", "a b"), [(Same, "a  b", "a b")]);
        assert_eq!(told("", "new"), [(Changed, "", "new")]);
        assert_eq!(
            told("a b c", "a c"),
            [(Same, "a", "a"), (Changed, "b", ""), (Same, "c", "c"),]
        );
        assert_eq!(
            Difference::of("a 0.5 c", "a 1/2 d e").counts(),
            [1, 1, 1, 2]
        );
    }

    #[test]
    fn respelled_texts_differ_only_in_how_values_are_written() {
        assert!(is_respelled("it is 0.5 .", r"it is $\frac12$."));
        assert!(is_respelled("a b", "a  b\n"));
        assert!(!is_respelled("it is 0.5", "it is 0.6"));
        assert!(!is_respelled("it is 0.5", "it was 0.5"));
        assert!(!is_respelled("a", "a a"));
    }

    #[test]
    fn a_megabyte_is_compared_within_bounds() {
        let mut state = 7_u64;
        let mut word = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            format!("w{}", (state >> 33) % 5_000)
        };
        let mut text = |end: &str| {
            let mut text = String::new();
            while text.len() < 1 << 20 {
                text.push_str(&word());
                text.push_str(end);
            }
            text
        };
        let (left, right) = (text("\n"), text("\n"));
        let difference = Difference::of(&left, &right);
        assert!(difference.by_line, "too many units for words");
        assert_whole(&left, &right, &difference);
        // Lines of fifty words each.
        let [few, other] = [&left, &right].map(|text| {
            let words: Vec<&str> = text.split('\n').collect();
            let lines: Vec<String> = words.chunks(50).map(|words| words.join(" ")).collect();
            lines.join("\n")
        });
        let mixed = format!("{other}\n{few}");
        let difference = Difference::of(&few, &mixed);
        assert!(difference.by_line);
        assert_whole(&few, &mixed, &difference);
        assert!(difference.counts()[0] > 3_000, "every line of it is found");
        // One word in the middle of a megabyte is found as such.
        let changed = format!("{}other{}", &left[..500_000], &left[500_000..]);
        let difference = Difference::of(&left, &changed);
        assert!(!difference.by_line);
        assert_eq!(difference.counts()[2..], [1, 1]);
    }

    /// Whether the stretches are both texts, each in its order, without a rest.
    fn assert_whole(left: &str, right: &str, difference: &Difference) {
        for (text, side) in [(left, 0), (right, 1)] {
            let mut at = 0;
            for op in &difference.ops {
                let range = [&op.left, &op.right][side].clone();
                assert!(range.start >= at && range.end >= range.start);
                // Nothing but blanks stands between two stretches.
                if !range.is_empty() {
                    assert_eq!(text[at..range.start].trim(), "");
                    at = range.end;
                }
            }
            assert_eq!(text[at..].trim(), "", "the end is there");
        }
        for op in &difference.ops {
            let both = [&left[op.left.clone()], &right[op.right.clone()]];
            let squeezed = both.map(|text| text.split_whitespace().collect::<String>());
            match op.sameness {
                Sameness::Same => assert_eq!(squeezed[0], squeezed[1]),
                Sameness::Respelled => assert_ne!(squeezed[0], squeezed[1]),
                Sameness::Changed => assert_ne!(op.units, [0, 0]),
            }
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "so",
            "then",
            "the",
            "0.5",
            "1/2",
            r"\frac{1}{2}",
            "$x+1$",
            "$1+x$",
            "7",
            "8",
            ".",
            ",",
            "\n",
            "  ",
            " ",
            "-",
            "=",
            "é",
            "∑",
            "$",
            "\\",
            "{",
            "\u{202e}",
            "don't",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        #[test]
        fn a_difference_is_both_texts(left in texts(), right in texts()) {
            assert_whole(&left, &right, &Difference::of(&left, &right));
        }

        #[test]
        fn any_text_is_whole(left in any::<String>(), right in any::<String>()) {
            assert_whole(&left, &right, &Difference::of(&left, &right));
        }

        #[test]
        fn the_other_order_is_the_same_difference(left in texts(), right in texts()) {
            let ours = Difference::of(&left, &right);
            let theirs = Difference::of(&right, &left).swapped();
            prop_assert!(left == right || ours == theirs);
        }

        #[test]
        fn a_text_is_itself(text in texts()) {
            let difference = Difference::of(&text, &text);
            prop_assert!(difference.ops.iter().all(|op| op.sameness == Sameness::Same));
        }
    }
}

//! The steps of two trajectories in rows: what belongs together stands side by
//! side.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::trace::record::StepRecord;

use super::units::units;
use super::words::is_respelled;

/// Units that a step is known by: the ones with the smallest hashes, so that
/// two samples tell how much of both texts is shared.
const SAMPLED: usize = 64;
/// Bytes of a step that are sampled.
const SAMPLED_BYTES: usize = 1 << 16;
/// Most pairs of steps whose texts are compared; of longer trajectories only
/// those near the diagonal.
const MOST_PAIRS: usize = 30_000;
/// Share of units in common from which two steps belong together.
const LIKE: f64 = 0.3;
/// What a pair of the same texts is worth: more than any that is only alike.
const SAME: f64 = 1.5;

/// A step to be put in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step<'a> {
    pub text: &'a str,
    /// Name of the model that wrote it, or of whoever did.
    pub writer: &'a str,
}

impl<'a> Step<'a> {
    /// A step of a trajectory.
    #[must_use]
    pub fn of(record: &'a StepRecord) -> Self {
        Self {
            text: &record.text,
            writer: &record.model,
        }
    }
}

/// How the texts of a row compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    /// To the last byte.
    Same,
    /// But for how values are written and for blanks.
    Respelled,
    /// They say something alike.
    Changed,
    /// They stand at the same place and have little in common.
    Unlike,
    /// Only the left one is there.
    Left,
    Right,
}

impl Alike {
    /// As JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Respelled => "respelled",
            Self::Changed => "changed",
            Self::Unlike => "unlike",
            Self::Left => "only-left",
            Self::Right => "only-right",
        }
    }
}

/// A row: places of steps, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub left: Option<usize>,
    pub right: Option<usize>,
    pub alike: Alike,
    /// Whether the same model wrote both; also where one is missing.
    pub same_writer: bool,
}

impl Row {
    /// Whether anything differs: the text to the last byte, or its writer.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.alike != Alike::Same || !self.same_writer
    }

    /// The step on a side, 0 being the left one.
    #[must_use]
    pub fn step(&self, side: usize) -> Option<usize> {
        match side {
            0 => self.left,
            _ => self.right,
        }
    }

    fn swapped(self) -> Self {
        Self {
            left: self.right,
            right: self.left,
            alike: match self.alike {
                Alike::Left => Alike::Right,
                Alike::Right => Alike::Left,
                alike => alike,
            },
            ..self
        }
    }
}

/// How many rows there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub same: usize,
    pub respelled: usize,
    pub changed: usize,
    pub unlike: usize,
    pub only_left: usize,
    pub only_right: usize,
    /// Rows of any kind whose steps have different writers.
    pub other_writer: usize,
}

/// Two trajectories in rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alignment {
    pub rows: Vec<Row>,
}

impl Alignment {
    /// Aligns two trajectories. Their common beginning stays together; behind
    /// it rows are chosen so that the texts in them have most in common, and
    /// what has no like stands beside what has none either.
    #[must_use]
    pub fn of(left: &[Step<'_>], right: &[Step<'_>]) -> Self {
        // One order is computed, so that ties are broken alike.
        match left <= right {
            true => in_order(left, right),
            false => in_order(right, left).swapped(),
        }
    }

    /// The same with the sides exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            rows: self.rows.into_iter().map(Row::swapped).collect(),
        }
    }

    /// The first row in which anything differs.
    #[must_use]
    pub fn first_divergence(&self) -> Option<usize> {
        self.rows.iter().position(Row::differs)
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            let count = match row.alike {
                Alike::Same => &mut counts.same,
                Alike::Respelled => &mut counts.respelled,
                Alike::Changed => &mut counts.changed,
                Alike::Unlike => &mut counts.unlike,
                Alike::Left => &mut counts.only_left,
                Alike::Right => &mut counts.only_right,
            };
            *count += 1;
            counts.other_writer += usize::from(!row.same_writer);
        }
        counts
    }

    /// How many rows differ.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.rows.iter().filter(|row| row.differs()).count()
    }
}

fn in_order(left: &[Step<'_>], right: &[Step<'_>]) -> Alignment {
    let both = || left.iter().zip(right);
    let start = both().take_while(|(a, b)| a.text == b.text).count();
    let mut rows: Vec<Row> = (0..start)
        .map(|at| row(left, right, Some(at), Some(at), Alike::Changed))
        .collect();
    let (mut a, mut b) = (start, start);
    for (pair_a, pair_b) in pairs(&left[start..], &right[start..]) {
        let (pair_a, pair_b) = (start + pair_a, start + pair_b);
        gap(left, right, a..pair_a, b..pair_b, &mut rows);
        rows.push(row(left, right, Some(pair_a), Some(pair_b), Alike::Changed));
        (a, b) = (pair_a + 1, pair_b + 1);
    }
    gap(left, right, a..left.len(), b..right.len(), &mut rows);
    Alignment { rows }
}

/// Rows for steps between two pairs, none of which has its like.
fn gap(
    left: &[Step<'_>],
    right: &[Step<'_>],
    ours: std::ops::Range<usize>,
    theirs: std::ops::Range<usize>,
    rows: &mut Vec<Row>,
) {
    for at in 0..ours.len().max(theirs.len()) {
        let ours = ours.clone().nth(at);
        let theirs = theirs.clone().nth(at);
        rows.push(row(left, right, ours, theirs, Alike::Unlike));
    }
}

/// The row of two steps; `otherwise` is what they are if they do not say the
/// same.
fn row(
    left: &[Step<'_>],
    right: &[Step<'_>],
    ours: Option<usize>,
    theirs: Option<usize>,
    otherwise: Alike,
) -> Row {
    let a = ours.and_then(|at| left.get(at));
    let b = theirs.and_then(|at| right.get(at));
    let (alike, same_writer) = match (a, b) {
        (Some(a), Some(b)) => {
            let alike = match a.text == b.text {
                true => Alike::Same,
                false if is_respelled(a.text, b.text) => Alike::Respelled,
                false => otherwise,
            };
            (alike, a.writer == b.writer)
        }
        (Some(_), None) => (Alike::Left, true),
        (None, _) => (Alike::Right, true),
    };
    Row {
        left: ours,
        right: theirs,
        alike,
        same_writer,
    }
}

/// Pairs of steps in the order of both, so that they have most in common in
/// all: the longest path through the table of all pairs.
fn pairs(left: &[Step<'_>], right: &[Step<'_>]) -> Vec<(usize, usize)> {
    let (rows, columns) = (left.len(), right.len());
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    let samples = |steps: &[Step<'_>]| -> Vec<Sampled> {
        steps.iter().map(|step| sample(step.text)).collect()
    };
    let (ours, theirs) = (samples(left), samples(right));
    // Of a long table a band around its diagonal, so wide that it holds about
    // as many pairs as may be compared, and that it has no holes.
    let reach = (MOST_PAIRS / (2 * rows)).max(columns / rows + 1).max(8);
    let band = |a: usize| {
        let middle = a * columns / rows;
        middle.saturating_sub(reach)..(middle + reach + 1).min(columns)
    };
    // best[b]: of the rows so far and the columns before b. Steps back are kept
    // for the cells of the band alone.
    let mut best = vec![0.0_f64; columns + 1];
    let mut back: Vec<(usize, Vec<Way>)> = Vec::with_capacity(rows);
    for (a, one) in ours.iter().enumerate() {
        let cells = band(a);
        let mut ways = Vec::with_capacity(cells.len());
        let mut diagonal = best[cells.start];
        for b in cells.clone() {
            let worth = worth(one, &theirs[b], left[a].text == right[b].text);
            let (up, before) = (best[b + 1], best[b]);
            let paired = worth.map_or(f64::NEG_INFINITY, |worth| diagonal + worth);
            let way = match paired {
                paired if paired > up && paired > before => Way::Pair,
                _ if up >= before => Way::Up,
                _ => Way::Left,
            };
            diagonal = up;
            best[b + 1] = paired.max(up).max(before);
            ways.push(way);
        }
        // What stands behind the band is reached from its end: as far as the
        // next row looks.
        let end = best[cells.end];
        let next = if a + 1 < rows {
            band(a + 1).end
        } else {
            columns
        };
        for later in &mut best[cells.end..=next] {
            *later = later.max(end);
        }
        back.push((cells.start, ways));
    }
    trace_back(&back, columns)
}

/// Where the best path to a cell comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Both steps are a pair.
    Pair,
    /// The step of the row has no like.
    Up,
    /// The step of the column has none.
    Left,
}

fn trace_back(back: &[(usize, Vec<Way>)], columns: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut a, mut b) = (back.len(), columns);
    while a > 0 && b > 0 {
        let (start, ways) = &back[a - 1];
        let way = match (b - 1).checked_sub(*start) {
            // Before the band: nothing of this row was considered.
            None => Way::Up,
            // Behind it: as at its end.
            Some(place) => ways.get(place).copied().unwrap_or(Way::Left),
        };
        match way {
            Way::Pair => {
                (a, b) = (a - 1, b - 1);
                found.push((a, b));
            }
            Way::Up => a -= 1,
            Way::Left => b -= 1,
        }
    }
    found.reverse();
    found
}

/// What a pair is worth; `None` for steps that do not belong together.
fn worth(a: &Sampled, b: &Sampled, same: bool) -> Option<f64> {
    if same {
        return Some(SAME);
    }
    let shared = similarity(a, b);
    (shared >= LIKE).then_some(shared)
}

/// Smallest hashes of a step's units, in order.
type Sampled = Vec<u64>;

fn sample(text: &str) -> Sampled {
    let mut smallest = BTreeSet::new();
    let text = &text[..text.floor_char_boundary(SAMPLED_BYTES)];
    for unit in units(text) {
        let written = text.get(unit.range).unwrap_or_default();
        let mut hash = DefaultHasher::new();
        // `Then` and `then` are one word, and blanks in a formula say nothing.
        for c in written.chars().filter(|c| !c.is_whitespace()) {
            c.to_ascii_lowercase().hash(&mut hash);
        }
        smallest.insert(hash.finish());
        if smallest.len() > SAMPLED {
            smallest.pop_last();
        }
    }
    smallest.into_iter().collect()
}

/// Share of the units of two steps that both have, as far as their samples
/// tell; exact for steps of few units.
fn similarity(a: &[u64], b: &[u64]) -> f64 {
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    let (mut shared, mut all) = (0_u32, 0_u32);
    // The smallest of both together are a sample of both together.
    while all < SAMPLED as u32 {
        match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(x), Some(y)) if x == y => {
                shared += 1;
                left.next();
                right.next();
            }
            (Some(x), Some(y)) if x > y => drop(right.next()),
            (None, Some(_)) => drop(right.next()),
            _ => drop(left.next()),
        }
        all += 1;
    }
    f64::from(shared) / f64::from(all.max(1))
}

#[cfg(test)]
mod tests;

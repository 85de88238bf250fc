//! The frontier in plain characters: readable without colour, in any font.

use std::fmt::Write as _;

use crate::headless::plot::range;

use super::picture::{Kind, LineKind, Picture};

const HEIGHT: usize = 16;
const WIDEST: usize = 100;
/// Left of the axis: an accuracy and a blank.
const MARGIN: usize = 7;
/// Routers in order; whoever comes later is drawn as the last.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKMNPQRTUVWXYZ#";

/// The characters of the picture.
struct Canvas {
    cells: Vec<Vec<char>>,
    x: (f64, f64),
    y: (f64, f64),
}

impl Canvas {
    fn new(width: usize, x: (f64, f64), y: (f64, f64)) -> Self {
        Self {
            cells: vec![vec![' '; width]; HEIGHT],
            x,
            y,
        }
    }

    /// Column and row of a place.
    fn at(&self, place: (f64, f64)) -> (usize, usize) {
        let part = |value: f64, (low, high): (f64, f64), last: usize| {
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            (share * last as f64).round() as usize
        };
        let column = part(place.0, self.x, self.cells[0].len() - 1);
        let row = HEIGHT - 1 - part(place.1, self.y, HEIGHT - 1);
        (column, row)
    }

    fn put(&mut self, place: (f64, f64), c: char) {
        let (column, row) = self.at(place);
        self.cells[row][column] = c;
    }

    fn line(&mut self, points: &[(f64, f64)], c: char) {
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let steps = 2 * self.cells[0].len();
            for step in 0..=steps {
                let share = step as f64 / steps as f64;
                let between = |a: f64, b: f64| a + share * (b - a);
                self.put((between(from.0, to.0), between(from.1, to.1)), c);
            }
        }
    }
}

/// Draws the picture, with what each character is below it.
#[must_use]
pub fn draw(picture: &Picture, width: usize) -> String {
    let lines = picture.lines.iter().flat_map(|line| &line.points);
    let marks = picture.marks.iter().map(|mark| &mark.place);
    let all: Vec<(f64, f64)> = lines.chain(marks).copied().collect();
    let (_, dearest) = range(all.iter().map(|place| place.0));
    let (low, high) = range(all.iter().map(|place| place.1));
    let accuracies = (low.max(0.0), high.min(1.0));
    let columns = width.min(WIDEST) - MARGIN - 2;
    let mut canvas = Canvas::new(columns, (0.0, dearest), accuracies);
    let mut legend = Vec::new();
    for line in &picture.lines {
        let c = match line.kind {
            LineKind::Chance => '.',
            LineKind::Forest => ',',
            LineKind::Hull => '-',
            LineKind::Calibration => ':',
        };
        canvas.line(&line.points, c);
        legend.push(format!("{c} {}", line.name));
    }
    let mut letters = LETTERS.chars();
    let mut last = 'a';
    for mark in &picture.marks {
        let c = match mark.kind {
            Kind::Small => 'S',
            Kind::Large => 'L',
            Kind::Oracle => 'O',
            Kind::Router => {
                last = letters.next().unwrap_or(last);
                last
            }
        };
        canvas.put(mark.place, c);
        legend.push(format!(
            "{c} {}: {:.1} % at {:.3}",
            mark.name,
            100.0 * mark.place.1,
            mark.place.0
        ));
    }
    framed(picture, &canvas, &legend)
}

fn framed(picture: &Picture, canvas: &Canvas, legend: &[String]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}\nacross: {}", picture.title, picture.cost);
    let (low, high) = canvas.y;
    for (row, cells) in canvas.cells.iter().enumerate() {
        let label = match row {
            row if row % 5 == 0 => {
                let share = 1.0 - row as f64 / (HEIGHT - 1) as f64;
                format!("{:.1} ", 100.0 * (low + share * (high - low)))
            }
            _ => String::new(),
        };
        let line: String = cells.iter().collect();
        let _ = writeln!(text, "{label:>MARGIN$}|{}", line.trim_end());
    }
    let columns = canvas.cells[0].len();
    let _ = writeln!(text, "{:MARGIN$}+{}", "", "-".repeat(columns));
    let end = format!("{:.2}", canvas.x.1);
    let _ = writeln!(text, "{:MARGIN$} 0{end:>width$}", "", width = columns - 1);
    for line in legend {
        let _ = writeln!(text, "  {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headless::eval::picture::{Line, Mark};

    #[test]
    fn marks_stand_where_they_belong_and_are_named() {
        let mark = |name: &str, place, kind| Mark {
            name: name.into(),
            place,
            kind,
        };
        let picture = Picture {
            title: "accuracy and cost (10 problems)".into(),
            cost: "published cost".into(),
            lines: vec![Line {
                name: "coin".into(),
                points: vec![(0.1, 0.5), (1.0, 0.9)],
                kind: LineKind::Chance,
            }],
            marks: vec![
                mark("small", (0.1, 0.5), Kind::Small),
                mark("large", (1.0, 0.9), Kind::Large),
                mark("threshold:t=0.5", (0.4, 0.88), Kind::Router),
            ],
        };
        let text = draw(&picture, 80);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let line_of = |c: char| {
            let drawn = text.lines().skip(2).take(HEIGHT);
            drawn
                .enumerate()
                .find_map(|(row, line)| Some((row, line.find(c)?)))
        };
        let (small, large, ours) = (line_of('S'), line_of('L'), line_of('a'));
        assert!(small.unwrap().0 > ours.unwrap().0 && ours.unwrap().0 >= large.unwrap().0);
        assert!(small.unwrap().1 < ours.unwrap().1 && ours.unwrap().1 < large.unwrap().1);
        assert!(
            text.contains("a threshold:t=0.5: 88.0 % at 0.400"),
            "{text}"
        );
    }
}

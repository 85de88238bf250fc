//! Figures of an analysis, described once: the screen draws them in cells, and
//! [`svg`] as a picture.

mod svg;

use crate::eval::analysis::escalation::{Both, POSITIONS};
use crate::eval::analysis::{Analysis, Escalation, Histogram, Reliability};

pub use svg::svg;

/// What a part of a figure stands for; the theme and the picture colour it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Guide,
    Main,
    Correct,
    Wrong,
    Fit,
}

/// Part of a figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// A line through points.
    Line {
        points: Vec<(f64, f64)>,
        tone: Tone,
        name: String,
    },
    /// Points with intervals of y.
    Points {
        points: Vec<(f64, f64, [f64; 2])>,
        tone: Tone,
        name: String,
    },
    /// Bars of equal widths over the range of x.
    Bars {
        heights: Vec<f64>,
        tone: Tone,
        name: String,
    },
}

/// A figure with two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Of its file, without an ending.
    pub id: &'static str,
    pub title: String,
    pub x: (f64, f64),
    pub y: (f64, f64),
    pub x_name: String,
    pub y_name: String,
    /// Whether y is the root of what it is named: counts of a few are seen
    /// beside counts of many (Tukey's rootogram).
    pub y_is_root: bool,
    pub layers: Vec<Layer>,
}

/// Share of right steps over the score, with the line of a calibrated one.
pub fn reliability(of: &str, found: &Reliability, score: &str, target: &str) -> Option<Figure> {
    let (first, last) = (found.bins.first()?, found.bins.last()?);
    let probable = found.brier.is_some();
    let x = match probable {
        true => (0.0, 1.0),
        false => widened(first.score, last.score),
    };
    let mut layers = Vec::new();
    if probable {
        layers.push(Layer::Line {
            points: vec![(0.0, 0.0), (1.0, 1.0)],
            tone: Tone::Guide,
            name: "calibrated".to_owned(),
        });
    }
    layers.push(Layer::Points {
        points: found
            .bins
            .iter()
            .map(|bin| (bin.score, bin.right, bin.interval))
            .collect(),
        tone: Tone::Main,
        name: of.to_owned(),
    });
    Some(Figure {
        id: "calibration",
        title: format!("Reliability of {score}: {of}"),
        x,
        y: (0.0, 1.0),
        x_name: score.to_owned(),
        y_name: format!("right by {target}"),
        y_is_root: false,
        layers,
    })
}

/// Counts of a score with the mixture that was fitted to it, on a root scale:
/// confidences crowd at one end.
pub fn distribution(of: &str, found: &Histogram, score: &str) -> Option<Figure> {
    let most = *found.counts.iter().max()?;
    let (low, high) = (found.low, found.high);
    let mut layers = vec![Layer::Bars {
        heights: found
            .counts
            .iter()
            .map(|&count| (count as f64).sqrt())
            .collect(),
        tone: Tone::Main,
        name: format!("steps: {of}"),
    }];
    let places = (0..=200).map(|at| low + (high - low) * f64::from(at) / 200.0);
    let fitted = places.filter_map(|x| Some((x, found.expected(x)?)));
    let fitted: Vec<(f64, f64)> = fitted.collect();
    let top = (most as f64).sqrt() * 1.05;
    if !fitted.is_empty() {
        let points = fitted
            .into_iter()
            .map(|(x, y)| (x, y.sqrt().min(top)))
            .collect();
        layers.push(Layer::Line {
            points,
            tone: Tone::Fit,
            name: "two normal distributions".to_owned(),
        });
    }
    Some(Figure {
        id: "distribution",
        title: format!("Distribution of {score}: {of}"),
        x: (low, high),
        y: (0.0, top.max(1.0)),
        x_name: score.to_owned(),
        y_name: "steps (root scale)".to_owned(),
        y_is_root: true,
        layers,
    })
}

/// Share of the large model along the way, of right and of wrong answers.
pub fn escalation_by_position(found: &Escalation) -> Figure {
    let place = |at: usize| (at as f64 + 0.5) / POSITIONS as f64;
    let parts = found.by_position.iter().enumerate();
    let parts: Vec<(f64, Both)> = parts.map(|(at, both)| (place(at), *both)).collect();
    Figure {
        id: "escalation-by-position",
        title: "Steps by the large model along the way".to_owned(),
        x: (0.0, 1.0),
        y: (0.0, 1.0),
        x_name: "relative position".to_owned(),
        y_name: "by the large model".to_owned(),
        y_is_root: false,
        layers: both_lines(&parts),
    }
}

/// The same by difficulty.
pub fn escalation_by_difficulty(found: &Escalation) -> Option<Figure> {
    let (first, last) = (found.by_difficulty.first()?, found.by_difficulty.last()?);
    Some(Figure {
        id: "escalation-by-difficulty",
        title: "Steps by the large model by difficulty".to_owned(),
        x: (first.0 - 0.5, last.0 + 0.5),
        y: (0.0, 1.0),
        x_name: "difficulty".to_owned(),
        y_name: "by the large model".to_owned(),
        y_is_root: false,
        layers: both_lines(&found.by_difficulty),
    })
}

fn both_lines(parts: &[(f64, Both)]) -> Vec<Layer> {
    let line = |name: &str, tone, of: &dyn Fn(&Both) -> Option<f64>| Layer::Line {
        points: parts
            .iter()
            .filter_map(|(x, both)| Some((*x, of(both)?)))
            .collect(),
        tone,
        name: name.to_owned(),
    };
    vec![
        line("right answers", Tone::Correct, &|both| both.correct.value()),
        line("wrong answers", Tone::Wrong, &|both| both.wrong.value()),
    ]
}

/// Every figure that an analysis has something for.
pub fn all(analysis: &Analysis) -> Vec<Figure> {
    let (score, target) = (analysis.ask.score.written(), analysis.target.name());
    let first = |name: &str| name == "all";
    let reliability = analysis
        .reliability
        .iter()
        .find(|(name, _)| first(name))
        .and_then(|(name, found)| reliability(name, found, score, target));
    let distribution = analysis
        .histograms
        .iter()
        .find(|(name, _)| first(name))
        .and_then(|(name, found)| distribution(name, found, score));
    [
        reliability,
        distribution,
        Some(escalation_by_position(&analysis.escalation)),
        escalation_by_difficulty(&analysis.escalation),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A range that is never empty.
fn widened(low: f64, high: f64) -> (f64, f64) {
    let margin = (0.02 * (high - low)).max(1e-6 * high.abs().max(1e-3));
    (low - margin, high + margin)
}

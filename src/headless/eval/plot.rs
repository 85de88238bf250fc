//! The frontier as SVG.

use plotters::style::RGBColor;

use crate::headless::plot::{
    self, BLUE, GREEN, GREY, INK, ORANGE, RED, Series, cost_and_accuracy, svg,
};

use super::picture::{Kind, LineKind, Picture};

/// For hulls and sweeps, one after the other.
const COLORS: [RGBColor; 4] = [BLUE, ORANGE, GREEN, RED];

/// Draws the picture.
///
/// # Errors
/// What the drawing library says.
pub fn draw(picture: &Picture) -> Result<String, String> {
    let mut colors = COLORS.iter().cycle();
    let series: Vec<Series<'_>> = picture
        .lines
        .iter()
        .map(|line| {
            let color = match line.kind {
                LineKind::Chance => GREY,
                _ => *colors.next().unwrap_or(&INK),
            };
            (line.name.as_str(), line.points.clone(), color)
        })
        .collect();
    let marks = picture.marks.iter().map(|mark| {
        let color = match mark.kind {
            Kind::Router => BLUE,
            Kind::Oracle => GREEN,
            Kind::Small | Kind::Large => INK,
        };
        (mark.name.clone(), mark.place, color)
    });
    let marks = marks.collect();
    let shown = plot::Picture {
        title: picture.title.clone(),
        cost: picture.cost.clone(),
        series,
        marks,
    };
    svg((900, 560), |area| cost_and_accuracy(area, shown))
}

//! A figure as an SVG.

use plotters::prelude::*;

use crate::headless::plot::{self, BLUE, Drawn, GREEN, GREY, INK, ORANGE, RED};

use super::{Figure, Layer, Tone};

const SIZE: (u32, u32) = (720, 460);

/// Draws a figure.
///
/// # Errors
/// What the drawing library says.
pub fn svg(figure: &Figure) -> Result<String, String> {
    plot::svg(SIZE, |area| draw(area, figure))
}

fn color(tone: Tone) -> RGBColor {
    match tone {
        Tone::Guide => GREY,
        Tone::Main => BLUE,
        Tone::Correct => GREEN,
        Tone::Wrong => RED,
        Tone::Fit => ORANGE,
    }
}

fn draw(area: &plot::Area<'_>, figure: &Figure) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(&figure.title, ("sans-serif", 18).into_font().color(&INK))
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(figure.x.0..figure.x.1, figure.y.0..figure.y.1)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc(&figure.x_name)
        .y_desc(&figure.y_name)
        .y_label_formatter(&|&y| match figure.y_is_root {
            true => format!("{:.0}", y * y),
            false => format!("{y:.1}"),
        })
        .draw()?;
    for layer in &figure.layers {
        match layer {
            Layer::Line { points, tone, name } => {
                let style = color(*tone).stroke_width(2);
                chart
                    .draw_series(LineSeries::new(points.iter().copied(), style))?
                    .label(name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
            }
            Layer::Points { points, tone, name } => {
                let color = color(*tone);
                chart.draw_series(points.iter().map(|&(x, _, [low, high])| {
                    PathElement::new([(x, low), (x, high)], color.stroke_width(1))
                }))?;
                chart
                    .draw_series(
                        points
                            .iter()
                            .map(|&(x, y, _)| Circle::new((x, y), 4, color.filled())),
                    )?
                    .label(name)
                    .legend(move |(x, y)| Circle::new((x + 8, y), 4, color.filled()));
            }
            Layer::Bars {
                heights,
                tone,
                name,
            } => {
                let color = color(*tone).mix(0.5);
                let width = (figure.x.1 - figure.x.0) / heights.len().max(1) as f64;
                chart
                    .draw_series(heights.iter().enumerate().map(|(at, &height)| {
                        let left = figure.x.0 + width * at as f64;
                        Rectangle::new([(left, 0.0), (left + width, height)], color.filled())
                    }))?
                    .label(name)
                    .legend(move |(x, y)| {
                        Rectangle::new([(x, y - 4), (x + 16, y + 4)], color.filled())
                    });
            }
        }
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(GREY)
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    Ok(())
}

//! What plots have in common: colours, ranges, and the picture of cost and
//! accuracy.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub const INK: RGBColor = RGBColor(40, 40, 48);
pub const BLUE: RGBColor = RGBColor(31, 119, 180);
pub const ORANGE: RGBColor = RGBColor(214, 108, 22);
pub const GREY: RGBColor = RGBColor(140, 140, 148);
pub const RED: RGBColor = RGBColor(200, 50, 60);
pub const GREEN: RGBColor = RGBColor(44, 140, 80);

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type Drawn = Result<(), Box<dyn std::error::Error>>;
/// Name, points and colour of a line.
pub type Series<'a> = (&'a str, Vec<(f64, f64)>, RGBColor);

/// An SVG of a size, as text.
///
/// # Errors
/// What the drawing library says.
pub fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        area.fill(&WHITE)
            .map_err(|error| error.to_string())
            .and_then(|()| draw(&area).map_err(|error| error.to_string()))?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(text)
}

/// A range around values, never empty.
pub fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        return (0.0, 1.0);
    }
    let margin = (0.06 * (high - low)).max(0.005 * high.abs().max(0.1));
    (low - margin, high + margin)
}

/// Rules by cost and accuracy: lines over their settings, and single points.
pub struct Picture<'a> {
    pub title: String,
    /// What the cost is.
    pub cost: String,
    pub series: Vec<Series<'a>>,
    pub marks: Vec<(String, (f64, f64), RGBColor)>,
}

/// Draws a picture.
///
/// # Errors
/// What the drawing library says.
pub fn cost_and_accuracy(area: &Area<'_>, picture: Picture<'_>) -> Drawn {
    let all = || {
        let lines = picture.series.iter().flat_map(|(_, points, _)| points);
        let marks = picture.marks.iter().map(|(_, place, _)| place);
        lines.chain(marks).copied()
    };
    let (low, high) = range(all().map(|(_, accuracy)| accuracy));
    let (_, dearest) = range(all().map(|(cost, _)| cost));
    let mut chart = ChartBuilder::on(area)
        .caption(picture.title, ("sans-serif", 16, &INK))
        .margin(10)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..dearest, low..high)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY.mix(0.25))
        .axis_style(GREY)
        .label_style(("sans-serif", 12, &INK))
        .x_desc(picture.cost)
        .y_desc("share of right answers")
        .draw()?;
    for (name, points, color) in picture.series {
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(name.to_owned())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    for (number, (name, place, color)) in picture.marks.into_iter().enumerate() {
        chart.draw_series([Circle::new(place, 4, color.filled())])?;
        let style = ("sans-serif", 12).into_font().color(&color);
        // Towards the middle, every other one above its point: the models alone
        // lie close together.
        let (side, right) = match place.0 > 0.6 * dearest {
            true => (HPos::Right, -7),
            false => (HPos::Left, 7),
        };
        // Below it is far enough away to leave the curves free.
        let (upright, down) = match number % 2 {
            0 => (VPos::Bottom, 0),
            _ => (VPos::Top, 22),
        };
        let style = style.pos(Pos::new(side, upright));
        let label = EmptyElement::at(place) + Text::new(name, (right, down), style);
        chart.draw_series([label])?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.9))
        .border_style(GREY.mix(0.5))
        .label_font(("sans-serif", 13, &INK))
        .draw()?;
    Ok(())
}

//! The plots of a run, as SVG: how training went, what the policy decides
//! where, and what it costs beside other rules.

use plotters::prelude::*;

use crate::headless::plot::{
    Area, BLUE, Drawn, GREEN, GREY, INK, ORANGE, Picture, RED, cost_and_accuracy, range, svg,
};
use crate::train::log::TrainingLog;
use crate::train::record::Iteration;
use crate::train::report::{Report, Row};
use crate::train::surface::Surface;

/// By CPO case, 0 to 4.
const CASES: [RGBColor; 5] = [RED, ORANGE, BLUE, GREEN, RGBColor(150, 200, 160)];

/// Draws every plot there is something for: file name and text.
///
/// # Errors
/// What the drawing library says.
pub fn draw(
    log: &TrainingLog,
    report: Option<&Report>,
) -> Result<Vec<(&'static str, String)>, String> {
    let mut plots = Vec::new();
    if log.iterations.len() > 1 {
        plots.push(("training.svg", svg((900, 860), |area| training(area, log))?));
    }
    if let Some((first, last)) = ends(log) {
        let text = svg((900, 380), |area| surfaces(area, log, first, last))?;
        plots.push(("surface.svg", text));
    }
    if let Some(report) = report {
        plots.push((
            "frontier.svg",
            svg((900, 560), |area| cost_and_accuracy(area, frontier(report)))?,
        ));
    }
    Ok(plots)
}

/// A curve over the iterations.
struct Curve {
    title: &'static str,
    values: Vec<(f64, f64)>,
    /// A line across, with what it is.
    level: Option<(f64, String)>,
}

/// Running mean over as many iterations as make the curve readable.
fn smooth(log: &TrainingLog, value: impl Fn(&Iteration) -> Option<f64>) -> Vec<(f64, f64)> {
    let width = (log.iterations.len() / 40).max(1);
    let all: Vec<(f64, f64)> = log
        .iterations
        .values()
        .filter_map(|one| Some((f64::from(one.iteration), value(one)?)))
        .collect();
    let mean = |part: &[(f64, f64)]| {
        let sum: f64 = part.iter().map(|(_, value)| value).sum();
        (part[part.len() - 1].0, sum / part.len() as f64)
    };
    all.windows(width.min(all.len().max(1))).map(mean).collect()
}

fn curves(log: &TrainingLog) -> Vec<Curve> {
    let params = &log.head.params;
    let unit = match log.head.large_cost {
        Some(_) => "cost of the rollouts, relative to the large model alone",
        None => "cost of the rollouts",
    };
    let tolerated = params.tolerated();
    vec![
        Curve {
            title: "reward (share of right answers)",
            values: smooth(log, |one| Some(one.batch.reward)),
            level: None,
        },
        Curve {
            title: unit,
            values: smooth(log, |one| Some(log.head.relative(one.batch.cost))),
            level: None,
        },
        Curve {
            title: "coverage of the rollouts",
            values: smooth(log, |one| Some(one.batch.coverage)),
            level: Some((1.0 - tolerated, format!("1 − {tolerated:.3}"))),
        },
        Curve {
            title: "κ",
            values: smooth(log, |one| Some(one.threshold.kappa)),
            level: None,
        },
    ]
}

fn training(area: &Area<'_>, log: &TrainingLog) -> Drawn {
    let curves = curves(log);
    let (curve_area, strip_area) = area.split_vertically(800);
    for (part, curve) in curve_area
        .split_evenly((curves.len(), 1))
        .iter()
        .zip(&curves)
    {
        draw_curve(part, curve)?;
    }
    strip(&strip_area, log)
}

fn draw_curve(area: &Area<'_>, curve: &Curve) -> Drawn {
    let values = curve.values.iter().map(|(_, value)| *value);
    let values = values.chain(curve.level.as_ref().map(|(level, _)| *level));
    let (low, high) = range(values);
    let last = curve.values.last().map_or(1.0, |(x, _)| x.max(1.0));
    let mut chart = ChartBuilder::on(area)
        .caption(curve.title, ("sans-serif", 15, &INK))
        .margin(6)
        .margin_right(90)
        .x_label_area_size(24)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..last, low..high)?;
    mesh(&mut chart)?;
    if let Some((level, name)) = &curve.level {
        chart.draw_series(LineSeries::new([(0.0, *level), (last, *level)], &ORANGE))?;
        let place = chart.backend_coord(&(last, *level));
        let style = ("sans-serif", 13).into_font().color(&ORANGE);
        area.draw_text(name, &style, relative(area, place, 6, -7))?;
    }
    chart.draw_series(LineSeries::new(
        curve.values.iter().copied(),
        BLUE.stroke_width(2),
    ))?;
    Ok(())
}

/// A place of the whole drawing within an area, moved.
fn relative(area: &Area<'_>, place: (i32, i32), right: i32, down: i32) -> (i32, i32) {
    let (left, top) = area.get_base_pixel();
    (place.0 - left + right, place.1 - top + down)
}

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

fn mesh(chart: &mut Chart<'_, '_>) -> Drawn {
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY.mix(0.25))
        .axis_style(GREY)
        .label_style(("sans-serif", 12, &INK))
        .x_label_formatter(&|iteration| format!("{iteration:.0}"))
        .y_labels(5)
        .draw()?;
    Ok(())
}

/// The CPO case of every iteration, as a strip of colours.
fn strip(area: &Area<'_>, log: &TrainingLog) -> Drawn {
    let (width, _) = area.dim_in_pixel();
    let (left, right) = (62, width as i32 - 90);
    let all = log.iterations.len().max(1) as f64;
    let style = ("sans-serif", 13).into_font().color(&INK);
    for (place, one) in log.iterations.values().enumerate() {
        let Some(dual) = one.policy.dual else {
            continue;
        };
        let at = |place: usize| left + (f64::from(right - left) * place as f64 / all) as i32;
        let color = CASES[dual.case as usize];
        let to = at(place + 1).max(at(place) + 1);
        area.draw(&Rectangle::new([(at(place), 4), (to, 22)], color.filled()))?;
    }
    let names = ["0 recover", "1 violated", "2 bound", "3 inside", "4 free"];
    area.draw_text("CPO case", &style, (2, 6))?;
    for (place, name) in names.into_iter().enumerate() {
        let x = left + 150 * place as i32;
        area.draw(&Rectangle::new(
            [(x, 32), (x + 12, 44)],
            CASES[place].filled(),
        ))?;
        area.draw_text(name, &style, (x + 18, 31))?;
    }
    Ok(())
}

fn ends(log: &TrainingLog) -> Option<(&Surface, &Surface)> {
    let first = log.surfaces.values().next()?;
    let last = log.surfaces.values().next_back()?;
    // As it was saved, where it was.
    let last = log.end.as_ref().map_or(last, |end| &end.surface);
    (first.iteration < last.iteration).then_some((first, last))
}

fn surfaces(area: &Area<'_>, log: &TrainingLog, first: &Surface, last: &Surface) -> Drawn {
    let (left, right) = area.split_horizontally(450);
    for (part, surface) in [(left, first), (right, last)] {
        let title = format!(
            "π(large) after {} iterations, κ = {:.3}",
            surface.iteration, surface.kappa
        );
        let titled = part.titled(&title, ("sans-serif", 15).into_font().color(&INK))?;
        heat(&titled, log, surface)?;
    }
    Ok(())
}

fn heat(area: &Area<'_>, log: &TrainingLog, surface: &Surface) -> Drawn {
    let grid = &log.head.grid;
    let (columns, rows) = (grid.confidences.len(), grid.steps.len());
    if columns == 0 || rows == 0 {
        return Ok(());
    }
    let (width, height) = area.dim_in_pixel();
    let (left, top) = (52, 6);
    let (cell, line) = (
        (width as i32 - left - 12) / columns as i32,
        (height as i32 - top - 56) / rows as i32,
    );
    let style = ("sans-serif", 12).into_font().color(&INK);
    for (row, (values, step)) in surface.large.iter().zip(&grid.steps).enumerate() {
        let y = top + line * row as i32;
        area.draw_text(&format!("step {step}"), &style, (4, y + line / 2 - 6))?;
        for (column, large) in values.iter().enumerate() {
            let x = left + cell * column as i32;
            let square = [(x, y), (x + cell, y + line)];
            area.draw(&Rectangle::new(square, mixed(*large).filled()))?;
            if surface.escalates.get(row).and_then(|row| row.get(column)) == Some(&true) {
                area.draw(&Circle::new(
                    (x + cell / 2, y + line / 2),
                    2,
                    WHITE.filled(),
                ))?;
            }
        }
    }
    let below = top + line * rows as i32 + 6;
    for column in [0, columns / 2, columns - 1] {
        let text = format!("{:.3}", grid.confidences[column]);
        let x = left + cell * column as i32 - if column > 0 { 12 } else { 0 };
        area.draw_text(&text, &style, (x, below))?;
    }
    let text = "confidence, at even ranks; dots: the large model goes on";
    area.draw_text(text, &style, (left, below + 20))?;
    Ok(())
}

/// From light to blue with π.
fn mixed(probability: f64) -> RGBColor {
    let p = probability.clamp(0.0, 1.0);
    let mix = |light: u8, dark: u8| {
        (f64::from(light) + (f64::from(dark) - f64::from(light)) * p).round() as u8
    };
    RGBColor(mix(238, 20), mix(241, 60), mix(246, 140))
}

fn frontier(report: &Report) -> Picture<'_> {
    let point = |row: &Row| Some((row.relative_cost?.value, row.figures.accuracy));
    let line = |rows: &[Row]| {
        let mut points: Vec<(f64, f64)> = rows.iter().filter_map(point).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let ours = ("policy, other κ", line(&report.policy_frontier), BLUE);
    let theirs = report.frontiers.iter().zip([ORANGE, GREEN, RED, GREY]);
    let theirs = theirs.map(|(frontier, color)| {
        let points = line(&frontier.points);
        (frontier.rule.as_str(), points, color)
    });
    let mark = |row: &'_ Row| {
        let color = if row.name == "policy" { BLUE } else { INK };
        Some((row.name.clone(), point(row)?, color))
    };
    Picture {
        title: format!(
            "accuracy and cost on the {} split ({} of {} problems)",
            report.split, report.problems, report.of
        ),
        cost: format!(
            "{} cost, relative to the large model alone",
            report.ledger.name()
        ),
        series: std::iter::once(ours).chain(theirs).collect(),
        marks: report.rows.iter().filter_map(mark).collect(),
    }
}

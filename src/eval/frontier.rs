//! All settings of one router at once: what it costs to recover a part of the
//! gap between the models alone, and the area under its curve.

use serde::Serialize;

use crate::train::hull::Hull;

/// Shares of the gap whose least cost is told (CPT).
pub const SHARES: [f64; 3] = [0.5, 0.8, 0.95];

/// A setting by its cost relative to the large model alone and its accuracy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    pub name: String,
    pub cost: f64,
    pub accuracy: f64,
}

/// The settings of one router, with the models alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Family {
    pub name: String,
    /// The problems it was measured on: `test`, `calibration`, `all`.
    pub on: String,
    /// Its settings, cheapest first.
    pub points: Vec<Point>,
    /// Corners of the concave hull over the settings and the models alone, as
    /// (relative cost, accuracy): mixing two settings with a coin, problem by
    /// problem, gives every point between them.
    pub hull: Vec<(f64, f64)>,
    /// Least relative cost on the hull at which [`SHARES`] of the gap are
    /// recovered; `None` where they are not, or where there is no gap.
    pub cost_at: [Option<f64>; 3],
    /// Area under the hull between the costs of the models alone, by its
    /// width: the mean accuracy over what one might want to pay.
    pub area: Option<f64>,
}

impl Family {
    /// Measures settings between the models alone.
    #[must_use]
    pub fn new(name: &str, on: &str, mut points: Vec<Point>, small: &Point, large: &Point) -> Self {
        points.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        let all = points.iter().chain([small, large]);
        let hull = Hull::of(all.map(|point| (point.cost, point.accuracy)));
        let gap = large.accuracy - small.accuracy;
        let at = |share: f64| {
            let wanted = small.accuracy + share * gap;
            hull.cost_at(wanted).filter(|_| gap > 0.0)
        };
        Self {
            name: name.to_owned(),
            on: on.to_owned(),
            cost_at: SHARES.map(at),
            area: hull.mean_accuracy(small.cost, large.cost),
            hull: hull.corners().to_vec(),
            points,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(cost: f64, accuracy: f64) -> Point {
        Point {
            name: String::new(),
            cost,
            accuracy,
        }
    }

    #[test]
    fn the_least_cost_of_a_share_is_on_the_hull_with_the_models_alone() {
        let (small, large) = (point(0.1, 0.5), point(1.0, 0.9));
        let mix = Family::new("mix", "all", Vec::new(), &small, &large);
        // Half of the gap by a coin: half-way between the costs.
        assert!((mix.cost_at[0].unwrap() - 0.55).abs() < 1e-12);
        assert!((mix.area.unwrap() - 0.7).abs() < 1e-12);
        let settings = vec![point(0.6, 0.7), point(0.3, 0.86)];
        let family = Family::new("threshold", "all", settings, &small, &large);
        // 80 % of the gap is 0.82: on the line to (0.3, 0.86).
        assert!((family.cost_at[1].unwrap() - (0.1 + 0.2 * 0.32 / 0.36)).abs() < 1e-12);
        assert!(family.area > mix.area);
        assert_eq!(family.hull.len(), 3, "the dominated setting is no corner");
        assert_eq!(family.points[0].cost, 0.3);
    }

    #[test]
    fn without_a_gap_there_is_no_share_of_it() {
        let (small, large) = (point(0.1, 0.9), point(1.0, 0.9));
        let family = Family::new("x", "all", vec![point(0.5, 0.95)], &small, &large);
        assert_eq!(family.cost_at, [None; 3]);
    }
}

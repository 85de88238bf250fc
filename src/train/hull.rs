//! The upper concave hull of settings by cost and accuracy: what can be had by
//! mixing two of them, problem by problem, with a coin.

/// From the cheapest point to the most accurate one; costs and accuracies grow.
#[derive(Debug, Clone, PartialEq)]
pub struct Hull(Vec<(f64, f64)>);

impl Hull {
    /// The hull of points given as (cost, accuracy).
    #[must_use]
    pub fn of(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut places: Vec<(f64, f64)> = points.into_iter().collect();
        places.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut hull: Vec<(f64, f64)> = Vec::new();
        for place in places {
            let below = |hull: &[(f64, f64)]| match hull {
                [.., a, b] => (b.1 - a.1) * (place.0 - a.0) <= (place.1 - a.1) * (b.0 - a.0),
                _ => false,
            };
            while below(&hull) {
                hull.pop();
            }
            if hull.last().is_none_or(|last| place.1 > last.1) {
                hull.push(place);
            }
        }
        Self(hull)
    }

    /// Its corners, cheapest first.
    #[must_use]
    pub fn corners(&self) -> &[(f64, f64)] {
        &self.0
    }

    /// Least cost at an accuracy; `None` where it is not reached.
    #[must_use]
    pub fn cost_at(&self, accuracy: f64) -> Option<f64> {
        let hull = &self.0;
        if hull.first().is_some_and(|first| accuracy <= first.1) {
            return hull.first().map(|first| first.0);
        }
        let pair = hull.windows(2).find(|pair| accuracy <= pair[1].1)?;
        let (from, to) = (pair[0], pair[1]);
        Some(from.0 + (accuracy - from.1) / (to.1 - from.1) * (to.0 - from.0))
    }

    /// Accuracy at a cost; beyond the last corner more money buys nothing.
    /// `None` below the first one.
    #[must_use]
    pub fn accuracy_at(&self, cost: f64) -> Option<f64> {
        let (first, last) = (self.0.first()?, self.0.last()?);
        if cost < first.0 {
            return None;
        }
        let on = |pair: &[(f64, f64)]| {
            let (from, to) = (pair[0], pair[1]);
            from.1 + (cost - from.0) / (to.0 - from.0) * (to.1 - from.1)
        };
        let pair = self.0.windows(2).find(|pair| cost <= pair[1].0);
        Some(pair.map_or(last.1, on))
    }

    /// Mean accuracy over the costs from `from` to `to`: the area under the
    /// hull, by its width. `None` where the hull does not begin by then.
    #[must_use]
    pub fn mean_accuracy(&self, from: f64, to: f64) -> Option<f64> {
        if from >= to {
            return None;
        }
        let inside = self.0.iter().map(|corner| corner.0);
        let inside = inside.filter(|cost| (from..to).contains(cost));
        let stops: Vec<f64> = std::iter::once(from).chain(inside).chain([to]).collect();
        let mut area = 0.0;
        for pair in stops.windows(2) {
            let ends = self.accuracy_at(pair[0])? + self.accuracy_at(pair[1])?;
            area += 0.5 * ends * (pair[1] - pair[0]);
        }
        Some(area / (to - from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, wanted: f64) -> bool {
        (found.unwrap() - wanted).abs() < 1e-12
    }

    /// The third lies below the line from the second to the fourth.
    const POINTS: [(f64, f64); 4] = [(0.1, 0.5), (0.2, 0.8), (0.3, 0.82), (0.4, 0.9)];

    #[test]
    fn the_cost_at_an_accuracy_is_on_the_concave_hull() {
        let hull = Hull::of(POINTS);
        let at = |accuracy| hull.cost_at(accuracy);
        assert!(near(at(0.65), 0.15) && near(at(0.85), 0.3) && near(at(0.9), 0.4));
        assert!(near(at(0.3), 0.1), "less costs no less than the least");
        assert_eq!(at(0.91), None);
        assert_eq!(Hull::of([]).cost_at(0.5), None);
        assert_eq!(hull.corners().len(), 3);
    }

    #[test]
    fn the_area_is_that_of_its_trapeziums() {
        let hull = Hull::of(POINTS);
        assert!(near(hull.accuracy_at(0.3), 0.85) && near(hull.accuracy_at(2.0), 0.9));
        assert_eq!(hull.accuracy_at(0.05), None);
        // 0.1 · 0.65 + 0.2 · 0.85 + 0.1 · 0.9, by 0.4.
        assert!(near(hull.mean_accuracy(0.1, 0.5), 0.325 / 0.4));
        assert_eq!(hull.mean_accuracy(0.5, 0.5), None);
        assert_eq!(hull.mean_accuracy(0.0, 0.5), None);
    }
}

//! Which overrides would have saved a trajectory, and which would have saved
//! its cost.

use super::grove::Grove;
use super::value::Value;
use super::{Line, Rescue};

/// More overrides than these are no rescue but another router.
pub(super) const MOST: usize = 3;
/// A rescue, or a cheaper way, succeeds at least this often.
const ENOUGH: f64 = 0.5;

impl Grove {
    /// What the log's own router reaches with at most 0, 1, … [`MOST`]
    /// overrides, each where it helps what is sure most: that never becomes less
    /// with more of them, what others' routers went on to may. An override of
    /// which nothing is known helps nowhere.
    pub(super) fn with_overrides(&self) -> Vec<Vec<Value>> {
        let mut by_overrides = vec![self.values.clone()];
        for _ in 0..MOST {
            let fewer = by_overrides.last().cloned().unwrap_or_default();
            let values = self.induce(|grove, at, values| {
                let led = grove.led(Some(at), values);
                let forced = (0..grove.models).map(|model| {
                    let (mut value, _) = grove.by(Some(at), model, &fewer);
                    value.overrides += 1.0;
                    value
                });
                forced.fold(led, |best, other| match other.sure > best.sure {
                    true => other,
                    false => best,
                })
            });
            by_overrides.push(values);
        }
        by_overrides
    }

    /// The cheapest plan from every node that is right at least half of the
    /// time, by backward induction; where none is, the one that is right most
    /// often.
    fn cheapest(&self) -> Vec<Value> {
        self.induce(|grove, at, values| {
            let chances = grove.chances(Some(at));
            let options = (0..grove.models).map(|model| {
                let (mut value, draws) = grove.by(Some(at), model, values);
                // Against nobody where nobody decided.
                value.overrides += chances.as_ref().map_or(0.0, |by| 1.0 - by[model]);
                // A plan decides every step itself.
                value.sure = value.right;
                (value, draws)
            });
            let known = options.filter(|(_, draws)| *draws > 0);
            let best = known.map(|(value, _)| value).reduce(|best, other| {
                match is_better(&other, &best) {
                    true => other,
                    false => best,
                }
            });
            best.unwrap_or_default()
        })
    }

    /// The ways to save a trajectory by `overrides` overrides, the first of
    /// them on its own way; in order of the step.
    fn rescues(&self, line: &Line, overrides: usize, fewer: &[Value]) -> Vec<Rescue> {
        let mut found = Vec::new();
        for (number, &writer) in line.writers.iter().enumerate() {
            let before = number.checked_sub(1).map(|before| line.path[before]);
            for model in (0..self.models).filter(|model| Some(*model) != writer) {
                let (value, draws) = self.by(before, model, fewer);
                let cost = value.mean_cost().map(|cost| cost + line.spent[number]);
                if draws > 0 && value.sure >= ENOUGH {
                    found.push(Rescue {
                        overrides: overrides as f64,
                        step: number as u32 + 1,
                        model,
                        right: value.sure,
                        draws,
                        cost: cost.filter(|cost| !cost.is_nan()),
                    });
                }
            }
        }
        found
    }

    /// The single overrides that save a trajectory, in order of the step.
    pub fn single_rescues(&self, line: &Line) -> Vec<Rescue> {
        self.rescues(line, 1, &self.values)
    }

    /// The smallest set of overrides that saves a trajectory: of the smallest
    /// ones the cheapest. `None` where none of up to three does, as far as
    /// the log knows.
    pub fn smallest_rescue(&self, line: &Line) -> Option<Rescue> {
        let by_overrides = self.with_overrides();
        (1..=MOST).find_map(|overrides| {
            let found = self.rescues(line, overrides, by_overrides.get(overrides - 1)?);
            found.into_iter().min_by(|a, b| {
                let cost = |rescue: &Rescue| rescue.cost.unwrap_or(f64::INFINITY);
                cost(a).total_cmp(&cost(b))
            })
        })
    }

    /// The cheapest way on from a trajectory that is right at least half of the
    /// time and costs less than it did; the first override on its own way.
    pub fn savings(&self, line: &Line) -> Option<Rescue> {
        let plan = self.cheapest();
        let mut found = self.rescues(line, 1, &plan);
        for rescue in &mut found {
            let before = (rescue.step as usize)
                .checked_sub(2)
                .map(|at| line.path[at]);
            let (value, _) = self.by(before, rescue.model, &plan);
            rescue.overrides = 1.0 + value.overrides;
        }
        let spent = *line.spent.last()?;
        let cheaper = found
            .into_iter()
            .filter(|way| way.cost.is_some_and(|cost| cost < spent));
        cheaper.min_by(|a, b| {
            let cost = |way: &Rescue| way.cost.unwrap_or(f64::INFINITY);
            cost(a).total_cmp(&cost(b))
        })
    }
}

/// Right often enough and cheaper, or right more often where neither is.
fn is_better(a: &Value, b: &Value) -> bool {
    let cost = |value: &Value| value.mean_cost().unwrap_or(f64::INFINITY);
    match (a.right >= ENOUGH, b.right >= ENOUGH) {
        (true, true) => cost(a) < cost(b),
        (true, false) => true,
        (false, true) => false,
        (false, false) => a.right > b.right,
    }
}

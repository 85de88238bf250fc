//! One decision: what each model would have led to.

use crate::train::wilson;

use super::grove::Grove;

/// Q(s, a) of one model at a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Action {
    /// Share of right answers where it writes the next step and the log's own
    /// router goes on.
    pub right: f64,
    /// Of `right` at 95 % (Wilson's over the draws).
    pub interval: [f64; 2],
    /// Different continuations by it of which the end is known.
    pub draws: u32,
    /// Mean published cost from here to the end; `None` where unknown.
    pub cost: Option<f64>,
    /// Whether other runs' routers went on somewhere, for want of what the own
    /// one would have reached.
    pub by_others: bool,
}

/// A decision as the log lets us see it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// By model, in pool order; `None` where nothing is known of its
    /// continuations.
    pub actions: Vec<Option<Action>>,
    /// The model that was chosen.
    pub taken: Option<usize>,
}

/// What a decision lost against the best of the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regret {
    /// The best of the other models.
    pub rival: usize,
    /// What the rival gains: the difference of right answers, less that of the
    /// costs at the price of a right answer. Negative where the choice was the
    /// better one.
    pub gain: f64,
    /// Of `gain` at 95 %: Newcombe's for the difference of two shares. Costs
    /// count as certain.
    pub interval: [f64; 2],
    /// The A/A control: half of the interval of the choice against itself, drawn
    /// as often as the rival. A smaller gain is noise.
    pub noise: f64,
    /// The price of a right answer at which both are worth the same; `None`
    /// where one of them is at least as good and no dearer, or costs are not
    /// known.
    pub flips_at: Option<f64>,
}

impl Regret {
    /// What the choice lost: never below 0.
    pub fn value(&self) -> f64 {
        self.gain.max(0.0)
    }

    /// Whether the gain is no larger than that of a choice against itself.
    pub fn is_noise(&self) -> bool {
        self.gain.abs() <= self.noise
    }
}

/// What a right answer is worth, in the unit of the costs, above 0; `None` for
/// more than any cost: then only right answers count.
pub type Worth = Option<f64>;

impl Action {
    /// Right answers less costs at the price of a right answer; `None` where
    /// costs count and are not known.
    pub fn utility(&self, worth: Worth) -> Option<f64> {
        match worth {
            Some(worth) => Some(self.right - self.cost? / worth),
            None => Some(self.right),
        }
    }
}

impl Choice {
    /// The decision after a step, or about the first one for `None`.
    pub(super) fn of(grove: &Grove, at: Option<u32>, taken: Option<usize>) -> Self {
        let action = |model| {
            let (value, draws) = grove.by(at, model, &grove.values);
            let right = value.share()?;
            Some(Action {
                right,
                interval: wilson(right, draws as usize)?,
                draws,
                cost: value.mean_cost(),
                by_others: value.is_by_others(),
            })
        };
        Self {
            actions: (0..grove.models).map(action).collect(),
            taken,
        }
    }

    /// What the choice lost against the best of the others, of equal ones the
    /// cheapest model; `None` where the log does not hold what it and another
    /// would have led to, or not at what cost where that counts.
    pub fn regret(&self, worth: Worth) -> Option<Regret> {
        let taken = self.taken?;
        let own = (*self.actions.get(taken)?)?;
        let others = self.actions.iter().enumerate();
        let others = others.filter(|(model, _)| *model != taken);
        let known = others.filter_map(|(model, action)| {
            let action = (*action)?;
            Some((model, action, action.utility(worth)?))
        });
        // Of equal ones the last one is the greatest.
        let (rival, best, utility) = known.rev().max_by(|a, b| a.2.total_cmp(&b.2))?;
        let gain = utility - own.utility(worth)?;
        let shift = gain - (best.right - own.right);
        let [low, high] = newcombe(&best, &own);
        let again = Action {
            interval: wilson(own.right, best.draws as usize)?,
            ..own
        };
        let [below, above] = newcombe(&again, &own);
        Some(Regret {
            rival,
            gain,
            interval: [low + shift, high + shift],
            noise: (above - below) / 2.0,
            flips_at: flips_at(&best, &own),
        })
    }
}

/// The price of a right answer at which two models are worth the same.
fn flips_at(a: &Action, b: &Action) -> Option<f64> {
    let dearer = a.cost? - b.cost?;
    let better = a.right - b.right;
    // Better and dearer, or neither: else one of them wins at any price.
    (dearer * better > 0.0).then(|| dearer / better)
}

/// Newcombe's interval of the difference of two shares (method 10 of Statistics
/// in Medicine 17:873, 1998).
fn newcombe(a: &Action, b: &Action) -> [f64; 2] {
    let difference = a.right - b.right;
    let below = (a.right - a.interval[0]).hypot(b.interval[1] - b.right);
    let above = (a.interval[1] - a.right).hypot(b.right - b.interval[0]);
    [difference - below, difference + above]
}

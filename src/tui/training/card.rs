//! One iteration in numbers.

use ratatui::text::{Line, Span};

use crate::app::training::Training;
use crate::train::log::End;
use crate::train::record::Iteration;
use crate::tui::theme::Theme;

use super::chart::short;

/// The card of the iteration looked at, the most telling lines first.
pub fn card(screen: &Training, theme: &Theme) -> Vec<Line<'static>> {
    let Some(one) = screen.shown() else {
        return vec![Line::styled("no iteration yet", theme.style("dim"))];
    };
    let facts = Facts { theme };
    let mut lines = Vec::new();
    if let (None, Some(end)) = (
        screen.cursor,
        screen.log.as_ref().and_then(|log| log.end.as_ref()),
    ) {
        lines.extend(saved(end, &facts));
    }
    lines.extend([
        facts.line(&[
            ("coverage", short(one.policy.coverage)),
            ("c", short(one.policy.violation)),
        ]),
        facts.line(&[
            ("κ", short(one.threshold.kappa)),
            ("miss", short(one.threshold.miss)),
            ("η", short(one.threshold.eta)),
        ]),
        step(one, &facts),
    ]);
    if let Some(dual) = &one.policy.dual {
        lines.push(facts.line(&[
            ("λ", short(dual.lambda)),
            ("ν", short(dual.nu)),
            ("A", short(dual.a)),
            ("B", short(dual.b)),
        ]));
        lines.push(facts.line(&[
            ("q", short(dual.q)),
            ("r", short(dual.r)),
            ("s", short(dual.s)),
        ]));
    }
    let known = |value: Option<f64>| value.map_or("–".to_owned(), short);
    lines.extend([
        facts.line(&[
            ("KL", known(one.policy.kl)),
            ("cost", known(one.policy.cost_change)),
            (
                "J",
                known(one.policy.constraint_change.map(|change| -change)),
            ),
        ]),
        facts.line(&[
            ("batch", one.batch.episodes.to_string()),
            ("effective", known(one.batch.effective)),
            ("large", format!("{:.0} %", 100.0 * one.batch.escalated)),
        ]),
        facts.line(&[
            ("ε", short(one.epsilon)),
            ("bound", known(one.threshold.bound)),
        ]),
        facts.line(&[
            ("critic losses: cost", short(one.critics.cost.loss)),
            ("coverage", short(one.critics.coverage.loss)),
        ]),
    ]);
    lines
}

/// The policy as it was saved.
fn saved(end: &End, facts: &Facts<'_>) -> Vec<Line<'static>> {
    let promise = end.recalibration.map_or("nothing".to_owned(), |found| {
        format!("misses ≤ {}", short(found.miss_bound))
    });
    let mut lines = vec![facts.line(&[("saved κ", short(end.kappa)), ("promises", promise)])];
    if let Some(test) = &end.test {
        let cost = test
            .relative_cost
            .map_or("?".to_owned(), |cost| short(cost.value));
        let right = format!("{:.1} % right", 100.0 * test.figures.accuracy);
        lines.push(facts.line(&[("test", right), ("cost / large", cost)]));
    }
    lines
}

/// The case and the line search.
fn step(one: &Iteration, facts: &Facts<'_>) -> Line<'static> {
    let case = one.policy.case();
    let case = case.map_or("none".to_owned(), |case| case.to_string());
    let search = one.policy.search();
    facts.line(&[("case", case), ("step", search)])
}

struct Facts<'a> {
    theme: &'a Theme,
}

impl Facts<'_> {
    fn line(&self, facts: &[(&str, String)]) -> Line<'static> {
        let mut spans = Vec::new();
        for (name, value) in facts {
            spans.push(Span::styled(format!("{name} "), self.theme.style("dim")));
            spans.push(Span::styled(format!("{value}  "), self.theme.style("text")));
        }
        Line::from(spans)
    }
}

//! An expression asked of every trajectory of a survey.

use crate::expr::{Expr, ExprError, Source, Value};
use crate::trace::{Log, LogError};

use super::{Survey, Texts, WithTexts};

/// An expression over runs of different pools: models have the names that
/// their run's pool gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// By the place of the run; `None` where a name is of no model of its
    /// pool: nothing is known there.
    of_runs: Vec<Option<Expr>>,
}

impl Survey {
    /// The expression, ready to be asked of every run.
    ///
    /// # Errors
    /// [`ExprError::Model`] where it names a model that is in no pool.
    pub fn ask(&self, expr: &Expr) -> Result<Asked, ExprError> {
        let mut refused = None;
        let of_runs = self.runs().iter().map(|run| match &run.head {
            None => Some(expr.clone()),
            Some(head) => {
                let models = head.pool.iter().map(|model| model.name.as_str());
                let named = expr.clone().over_models(&models.collect::<Vec<_>>());
                named.map_err(|error| refused = Some(error)).ok()
            }
        });
        let of_runs: Vec<Option<Expr>> = of_runs.collect();
        match refused {
            Some(error) if of_runs.iter().all(Option::is_none) => Err(error),
            _ => Ok(Asked { of_runs }),
        }
    }
}

impl Asked {
    /// The expression for the run at this place.
    pub fn of_run(&self, run: u32) -> Option<&Expr> {
        self.of_runs.get(run as usize)?.as_ref()
    }

    /// Whether the trajectory at `place` is known to fulfil the condition.
    pub fn holds(&self, survey: &Survey, place: usize) -> bool {
        let run = survey.trajectories()[place].run;
        self.of_run(run)
            .is_some_and(|expr| expr.holds(&survey.view(place)))
    }

    /// Places of the trajectories that fulfil the condition; of a trajectory
    /// with branches the last one counts. Those whose texts it is about are
    /// read from the log.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn matching(&self, log: &Log, survey: &Survey) -> Result<Vec<usize>, LogError> {
        let mut found = Vec::new();
        for (place, trajectory) in survey.trajectories().iter().enumerate() {
            let Some(condition) = self.of_run(trajectory.run) else {
                continue;
            };
            let view = survey.view(place);
            let holds = if !condition.reads_texts() {
                condition.holds(&view)
            } else if condition.fails_without_texts(&view) {
                false
            } else {
                let (run, problem) = survey.key(trajectory);
                let texts = Texts::of_log(log, run, problem)?;
                condition.holds(&WithTexts::new(view, &texts))
            };
            if holds {
                found.push(place);
            }
        }
        Ok(found)
    }

    /// Its value for the trajectory at `place`.
    pub fn value(&self, survey: &Survey, place: usize) -> Answer {
        let view = survey.view(place);
        self.answer(survey.trajectories()[place].run, &view)
    }

    /// The same where these are its texts.
    pub fn value_with(&self, survey: &Survey, place: usize, texts: &Texts) -> Answer {
        let with_texts = WithTexts::new(survey.view(place), texts);
        self.answer(survey.trajectories()[place].run, &with_texts)
    }

    /// Whether the condition cannot hold for the trajectory at `place`,
    /// whatever its texts are.
    pub fn fails_without_texts(&self, survey: &Survey, place: usize) -> bool {
        let run = survey.trajectories()[place].run;
        self.of_run(run)
            .is_none_or(|expr| expr.fails_without_texts(&survey.view(place)))
    }

    fn answer(&self, run: u32, source: &dyn Source) -> Answer {
        match self.of_run(run).map(|expr| expr.of_trajectory(source)) {
            None | Some(Value::Unknown) => Answer::Unknown,
            Some(Value::Flag(flag)) => Answer::Flag(flag),
            Some(Value::Number(number)) => Answer::Number(number),
            Some(Value::Text(text)) => Answer::Text(text.into()),
        }
    }
}

/// A value that can be kept, sorted and grouped by.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Flag(bool),
    Number(f64),
    Text(Box<str>),
    /// After everything that is known.
    Unknown,
}

impl Answer {
    /// Numbers by size, texts by their letters without regard to case, `no`
    /// before `yes`, and what is not known last.
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |answer: &Self| match answer {
            Self::Flag(_) => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
            Self::Unknown => 3,
        };
        match (self, other) {
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => {
                let letters = |text: &str| text.to_lowercase();
                letters(a).cmp(&letters(b)).then_with(|| a.cmp(b))
            }
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl Answer {
    /// In words, with every digit of a number.
    pub fn exact(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            other => other.to_string(),
        }
    }
}

/// A number with three digits behind the point, and as many more as one near 0
/// needs for three that say something; without zeros at the end.
fn short(number: f64) -> String {
    let size = number.abs();
    if !(size > 0.0 && size.is_finite()) {
        return (number + 0.0).to_string();
    }
    // 0.1 has the magnitude -1, and needs three digits for three figures.
    let magnitude = size.log10().floor();
    if magnitude < -9.0 {
        return format!("{number:.2e}");
    }
    let digits = (2.0 - magnitude).clamp(3.0, 12.0);
    let text = format!("{number:.0$}", digits as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
            Self::Number(number) => f.write_str(&short(*number)),
            Self::Text(text) => f.write_str(text),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn numbers_keep_the_figures_that_tell_them_apart() {
        let said = |number: f64| Answer::Number(number).to_string();
        for (number, wanted) in [
            (0.0, "0"),
            (-0.0, "0"),
            (2.0, "2"),
            (100.0, "100"),
            (0.5, "0.5"),
            (1.0 / 3.0, "0.333"),
            (-1234.5678, "-1234.568"),
            (0.000_123_4, "0.000123"),
            (3e-12, "3.00e-12"),
        ] {
            assert_eq!(said(number), wanted, "{number}");
        }
        assert_eq!(Answer::Number(0.12345).exact(), "0.12345");
        assert_eq!(Answer::Flag(true).exact(), "yes");
    }
}

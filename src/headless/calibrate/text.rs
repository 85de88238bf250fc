//! What was calibrated, as tables for the terminal.

use std::fmt::Write as _;

use crate::router::calibration::Calibration;
use crate::router::percentile::Percentiles;
use crate::router::steer::{IndexFit, Mixtures};
use crate::signal::confidence::Source;
use crate::signal::mixture::Component;

use super::Made;

/// Percentiles shown of each step.
const SHOWN: [u8; 7] = [0, 5, 10, 20, 50, 80, 100];

impl Made<Mixtures> {
    /// For the terminal.
    pub fn to_text(&self) -> String {
        let found = &self.calibration.found;
        let missing: usize = found.fits.iter().map(|fit| fit.missing).sum();
        let mut text = sources(&self.calibration);
        let _ = write!(
            text,
            "Two components of the confidence `{}`{} for each step index; {missing} steps have no \
             such confidence.\n\n\
             {:>5} {:>7} {:>7}   {:^26}   {:^26}   verdict\n\
             {:>5} {:>7} {:>7}   {:>9} {:>8} {:>7}   {:>9} {:>8} {:>7}\n",
            found.signal,
            remark(&found.signal),
            "",
            "",
            "",
            "unconfident",
            "confident",
            "step",
            "n",
            "dropped",
            "mean",
            "sd",
            "weight",
            "mean",
            "sd",
            "weight",
        );
        for fit in &found.fits {
            text.push_str(&row(fit));
        }
        text.push('\n');
        text + &destination(self, "")
    }
}

impl Made<Percentiles> {
    /// The measure to show: `wanted`, or the first that there is.
    pub fn shown(&self, wanted: Source) -> Source {
        let measured = |source: &Source| {
            let tables = &self.calibration.found.tables;
            tables.contains_key(source.name())
        };
        std::iter::once(wanted)
            .chain(Source::ALL)
            .find(measured)
            .unwrap_or(wanted)
    }

    /// For the terminal, of one measure.
    pub fn to_text(&self, signal: Source) -> String {
        let tables = &self.calibration.found.tables;
        let names: Vec<&str> = tables.keys().map(String::as_str).collect();
        let mut text = sources(&self.calibration);
        let _ = write!(
            text,
            "Percentiles for each step index of {}; of `{signal}`{}:\n\n{:>5} {:>7}",
            names.join(", "),
            remark(signal.name()),
            "step",
            "n"
        );
        for shown in SHOWN {
            let _ = write!(text, " {:>9}", format!("p{shown}"));
        }
        text.push('\n');
        for table in tables.get(signal.name()).into_iter().flatten() {
            let _ = write!(text, "{:>5} {:>7}", table.index, table.n);
            for shown in SHOWN {
                let value = table.at(f64::from(shown)).unwrap_or(f64::NAN);
                let _ = write!(text, " {value:>9.4}");
            }
            text.push_str(if table.is_enough() {
                "\n"
            } else {
                "   too few\n"
            });
        }
        text.push('\n');
        // The router reads probabilities where nothing is said.
        let signal = match signal {
            Source::Prob => String::new(),
            other => format!(",signal={other}"),
        };
        text + &destination(self, &signal)
    }
}

fn row(fit: &IndexFit) -> String {
    let component = |of: Option<&Component>| match of {
        Some(part) => format!(
            "{:>9.4} {:>8.4} {:>7.3}",
            part.mean,
            part.variance.sqrt(),
            part.weight
        ),
        None => format!("{:>9} {:>8} {:>7}", "-", "-", "-"),
    };
    let both = fit.mixture.as_ref();
    let verdict = match (&fit.degenerate, fit.converged) {
        (Some(why), _) => format!("degenerate: {why}"),
        (None, true) => "ok".to_owned(),
        (None, false) => format!("ok, still moving after {} iterations", fit.iterations),
    };
    format!(
        "{:>5} {:>7} {:>7}   {}   {}   {verdict}\n",
        fit.index,
        fit.n,
        fit.dropped,
        component(both.map(|both| &both.unconfident)),
        component(both.map(|both| &both.confident)),
    )
}

fn sources<K>(calibration: &Calibration<K>) -> String {
    let source = &calibration.source;
    let logs: Vec<&str> = source.logs.iter().map(|log| log.name.as_str()).collect();
    let splits: Vec<&str> = source.splits.iter().map(|split| split.name()).collect();
    let models = source.steps_by_model.iter();
    let models: Vec<String> = models.map(|(name, n)| format!("{name} {n}")).collect();
    format!(
        "{} steps ({}) of {} problems ({}) in {}; every step weighs the same.\n",
        source.steps,
        models.join(", "),
        source.problems,
        splits.join(", "),
        logs.join(", "),
    )
}

fn remark(signal: &str) -> String {
    let remark = signal.parse().ok().and_then(Source::remark);
    remark.map_or_else(String::new, |remark| format!(" ({remark})"))
}

/// Where it went; `more` are parameters that its router needs besides.
fn destination<K>(made: &Made<K>, more: &str) -> String {
    let kind = &made.calibration.kind;
    let parameter = if kind == "steer" { "gamma=0.5" } else { "p=20" };
    match &made.out {
        Some(out) => {
            let file = out.display();
            format!("Written: route by it with `--router {kind}:{parameter},file={file}{more}`\n")
        }
        None => "Nothing was written: name a file by `--out`.\n".to_owned(),
    }
}

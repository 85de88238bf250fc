//! The counts as lines for people.

use std::fmt::Write as _;
use std::path::Path;

use crate::headless::show::grid::{Cell, grid};

use super::time::duration;
use super::{Cost, Run, Stats};

/// Kinds of runs that are listed.
const MOST_RUNS: usize = 12;

impl Stats {
    /// A few aligned lines, and a table of who wrote the steps.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {}", value.replace('\n', " "));
        };
        line("files", self.files_text());
        line("time", self.time_text());
        for (at, runs) in self.runs_text().into_iter().enumerate() {
            line(if at == 0 { "runs" } else { "" }, runs);
        }
        line("problems", count(self.problems));
        line("trajectories", self.trajectories_text());
        line("verdicts", self.verdicts_text());
        line("steps", self.steps_text());
        line("drafts", self.drafts_text());
        line("tokens", self.tokens_text());
        line("decisions", self.decisions_text());
        line("scores", self.scores_text());
        for cost in &self.costs {
            line("cost", cost.to_text());
        }
        line("labels", self.labels_text());
        for damaged in self.damaged_text() {
            line("damaged", damaged);
        }
        if !self.unknown_kinds.is_empty() {
            line("unknown", self.unknown_text());
        }
        if !self.steps.by.is_empty() {
            text.push('\n');
            text.push_str(&grid(&self.writers()));
        }
        text
    }

    fn files_text(&self) -> String {
        let bytes: u64 = self.files.iter().map(|file| file.bytes).sum();
        let records = count(self.records);
        let files = self.files.len();
        format!("{files} · {} · {records} records", size(bytes))
    }

    fn time_text(&self) -> String {
        match &self.time {
            Some(span) => {
                let lasted = duration(span.seconds);
                format!("{} to {} ({lasted})", span.first, span.last)
            }
            None => "no record says when it was".to_owned(),
        }
    }

    /// The number of runs, then how many there are of each kind.
    fn runs_text(&self) -> Vec<String> {
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for run in &self.runs {
            let kind = kind(run);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, runs)) => *runs += 1,
                None => kinds.push((kind, 1)),
            }
        }
        let more = kinds.len().saturating_sub(MOST_RUNS);
        let shown = kinds.iter().take(MOST_RUNS);
        let mut lines = vec![count(self.runs.len())];
        lines.extend(shown.map(|(kind, runs)| format!("{runs} × {kind}")));
        if more > 0 {
            lines.push(format!("and {more} more kinds"));
        }
        lines
    }

    fn trajectories_text(&self) -> String {
        let all = &self.trajectories;
        let ends = all.by_end.iter();
        let ends = ends.map(|(end, many)| format!("{end} {}", count(*many)));
        let mut parts: Vec<String> = ends.collect();
        parts.push(format!("unfinished {}", count(all.unfinished)));
        let branched = count(all.branched);
        format!(
            "{} · {} · {branched} with branches or drafts",
            count(all.all),
            parts.join(", ")
        )
    }

    fn verdicts_text(&self) -> String {
        let of = &self.verdicts;
        format!(
            "correct {}, wrong {}, ungraded {}",
            count(of.correct),
            count(of.wrong),
            count(of.ungraded)
        )
    }

    fn steps_text(&self) -> String {
        let of = &self.steps;
        format!(
            "{} · kept {}, on main lines {}, cut off at their token limit {}",
            count(of.all),
            count(of.kept),
            count(of.main_line),
            count(of.cut_off)
        )
    }

    fn drafts_text(&self) -> String {
        let of = self.drafts;
        format!("{} · rejected {}", count(of.all), count(of.rejected))
    }

    fn tokens_text(&self) -> String {
        let of = self.tokens;
        let mut text = format!(
            "prompt {} (from the cache {}",
            number(of.prompt),
            number(of.cached)
        );
        if of.cached_unknown > 0 {
            let _ = write!(text, ", not said of {}", number(of.cached_unknown));
        }
        let _ = write!(text, "), output {}", number(of.output));
        let steps = |many: usize| match many {
            1 => "1 step".to_owned(),
            many => format!("{} steps", count(many)),
        };
        match (of.uncounted, of.prompt_uncounted) {
            (_, 0) => {}
            (all, _) if all == self.steps.all => return "not counted of any step".to_owned(),
            (0, _) => {}
            (some, _) => {
                let _ = write!(text, "; not counted of {}", steps(some));
            }
        }
        // Who said how much was written need not say what was read.
        let beside = of.prompt_uncounted - of.uncounted;
        if beside > 0 {
            let _ = write!(text, "; prompts not counted of {}", steps(beside));
        }
        text
    }

    fn decisions_text(&self) -> String {
        let of = &self.decisions;
        let mut parts: Vec<String> = of
            .by_model
            .iter()
            .map(|chosen| format!("{} {}", chosen.model, count(chosen.decisions)))
            .collect();
        for (name, many) in [
            ("by a person", of.overridden),
            ("on drafts", of.on_drafts),
            ("that began rollouts, beside these", of.rollouts),
        ] {
            if many > 0 {
                parts.push(format!("{name} {}", count(many)));
            }
        }
        joined(of.all, &parts)
    }

    fn scores_text(&self) -> String {
        let of = self.scored;
        let all = [
            ("prm", of.prm),
            ("judge", of.judge),
            ("verifier or checker", of.verified),
        ];
        let said = all.iter().filter(|(_, steps)| *steps > 0);
        let mut parts: Vec<String> = said
            .map(|(scorer, steps)| format!("{scorer} {}", count(*steps)))
            .collect();
        if let Some(last) = parts.last_mut().filter(|_| of.verified > 0) {
            let _ = write!(last, " (incorrect {})", count(of.refuted));
        }
        match parts.is_empty() {
            true => "of no step".to_owned(),
            false => format!("of steps: {}", parts.join(", ")),
        }
    }

    fn labels_text(&self) -> String {
        let of = &self.labels;
        let people = of.by.iter().map(|(who, words)| {
            let words: Vec<String> = words
                .iter()
                .map(|(word, many)| format!("{word} {}", count(*many)))
                .collect();
            format!("{who}: {}", words.join(", "))
        });
        let mut parts: Vec<String> = people.collect();
        if of.all > 0 {
            parts.insert(0, format!("of {} steps", count(of.steps)));
        }
        if of.of_nothing > 0 {
            parts.push(format!("of no step of the log {}", count(of.of_nothing)));
        }
        match parts.is_empty() {
            true => count(of.all),
            false => format!("{} · {}", count(of.all), parts.join(" · ")),
        }
    }

    fn damaged_text(&self) -> Vec<String> {
        let of = &self.damaged;
        let lines = if of.lines == 1 { "line" } else { "lines" };
        let mut lines = vec![format!("{} {lines}", count(of.lines))];
        lines.extend(of.first.iter().map(|one| {
            let name = one.path.file_name().map(Path::new).unwrap_or(&one.path);
            format!("{} line {}: {}", name.display(), one.line, one.reason)
        }));
        lines
    }

    fn unknown_text(&self) -> String {
        let kinds = self.unknown_kinds.iter();
        let kinds: Vec<String> = kinds
            .map(|(kind, many)| format!("{kind} {}", number(*many)))
            .collect();
        format!("records of kinds of a newer version: {}", kinds.join(", "))
    }

    /// The table of who wrote the steps.
    fn writers(&self) -> Vec<Vec<Cell>> {
        let titles = [
            "model", "purpose", "steps", "kept", "prompt", "cached", "output", "time",
        ];
        let mut rows: Vec<Vec<Cell>> = vec![titles.map(|title| Cell::Left(title.into())).into()];
        rows.extend(self.steps.by.iter().map(|of| {
            // What was counted of some of its steps is a part of what there was.
            let counted = |many: u64, uncounted: usize| match uncounted {
                0 => number(many),
                all if all == of.steps || many == 0 => "–".to_owned(),
                _ => format!("≥ {}", number(many)),
            };
            let tokens = of.tokens;
            let cached = match tokens.cached_unknown {
                0 if tokens.prompt_uncounted > 0 => counted(tokens.cached, tokens.prompt_uncounted),
                0 => number(of.tokens.cached),
                _ if of.tokens.cached == 0 => "–".to_owned(),
                _ => format!("≥ {}", number(of.tokens.cached)),
            };
            vec![
                Cell::Left(of.model.clone()),
                Cell::Left(of.purpose.to_owned()),
                Cell::Right(count(of.steps)),
                Cell::Right(count(of.kept)),
                Cell::Right(counted(tokens.prompt, tokens.prompt_uncounted)),
                Cell::Right(cached),
                Cell::Right(counted(tokens.output, tokens.uncounted)),
                // Calls take time: that of other tools' steps is not known.
                Cell::Right(match of.tokens.uncounted == of.steps && of.seconds == 0.0 {
                    true => "–".to_owned(),
                    false => duration(of.seconds),
                }),
            ]
        }));
        rows
    }
}

impl Cost {
    fn to_text(&self) -> String {
        let unit = self.unit.as_deref().unwrap_or("of no unit");
        let amount = |value: Option<f64>, known: usize| match value {
            None => "not known".to_owned(),
            Some(value) if known < self.ended => {
                format!("{value:.4e} {unit} (known of {})", count(known))
            }
            Some(value) => format!("{value:.4e} {unit}"),
        };
        let at_most = if self.upper_bound { "at most " } else { "" };
        format!(
            "published {}, full {at_most}{}, of the {} that ended",
            amount(self.published, self.published_known),
            amount(self.full, self.full_known),
            count(self.ended)
        )
    }
}

/// What a run was, in words.
fn kind(run: &Run) -> String {
    match (&run.command, &run.router) {
        (Some(command), Some(router)) => format!("{command} {router}"),
        _ => "its head is lost".to_owned(),
    }
}

fn joined(all: usize, parts: &[String]) -> String {
    match parts.is_empty() {
        true => count(all),
        false => format!("{} · {}", count(all), parts.join(", ")),
    }
}

fn count(many: usize) -> String {
    number(many as u64)
}

/// With a comma between thousands.
fn number(many: u64) -> String {
    let digits = many.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn size(bytes: u64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let bytes = bytes as f64;
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_are_read_at_a_glance() {
        let told = [0, 999, 1_000, 12_345, 1_234_567].map(number);
        assert_eq!(told, ["0", "999", "1,000", "12,345", "1,234,567"]);
        let told = [999, 1_000, 1_550_000, 2_000_000_000].map(size);
        assert_eq!(told, ["999 bytes", "1.0 kB", "1.6 MB", "2.0 GB"]);
    }
}

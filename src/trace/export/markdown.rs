//! Trajectories as a page of Markdown. What a model wrote stands in code
//! fences and code spans that are longer than any in it: there it is text,
//! whatever reads the page.

use std::io::{self, Write};

use super::outline::{Decided, Outline, Step, Wording};
use super::{Export, Subject};

/// A page being written.
pub struct Markdown<W> {
    out: W,
    wording: Wording,
}

impl<W: Write> Markdown<W> {
    /// Begins a page.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(mut out: W, wording: Wording) -> io::Result<Self> {
        writeln!(out, "# Recorded trajectories")?;
        Ok(Self { out, wording })
    }
}

impl<W: Write> Export<W> for Markdown<W> {
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<u64> {
        let outline = Outline::of(subject, self.wording);
        let out = &mut self.out;
        writeln!(out, "\n## {}\n", span(&outline.problem))?;
        head(out, &outline)?;
        if let Some(question) = &outline.question {
            writeln!(out)?;
            fenced(out, question)?;
        }
        if let Some(first) = &outline.first {
            writeln!(out)?;
            decided(out, first)?;
        }
        for one in &outline.steps {
            step(out, one)?;
        }
        end(out, &outline)?;
        Ok(1)
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        Ok(self.out)
    }
}

fn head(out: &mut impl Write, outline: &Outline) -> io::Result<()> {
    let unknown = "unknown".to_owned();
    let router = outline.router.as_ref().unwrap_or(&unknown);
    writeln!(out, "- run {}, router {}", span(&outline.run), span(router))?;
    for (name, value) in &outline.facts {
        writeln!(out, "- {name} {}", span(value))?;
    }
    for (model, facts) in &outline.pool {
        writeln!(
            out,
            "- {} {}: {}",
            model.kind.sign(),
            span(&model.name),
            span(facts)
        )?;
    }
    let lane = outline.steps.iter().map(|step| step.writer.kind.sign());
    let lane = lane.collect::<String>();
    if !lane.is_empty() {
        writeln!(out, "- steps {}", span(&lane))?;
    }
    Ok(())
}

fn step(out: &mut impl Write, step: &Step) -> io::Result<()> {
    let refuted = if step.is_refuted { " ✗" } else { "" };
    writeln!(
        out,
        "\n### {} {} {}{refuted}\n",
        step.index,
        step.writer.kind.sign(),
        span(&step.writer.name)
    )?;
    for draft in &step.drafts {
        writeln!(
            out,
            "Rejected draft by {} ({}):\n",
            span(&draft.writer.name),
            spans(&draft.facts)
        )?;
        fenced(out, &draft.text)?;
        writeln!(out)?;
    }
    writeln!(out, "{}\n", spans(&step.facts))?;
    fenced(out, &step.text)?;
    if let Some(made) = &step.decided {
        writeln!(out)?;
        decided(out, made)?;
    }
    Ok(())
}

fn decided(out: &mut impl Write, made: &Decided) -> io::Result<()> {
    write!(
        out,
        "→ {} {}",
        made.action.kind.sign(),
        span(&made.action.name)
    )?;
    if !made.rule.is_empty() {
        write!(out, ": {}", spans(&made.rule))?;
    }
    if !made.reason.is_empty() {
        write!(out, " ({})", span(&made.reason))?;
    }
    if let Some((who, wanted)) = &made.overridden {
        let (who, wanted) = (span(who), span(wanted));
        write!(out, "; overridden by {who}, the router wanted {wanted}")?;
    }
    writeln!(out)
}

fn end(out: &mut impl Write, outline: &Outline) -> io::Result<()> {
    match &outline.outcome {
        None => writeln!(out, "\n**Unfinished.**")?,
        Some(outcome) => {
            writeln!(out, "\n**Verdict: {}**\n", outcome.verdict)?;
            let texts = [("answer", &outcome.answer), ("gold", &outcome.gold)];
            for (name, text) in texts {
                if let Some(text) = text {
                    writeln!(out, "- {name} {}", span(text))?;
                }
            }
            for (name, value) in &outcome.facts {
                writeln!(out, "- {name} {}", span(value))?;
            }
        }
    }
    for note in &outline.notes {
        writeln!(out, "\n_{note}_")?;
    }
    Ok(())
}

/// The most backticks in a row.
fn longest(text: &str) -> usize {
    let runs = text.split(|c| c != '`');
    runs.map(str::len).max().unwrap_or(0)
}

/// A block in which nothing is read as Markdown.
fn fenced(out: &mut impl Write, text: &str) -> io::Result<()> {
    let fence = "`".repeat(longest(text).max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    writeln!(out, "{fence}text\n{text}{end}{fence}")
}

/// A piece of a line in which nothing is read as Markdown.
fn span(text: &str) -> String {
    // A line end would end the paragraph, an empty line the span.
    let text = text.replace('\n', " ");
    if text.trim().is_empty() {
        return "–".to_owned();
    }
    let ticks = "`".repeat(longest(&text) + 1);
    // One blank on each side is not part of the span.
    let blanks = text.starts_with(' ') && text.ends_with(' ');
    match blanks || text.starts_with('`') || text.ends_with('`') {
        true => format!("{ticks} {text} {ticks}"),
        false => format!("{ticks}{text}{ticks}"),
    }
}

fn spans(texts: &[String]) -> String {
    span(&texts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        let block = |text| {
            let mut out = Vec::new();
            fenced(&mut out, text).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(block("a"), "```text\na\n```\n");
        assert_eq!(
            block("```\n# out\n````\n"),
            "`````text\n```\n# out\n````\n`````\n"
        );
        assert_eq!(span("a"), "`a`");
        assert_eq!(span(" a "), "`  a  `");
        assert_eq!(span("`a``\n# b"), "``` `a`` # b ```");
        assert_eq!(span(" \n "), "–");
    }
}

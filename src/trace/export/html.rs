//! Trajectories as one page of HTML that needs nothing else: no scripts, no
//! requests, every text escaped, and a policy that forbids what is not there.
//! A line end right behind `<pre>` is no part of the text, so one stands before
//! every text: its own would be lost.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::outline::{Decided, Draft, Outline, Step, Wording, Writer, WriterKind};
use super::{Export, Subject};

/// The only style there is.
const STYLE: &str = include_str!("html.css");

/// A page being written.
pub struct Html<W> {
    out: W,
    wording: Wording,
    /// Trajectories so far: places in the page are named by their number.
    count: u64,
}

impl<W: Write> Html<W> {
    /// Begins a page.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(mut out: W, wording: Wording) -> io::Result<Self> {
        let policy = policy();
        writeln!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta name=\"robots\" content=\"noindex\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Recorded trajectories</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <h1>Recorded trajectories</h1>"
        )?;
        Ok(Self {
            out,
            wording,
            count: 0,
        })
    }
}

/// Nothing may be loaded or run, and only our own style be applied.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

impl<W: Write> Export<W> for Html<W> {
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<u64> {
        let outline = Outline::of(subject, self.wording);
        self.count += 1;
        let page = Page {
            outline: &outline,
            number: self.count,
        };
        page.write(&mut self.out)?;
        Ok(1)
    }

    fn finish(mut self: Box<Self>) -> io::Result<W> {
        self.out.write_all(b"</body>\n</html>\n")?;
        Ok(self.out)
    }
}

struct Page<'a> {
    outline: &'a Outline,
    number: u64,
}

impl Page<'_> {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let outline = self.outline;
        let number = self.number;
        writeln!(
            out,
            "<article id=\"t{number}\">\n<h2>{}</h2>",
            escaped(&outline.problem)
        )?;
        let mut facts = vec![
            ("run", outline.run.clone()),
            (
                "router",
                outline
                    .router
                    .clone()
                    .unwrap_or_else(|| "unknown".to_owned()),
            ),
        ];
        facts.extend(outline.facts.iter().cloned());
        list(out, &facts)?;
        for (model, facts) in &outline.pool {
            write!(out, "<div>{} <span class=\"facts\">", who(model))?;
            writeln!(out, "{}</span></div>", escaped(facts))?;
        }
        if let Some(question) = &outline.question {
            let question = escaped(question);
            writeln!(
                out,
                "<pre class=\"question\" dir=\"auto\">\n{question}</pre>"
            )?;
        }
        self.lane(out)?;
        if let Some(first) = &outline.first {
            decided(out, first)?;
        }
        // By place, not by index: a log may hold any index twice.
        for (at, step) in outline.steps.iter().enumerate() {
            self.step(out, at, step)?;
        }
        self.end(out)?;
        out.write_all(b"</article>\n")
    }

    /// Who wrote it, one sign a step.
    fn lane(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"<ol class=\"lane\">")?;
        for (at, step) in self.outline.steps.iter().enumerate() {
            let class = class(step.writer.kind);
            write!(
                out,
                "<li class=\"{class}\"><a href=\"#t{}s{at}\" title=\"{} {}\">{}</a></li>",
                self.number,
                step.index,
                escaped(&step.writer.name),
                step.writer.kind.sign()
            )?;
        }
        out.write_all(b"</ol>\n")
    }

    fn step(&self, out: &mut impl Write, at: usize, step: &Step) -> io::Result<()> {
        for draft in &step.drafts {
            rejected(out, draft)?;
        }
        let refuted = match step.is_refuted {
            true => " <span class=\"refuted\">✗ incorrect</span>",
            false => "",
        };
        write!(
            out,
            "<section class=\"step {}\" id=\"t{}s{}\">\n<div>{} {}{refuted} ",
            class(step.writer.kind),
            self.number,
            at,
            step.index,
            who(&step.writer)
        )?;
        facts(out, &step.facts)?;
        writeln!(
            out,
            "</div>\n<pre dir=\"auto\">\n{}</pre>",
            escaped(&step.text)
        )?;
        if let Some(made) = &step.decided {
            decided(out, made)?;
        }
        out.write_all(b"</section>\n")
    }

    fn end(&self, out: &mut impl Write) -> io::Result<()> {
        match &self.outline.outcome {
            None => out.write_all(b"<p class=\"verdict\">unfinished</p>\n")?,
            Some(outcome) => {
                let verdict = outcome.verdict;
                writeln!(out, "<p class=\"verdict {verdict}\">{verdict}</p>")?;
                let texts = [("answer", &outcome.answer), ("gold", &outcome.gold)];
                let texts = texts.into_iter();
                let texts = texts.filter_map(|(name, text)| Some((name, text.clone()?)));
                let all: Vec<_> = texts.chain(outcome.facts.iter().cloned()).collect();
                list(out, &all)?;
            }
        }
        for note in &self.outline.notes {
            writeln!(out, "<p class=\"note\">{}</p>", escaped(note))?;
        }
        Ok(())
    }
}

fn rejected(out: &mut impl Write, draft: &Draft) -> io::Result<()> {
    write!(
        out,
        "<section class=\"draft\">\n<div>rejected draft by {} ",
        who(&draft.writer)
    )?;
    facts(out, &draft.facts)?;
    writeln!(
        out,
        "</div>\n<pre dir=\"auto\">\n{}</pre>\n</section>",
        escaped(&draft.text)
    )
}

fn decided(out: &mut impl Write, made: &Decided) -> io::Result<()> {
    write!(
        out,
        "<div class=\"decided\"><span>→ {}</span>",
        who(&made.action)
    )?;
    for part in made.rule.iter().chain([&made.reason]) {
        if !part.is_empty() {
            write!(out, "<span>{}</span>", escaped(part))?;
        }
    }
    if let Some((who, wanted)) = &made.overridden {
        let (who, wanted) = (escaped(who), escaped(wanted));
        write!(
            out,
            "<span>overridden by {who}, the router wanted {wanted}</span>"
        )?;
    }
    out.write_all(b"</div>\n")
}

fn facts(out: &mut impl Write, facts: &[String]) -> io::Result<()> {
    out.write_all(b"<div class=\"facts\">")?;
    for fact in facts {
        write!(out, "<span>{}</span>", escaped(fact))?;
    }
    out.write_all(b"</div>")
}

fn list(out: &mut impl Write, rows: &[(&'static str, String)]) -> io::Result<()> {
    out.write_all(b"<dl>")?;
    for (name, value) in rows {
        write!(out, "<dt>{name}</dt><dd>{}</dd>", escaped(value))?;
    }
    out.write_all(b"</dl>\n")
}

fn who(writer: &Writer) -> String {
    format!(
        "<span class=\"who {}\">{} {}</span>",
        class(writer.kind),
        writer.kind.sign(),
        escaped(&writer.name)
    )
}

fn class(kind: WriterKind) -> &'static str {
    match kind {
        WriterKind::Small => "small",
        WriterKind::Between => "between",
        WriterKind::Large => "large",
        WriterKind::Other => "other",
    }
}

/// A text between tags or within a quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_the_policy_names_our_style() {
        assert_eq!(
            escaped("<a href='x' b=\"y\">&amp;"),
            "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;amp;"
        );
        // A style that ended the element would be no style.
        assert!(!STYLE.contains("</"));
        let policy = policy();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!policy.contains("unsafe"));
    }
}

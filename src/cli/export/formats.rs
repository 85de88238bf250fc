//! The formats that were asked for, each with where it is written to.

use std::io;
use std::path::{Path, PathBuf};

use super::ExportArgs;
use super::output::{Outputs, Target, Written, is_stdout, settled};
use crate::cost::Unit;
use crate::headless::Failure;
use crate::trace::export::csv::Csv;
use crate::trace::export::html::Html;
use crate::trace::export::inspect::{Archive, Document};
use crate::trace::export::markdown::Markdown;
use crate::trace::export::otel::Otel;
use crate::trace::export::outline::Wording;
use crate::trace::export::table::Of;
use crate::trace::export::{Export, Subject};
use crate::tui::text::math::readable_text;
use crate::tui::widgets::figures;

/// A format being written.
pub(super) struct Format {
    pub name: &'static str,
    path: PathBuf,
    export: Box<dyn Export<Target>>,
    /// Rows, samples or spans so far.
    pub count: u64,
    /// Whether nobody reads it any more.
    pub is_closed: bool,
}

impl Format {
    /// Writes a trajectory.
    ///
    /// # Errors
    /// Those of writing, and what the format cannot hold.
    pub fn add(&mut self, subject: &Subject<'_>) -> Result<(), Failure> {
        if self.is_closed {
            return Ok(());
        }
        match settled(&self.path, self.export.add(subject))? {
            Some(added) => self.count += added,
            None => self.is_closed = true,
        }
        Ok(())
    }

    /// Writes what comes last.
    ///
    /// # Errors
    /// Those of writing.
    pub fn close(self) -> Result<Written, Failure> {
        let target = match self.is_closed {
            true => None,
            false => settled(&self.path, self.export.finish())?,
        };
        Ok(Written::new(self.name, &self.path, target))
    }
}

/// What is wrong before anything is read.
pub(super) fn check(args: &ExportArgs) -> Result<(), Failure> {
    if args.parquet.is_some() && !cfg!(feature = "parquet") {
        let message = "--parquet: this pointsman was built without Parquet";
        let hint = "build it with `cargo build --release --features parquet`, or use --csv";
        return Err(Failure::usage(message).hint(hint));
    }
    if args.parquet.as_deref().is_some_and(is_stdout) {
        return Err(Failure::usage(
            "--parquet writes a file: it is no text for stdout",
        ));
    }
    if let Some(path) = &args.inspect
        && !is_stdout(path)
        && !is_archive(path)
        && path.extension().is_none_or(|end| end != "json")
    {
        let message = format!(
            "--inspect {}: a log for Inspect ends in .json or .eval",
            path.display()
        );
        return Err(Failure::usage(message));
    }
    Ok(())
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "eval")
}

/// Mathematics and amounts as the screen words them.
fn wording() -> Wording {
    Wording {
        readable: readable_text,
        amount: |value, unit| figures::amount(value, unit.map(Unit::named).as_ref()),
    }
}

/// Begins everything that was asked for.
///
/// # Errors
/// A file cannot be written.
pub(super) fn begin(args: &ExportArgs, outputs: &Outputs) -> Result<Vec<Format>, Failure> {
    let of = args.of.map_or(Of::Steps, Of::from);
    let content = args.content;
    let mut formats = Vec::new();
    let mut begin = |name: &'static str, path: &Option<PathBuf>, make: Make<'_>| {
        let Some(path) = path else { return Ok(()) };
        let target = outputs.begin(name, path)?;
        if let Some(export) = settled(path, make(target))? {
            formats.push(Format {
                name,
                export,
                path: path.clone(),
                count: 0,
                is_closed: false,
            });
        }
        Ok::<(), Failure>(())
    };
    begin("csv", &args.csv, &|out| {
        Ok(Box::new(Csv::new(out, of, content)?))
    })?;
    #[cfg(feature = "parquet")]
    begin("parquet", &args.parquet, &|out| {
        use crate::trace::export::parquet::Parquet;
        Ok(Box::new(Parquet::new(out, of, content)?))
    })?;
    begin("markdown", &args.markdown, &|out| {
        Ok(Box::new(Markdown::new(out, wording())?))
    })?;
    begin("html", &args.html, &|out| {
        Ok(Box::new(Html::new(out, wording())?))
    })?;
    begin("otel", &args.otel, &|out| {
        Ok(Box::new(Otel::new(out, content)))
    })?;
    let archive = args.inspect.as_deref().is_some_and(is_archive);
    begin("inspect", &args.inspect, &|out| {
        Ok(match archive {
            true => Box::new(Archive::new(out)),
            false => Box::new(Document::new(out)?),
        })
    })?;
    Ok(formats)
}

/// Begins a format.
type Make<'a> = &'a dyn Fn(Target) -> io::Result<Box<dyn Export<Target>>>;

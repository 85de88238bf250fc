//! Tables as comma-separated values (RFC 4180, lines ending in a newline).

use std::io::{self, Write};

use super::table::{Column, Of, Value, columns, rows};
use super::{Export, Subject};

/// A table being written.
pub struct Csv<W: Write> {
    of: Of,
    columns: Vec<&'static Column>,
    out: csv::Writer<W>,
}

impl<W: Write> Csv<W> {
    /// Begins a table with the names of its columns.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(out: W, of: Of, content: bool) -> io::Result<Self> {
        let columns = columns(of, content);
        let mut out = csv::Writer::from_writer(out);
        let names = columns.iter().map(|column| column.name);
        out.write_record(names).map_err(failed)?;
        Ok(Self { of, columns, out })
    }
}

impl<W: Write> Export<W> for Csv<W> {
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<u64> {
        let Self { of, columns, out } = self;
        rows(*of, subject, |row| {
            for column in columns.iter() {
                out.write_field(field(column.cell(row)))?;
            }
            out.write_record(None::<&[u8]>)
        })
        .map_err(failed)
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        let finished = self.out.into_inner();
        finished.map_err(csv::IntoInnerError::into_error)
    }
}

/// The failure of what is written to: a closed pipe stays one.
fn failed(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A cell as it is written.
fn field(value: Value<'_>) -> String {
    match value {
        Value::Missing => String::new(),
        Value::Text(text) => guarded(text.into_owned()),
        Value::Number(number) => number.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Flag(flag) => flag.to_string(),
    }
}

/// A text that a spreadsheet would take for a formula, with an apostrophe
/// before it. A number is none, whatever its sign.
fn guarded(text: String) -> String {
    const FORMULA: &[char] = &[
        '=', '+', '-', '@', '\t', '\r', '\n', // and as wide as a letter of Chinese
        '＝', '＋', '－', '＠',
    ];
    match text.starts_with(FORMULA) && !is_number(&text) {
        true => format!("'{text}"),
        false => text,
    }
}

/// Digits with a sign, a point and an exponent; what else Rust reads as a
/// number (`-inf`) is a name elsewhere.
fn is_number(text: &str) -> bool {
    let signs = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    text.chars().all(signs) && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::Tree;
    use crate::trace::export::table::Kind;
    use crate::trace::record::Record;
    use crate::trace::samples::{any_record, run};

    #[test]
    fn formulas_are_guarded_and_numbers_stay_numbers() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+1", "+1"),
            ("-1.5e3", "-1.5e3"),
            ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-inf", "'-inf"),
            ("＝1", "'＝1"),
            ("\n=1", "'\n=1"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(guarded(text.to_owned()), cell);
        }
        assert_eq!(field(Value::Number(-0.25)), "-0.25");
        assert_eq!(field(Value::Flag(true)), "true");
        assert_eq!(field(Value::Missing), "");
    }

    /// A record of run `r` and problem `p`.
    fn placed(record: Record) -> Record {
        let mut value = serde_json::to_value(record).unwrap();
        value["run"] = "r".into();
        let problem = match value["record"].as_str() {
            Some("problem") => "id",
            _ => "problem",
        };
        value[problem] = "p".into();
        serde_json::from_value(value).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            records in prop::collection::vec(any_record(), 0..30),
            content in any::<bool>(),
        ) {
            let head = run("r");
            let tree = Tree::from_records("r", "p", records.into_iter().map(placed));
            let subject = Subject::new(Some(&head), &tree);
            for of in Of::ALL {
                let mut written: Box<dyn Export<Vec<u8>>> =
                    Box::new(Csv::new(Vec::new(), of, content).unwrap());
                let count = written.add(&subject).unwrap();
                let bytes = written.finish().unwrap();
                let columns = columns(of, content);
                let mut reader = csv::Reader::from_reader(bytes.as_slice());
                let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
                prop_assert_eq!(reader.headers().unwrap(), names);
                let mut read = reader.records();
                let rows = rows(of, &subject, |row| -> Result<(), TestCaseError> {
                    let record = read.next().unwrap().unwrap();
                    prop_assert_eq!(record.len(), columns.len());
                    for (column, cell) in columns.iter().zip(&record) {
                        match column.cell(row) {
                            Value::Missing => prop_assert_eq!(cell, ""),
                            Value::Text(text) => {
                                let shown = cell.strip_prefix('\'').unwrap_or(cell);
                                let own = text.strip_prefix('\'').unwrap_or(&text);
                                prop_assert_eq!(shown, own);
                                let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\n']);
                                prop_assert!(!begins || is_number(cell), "{}", cell);
                            }
                            Value::Number(number) => {
                                prop_assert_eq!(column.kind, Kind::Number);
                                prop_assert_eq!(cell.parse::<f64>().unwrap(), number);
                            }
                            Value::Count(count) => {
                                prop_assert_eq!(column.kind, Kind::Count);
                                prop_assert_eq!(cell.parse::<u64>().unwrap(), count);
                            }
                            Value::Flag(flag) => {
                                prop_assert_eq!(column.kind, Kind::Flag);
                                prop_assert_eq!(cell, flag.to_string());
                            }
                        }
                    }
                    Ok(())
                })?;
                prop_assert_eq!(rows, count);
                prop_assert!(read.next().is_none());
            }
        }
    }
}

//! Tables as Parquet files, compressed by Snappy. The cells are those of the
//! other formats; what is missing is null.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::table::{Column, Kind, Of, Value, columns, rows};
use super::{Export, Subject};

/// Rows of a group.
pub const GROUP: usize = 131_072;
/// Bytes of text from which a group is written before it has all its rows, so
/// that memory is bounded.
const MOST_TEXT: usize = 64 << 20;

/// Who wrote a file, in the form by which readers tell versions: they do not
/// trust the statistics of files that say it otherwise.
const CREATOR: &str = concat!(
    "pointsman version ",
    env!("CARGO_PKG_VERSION"),
    " (build release)"
);

/// The cells of a column that are not written yet, with 1 for every one that
/// is there and 0 for one that is missing.
struct Waiting {
    column: &'static Column,
    cells: Cells,
    levels: Vec<i16>,
}

enum Cells {
    Texts(Vec<ByteArray>),
    Numbers(Vec<f64>),
    Counts(Vec<i64>),
    Flags(Vec<bool>),
}

/// A table being written.
pub struct Parquet<W: Write + Send> {
    of: Of,
    out: SerializedFileWriter<W>,
    waiting: Vec<Waiting>,
    rows: usize,
    text: usize,
}

impl<W: Write + Send> Parquet<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(out: W, of: Of, content: bool) -> io::Result<Self> {
        let columns = columns(of, content);
        let fields: Result<Vec<_>, _> = columns.iter().map(|column| field(column)).collect();
        let schema = Type::group_type_builder(of.name()).with_fields(fields.map_err(failed)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(CREATOR.to_owned())
            .build();
        let out = SerializedFileWriter::new(
            out,
            Arc::new(schema.build().map_err(failed)?),
            Arc::new(properties),
        );
        Ok(Self {
            of,
            out: out.map_err(failed)?,
            waiting: columns.into_iter().map(Waiting::new).collect(),
            rows: 0,
            text: 0,
        })
    }

    /// Writes the rows that wait as a group.
    fn write(&mut self) -> Result<(), ParquetError> {
        let mut group = self.out.next_row_group()?;
        for column in &mut self.waiting {
            column.write(&mut group)?;
        }
        group.close()?;
        (self.rows, self.text) = (0, 0);
        Ok(())
    }
}

impl<W: Write + Send> Export<W> for Parquet<W> {
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<u64> {
        rows(self.of, subject, |row| {
            for column in &mut self.waiting {
                self.text += column.push(column.column.cell(row));
            }
            self.rows += 1;
            if self.rows >= GROUP || self.text >= MOST_TEXT {
                self.write()?;
            }
            Ok(())
        })
        .map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> io::Result<W> {
        if self.rows > 0 {
            self.write().map_err(failed)?;
        }
        self.out.into_inner().map_err(failed)
    }
}

impl Waiting {
    fn new(column: &'static Column) -> Self {
        let cells = match column.kind {
            Kind::Text => Cells::Texts(Vec::new()),
            Kind::Number => Cells::Numbers(Vec::new()),
            Kind::Count => Cells::Counts(Vec::new()),
            Kind::Flag => Cells::Flags(Vec::new()),
        };
        Self {
            column,
            cells,
            levels: Vec::new(),
        }
    }

    /// Takes a cell; how many bytes of text it is. One of another kind than its
    /// column is missing: columns have cells of their own kind only.
    fn push(&mut self, value: Value<'_>) -> usize {
        let mut bytes = 0;
        let mut there = true;
        match (&mut self.cells, value) {
            (Cells::Texts(texts), Value::Text(text)) => {
                bytes = text.len();
                texts.push(text.into_owned().into_bytes().into());
            }
            (Cells::Numbers(numbers), Value::Number(number)) => numbers.push(number),
            // Marked as unsigned: the bits are those of the count.
            (Cells::Counts(counts), Value::Count(count)) => counts.push(count.cast_signed()),
            (Cells::Flags(flags), Value::Flag(flag)) => flags.push(flag),
            _ => there = false,
        }
        self.levels.push(i16::from(there));
        bytes
    }

    fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let Some(mut column) = group.next_column()? else {
            return Ok(());
        };
        let levels = Some(self.levels.as_slice());
        match &mut self.cells {
            Cells::Texts(texts) => {
                column
                    .typed::<ByteArrayType>()
                    .write_batch(texts, levels, None)?;
                texts.clear();
            }
            Cells::Numbers(numbers) => {
                column
                    .typed::<DoubleType>()
                    .write_batch(numbers, levels, None)?;
                numbers.clear();
            }
            Cells::Counts(counts) => {
                column
                    .typed::<Int64Type>()
                    .write_batch(counts, levels, None)?;
                counts.clear();
            }
            Cells::Flags(flags) => {
                column
                    .typed::<BoolType>()
                    .write_batch(flags, levels, None)?;
                flags.clear();
            }
        }
        self.levels.clear();
        column.close()
    }
}

fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Count => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Kind::Flag => (Physical::BOOLEAN, None),
    };
    let field = Type::primitive_type_builder(column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    Ok(Arc::new(field.build()?))
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other.to_string()),
        },
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::*;
    use crate::trace::Tree;
    use crate::trace::record::Record;
    use crate::trace::samples;

    #[test]
    fn cells_are_those_of_the_other_tables() {
        let records = (0..300).map(|at| {
            let mut step = samples::step(&format!("{at}"), None, &format!("text {at}\u{1b}"));
            step.seed = u64::MAX - at;
            step.confidence.value = (at % 3 > 0).then_some(0.5);
            Record::Step(step.into())
        });
        let tree = Tree::from_records("r", "p", records);
        let head = samples::run("r");
        let subject = Subject::new(Some(&head), &tree);
        let file = tempfile::tempfile().unwrap();
        let mut table: Box<dyn Export<std::fs::File>> =
            Box::new(Parquet::new(file, Of::Steps, true).unwrap());
        assert_eq!(table.add(&subject).unwrap(), 300);
        let reader = SerializedFileReader::new(table.finish().unwrap()).unwrap();
        let creator = reader.metadata().file_metadata().created_by();
        assert!(creator.is_some_and(|by| by.starts_with("pointsman version ")));
        let columns = columns(Of::Steps, true);
        let mut read = reader.get_row_iter(None).unwrap();
        rows(Of::Steps, &subject, |row| -> Result<(), ParquetError> {
            let found = read.next().unwrap()?;
            for (column, (name, cell)) in columns.iter().zip(found.get_column_iter()) {
                assert_eq!(name, column.name);
                let expected = match column.cell(row) {
                    Value::Missing => Field::Null,
                    Value::Text(text) => Field::Str(text.into_owned()),
                    Value::Number(number) => Field::Double(number),
                    Value::Count(count) => Field::ULong(count),
                    Value::Flag(flag) => Field::Bool(flag),
                };
                assert_eq!(cell, &expected, "{name}");
            }
            Ok(())
        })
        .unwrap();
        assert!(read.next().is_none());
    }
}

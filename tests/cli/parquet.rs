//! `export --parquet`, read by another reader than what wrote it.

use std::fs::File;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::*;

/// What a table of the other kind says in a cell.
fn written(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Bool(holds) => holds.to_string(),
        Field::ULong(count) => count.to_string(),
        Field::Double(number) => number.to_string(),
        Field::Str(text) => text.clone(),
        other => panic!("no column is of this kind: {other:?}"),
    }
}

/// Whether two cells say the same: numbers may be written in several ways.
fn agree(a: &str, b: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    a == b || number(a).zip(number(b)).is_some_and(|(a, b)| a == b)
}

#[test]
fn every_cell_is_that_of_the_other_formats() {
    let folder = folder(&[]);
    let path = folder.path();
    // With drafts and their scores, so that every table has rows.
    let solve = [
        "solve",
        "--limit",
        "3",
        "--router",
        "rsd:delta=0.9",
        "--log",
        "a.jsonl",
        "--quiet",
    ];
    assert!(run(path, &solve).status.success());
    for of in ["steps", "decisions", "outcomes", "scores"] {
        let arguments = [
            "export",
            "a.jsonl",
            "--of",
            of,
            "--parquet",
            "t.parquet",
            "--csv",
            "t.csv",
            "--force",
        ];
        let output = run(path, &arguments);
        assert!(output.status.success(), "{of}: {output:?}");
        let mut csv = csv::Reader::from_path(path.join("t.csv")).unwrap();
        let names: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
        let file = File::open(path.join("t.parquet")).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<_> = reader
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let others: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), others.len(), "{of}");
        assert!(!rows.is_empty(), "{of}");
        for (row, other) in rows.iter().zip(&others) {
            assert_eq!(row.len(), names.len(), "{of}");
            for (column, (name, field)) in row.get_column_iter().enumerate() {
                assert_eq!(*name, names[column]);
                let (cell, text) = (written(field), &other[column]);
                assert!(agree(&cell, text), "{of}, {name}: {cell} {text}");
            }
        }
    }
}

//! Files for the tests of the formats.

use std::ops::ControlFlow;
use std::path::Path;

use super::{Damaged, Format, ImportError, Options, Row, Trajectory, read};

/// Everything that a file gives.
#[derive(Debug, Default)]
pub struct Found {
    pub trajectories: Vec<Trajectory>,
    pub damaged: Vec<Damaged>,
}

/// Reads a file to its end.
pub fn of_file(format: Format, path: &Path, options: &Options) -> Result<Found, ImportError> {
    let mut found = Found::default();
    read(format, path, options, &mut |row| {
        match row {
            Row::Trajectory(one) => found.trajectories.push(*one),
            Row::Damaged(damaged) => found.damaged.push(damaged),
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Reads a file of this name and content.
pub fn of_named(format: Format, name: &str, content: &[u8], options: &Options) -> Found {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    of_file(format, &path, options).unwrap()
}

/// Reads a text, whatever its name.
pub fn of_text(format: Format, text: &str, options: &Options) -> Found {
    of_named(format, "some.jsonl", text.as_bytes(), options)
}

/// So many trajectories and no others.
pub fn trajectories<const N: usize>(found: &Found) -> [&Trajectory; N] {
    let all: Vec<&Trajectory> = found.trajectories.iter().collect();
    all.try_into()
        .unwrap_or_else(|all: Vec<_>| panic!("{} trajectories: {found:?}", all.len()))
}

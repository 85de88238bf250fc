//! Puts trained models where the program takes them from.

use std::fs;
use std::path::Path;

use super::checkpoint::{CheckpointError, export, import, write_whole};
use super::run::CurvePoint;
use crate::pair::language::solution::Author;
use crate::pair::vocabulary::Vocabulary;

/// Most lines of a shipped curve.
const CURVE_LINES: usize = 60;

/// Copies the model of a finished run into `assets/<role>/`, with its `training.json`, and its
/// curve, thinned, into `assets/curve-<role>.jsonl`.
///
/// # Errors
/// The run is incomplete, or a file cannot be read or written.
pub fn release(author: Author, run: &Path, assets: &Path) -> Result<(), CheckpointError> {
    let role = author.name();
    let network = import(run)?;
    let folder = assets.join(role);
    export(&network, &Vocabulary::new(), &folder)?;
    let training = read(&run.join("training.json"))?;
    write_whole(&folder.join("training.json"), training.as_bytes())?;
    let path = run.join("curve.jsonl");
    let curve = points(&path, &read(&path)?)?;
    let lines = thinned(&curve).map(|point| {
        // Plain numbers always serialise.
        serde_json::to_string(point).unwrap_or_default() + "\n"
    });
    let path = assets.join(format!("curve-{role}.jsonl"));
    write_whole(&path, lines.collect::<String>().as_bytes())
}

fn read(path: &Path) -> Result<String, CheckpointError> {
    fs::read_to_string(path).map_err(|source| CheckpointError::File {
        path: path.to_owned(),
        source,
    })
}

/// The points of a curve in the order of their steps. A resumed run repeats steps that came
/// after its last checkpoint; the later line counts.
fn points(path: &Path, text: &str) -> Result<Vec<CurvePoint>, CheckpointError> {
    let mut points: Vec<CurvePoint> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let point: CurvePoint =
            serde_json::from_str(line).map_err(|error| CheckpointError::Content {
                path: path.to_owned(),
                reason: format!("line {number}: {error}"),
            })?;
        points.retain(|earlier| earlier.step < point.step);
        points.push(point);
    }
    Ok(points)
}

/// Evenly chosen points, the first and the last among them.
fn thinned(points: &[CurvePoint]) -> impl Iterator<Item = &CurvePoint> {
    let wanted = points.len().min(CURVE_LINES);
    let last = points.len().saturating_sub(1);
    let gaps = wanted.saturating_sub(1).max(1);
    (0..wanted).map(move |index| &points[index * last / gaps])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(steps: &[u32]) -> String {
        let point = |step: &u32| {
            format!(
                "{{\"step\":{step},\"tokens\":1,\"seconds\":1.0,\"loss\":1.0,\"log_sum_spread\":1.0,\
                 \"gradient_norm\":1.0,\"rate_factor\":1.0,\"held_out_loss\":1.0,\
                 \"step_accuracy\":0.0}}\n"
            )
        };
        steps.iter().map(point).collect()
    }

    #[test]
    fn a_curve_is_thinned_and_repeated_steps_are_dropped() {
        let path = Path::new("curve.jsonl");
        let steps: Vec<u32> = (1..=120).chain(110..=200).collect();
        let read = points(path, &curve(&steps)).unwrap();
        assert_eq!(read.len(), 200);
        let kept: Vec<u32> = thinned(&read).map(|point| point.step).collect();
        assert_eq!(kept.len(), CURVE_LINES);
        assert_eq!((kept[0], kept[CURVE_LINES - 1]), (1, 200));
        assert!(kept.is_sorted_by(|a, b| a < b));
        assert_eq!(thinned(&read[..3]).count(), 3);
        let error = points(path, "{}\n").unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}

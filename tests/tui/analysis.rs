//! The screen of analysis: keys in, pages out.

use pointsman::app::{Page, Screen};
use pointsman::eval::analysis::{Failure, Score, Slice, Target};

use crate::screens::{draw_dark, text};
use crate::tables::two_runs;

#[test]
fn every_page_at_every_size() {
    let (mut stage, _folder) = two_runs();
    stage.keys("a");
    assert_eq!(stage.model.view.screen, Screen::Analysis);
    for page in Page::ALL {
        assert_eq!(stage.model.analysis.page, page);
        for size in [(80, 24), (120, 40), (200, 60)] {
            let title = page.title().to_lowercase();
            let name = format!("analysis-{title}-{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
        }
        stage.keys("tab");
    }
    assert_eq!(stage.model.analysis.page, Page::Calibration, "round again");
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
}

#[test]
fn what_is_asked_is_looked_at_anew() {
    let (mut stage, _folder) = two_runs();
    stage.keys("a");
    let found = stage.model.analysis.found.as_ref().unwrap();
    assert_eq!((found.trajectories, found.target), (6, Target::Answer));
    let steps = found.reliability[0].1.steps;
    assert!(steps > 0);
    stage.keys("s b");
    let found = stage.model.analysis.found.as_ref().unwrap();
    assert_eq!(
        (found.ask.score, found.ask.slice),
        (Score::Prob, Slice::Index)
    );
    // Nobody verified a step.
    stage.keys("x");
    let found = stage.model.analysis.found.as_ref().unwrap();
    assert_eq!(
        (found.target, found.reliability[0].1.steps),
        (Target::Verified, 0)
    );
    // Of what the table shows, not of everything.
    stage.keys("P f ctrl-u");
    stage.type_text("run = a");
    stage.keys("enter a");
    let found = stage.model.analysis.found.as_ref().unwrap();
    assert_eq!(found.trajectories, 3);
}

#[test]
fn a_cell_of_the_failures_opens_its_trajectories() {
    let (mut stage, _folder) = two_runs();
    stage.keys("a shift-tab shift-tab");
    assert_eq!(stage.model.analysis.page, Page::Failures);
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    let headings = picture.lines().find(|line| line.contains("truncated"));
    for failure in Failure::ALL {
        assert!(headings.unwrap().contains(failure.name()), "{picture}");
    }
    let found = stage.model.analysis.found.as_ref().unwrap();
    let rows = &found.by_domain.rows;
    let cell = rows.iter().enumerate().find_map(|(row, of)| {
        let column = of.failures.iter().position(|&count| count > 0)?;
        Some((row, column, of.failures[column]))
    });
    let (row, column, count) = cell.expect("four of six are wrong");
    for _ in 0..row {
        stage.keys("j");
    }
    for _ in 0..column {
        stage.keys("l");
    }
    stage.keys("enter");
    assert_eq!(stage.model.view.screen, Screen::Problems);
    assert_eq!(stage.model.table.order.len(), count);
    stage.keys("esc");
    assert_eq!(stage.model.table.order.len(), 6, "the filter goes first");
}

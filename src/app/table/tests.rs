use std::cell::RefCell;
use std::sync::Arc;

use crate::survey::{Fact, Survey, Texts};
use crate::trace::record::Record;
use crate::trace::samples;

use super::*;

/// Trajectories `0`, `1`, … of so many steps each.
fn survey(lengths: impl IntoIterator<Item = usize>) -> Survey {
    let mut survey = Survey::default();
    for (place, length) in lengths.into_iter().enumerate() {
        for at in 0..length {
            add_step(&mut survey, place, at);
        }
    }
    survey
}

fn add_step(survey: &mut Survey, place: usize, at: usize) {
    let parent = at.checked_sub(1).map(|before| format!("{place}-{before}"));
    let mut step = samples::step(&format!("{place}-{at}"), parent.as_deref(), "x");
    step.problem = place.to_string();
    survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
}

/// Reads texts: the question of each trajectory is its place.
struct Reader {
    read: RefCell<Vec<usize>>,
    breaks: bool,
}

impl Reader {
    fn new() -> Self {
        Self {
            read: RefCell::default(),
            breaks: false,
        }
    }

    fn read(&self, wanted: TextsWanted, survey: &Survey) -> TextsRead {
        let texts_of = |_: &Survey, place: usize| {
            self.read.borrow_mut().push(place);
            match self.breaks {
                true => Err("the disk is gone".to_owned()),
                false => Ok(Texts::of_question(Some(format!("question {place}")))),
            }
        };
        wanted.read(survey, &texts_of)
    }

    /// Reads all that is wanted; the number of parts.
    fn read_all(&self, table: &mut Table, survey: &Survey) -> usize {
        let mut parts = 0;
        while let Some(wanted) = table.next_part(survey) {
            assert!(table.next_part(survey).is_none(), "one at a time");
            assert!(table.texts_read().is_some());
            let read = self.read(wanted, survey);
            table.take_read(read);
            parts += 1;
        }
        assert!(table.texts_read().is_none());
        table.refresh(survey, false);
        parts
    }
}

fn table(survey: &Survey, of: Use, text: &str) -> Table {
    let mut table = Table::default();
    table.take(of, text, survey).unwrap();
    table
}

fn groups(table: &Table) -> Vec<(&str, usize)> {
    let rows = table.rows.iter();
    let groups = rows.filter_map(|row| match row {
        Row::Group { value, members, .. } => Some((value.as_str(), members.len())),
        _ => None,
    });
    groups.collect()
}

#[test]
fn texts_are_read_part_by_part_and_rows_come_with_them() {
    let survey = survey([30; 150]);
    let mut table = table(&survey, Use::Filter, "question ~ \"question 1\"");
    table.refresh(&survey, false);
    assert!(table.order.is_empty());
    let reader = Reader::new();
    let first = table.next_part(&survey).unwrap();
    let some = first.places().len();
    table.take_read(reader.read(first, &survey));
    table.refresh(&survey, false);
    assert_eq!(table.texts_read(), Some((some, 150)));
    assert!(!table.order.is_empty(), "the first ones are there at once");
    assert!(reader.read_all(&mut table, &survey) > 0);
    // 1, 10 to 19 and 100 to 149.
    assert_eq!(table.order.len(), 61);
    assert_eq!(reader.read.borrow().len(), 150);
    // Nothing is read twice.
    assert!(table.next_part(&survey).is_none());
    assert_eq!(table.texts_failed(), None);
}

#[test]
fn a_newer_expression_takes_the_place_of_one_that_is_being_read() {
    let survey = survey([1; 20]);
    let mut table = table(&survey, Use::Filter, "question ~ \"question 1\"");
    let reader = Reader::new();
    let first = table.next_part(&survey).unwrap();
    table
        .take(Use::Filter, "question ~ \"question 7\"", &survey)
        .unwrap();
    assert!(table.next_part(&survey).is_none(), "one at a time");
    table.take_read(reader.read(first, &survey));
    table.refresh(&survey, false);
    assert!(table.order.is_empty(), "what was found is not asked for");
    reader.read_all(&mut table, &survey);
    assert_eq!(table.order, [7]);
}

#[test]
fn only_texts_that_can_matter_are_read() {
    let survey = survey([1, 2, 3, 3]);
    let reader = Reader::new();
    let mut filtered = table(
        &survey,
        Use::Filter,
        "steps > 2 & question ~ \"question 3\"",
    );
    reader.read_all(&mut filtered, &survey);
    assert_eq!(filtered.order, [3]);
    assert_eq!(*reader.read.borrow(), [2, 3]);
    // Of those that a filter without texts leaves.
    reader.read.borrow_mut().clear();
    let mut grouped = table(&survey, Use::Filter, "steps < 3");
    grouped
        .take(Use::Group, "question ~ \"question 1\"", &survey)
        .unwrap();
    grouped.refresh(&survey, false);
    assert_eq!(groups(&grouped), [("not read yet", 2)]);
    reader.read_all(&mut grouped, &survey);
    assert_eq!(*reader.read.borrow(), [0, 1]);
    assert_eq!(groups(&grouped), [("no", 1), ("yes", 1)]);
    let mut sorted = table(&survey, Use::Sort, "question ~ \"question 1\"");
    reader.read_all(&mut sorted, &survey);
    assert_eq!(sorted.order, [0, 2, 3, 1]);
}

#[test]
fn what_grew_is_read_again_and_nothing_else() {
    let mut survey = survey([1, 1, 1]);
    let mut table = table(
        &survey,
        Use::Filter,
        "question ~ \"question 2\" & steps < 2",
    );
    let reader = Reader::new();
    reader.read_all(&mut table, &survey);
    assert_eq!(table.order, [2]);
    reader.read.borrow_mut().clear();
    add_step(&mut survey, 1, 1);
    assert_eq!(
        reader.read_all(&mut table, &survey),
        0,
        "1 cannot hold any more"
    );
    add_step(&mut survey, 3, 0);
    reader.read_all(&mut table, &survey);
    assert_eq!(*reader.read.borrow(), [3]);
    // What held and does not any more goes without being read.
    add_step(&mut survey, 2, 1);
    reader.read_all(&mut table, &survey);
    assert!(table.order.is_empty());
    assert_eq!(*reader.read.borrow(), [3]);
}

#[test]
fn a_log_that_cannot_be_read_is_told_and_not_asked_for_ever() {
    let survey = survey([1; 3]);
    let mut table = table(&survey, Use::Filter, "question ~ x");
    let mut reader = Reader::new();
    reader.breaks = true;
    assert_eq!(reader.read_all(&mut table, &survey), 1);
    assert_eq!(table.texts_failed(), Some("the disk is gone"));
    // Asked again it is tried again.
    reader.breaks = false;
    table
        .take(Use::Filter, "question ~ \"question 1\"", &survey)
        .unwrap();
    reader.read_all(&mut table, &survey);
    assert_eq!(
        (table.order.as_slice(), table.texts_failed()),
        (&[1][..], None)
    );
}

#[test]
fn groups_of_numbers_are_told_apart() {
    let survey = survey([1, 2, 2]);
    for (by, wanted) in [
        ("steps / 3000", ["0.000333", "0.000667"]),
        // Alike in three digits, and each a number that a float holds.
        ("0.5 + steps / 65536", ["0.500015258", "0.500030517"]),
    ] {
        let mut table = table(&survey, Use::Group, by);
        table.fold = false;
        table.refresh(&survey, false);
        let names: Vec<&str> = groups(&table).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 2);
        for (name, wanted) in names.iter().zip(wanted) {
            assert!(name.starts_with(wanted), "{name} {wanted}");
        }
        // One that is opened is the only one that is.
        table.toggle(&survey);
        let open = |row: &&Row| matches!(row, Row::Group { open: true, .. });
        assert_eq!(table.rows.iter().filter(open).count(), 1);
    }
}

/// Two runs of two problems, of so many steps each: the first run first.
fn repeats(lengths: [[usize; 2]; 2]) -> Survey {
    let mut survey = Survey::default();
    for (run, lengths) in lengths.into_iter().enumerate() {
        for (problem, length) in ["a", "b"].into_iter().zip(lengths) {
            for at in 0..length {
                let id = |at: usize| format!("{run}-{problem}-{at}");
                let before = at.checked_sub(1).map(id);
                let mut step = samples::step(&id(at), before.as_deref(), "x");
                step.problem = problem.to_owned();
                step.run = run.to_string();
                survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
            }
        }
    }
    survey
}

#[test]
fn folded_problems_are_sorted_by_the_mean_that_they_show() {
    // Places: run 0 has a (0) and b (1), run 1 a (2) and b (3).
    let survey = repeats([[1, 3], [9, 3]]);
    let order = |of: Use, text: &str, group: Option<&str>| {
        let mut table = table(&survey, of, text);
        if let Some(group) = group {
            table.take(Use::Group, group, &survey).unwrap();
        }
        table.refresh(&survey, false);
        table.order
    };
    assert_eq!(order(Use::Sort, "steps", None), [1, 3, 0, 2], "3 before 5");
    assert_eq!(order(Use::Sort, "-steps", None), [2, 0, 1, 3]);
    // Of repeats in several groups each group has its own mean: without its
    // short one a is the longer one.
    assert_eq!(
        order(Use::Sort, "steps", Some("steps > 1")),
        [0, 1, 3, 2],
        "no: a; yes: b, then the rest of a"
    );
    // What has no mean stays in order.
    assert_eq!(order(Use::Sort, "problem", None), [0, 2, 1, 3]);
    let mut unfolded = table(&survey, Use::Sort, "steps");
    unfolded.fold = false;
    unfolded.refresh(&survey, false);
    assert_eq!(unfolded.order, [0, 1, 3, 2]);
}

#[test]
fn problems_of_which_nothing_is_known_come_last() {
    let survey = repeats([[1, 3], [9, 3]]);
    // Costs are known of none, difficulties of none: the order stays.
    let order = |by: &str, survey: &Survey| {
        let mut table = table(survey, Use::Sort, by);
        table.refresh(survey, false);
        table.order
    };
    for by in ["-cost", "difficulty"] {
        assert_eq!(order(by, &survey), [0, 2, 1, 3], "{by}");
    }
    // Of regrets the largest of a problem counts, either way; known of `a` only.
    let mut survey = survey;
    let regrets = [0.9, f32::NAN, 0.1, f32::NAN].map(|regret| Box::from([regret]));
    survey.set_regrets(regrets.into(), vec![None; 4]);
    assert_eq!(order("-max(regret)", &survey), [0, 2, 1, 3]);
    let regrets = [0.0, 0.1, 0.9, 0.1].map(|regret| Box::from([regret]));
    survey.set_regrets(regrets.into(), vec![None; 4]);
    assert_eq!(
        order("max(regret)", &survey),
        [1, 3, 0, 2],
        "0.1 before 0.9"
    );
    assert_eq!(order("-max(regret)", &survey), [2, 0, 1, 3]);
}

#[test]
fn groups_are_sorted_as_their_rows_are() {
    let survey = repeats([[1, 3], [9, 4]]);
    let grouped = |sort: &str| {
        let mut table = table(&survey, Use::Group, "run");
        table.take(Use::Sort, sort, &survey).unwrap();
        table.refresh(&survey, false);
        table.order
    };
    // Means of 2 and 6.5 steps.
    assert_eq!(grouped("steps"), [0, 1, 3, 2]);
    assert_eq!(grouped("-steps"), [2, 3, 1, 0]);
}

#[test]
fn who_has_no_failure_is_said_to_be_right_once_that_is_known() {
    let mut survey = survey([1, 1]);
    let mut table = table(&survey, Use::Group, "failure");
    table.refresh(&survey, false);
    assert_eq!(groups(&table), [("not worked out yet", 2)]);
    let regrets = vec![Box::from([f32::NAN]); 2];
    survey.set_regrets(regrets, vec![Some("routing"), None]);
    table.regretted();
    table.refresh(&survey, false);
    assert_eq!(
        groups(&table),
        [("routing", 1), ("right, or unfinished", 1)]
    );
}

use std::sync::Arc;

use proptest::prelude::*;

use crate::expr::{Field, Scope, Source};
use crate::trace::Tree;
use crate::trace::index::Kind;
use crate::trace::label::Label;
use crate::trace::record::{CHECKER, JUDGE, PRM, Record, VERIFIER};
use crate::trace::samples::{any_record, model, run};

use super::*;

/// One of a few ids, so that records meet.
fn id(number: u8) -> String {
    format!("{:016x}", number % 6 + 1)
}

/// The record in run `r` of problem `p`, with ids that meet those of others.
fn placed(record: Record, numbers: [u8; 3]) -> Record {
    let [a, b, c] = numbers;
    // Of one in six nothing comes before it.
    let before = (b % 6 != 0).then(|| id(b));
    match record {
        Record::Problem(mut record) => {
            record.run = "r".into();
            record.problem.id = "p".into();
            Record::Problem(record)
        }
        Record::Step(step) => {
            let mut step = Arc::unwrap_or_clone(step);
            step.run = "r".into();
            step.problem = "p".into();
            step.id = id(a);
            // Content hashes of a step never name the step itself.
            step.parent = before.filter(|before| *before != step.id);
            step.decision = Some(id(c));
            // No step is of four billion tokens.
            step.usage.output = step.usage.output.min(u64::from(u32::MAX));
            step.usage.prompt = step.usage.prompt.min(u64::from(u32::MAX));
            step.model = ["s", "l", "person"][usize::from(c % 3)].into();
            Record::Step(Arc::new(step))
        }
        Record::Decision(made) => {
            let mut made = Arc::unwrap_or_clone(made);
            made.run = "r".into();
            made.problem = "p".into();
            made.id = id(c);
            made.after = before;
            made.action = ["s", "l"][usize::from(a % 2)].into();
            Record::Decision(Arc::new(made))
        }
        Record::Score(mut score) => {
            score.run = "r".into();
            score.problem = "p".into();
            score.step = before;
            score.scorer = [PRM, JUDGE, VERIFIER, CHECKER][usize::from(c % 4)].into();
            Record::Score(score)
        }
        Record::Outcome(mut outcome) => {
            outcome.run = "r".into();
            outcome.problem = "p".into();
            outcome.leaf = before;
            Record::Outcome(outcome)
        }
        Record::Label(mut label) => {
            label.run = "r".into();
            label.problem = "p".into();
            label.step = id(b);
            label.who = ["ada", "bob"][usize::from(a % 2)].into();
            // A word that nobody knows now and then.
            let word = Label::ALL.get(usize::from(c % 10));
            label.label = word.map_or("odd", |label| label.name()).into();
            Record::Label(label)
        }
        other => other,
    }
}

fn head() -> RunRecord {
    let mut head = run("r");
    head.pool = vec![model("s"), model("l")];
    head
}

fn kind(record: &Record) -> Kind {
    let value = serde_json::to_value(record).unwrap();
    Kind::of(value["record"].as_str().unwrap()).unwrap()
}

/// The value of every field, in words.
fn values(source: &dyn Source) -> Vec<String> {
    let mut values = Vec::new();
    for info in Field::ALL {
        match info.scope {
            Scope::Trajectory => {
                let value = source.of_trajectory(info.field);
                values.push(format!("{}: {value:?}", info.name));
            }
            Scope::Step => values.extend((0..source.steps()).map(|at| {
                let value = source.of_step(at, info.field);
                format!("{} of {at}: {value:?}", info.name)
            })),
        }
    }
    values
}

proptest! {
    #[test]
    fn a_survey_sees_what_the_tree_holds(
        records in prop::collection::vec((any_record(), any::<[u8; 3]>()), 0..40),
        lose_head in any::<bool>(),
    ) {
        let head = head();
        let mut records: Vec<Record> =
            records.into_iter().map(|(record, numbers)| placed(record, numbers)).collect();
        records.retain(|record| !matches!(record, Record::Run(_)));
        // Whatever comes, the trajectory is there.
        records.push(placed(Record::Label(crate::trace::record::LabelRecord {
            run: String::new(),
            step: String::new(),
            problem: String::new(),
            who: "a".into(),
            when: String::new(),
            label: "good".into(),
            note: None,
        }), [0; 3]));
        let known = (!lose_head).then_some(&head);
        let tree = Tree::from_records("r", "p", records.iter().cloned());
        let whole = crate::expr::Trajectory::main_line(known, &tree);
        let mut of_records = Survey::default();
        let mut of_lines = Survey::default();
        let heads = known.map(|head| Record::Run(Box::new(head.clone())));
        for record in heads.iter().chain(&records) {
            if let Some(fact) = Fact::of(record) {
                of_records.add(fact);
            }
            let line = serde_json::to_vec(record).unwrap();
            if let Some(fact) = Fact::read(kind(record), &line) {
                of_lines.add(fact);
            }
        }
        let expected = values(&whole);
        for survey in [&of_records, &of_lines] {
            let place = survey.find("r", "p").unwrap();
            // A survey keeps no texts: these are beside it.
            let texts = Texts::of_tree(&tree);
            let seen = WithTexts::new(survey.view(place), &texts);
            prop_assert_eq!(&values(&seen), &expected);
        }
        prop_assert_eq!(of_records.steps(), tree.len());
    }
}

#[test]
fn ids_of_other_forms_are_told_apart() {
    assert_eq!(fact::Id::of("00000000000000ff").0, 255);
    assert_ne!(fact::Id::of("a"), fact::Id::of("b"));
    assert_eq!(fact::Id::of("0000000000000000").0, 1);
}

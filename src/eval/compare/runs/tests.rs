use super::*;
use crate::eval::samples::{head, records};
use crate::survey::Fact;
use crate::trace::record::Record;

fn survey(runs: &[(&RunRecord, &str, f64)]) -> Survey {
    let mut survey = Survey::default();
    for (head, marks, cost) in runs {
        for record in records(head, marks, *cost) {
            survey.add(Fact::of(&record).unwrap());
        }
    }
    survey
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
}

#[test]
fn two_runs_are_paired_over_the_problems_of_both() {
    let (small, large) = (head("a", "small", 0), head("b", "large", 0));
    let survey = survey(&[(&small, "++--+-?+.+", 1.0), (&large, "+++++-+-+", 3.0)]);
    let between = Between::new(&survey, [0, 1]).unwrap();
    let flips: Vec<(&str, Flip)> = between
        .cases
        .iter()
        .map(|case| (survey.name(case.problem), case.flip))
        .collect();
    assert_eq!(
        flips,
        [
            ("p7", Flip::Lost),
            ("p2", Flip::Gained),
            ("p3", Flip::Gained),
            ("p5", Flip::BothWrong),
            ("p0", Flip::BothRight),
            ("p1", Flip::BothRight),
            ("p4", Flip::BothRight),
            ("p6", Flip::Ungraded),
        ],
        "flipped outcomes first"
    );
    assert_eq!(between.only, [1, 1]);
    assert!(between.cautions.is_empty(), "{:?}", between.cautions);
    let said = left_out(&between);
    assert_eq!(
        said,
        "left out: 1 problem ungraded, 1 only in the first, 1 only in the second"
    );
    // Graded in both are seven: 4 right in the first, 5 in the second.
    let gap = between.sample(&survey).gap().unwrap();
    near(gap.means[0].accuracy, 4.0 / 7.0);
    near(gap.means[1].accuracy, 5.0 / 7.0);
    near(gap.paired.accuracy.unwrap().value, 1.0 / 7.0);
    assert_eq!((gap.paired.better, gap.paired.worse), (2, 1));
    // Two heads and one tail or the other way round: 2 · (1 + 3) / 8.
    assert_eq!((gap.paired.p, gap.paired.test), (1.0, "exact McNemar"));
    assert_eq!(gap.paired.published.unwrap().value, 2.0);
    assert_eq!(gap.paired.full.unwrap().interval, Some([4.0, 4.0]));
    let interval = gap.paired.accuracy.unwrap().interval.unwrap();
    assert!(interval[0] < 0.0 && interval[1] > 1.0 / 7.0, "{interval:?}");
}

#[test]
fn the_other_order_is_the_other_sign() {
    let (small, large) = (head("a", "small", 0), head("b", "large", 0));
    let survey = survey(&[(&small, "+--+-", 1.0), (&large, "++++-", 3.0)]);
    let [ours, theirs] = [[0, 1], [1, 0]].map(|runs| {
        let between = Between::new(&survey, runs).unwrap();
        between.sample(&survey).gap().unwrap()
    });
    near(
        ours.paired.accuracy.unwrap().value,
        -theirs.paired.accuracy.unwrap().value,
    );
    assert_eq!(ours.paired.p, theirs.paired.p);
    // Nobody knows who is large here: that is no number, and no number equals it.
    let known = |means: &Means| (means.accuracy, means.published, means.full, means.steps);
    assert_eq!(known(&ours.means[0]), known(&theirs.means[1]));
}

#[test]
fn shards_are_one_side_and_repeats_are_one_problem() {
    let shard = |run: &str, text: &str| {
        let mut head = head(run, "small", 0);
        head.shard = Some(text.parse().unwrap());
        head
    };
    let shards = [shard("a1", "1/2"), shard("a2", "2/2")];
    let large = head("b", "large", 0);
    // The second problem ran in both shards: once right, once wrong.
    let survey = survey(&[
        (&shards[0], "+-.", 1.0),
        (&shards[1], ".++", 2.0),
        (&large, "++-", 3.0),
    ]);
    let between = Between::new(&survey, [0, 2]).unwrap();
    assert_eq!(between.runs, [vec![0, 1], vec![2]]);
    assert!(between.has_repeats());
    let repeated = between.cases.iter().find(|case| case.places[0].len() == 2);
    let repeated = repeated.unwrap();
    assert_eq!(survey.name(repeated.problem), "p1");
    assert_eq!(repeated.flip, Flip::Gained, "half right, then right");
    assert_eq!(verdict(&repeated.tallies[0]), None);
    assert_eq!(verdict(&repeated.tallies[1]), Some(Verdict::Correct));
    let gap = between.sample(&survey).gap().unwrap();
    // Three problems, one sign each: p1 for the second, p2 against it.
    assert_eq!(gap.paired.problems, 3);
    assert_eq!((gap.paired.better, gap.paired.worse), (1, 1));
    assert_eq!(gap.paired.test, "exact sign test over problems");
    near(gap.means[0].accuracy, 3.0 / 4.0);
    let error = Between::new(&survey, [0, 1]).unwrap_err();
    assert!(error.contains("shards of one run"), "{error}");
}

#[test]
fn what_makes_runs_hard_to_compare_is_said() {
    let first = head("a", "small", 0);
    let mut second = head("b", "large", 0);
    second.pool[1].name = "xl".into();
    second.sampling.temperature = 0.0;
    second.cost_unit = Some("USD".into());
    second.command = "inspect".into();
    let survey = survey(&[(&first, "+-", 1.0), (&second, "--", 3.0)]);
    let between = Between::new(&survey, [0, 1]).unwrap();
    let said = between.cautions.join("\n");
    for words in [
        "pools differ: s, l and s, xl",
        "temperature 0.7 and 0",
        "flops and USD",
        "made by `inspect`",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let gap = between.sample(&survey).gap().unwrap();
    assert_eq!(gap.paired.published, None, "never silently compared");
    assert!(gap.paired.accuracy.is_some());
}

#[test]
fn other_questions_of_one_id_are_no_pair() {
    let (first, second) = (head("a", "small", 0), head("b", "large", 0));
    let mut survey = survey(&[(&first, "++", 1.0)]);
    for mut record in records(&second, "+-", 2.0) {
        if let Record::Problem(problem) = &mut record
            && problem.problem.id == "p0"
        {
            problem.problem.question = "Something else?".into();
        }
        survey.add(Fact::of(&record).unwrap());
    }
    let between = Between::new(&survey, [0, 1]).unwrap();
    assert_eq!((between.cases.len(), between.other_questions), (1, 1));
    assert!(left_out(&between).contains("another question"));
}

#[test]
fn runs_without_anything_in_common_are_refused() {
    let (first, second) = (head("a", "small", 0), head("b", "large", 0));
    let survey = survey(&[(&first, "+.", 1.0), (&second, ".+", 2.0)]);
    let error = Between::new(&survey, [0, 1]).unwrap_err();
    assert!(error.contains("no problem in common"), "{error}");
    let error = Between::new(&survey, [0, 0]).unwrap_err();
    assert!(error.contains("itself"), "{error}");
    let (first, second) = (head("a", "small", 0), head("b", "large", 0));
    let survey = self::survey(&[(&first, "?+", 1.0), (&second, "+?", 2.0)]);
    let between = Between::new(&survey, [0, 1]).unwrap();
    let sample = between.sample(&survey);
    assert!(matches!(sample.gap(), Err(PairError::Ungraded { .. })));
}

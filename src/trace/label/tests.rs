use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn ballot(labels: &[(&'static str, Label)]) -> Ballot<&'static str> {
    labels.iter().copied().collect()
}

#[test]
fn words_are_read_as_they_are_written() {
    for label in Label::ALL {
        assert_eq!(label.name().parse(), Ok(label));
    }
    let error = "wrong".parse::<Label>().unwrap_err();
    assert!(error.to_string().contains("`wrong` is no label"), "{error}");
    for rating in Rating::ALL {
        assert_eq!(rating.label().rating(), Some(rating));
    }
}

#[test]
fn the_last_rating_of_a_person_holds_and_flags_stand_beside_it() {
    let said = ballot(&[
        ("ada", Label::Bad),
        ("ada", Label::Flagged),
        ("bob", Label::Neutral),
        ("ada", Label::Good),
    ]);
    let ada = said.of(&"ada");
    assert_eq!((ada.rating, ada.flagged), (Some(Rating::Good), true));
    assert_eq!(said.of(&"bob").rating, Some(Rating::Neutral));
    assert_eq!(said.of(&"carol"), Opinion::default());
    assert_eq!(said.rating(), Some(Rating::Good), "ada came last");
    assert!(said.is_flagged());
}

#[test]
fn taking_back_uncovers_what_was_said_before() {
    let mut said = ballot(&[("ada", Label::Bad), ("bob", Label::Good)]);
    said.add("ada", Label::Neutral);
    assert_eq!(said.rating(), Some(Rating::Neutral));
    said.add("ada", Label::Retracted);
    assert_eq!(said.of(&"ada").rating, Some(Rating::Bad));
    // Bob's came after the rating of Ada that stands.
    assert_eq!(said.rating(), Some(Rating::Good));
    said.add("bob", Label::Retracted);
    said.add("bob", Label::Retracted);
    assert_eq!(said.rating(), Some(Rating::Bad));
    assert_eq!(said.opinions().count(), 1, "nothing of Bob stands");
    said.add("bob", Label::Skipped);
    assert!(said.of(&"bob").is_done());
    assert_eq!(said.rating(), Some(Rating::Bad));
}

#[test]
fn a_flag_alone_is_not_a_step_that_is_done() {
    let said = ballot(&[("ada", Label::Flagged)]);
    assert!(!said.of(&"ada").is_done());
    assert!(!said.of(&"ada").is_empty());
}

#[test]
fn the_first_error_is_known_where_no_step_before_it_is_open() {
    use Rating::{Bad, Good, Neutral};
    let of = |ratings: &[Option<Rating>]| first_error_of(ratings);
    assert_eq!(
        of(&[Some(Good), Some(Neutral), Some(Bad), None]),
        Some(FirstError::At(2))
    );
    assert_eq!(of(&[Some(Good), None, Some(Bad)]), None);
    assert_eq!(of(&[Some(Good), None]), None);
    assert_eq!(of(&[Some(Good), Some(Good)]), Some(FirstError::None));
    assert_eq!(
        of(&[None, None, Some(Rating::FirstError)]),
        Some(FirstError::At(2))
    );
    assert_eq!(
        of(&[None, Some(Bad), Some(Rating::FirstError)]),
        Some(FirstError::At(1))
    );
    assert_eq!(of(&[]), Some(FirstError::None));
}

#[test]
fn of_several_first_errors_the_last_one_counts() {
    use Rating::{Bad, Good, Neutral};
    let mark = Rating::FirstError;
    // Marked at the fourth step, then at the second.
    assert_eq!(
        together(&[
            Some((Good, 1)),
            Some((mark, 3)),
            None,
            Some((mark, 2)),
            Some((Bad, 1))
        ]),
        [Some(Good), Some(mark), None, Some(Bad), Some(Bad)]
    );
    // Marked at the second, then at the fourth: what is before it is right.
    let held = together(&[
        Some((Bad, 1)),
        Some((mark, 2)),
        Some((Neutral, 1)),
        Some((mark, 3)),
    ]);
    assert_eq!(held, [Some(Good), Some(Good), Some(Neutral), Some(mark)]);
    assert_eq!(first_error_of(&held), Some(FirstError::At(3)));
    // A step before it that was found wrong later on, or nobody knows when.
    for when in [4, 3] {
        let held = together(&[Some((Bad, when)), Some((mark, 3))]);
        assert_eq!(first_error_of(&held), Some(FirstError::At(0)));
    }
    assert_eq!(together::<u8>(&[]), []);
}

fn any_label() -> impl Strategy<Value = Label> {
    (0..Label::ALL.len()).prop_map(|at| Label::ALL[at])
}

proptest! {
    #[test]
    fn saying_and_taking_back_changes_nothing(
        before in vec((0_u8..3, any_label()), 0..20),
        who in 0_u8..3,
        said in any_label(),
    ) {
        let mut ballot: Ballot<u8> = before.into_iter().collect();
        let opinions: Vec<(u8, Opinion)> = ballot.opinions().map(|(w, o)| (*w, o)).collect();
        let rating = ballot.rating();
        if said != Label::Retracted {
            ballot.add(who, said);
            ballot.add(who, Label::Retracted);
        }
        let after: Vec<(u8, Opinion)> = ballot.opinions().map(|(w, o)| (*w, o)).collect();
        prop_assert_eq!(after, opinions);
        prop_assert_eq!(ballot.rating(), rating);
    }

    #[test]
    fn ratings_hold_together_with_one_first_error(
        ratings in vec(proptest::option::of((0..Rating::ALL.len(), 0_u8..4)), 0..8),
    ) {
        let ratings: Vec<Option<(Rating, u8)>> = ratings
            .into_iter()
            .map(|rated| rated.map(|(at, when)| (Rating::ALL[at], when)))
            .collect();
        let held = together(&ratings);
        let marks = held.iter().filter(|rating| **rating == Some(Rating::FirstError));
        let marked = ratings.iter().flatten().any(|(rating, _)| *rating == Rating::FirstError);
        prop_assert_eq!(marks.count(), usize::from(marked));
        for (before, after) in ratings.iter().zip(&held) {
            prop_assert_eq!(before.is_some(), after.is_some());
        }
        // They hold together already.
        let again: Vec<Option<(Rating, u8)>> =
            held.iter().map(|rating| rating.map(|rating| (rating, 0))).collect();
        prop_assert_eq!(together(&again), held);
    }

    #[test]
    fn people_do_not_touch_each_other(labels in vec((0_u8..3, any_label()), 0..30)) {
        let all: Ballot<u8> = labels.iter().copied().collect();
        for who in 0..3 {
            let own: Ballot<u8> = labels.iter().copied().filter(|(w, _)| *w == who).collect();
            prop_assert_eq!(all.of(&who), own.of(&who));
        }
        let anybody = (0..3).any(|who| all.of(&who).rating.is_some());
        prop_assert_eq!(all.rating().is_some(), anybody);
    }
}

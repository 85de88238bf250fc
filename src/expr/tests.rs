use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Steps and a trajectory by the names of their fields.
#[derive(Default)]
struct Table {
    whole: HashMap<&'static str, Value<'static>>,
    steps: Vec<HashMap<&'static str, Value<'static>>>,
}

impl Source for Table {
    fn steps(&self) -> usize {
        self.steps.len()
    }

    fn of_trajectory(&self, field: Field) -> Value<'_> {
        let found = self.whole.get(field.info().name);
        found.cloned().unwrap_or(Value::Unknown)
    }

    fn of_step(&self, at: usize, field: Field) -> Value<'_> {
        let found = self.steps[at].get(field.info().name);
        found.cloned().unwrap_or(Value::Unknown)
    }
}

fn number(number: f64) -> Value<'static> {
    Value::Number(number)
}

/// Three steps: the first is sure and small, the second unsure and small, of
/// the third, which is large, the confidence is not known.
fn table() -> Table {
    let step = |place: f64, model, confidence: Option<f64>| {
        let mut step = HashMap::from([
            ("step", number(place)),
            ("model", Value::text(model)),
            ("tokens", number(10.0 * place)),
            ("escalation", Value::Flag(place == 2.0)),
        ]);
        step.extend(confidence.map(|u| ("confidence", number(u))));
        step
    };
    Table {
        whole: HashMap::from([
            ("wrong", Value::Flag(true)),
            ("correct", Value::Flag(false)),
            ("verdict", Value::text("wrong")),
            ("domain", Value::text("Number Theory")),
            ("large_share", number(1.0 / 3.0)),
            ("steps", number(3.0)),
        ]),
        steps: vec![
            step(1.0, "qwen-1.5b", Some(20.0)),
            step(2.0, "qwen-1.5b", Some(12.0)),
            step(3.0, "Qwen/7B", None),
        ],
    }
}

fn over(text: &str) -> Value<'static> {
    let expr = Expr::value(text, Scope::Trajectory).unwrap_or_else(|error| panic!("{error}"));
    match expr.of_trajectory(&table()) {
        Value::Unknown => Value::Unknown,
        Value::Flag(flag) => Value::Flag(flag),
        Value::Number(number) => Value::Number(number),
        Value::Text(text) => Value::Text(text.into_owned().into()),
    }
}

fn refused(text: &str, scope: Scope) -> String {
    Expr::condition(text, scope).unwrap_err().to_string()
}

#[test]
fn the_language_says_what_it_says() {
    for (text, expected) in [
        ("wrong", true),
        ("!wrong", false),
        ("not wrong or correct", false),
        ("wrong & large_share < 0.4", true),
        ("wrong and large_share < 40%", true),
        ("correct | wrong & steps = 3", true),
        // `&` binds closer than `|`.
        ("wrong | correct & correct", true),
        ("(wrong | correct) & correct", false),
        ("any(confidence < 15 & model = qwen-1.5b)", true),
        ("any(confidence < 15 & model = gpt)", false),
        ("any(tokens > 25 & model = Qwen/7B)", true),
        ("all(tokens >= 10)", true),
        ("count(escalation) = 1", true),
        ("first(escalation) = 2 & last(tokens > 5) == 3", true),
        ("verdict = wrong", true),
        ("verdict != \"wrong\"", false),
        ("domain = 'number theory'", true),
        ("domain ~ theory & !(domain ~ \"algebra\")", true),
        ("sum(tokens) = 60 & mean(tokens) = 20", true),
        ("max(tokens) - min(tokens) * 2 = 10", true),
        ("10 < min(confidence) < 15", true),
        ("10 < min(confidence) < 11", false),
        ("-steps < -2 & 6 / 2 = steps", true),
        (
            "any(model ~ QWEN) & verdict ~ ron & !any(model ~ gpt)",
            true,
        ),
        ("any(\"qwen-1.5b\" = model) & 'wrong' = verdict", true),
        ("share(escalation) > 33 % & share(escalation) < 34%", true),
        ("known(large_share) & !known(cost)", true),
        ("wrong = true & correct = false & wrong != correct", true),
        ("steps = 3e0 & steps > .5", true),
    ] {
        assert_eq!(over(text), Value::Flag(expected), "{text}");
    }
}

#[test]
fn what_is_not_known_is_neither_true_nor_false() {
    for (text, expected) in [
        ("cost < 1", None),
        ("!(cost < 1)", None),
        ("cost < 1 | wrong", Some(true)),
        ("cost < 1 & correct", Some(false)),
        ("cost < 1 & wrong", None),
        // One step's confidence is not known: it might be the one.
        ("any(confidence < 5)", None),
        ("any(confidence < 15)", Some(true)),
        ("all(confidence < 15)", Some(false)),
        ("all(confidence < 25)", None),
        ("count(confidence < 25) = 2", Some(true)),
        ("share(confidence < 15) = 0.5", Some(true)),
        ("first(confidence > 99) = 1", None),
        ("steps / 0 > 1", None),
        ("any(judge > 1)", None),
    ] {
        let expected = expected.map_or(Value::Unknown, Value::Flag);
        assert_eq!(over(text), expected, "{text}");
    }
    let nothing = Table::default();
    let holds = |text| {
        Expr::condition(text, Scope::Trajectory)
            .unwrap()
            .holds(&nothing)
    };
    assert!(holds("all(confidence > 1)") && !holds("any(confidence > 1)"));
}

#[test]
fn over_a_step_its_own_names_and_those_of_its_trajectory_hold() {
    let table = table();
    let held = |text| -> Vec<usize> {
        let expr = Expr::condition(text, Scope::Step).unwrap();
        (0..3).filter(|&at| expr.holds_at(&table, at)).collect()
    };
    assert_eq!(held("confidence < 15"), [1]);
    assert_eq!(held("!(confidence < 15)"), [0]);
    assert_eq!(held("wrong & tokens > mean(tokens) - 1"), [1, 2]);
    assert_eq!(held("model != qwen-1.5b"), [2]);
    assert_eq!(held("step = first(escalation)"), [1]);
}

#[test]
fn errors_say_where_what_and_what_may_be_meant() {
    use Scope::{Step, Trajectory};
    for (text, scope, parts) in [
        ("", Step, vec!["nothing is written", "escalation"]),
        (
            "confidense < 3",
            Step,
            vec!["at 1", "did you mean `confidence`"],
        ),
        (
            "wrong & anny(truncated)",
            Trajectory,
            vec!["at 9", "did you mean `any`"],
        ),
        (
            "wrong & confidence < 3",
            Trajectory,
            vec!["at 9", "any(confidence …)"],
        ),
        (
            "any(all(truncated))",
            Trajectory,
            vec!["at 5", "`all`", "within another"],
        ),
        (
            "confidence",
            Step,
            vec!["is a number, and a condition is needed"],
        ),
        ("wrong & 3", Trajectory, vec!["`3` is a number"]),
        ("any(tokens)", Trajectory, vec!["`tokens` is a number"]),
        (
            "sum(truncated) > 1",
            Trajectory,
            vec!["`truncated` is a condition"],
        ),
        ("model < a", Step, vec!["`=`, `!=` and `~`"]),
        ("confidence = a", Step, vec!["at 14", "`a` is no name"]),
        (
            "confidence = 'a'",
            Step,
            vec!["a number and a text cannot be compared"],
        ),
        (
            "verdict = wronk",
            Trajectory,
            vec!["never `wronk`", "did you mean `wrong`"],
        ),
        (
            "wrong &",
            Trajectory,
            vec!["at 8", "missing here, at the end"],
        ),
        ("wrong wrong", Trajectory, vec!["at 7", "before `wrong`"]),
        ("(wrong", Trajectory, vec!["`)`"]),
        ("any wrong", Trajectory, vec!["`(`"]),
        ("domain = \"a", Trajectory, vec!["a closing quote"]),
        ("steps > 1.2.3", Trajectory, vec!["a number is missing"]),
        ("3 & wrong", Trajectory, vec!["`3` is a number"]),
        ("wrong + 1 > 2", Trajectory, vec!["`wrong` is a condition"]),
        (
            "wrong < correct",
            Trajectory,
            vec!["conditions are compared by"],
        ),
        (
            "steps ~ 3",
            Trajectory,
            vec!["whether a text holds another"],
        ),
        (
            "'wronk' = verdict",
            Trajectory,
            vec!["at 1", "did you mean `wrong`"],
        ),
        (
            "wrong = correct = wrong",
            Trajectory,
            vec!["at 17", "an operator or the end"],
        ),
        ("é = 1", Trajectory, vec!["at 1: `é` is no name"]),
    ] {
        let said = refused(text, scope);
        for part in parts {
            assert!(said.contains(part), "{text}: {said}");
        }
    }
    assert!(refused(&"!".repeat(200), Step).contains("too deep"));
    assert!(refused(&"(".repeat(200), Step).contains("too deep"));
    assert!(refused(&"1+".repeat(60_000), Step).contains("longer than"));
    // As long as may be: the stack holds it.
    let long = format!("{}wrong", "wrong&".repeat(600));
    assert_eq!(over(&long), Value::Flag(true));
}

#[test]
fn models_that_the_pool_lacks_are_refused() {
    let expr = |text| Expr::condition(text, Scope::Step).unwrap();
    let pool = ["qwen-1.5b", "qwen-7b"];
    for named in [
        "model = qwen-1.5b",
        "model = QWEN-1.5B",
        // As the screen shows it.
        "model = 1.5b",
        // As routers and the paper call it, whatever its name is.
        "model = small & model != large",
        "!(model != 1.5b & next != person)",
    ] {
        assert!(
            expr(named)
                .over_models(&pool)
                .unwrap()
                .holds_at(&table(), 0),
            "{named}"
        );
    }
    // A model of that name comes before the role, and one alone has none.
    let over = |text, pool: &[&str]| expr(text).over_models(pool);
    let holds = |pool: &[&str]| over("model = small", pool).unwrap().holds_at(&table(), 0);
    assert!(holds(&["qwen-1.5b", "x"]));
    assert!(!holds(&["qwen-1.5b", "small"]), "`small` is the other one");
    let said = over("model = smal", &["qwen-1.5b", "x"]).unwrap_err();
    assert!(said.to_string().contains("did you mean `small`"), "{said}");
    assert!(over("model = small", &["qwen-1.5b"]).is_err());
    let said = expr("truncated & model = qwen-7c")
        .over_models(&pool)
        .unwrap_err();
    assert!(
        said.to_string().contains("did you mean `qwen-7b`"),
        "{said}"
    );
}

#[test]
fn every_name_is_known_once_and_explained() {
    for (place, info) in Field::ALL.iter().enumerate() {
        assert_eq!(info.field.info(), info);
        let again = Field::ALL.iter().skip(place + 1);
        let functions = FUNCTIONS.iter().map(|(name, _)| *name);
        let mut others = again.map(|other| other.name).chain(functions);
        assert!(others.all(|name| name != info.name), "{}", info.name);
        assert!(!info.help.is_empty());
        let known = format!("known({})", info.name);
        assert!(Expr::condition(&known, info.scope).is_ok(), "{known}");
    }
}

proptest! {
    #[test]
    fn nonsense_is_an_error_and_no_panic(text in ".{0,60}") {
        let _ = Expr::value(&text, Scope::Step);
    }

    #[test]
    fn words_of_the_language_in_any_order_do_not_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "wrong", "confidence", "model", "=", "!=", "<", "~", "&", "|", "!", "(", ")", "any",
            "sum", "known", "3", "%", "-", "*", "'a'", "\"", "verdict", "steps", "true",
        ]), 0..14),
    ) {
        let text = words.join(" ");
        for scope in [Scope::Step, Scope::Trajectory] {
            if let Ok(expr) = Expr::value(&text, scope) {
                let table = table();
                let _ = expr.of_trajectory(&table);
                let _ = expr.of_step(&table, 1);
            }
        }
    }

    #[test]
    fn logic_is_kleene_s(a in prop::option::of(any::<bool>()), b in prop::option::of(any::<bool>())) {
        let mut table = Table::default();
        table.whole.extend(a.map(|a| ("wrong", Value::Flag(a))));
        table.whole.extend(b.map(|b| ("correct", Value::Flag(b))));
        let value = |text| {
            let expr = Expr::condition(text, Scope::Trajectory).unwrap();
            match expr.of_trajectory(&table) {
                Value::Flag(flag) => Some(flag),
                _ => None,
            }
        };
        prop_assert_eq!(value("!(wrong & correct)"), value("!wrong | !correct"));
        prop_assert_eq!(value("!(wrong | correct)"), value("!wrong & !correct"));
        prop_assert_eq!(value("!!wrong"), a);
    }
}

#[test]
fn names_are_completed_where_they_may_stand() {
    let words = |before, scope| -> Vec<String> {
        let found = complete(before, scope, &["pair-small", "pair-large one"]);
        found
            .candidates
            .into_iter()
            .map(|found| found.word)
            .collect()
    };
    assert_eq!(words("esc", Scope::Step), ["escalation"]);
    assert_eq!(words("conf", Scope::Trajectory), Vec::<String>::new());
    assert_eq!(words("wrong & any(conf", Scope::Trajectory), ["confidence"]);
    assert_eq!(
        words("any(truncated) & lar", Scope::Trajectory),
        ["large_share"]
    );
    assert_eq!(words("model = s", Scope::Step), ["small"]);
    assert_eq!(
        words("model = ", Scope::Step),
        ["small", "\"large one\"", "large"]
    );
    assert_eq!(words("next != small & verd", Scope::Step), ["verdict"]);
    assert_eq!(words("verdict = w", Scope::Trajectory), ["wrong"]);
    assert_eq!(
        words("confidence = ", Scope::Step).len(),
        Field::ALL.len() + FUNCTIONS.len()
    );
    let added = |before| complete(before, Scope::Trajectory, &[]).addition();
    assert_eq!(added("verd"), Some("ict".to_owned()));
    assert_eq!(added("verdict"), None);
    assert_eq!(added("kno"), Some("wn(".to_owned()));
    // `step` and `steps`: whole already. Nothing is a name within quotes.
    assert_eq!(added("any(step"), None);
    assert_eq!(added("domain = \"esc"), None);
    let models = ["pair-small", "pair-large one", "pair-next"];
    let named = |before| complete(before, Scope::Step, &models).addition();
    assert_eq!(named("model = la"), None);
    assert_eq!(named("model = n"), None, "`next` is a name of a step");
    assert_eq!(named("model = sm"), Some("all".to_owned()));
    assert_eq!(added("wrong & do"), Some("main".to_owned()));
    assert_eq!(added("zzz"), None);
}

/// Of the small model, the large one after an escalation, and a person's choice
/// of who begins.
#[test]
fn a_recorded_trajectory_is_seen_as_it_was() {
    use crate::trace::Tree;
    use crate::trace::record::{Override, Record};
    use crate::trace::samples;
    use std::sync::Arc;

    let mut run = samples::run("run");
    run.pool = vec![samples::model("small"), samples::model("large")];
    let models: Vec<String> = run.pool.iter().map(|model| model.name.clone()).collect();
    let step = |id: &str, parent: Option<&str>, model: &str, index: u32| {
        let mut step = samples::step(id, parent, "text");
        (step.model, step.index) = (model.to_owned(), index);
        step.decision = Some(format!("to-{id}"));
        step.confidence.fallback = id == "b";
        let measures = [
            ("entropy_truncated_math", 0.3),
            ("prob_math", 0.5),
            ("prob_general", 0.4),
        ];
        step.confidence.measures = measures.map(|(name, value)| (name.into(), value)).into();
        Record::Step(Arc::new(step))
    };
    let decision = |to: &str, after: Option<&str>, model: &str| {
        let mut decision = samples::decision(&format!("to-{to}"), after);
        decision.action = model.to_owned();
        decision
    };
    let mut chosen = decision("a", None, &models[0]);
    chosen.overridden = Some(Override {
        who: "me".into(),
        when: String::new(),
        wanted: models[1].clone(),
    });
    let sample = samples::step("x", None, "");
    let first = Record::Decision(Arc::new(chosen));
    let mut records = vec![first, step("a", None, &models[0], 1)];
    records.push(Record::Decision(Arc::new(decision(
        "b",
        Some("a"),
        &models[1],
    ))));
    records.push(step("b", Some("a"), &models[1], 2));
    let tree = Tree::from_records(sample.run.clone(), sample.problem, records);
    assert_eq!(tree.len(), 2);
    let holds = |text: &str, head| {
        let condition = Expr::condition(text, Scope::Trajectory).unwrap();
        condition.holds(&Trajectory::main_line(head, &tree))
    };
    for held in [
        "steps = 2 & overrides = 1",
        "count(escalation) = 1 & first(escalation) = 1",
        // Nothing follows the last step: it does not escalate.
        "!any(deescalation) & !all(escalation) & !any(overridden)",
        "large_share = 0.5",
        // The entropy itself; without math tokens a measure is over all.
        "max(entropy) = 0.3 & count(known(entropy)) = 1",
        "first(prob = 0.5) = 1 & first(prob = 0.4) = 2",
        "!any(escalation & step = 2)",
        "!known(verdict) & !known(cost)",
    ] {
        assert!(holds(held, Some(&run)), "{held}");
    }
    // Who is more capable is not known without the head.
    assert!(holds(
        "steps = 2 & !known(large_share) & !known(router)",
        None
    ));
    assert!(!holds("any(escalation)", None) && !holds("!any(escalation)", None));
}

#[test]
fn what_is_not_known_at_a_step_is_named_once() {
    let table = table();
    let unknown = |text: &str, at| {
        let expr = Expr::condition(text, Scope::Step).unwrap();
        expr.unknown_at(&table, at)
    };
    let text = "confidence < 0.5 & (prm > 0 | confidence > 0.1) & large_share > 0 & domain = x";
    assert_eq!(unknown(text, 0), [Field::Prm]);
    assert_eq!(unknown(text, 2), [Field::Confidence, Field::Prm]);
    // Of all steps, wherever one looks from.
    assert_eq!(unknown("mean(confidence) > 0", 0), [Field::Confidence]);
    assert_eq!(
        unknown("cost > 0 & !known(answer)", 0),
        [Field::Cost, Field::Answer]
    );
    assert!(unknown("step > 0", 2).is_empty());
}

#[test]
fn checks_of_texts_are_asked_of_the_log() {
    use crate::trace::record::Record;
    use crate::trace::{Tree, samples};
    use std::sync::Arc;

    let tree = Tree::from_records(
        samples::step("x", None, "").run.clone(),
        samples::step("x", None, "").problem,
        [
            samples::step("a", None, "so 3 + 4 = 8 in all"),
            samples::step("b", Some("a"), "So 3 + 4 = 8  in all"),
            samples::step("c", Some("b"), "then 2 + 2 = 4"),
            samples::step("d", Some("c"), "x = 5"),
        ]
        .map(|step| Record::Step(Arc::new(step))),
    );
    for held in [
        "first(calculation = wrong) = 1 & count(calculation = wrong) = 2",
        "last(calculation = right) = 3 & last(calculation = none) = 4",
        "count(repeats) = 1 & first(repeats) = 2",
    ] {
        let condition = Expr::condition(held, Scope::Trajectory).unwrap();
        assert!(condition.reads_texts(), "{held}");
        assert!(
            condition.holds(&Trajectory::main_line(None, &tree)),
            "{held}"
        );
    }
    assert!(refused("any(calculation = wrogn)", Scope::Trajectory).contains("wrong"));
}

use proptest::prelude::*;

use super::*;
use crate::model::scorer::judge::Reading;

fn signals() -> impl Strategy<Value = Source> {
    proptest::sample::select(Source::ALL.to_vec())
}

fn paths() -> impl Strategy<Value = PathBuf> {
    "[a-z/., =:\"_-]{0,20}".prop_map(PathBuf::from)
}

fn specs() -> impl Strategy<Value = RouterSpec> {
    prop_oneof![
        Just(RouterSpec::Small),
        Just(RouterSpec::Large),
        (0.0..=1.0_f64).prop_map(|p| RouterSpec::Random { p }),
        (proptest::option::of(-1e6..1e6_f64), signals())
            .prop_map(|(t, signal)| RouterSpec::Threshold { t, signal }),
        (0.0..=100.0_f64, signals(), proptest::option::of(paths()))
            .prop_map(|(p, signal, file)| RouterSpec::Percentile { p, signal, file }),
        (0.0..=1.0_f64, signals(), proptest::option::of(paths())).prop_map(
            |(gamma, signal, file)| RouterSpec::Steer {
                gamma,
                signal,
                file
            }
        ),
        paths().prop_map(|path| RouterSpec::Policy { path: Some(path) }),
        (0..5_usize, 0.0..=1.0_f64, 0.0..1e3_f64).prop_map(|(which, x, a)| {
            RouterSpec::Rsd(match which {
                0 => rsd::Accept::Threshold { delta: x },
                1 => rsd::Accept::Constant { p: x },
                2 => rsd::Accept::Clip,
                3 => rsd::Accept::Ratio,
                _ => rsd::Accept::Logistic { a, delta: x },
            })
        }),
        (0.0..=9.0_f64, any::<u32>(), 0..2_usize).prop_map(|(tau, first, which)| {
            let score = Reading::ALL[which];
            RouterSpec::SpecReason(specreason::Params { tau, first, score })
        }),
        (
            0.0..=1.0_f64,
            any::<bool>(),
            proptest::option::of("[a-z/., =:\"_-]{1,20}")
        )
            .prop_map(|(x, share, file)| {
                let cut = if share {
                    query::Cut::Share(x)
                } else {
                    query::Cut::Threshold(x)
                };
                let file = file.map(PathBuf::from);
                RouterSpec::Query(query::Params { cut, file })
            }),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same_spec(spec in specs()) {
        prop_assert_eq!(spec.to_string().parse::<RouterSpec>().unwrap(), spec);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,40}") {
        let _ = text.parse::<RouterSpec>();
    }
}

fn message(text: &str) -> String {
    text.parse::<RouterSpec>().unwrap_err().to_string()
}

#[test]
fn errors_say_what_to_write() {
    assert!(message("treshold:t=1").contains("known are small, large"));
    assert!(message("thresh").contains("did you mean `threshold`?"));
    assert!(message("random").contains("random:p=0.3"));
    assert!(message("random:p=2").contains("between 0 and 1"));
    assert!(message("threshold:t=NaN").contains("finite"));
    assert!(message("threshold:k=1").contains("it takes t, signal"));
    assert!(message("threshold:t").contains("key=value"));
    assert!(message("policy:path=a,b").contains("quote"));
    assert!(message("policy:path=\"a,b").contains("quote"));
    assert!(message("threshold:t=1,t=2").contains("twice"));
    assert!(message("threshold:signal=vibes").contains("prob, sampled, logit"));
    assert!(message("percentile").contains("percentile:p=20"));
    assert!(message("percentile:p=101").contains("between 0 and 100"));
    assert!(message("steer").contains("steer:gamma=0.5"));
    assert!(message("steer:gamma=2").contains("between 0 and 1"));
    assert!(message("steer:gamma=0.5,domain=x").contains("`math` or `general`"));
    let both = message("steer:gamma=0.5,domain=math,signal=general-prob");
    assert!(both.contains("contradicts"), "{both}");
}

#[test]
fn a_domain_is_short_for_a_signal() {
    let printed = |text: &str| text.parse::<RouterSpec>().unwrap().to_string();
    assert_eq!(printed("steer:gamma=0.5"), "steer:gamma=0.5");
    assert_eq!(printed("steer:gamma=0.5,domain=math"), "steer:gamma=0.5");
    assert_eq!(
        printed("steer:domain=general,gamma=0.5,file=f"),
        "steer:gamma=0.5,signal=general-logit,file=f"
    );
    let prob = printed("steer:gamma=0.5,signal=prob,domain=general");
    assert_eq!(prob, "steer:gamma=0.5,signal=general-prob");
}

#[test]
fn rules_on_drafts_and_questions_have_defaults_and_refuse_what_means_nothing() {
    let printed = |text: &str| text.parse::<RouterSpec>().unwrap().to_string();
    assert_eq!(printed("rsd"), "rsd:delta=0.7");
    assert_eq!(printed("rsd:accept=constant"), "rsd:accept=constant,p=0.5");
    assert_eq!(
        printed("rsd:accept=logistic,a=3"),
        "rsd:delta=0.7,accept=logistic,a=3"
    );
    assert_eq!(printed("specreason"), "specreason:tau=7");
    assert_eq!(
        printed("specreason:score=greedy,first=2,tau=9"),
        "specreason:tau=9,first=2,score=greedy"
    );
    assert_eq!(printed("query"), "query:share=0.5");
    assert_eq!(printed("query:t=0.25,file=d"), "query:t=0.25,file=d");
    assert!(message("rsd:delta=1.5").contains("between 0 and 1"));
    assert!(message("rsd:accept=maybe").contains("threshold, constant, clip"));
    assert!(message("rsd:accept=clip,delta=0.7").contains("no parameter `delta`"));
    assert!(message("rsd:accept=logistic,a=-1").contains("a number from 0"));
    assert!(message("rsd:accept=logistic,a=inf").contains("a number from 0"));
    assert!(message("specreason:tau=10").contains("between 0 and 9"));
    assert!(message("specreason:first=-1").contains("whole number"));
    assert!(message("specreason:score=mean").contains("`expected` or `greedy`"));
    assert!(message("query:share=0.4,t=0.5").contains("not both"));
    let facts = |text: &str| {
        let spec: RouterSpec = text.parse().unwrap();
        build::<String>(&spec, &[], None)
            .unwrap()
            .facts()
            .parameters
    };
    let rsd = serde_json::json!({ "accept": "threshold", "delta": 0.7 });
    assert_eq!(serde_json::json!(facts("rsd")), rsd);
    let specreason = serde_json::json!({ "tau": 7.0, "first": 0, "score": "expected" });
    assert_eq!(serde_json::json!(facts("specreason")), specreason);
    let query: RouterSpec = "query:share=0.4".parse().unwrap();
    let error = build::<String>(&query, &[], None)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("file=DIR"), "{error}");
}

#[test]
fn a_threshold_without_t_takes_the_pools_calibrated_one() {
    let models = ["s".to_owned(), "l".to_owned()];
    let t_of = |spec: &str, calibrated| {
        let spec: RouterSpec = spec.parse().unwrap();
        build(&spec, &models, calibrated)
            .unwrap()
            .facts()
            .parameters["t"]
            .as_f64()
    };
    assert_eq!(t_of("threshold", Some(0.61)), Some(0.61));
    assert_eq!(t_of("threshold", None), Some(DEFAULT_THRESHOLD));
    assert_eq!(t_of("threshold:t=0.3", Some(0.61)), Some(0.3));
    let logit: RouterSpec = "threshold:signal=logit".parse().unwrap();
    let error = build(&logit, &models, Some(0.61))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("threshold:t=19.9,signal=logit"), "{error}");
    assert_eq!(
        t_of("threshold:signal=mean-prob", Some(0.61)),
        Some(DEFAULT_THRESHOLD)
    );
}

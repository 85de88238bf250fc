//! Confidence u_t of a step (§2 of the algorithm).
//!
//! Over the math tokens of the step, or over all of them where it has none:
//!
//! - `logit`: u_t = mean of the highest raw logit (STEER, equations 6 and 7).
//! - `prob`: u_t = min of the top-1 probability.
//! - `sampled`: u_t = min of the probability of the token that was sampled. The
//!   paper's text leaves open which of the two it means.
//! - `mean-prob`: u_t = mean of the top-1 probability.
//! - `entropy`: u_t = minus the mean entropy in nats, so that more is more
//!   confident. It is truncated: only the known alternatives are in it, so the
//!   true entropy is larger, and values over lists of different lengths do not
//!   compare.
//!
//! Each of them over all tokens, whether there are math tokens or not, by its
//! name with `general-` before it: what STEER takes outside mathematics (its
//! §3.1). The last two are the measures it compares with in its Figure 3.
//!
//! A measure is never derived from values of another kind: where the kind does
//! not allow it, the confidence is unavailable and says why.

mod source;

use std::collections::BTreeMap;

use compact_str::{CompactString, format_compact};

use crate::trace::record::{Confidence, Token, ValueKind};

pub use source::{Contradiction, Domain, KNOWN, Source, UnknownDomain, UnknownSource};

/// Least share of a step's text that its tokens must account for.
pub const MIN_COVERAGE: f64 = 0.8;

/// Measures a step whose math tokens are marked. `coverage` is the share of
/// the text's bytes that the tokens account for, 0..=1.
///
/// `measures` holds, with the suffixes `_math` and `_general` (all tokens):
/// `logit`, `prob`, `min_sampled` (least probability of a sampled token),
/// `mean_top1`, and `entropy_truncated` (nats, over the known alternatives
/// only: a lower bound of the true entropy).
pub fn measure(tokens: &[Token], kind: ValueKind, coverage: f64, source: Source) -> Confidence {
    let mut confidence = Confidence {
        value: None,
        source: source.name().to_owned(),
        fallback: false,
        kind,
        unavailable: None,
        measures: BTreeMap::new(),
    };
    if let Some(reason) = unusable(tokens, kind, coverage) {
        confidence.unavailable = Some(reason);
        return confidence;
    }
    let measured: Vec<Measured> = tokens.iter().map(Measured::of).collect();
    confidence.fallback = !tokens.iter().any(|token| token.math);
    for domain in [Domain::Math, Domain::General] {
        add_measures(&mut confidence.measures, domain, &measured, kind);
    }
    if source.is_logit() && kind != ValueKind::RawLogit {
        let instead = match source.is_general() {
            true => Source::GeneralProb,
            false => Source::Prob,
        };
        confidence.unavailable = Some(format!(
            "the confidence `{source}` needs raw logits, which this model does not give; \
             the confidence `{instead}` would do"
        ));
        return confidence;
    }
    confidence.value = recorded(&confidence, source);
    let probable = || tokens.iter().any(|token| token.logprob.is_some());
    if kind == ValueKind::RawLogit && !source.is_logit() && !probable() {
        let instead = match source.is_general() {
            true => Source::GeneralLogit,
            false => Source::Logit,
        };
        confidence.unavailable = Some(format!(
            "the confidence `{source}` needs probabilities, and this server gives raw logits in \
             their place; the confidence `{instead}` would do"
        ));
        return confidence;
    }
    if confidence.value.is_none() {
        let domain = domain(&confidence, source);
        confidence.unavailable = Some(format!(
            "no {domain} token has a finite value for `{source}`"
        ));
    }
    confidence
}

/// u_t by another measure than the run read, from what was recorded; `None`
/// where it was not recorded.
pub fn recorded(confidence: &Confidence, source: Source) -> Option<f64> {
    let name = format_compact!("{}_{}", source.measure(), domain(confidence, source));
    let value = confidence.measures.get(name.as_str()).copied()?;
    // The log holds the entropy itself. Not `-value`: there is no minus zero.
    Some(if source.is_entropy() {
        0.0 - value
    } else {
        value
    })
}

/// The tokens that a measure of this step is over.
fn domain(confidence: &Confidence, source: Source) -> &'static str {
    match confidence.fallback {
        true => Domain::General.name(),
        false => source.domain().name(),
    }
}

/// Why nothing at all can be measured.
fn unusable(tokens: &[Token], kind: ValueKind, coverage: f64) -> Option<String> {
    if kind == ValueKind::None {
        return Some("the server gives no token probabilities".to_owned());
    }
    if tokens.is_empty() {
        return Some("the step has no tokens".to_owned());
    }
    // Written so that a NaN coverage is unusable too.
    if coverage >= MIN_COVERAGE {
        return None;
    }
    Some(format!(
        "the tokens account for {:.0} % of the text; {:.0} % are needed",
        coverage.clamp(0.0, 1.0) * 100.0,
        MIN_COVERAGE * 100.0
    ))
}

/// What is measured of one token.
#[derive(Clone, Copy)]
struct Measured {
    math: bool,
    logit: Option<f64>,
    top1: Option<f64>,
    sampled: Option<f64>,
    entropy: Option<f64>,
}

impl Measured {
    fn of(token: &Token) -> Self {
        let logit = token.max_logit.filter(|logit| logit.is_finite());
        Self {
            math: token.math,
            logit: logit.map(f64::from),
            top1: top1(token),
            sampled: token.logprob.and_then(probability),
            entropy: entropy(token),
        }
    }
}

fn add_measures(
    measures: &mut BTreeMap<CompactString, f64>,
    domain: Domain,
    tokens: &[Measured],
    kind: ValueKind,
) {
    let tokens = || {
        let all = domain == Domain::General;
        tokens.iter().filter(move |token| all || token.math)
    };
    let domain = domain.name();
    let mut put = |name: &str, value: Option<f64>| {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            measures.insert(format_compact!("{name}_{domain}"), value);
        }
    };
    if kind == ValueKind::RawLogit {
        put("logit", mean(tokens().filter_map(|token| token.logit)));
    }
    put("prob", least(tokens().filter_map(|token| token.top1)));
    put(
        "min_sampled",
        least(tokens().filter_map(|token| token.sampled)),
    );
    put("mean_top1", mean(tokens().filter_map(|token| token.top1)));
    put(
        "entropy_truncated",
        mean(tokens().filter_map(|token| token.entropy)),
    );
}

/// Probability of a natural log-probability; `None` for NaN. Rounding above 0
/// is cut to probability 1.
fn probability(logprob: f32) -> Option<f64> {
    (!logprob.is_nan()).then(|| f64::from(logprob.min(0.0)).exp())
}

/// Highest known probability at the position: of the alternatives and the
/// sampled token, which a server may leave out of its list.
fn top1(token: &Token) -> Option<f64> {
    let listed = token.top.iter().map(|top| top.logprob);
    let known = listed.chain(token.logprob).filter(|value| !value.is_nan());
    known.reduce(f32::max).and_then(probability)
}

/// −Σ p ln p over the known alternatives.
fn entropy(token: &Token) -> Option<f64> {
    let chosen = token
        .logprob
        .filter(|_| token.top.iter().all(|top| top.text != token.text));
    let listed = token.top.iter().map(|top| top.logprob);
    let terms = listed.chain(chosen).filter(|value| !value.is_nan());
    terms
        .map(|logprob| {
            let logprob = f64::from(logprob.min(0.0));
            let p = logprob.exp();
            if p > 0.0 { -p * logprob } else { 0.0 }
        })
        .reduce(|sum, term| sum + term)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn least(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::record::TopToken;

    fn token(text: &str, logprob: f32, max_logit: f32, math: bool) -> Token {
        Token {
            text: text.into(),
            logprob: Some(logprob),
            max_logit: Some(max_logit),
            top_logits: Vec::new(),
            top: vec![TopToken {
                text: "?".into(),
                logprob: 0.5_f32.ln(),
            }],
            math,
        }
    }

    #[test]
    fn logit_is_the_mean_and_prob_the_least_over_math_tokens() {
        let tokens = [
            token("a", 0.1_f32.ln(), 3.0, false),
            token("1", 0.9_f32.ln(), 10.0, true),
            token("2", 0.2_f32.ln(), 20.0, true),
        ];
        let logit = measure(&tokens, ValueKind::RawLogit, 1.0, Source::Logit);
        assert_eq!(logit.value, Some(15.0));
        assert_eq!(logit.measures["logit_general"], 11.0);
        let prob = measure(&tokens, ValueKind::RawLogit, 1.0, Source::Prob);
        assert!((prob.value.unwrap() - 0.5).abs() < 1e-6);
        let sampled = measure(&tokens, ValueKind::RawLogit, 1.0, Source::Sampled);
        assert!((sampled.value.unwrap() - 0.2).abs() < 1e-6);
        assert_eq!(recorded(&prob, Source::Sampled), sampled.value);
        assert_eq!(recorded(&prob, Source::Logit), Some(15.0));
        assert!((prob.measures["min_sampled_math"] - 0.2).abs() < 1e-6);
        assert!((prob.measures["mean_top1_math"] - 0.7).abs() < 1e-6);
        assert!(prob.measures.contains_key("entropy_truncated_general"));
    }

    #[test]
    fn kinds_are_never_mixed() {
        let tokens = [token("1", -0.1, 10.0, true)];
        let kind = ValueKind::LogprobPreTemperature;
        let logit = measure(&tokens, kind, 1.0, Source::Logit);
        assert_eq!(logit.value, None);
        assert!(logit.unavailable.unwrap().contains("`prob` would do"));
        assert!(!logit.measures.contains_key("logit_math"));
        assert!(measure(&tokens, kind, 1.0, Source::Prob).value.is_some());
        let none = measure(&tokens, ValueKind::None, 1.0, Source::Prob);
        assert!(none.value.is_none() && none.unavailable.is_some());
    }

    #[test]
    fn without_math_tokens_all_count_and_it_is_flagged() {
        let tokens = [token("so", 0.4_f32.ln(), 2.0, false)];
        let confidence = measure(&tokens, ValueKind::RawLogit, 1.0, Source::Logit);
        assert_eq!((confidence.value, confidence.fallback), (Some(2.0), true));
    }

    #[test]
    fn thin_coverage_and_no_tokens_are_unavailable() {
        let tokens = [token("1", -0.1, 10.0, true)];
        for coverage in [0.79, f64::NAN] {
            let thin = measure(&tokens, ValueKind::RawLogit, coverage, Source::Logit);
            assert!(thin.value.is_none() && thin.unavailable.is_some());
        }
        let empty = measure(&[], ValueKind::RawLogit, 1.0, Source::Logit);
        assert!(empty.value.is_none() && empty.unavailable.is_some());
    }

    #[test]
    fn every_measure_has_its_name_and_its_tokens() {
        for source in Source::ALL {
            assert_eq!(source.name().parse(), Ok(source));
            let general = source.over_all_tokens();
            assert!(general.is_general() && general.measure() == source.measure());
            assert_eq!(source.is_general(), source.name().starts_with("general-"));
        }
        assert_eq!(Source::ALL[..3], Source::TRAINED);
        let error = "vibes".parse::<Source>().unwrap_err().to_string();
        assert!(error.contains("mean-prob"), "{error}");
        let tokens = [
            token("a", 0.1_f32.ln(), 3.0, false),
            token("1", 0.9_f32.ln(), 10.0, true),
            token("2", 0.2_f32.ln(), 20.0, true),
        ];
        // The top-1 probabilities are 0.5, 0.9 and 0.5: what is not listed counts.
        let near = |source, wanted: f64| {
            let found = measure(&tokens, ValueKind::RawLogit, 1.0, source)
                .value
                .unwrap();
            assert!((found - wanted).abs() < 1e-6, "{source}: {found}");
        };
        near(Source::MeanProb, 0.7);
        near(Source::GeneralMeanProb, 1.9 / 3.0);
        near(Source::GeneralLogit, 11.0);
        near(Source::GeneralSampled, 0.1);
        near(Source::GeneralProb, 0.5);
        let term = |p: f64| p * p.ln();
        let (a, b, c) = (term(0.1), term(0.9), term(0.2));
        near(Source::Entropy, (b + c + 2.0 * term(0.5)) / 2.0);
        near(Source::GeneralEntropy, (a + b + c + 3.0 * term(0.5)) / 3.0);
        let sure = Token {
            top: Vec::new(),
            ..token("1", 0.0, 1.0, true)
        };
        let sure = measure(&[sure], ValueKind::RawLogit, 1.0, Source::Entropy);
        assert!(sure.value.is_some_and(f64::is_sign_positive));
    }

    #[test]
    fn a_measure_over_all_tokens_needs_what_the_other_needs() {
        use ValueKind::{LogprobPreTemperature as Logprob, None as Nothing, RawLogit};
        for source in Source::ALL {
            assert_eq!(source.unavailable_from(RawLogit), None);
            assert_eq!(
                source.unavailable_from(Logprob).is_some(),
                source.is_logit()
            );
            assert!(source.unavailable_from(Nothing).is_some());
        }
        let tokens = [token("1", -0.1, 10.0, true)];
        let general = measure(&tokens, Logprob, 1.0, Source::GeneralLogit);
        assert!(
            general
                .unavailable
                .unwrap()
                .contains("`general-prob` would do")
        );
    }

    proptest! {
        #[test]
        fn values_are_finite_or_absent(values in prop::collection::vec((any::<f32>(), any::<f32>(), any::<bool>()), 0..8), source in prop::sample::select(Source::ALL.to_vec())) {
            let tokens: Vec<Token> = values.iter().map(|&(p, z, math)| token("1", p, z, math)).collect();
            let confidence = measure(&tokens, ValueKind::RawLogit, 1.0, source);
            prop_assert!(confidence.value.is_none_or(f64::is_finite));
            prop_assert_eq!(confidence.value.is_none(), confidence.unavailable.is_some());
            prop_assert!(confidence.measures.values().all(|value| value.is_finite()));
        }
    }
}

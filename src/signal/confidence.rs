//! Confidence u_t of a step (§2 of the algorithm).
//!
//! - `logit`: u_t = mean over math tokens of the highest raw logit.
//! - `prob`: u_t = min over math tokens of the top-1 probability.
//! - `sampled`: u_t = min over math tokens of the probability of the token that
//!   was sampled. The paper's text leaves open which of the two it means.
//!
//! A measure is never derived from values of another kind: where the kind does
//! not allow it, the confidence is unavailable and says why.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::trace::record::{Confidence, Token, ValueKind};

/// Least share of a step's text that its tokens must account for.
pub const MIN_COVERAGE: f64 = 0.8;

/// The measure a router reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Mean of the highest raw logit; needs [`ValueKind::RawLogit`].
    Logit,
    /// Least top-1 probability; needs log-probabilities of any kind.
    Prob,
    /// Least probability of a sampled token; needs log-probabilities too.
    Sampled,
}

impl Source {
    pub const ALL: [Self; 3] = [Self::Prob, Self::Sampled, Self::Logit];

    /// Why this measure cannot be had from values of a kind; `None` where it can.
    pub fn unavailable_from(self, kind: ValueKind) -> Option<&'static str> {
        match (self, kind) {
            (Self::Logit, ValueKind::RawLogit) => None,
            (Self::Logit, _) => Some("gives no raw logits: use `signal=prob`"),
            (Self::Prob | Self::Sampled, ValueKind::None) => Some("gives no probabilities"),
            (Self::Prob | Self::Sampled, _) => None,
        }
    }

    /// The name in logs and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logit => "logit",
            Self::Prob => "prob",
            Self::Sampled => "sampled",
        }
    }

    /// The name among the measures of a step, without its domain.
    fn measure(self) -> &'static str {
        match self {
            Self::Logit => "logit",
            Self::Prob => "prob",
            Self::Sampled => "min_sampled",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a confidence source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown confidence source {0:?}: use prob, sampled or logit")]
pub struct UnknownSource(pub String);

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "logit" => Ok(Self::Logit),
            "prob" => Ok(Self::Prob),
            "sampled" => Ok(Self::Sampled),
            other => Err(UnknownSource(other.to_owned())),
        }
    }
}

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
    let math: Vec<&Token> = tokens.iter().filter(|token| token.math).collect();
    let general: Vec<&Token> = tokens.iter().collect();
    confidence.fallback = math.is_empty();
    add_measures(&mut confidence.measures, "math", &math, kind);
    add_measures(&mut confidence.measures, "general", &general, kind);
    if source == Source::Logit && kind != ValueKind::RawLogit {
        confidence.unavailable = Some(
            "the confidence `logit` needs raw logits, which this model does not give; \
             the confidence `prob` would do"
                .to_owned(),
        );
        return confidence;
    }
    confidence.value = recorded(&confidence, source);
    if confidence.value.is_none() {
        let domain = domain(&confidence);
        confidence.unavailable = Some(format!(
            "no {domain} token has a finite value for `{source}`"
        ));
    }
    confidence
}

/// u_t by another measure than the run read, from what was recorded; `None`
/// where it was not recorded.
pub fn recorded(confidence: &Confidence, source: Source) -> Option<f64> {
    let name = format!("{}_{}", source.measure(), domain(confidence));
    confidence.measures.get(&name).copied()
}

fn domain(confidence: &Confidence) -> &'static str {
    match confidence.fallback {
        true => "general",
        false => "math",
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

fn add_measures(
    measures: &mut BTreeMap<String, f64>,
    domain: &str,
    tokens: &[&Token],
    kind: ValueKind,
) {
    let mut put = |name: &str, value: Option<f64>| {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            measures.insert(format!("{name}_{domain}"), value);
        }
    };
    if kind == ValueKind::RawLogit {
        let logits = tokens.iter().filter_map(|token| token.max_logit);
        put(
            "logit",
            mean(logits.filter(|z| z.is_finite()).map(f64::from)),
        );
    }
    put("prob", least(tokens.iter().filter_map(|token| top1(token))));
    let sampled = tokens.iter().filter_map(|token| token.logprob);
    put("min_sampled", least(sampled.filter_map(probability)));
    put(
        "mean_top1",
        mean(tokens.iter().filter_map(|token| top1(token))),
    );
    put(
        "entropy_truncated",
        mean(tokens.iter().filter_map(|token| entropy(token))),
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
    let known = listed.chain(token.logprob).filter_map(probability);
    known.reduce(f64::max)
}

/// −Σ p ln p over the known alternatives.
fn entropy(token: &Token) -> Option<f64> {
    let chosen = token
        .logprob
        .filter(|_| token.top.iter().all(|top| top.text != token.text));
    let listed = token.top.iter().map(|top| top.logprob);
    let terms = listed.chain(chosen).filter_map(probability);
    terms
        .map(|p| if p > 0.0 { -p * p.ln() } else { 0.0 })
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
            text: text.to_owned(),
            logprob: Some(logprob),
            max_logit: Some(max_logit),
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

    proptest! {
        #[test]
        fn values_are_finite_or_absent(values in prop::collection::vec((any::<f32>(), any::<f32>(), any::<bool>()), 0..8), logit in any::<bool>()) {
            let tokens: Vec<Token> = values.iter().map(|&(p, z, math)| token("1", p, z, math)).collect();
            let source = if logit { Source::Logit } else { Source::Prob };
            let confidence = measure(&tokens, ValueKind::RawLogit, 1.0, source);
            prop_assert!(confidence.value.is_none_or(f64::is_finite));
            prop_assert_eq!(confidence.value.is_none(), confidence.unavailable.is_some());
            prop_assert!(confidence.measures.values().all(|value| value.is_finite()));
        }
    }
}

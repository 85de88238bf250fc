//! The names of the measures of confidence, and what each needs.

use std::fmt;
use std::str::FromStr;

use crate::trace::record::ValueKind;

/// The measure a router reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Mean of the highest raw logit; needs [`ValueKind::RawLogit`].
    Logit,
    /// Least top-1 probability; needs log-probabilities of any kind.
    Prob,
    /// Least probability of a sampled token; needs log-probabilities too.
    Sampled,
    /// Mean top-1 probability.
    MeanProb,
    /// Minus the mean entropy over the known alternatives.
    Entropy,
    /// The same over all tokens.
    GeneralLogit,
    GeneralProb,
    GeneralSampled,
    GeneralMeanProb,
    GeneralEntropy,
}

/// The tokens of a step that a measure is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Domain {
    /// Its math tokens, or all of them where it has none.
    Math,
    /// All of them.
    General,
}

impl Domain {
    /// The name in settings, and the end of the name among the measures of a
    /// step.
    pub fn name(self) -> &'static str {
        match self {
            Self::Math => "math",
            Self::General => "general",
        }
    }
}

/// Not the name of a domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown domain {0:?}: use math or general")]
pub struct UnknownDomain(pub String);

impl FromStr for Domain {
    type Err = UnknownDomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut known = [Self::Math, Self::General].into_iter();
        let known = known.find(|domain| domain.name() == text);
        known.ok_or_else(|| UnknownDomain(text.to_owned()))
    }
}

/// A measure over all tokens was asked for over the math tokens alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`domain=math` contradicts `signal={0}`, which is over all tokens")]
pub struct Contradiction(pub Source);

/// What measures there are, for messages.
pub const KNOWN: &str = "prob, sampled, logit, mean-prob, entropy, or one of them over all tokens \
                         (general-prob …)";

impl Source {
    pub const ALL: [Self; 10] = [
        Self::Prob,
        Self::Sampled,
        Self::Logit,
        Self::MeanProb,
        Self::Entropy,
        Self::GeneralProb,
        Self::GeneralSampled,
        Self::GeneralLogit,
        Self::GeneralMeanProb,
        Self::GeneralEntropy,
    ];

    /// Those that a policy may be trained on, and that reports compare it with.
    pub const TRAINED: [Self; 3] = [Self::Prob, Self::Sampled, Self::Logit];

    /// Why this measure cannot be had from values of a kind; `None` where it can.
    pub fn unavailable_from(self, kind: ValueKind) -> Option<&'static str> {
        match (self.over_all_tokens(), kind) {
            (_, ValueKind::RawLogit) => None,
            (Self::GeneralLogit, _) if self.is_general() => {
                Some("gives no raw logits: use `signal=general-prob`")
            }
            (Self::GeneralLogit, _) => Some("gives no raw logits: use `signal=prob`"),
            (_, ValueKind::None) => Some("gives no probabilities"),
            (_, _) => None,
        }
    }

    /// The name in logs and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logit => "logit",
            Self::Prob => "prob",
            Self::Sampled => "sampled",
            Self::MeanProb => "mean-prob",
            Self::Entropy => "entropy",
            Self::GeneralLogit => "general-logit",
            Self::GeneralProb => "general-prob",
            Self::GeneralSampled => "general-sampled",
            Self::GeneralMeanProb => "general-mean-prob",
            Self::GeneralEntropy => "general-entropy",
        }
    }

    /// The same measure over all tokens.
    #[must_use]
    pub fn over_all_tokens(self) -> Self {
        match self {
            Self::Logit | Self::GeneralLogit => Self::GeneralLogit,
            Self::Prob | Self::GeneralProb => Self::GeneralProb,
            Self::Sampled | Self::GeneralSampled => Self::GeneralSampled,
            Self::MeanProb | Self::GeneralMeanProb => Self::GeneralMeanProb,
            Self::Entropy | Self::GeneralEntropy => Self::GeneralEntropy,
        }
    }

    /// Whether it is over all tokens although there are math tokens.
    pub fn is_general(self) -> bool {
        self.over_all_tokens() == self
    }

    /// The tokens it is over.
    pub fn domain(self) -> Domain {
        match self.is_general() {
            true => Domain::General,
            false => Domain::Math,
        }
    }

    /// The measure over the tokens of a domain; as it is where none is named.
    ///
    /// # Errors
    /// [`Contradiction`].
    pub fn within(self, domain: Option<Domain>) -> Result<Self, Contradiction> {
        match domain {
            Some(Domain::General) => Ok(self.over_all_tokens()),
            Some(Domain::Math) if self.is_general() => Err(Contradiction(self)),
            Some(Domain::Math) | None => Ok(self),
        }
    }

    /// Whether its values are raw logits, which have each model's own scale.
    pub fn is_logit(self) -> bool {
        self.over_all_tokens() == Self::GeneralLogit
    }

    /// Whether its values are probabilities.
    pub fn is_probability(self) -> bool {
        !self.is_logit() && !self.is_entropy()
    }

    pub(super) fn is_entropy(self) -> bool {
        self.over_all_tokens() == Self::GeneralEntropy
    }

    /// What is odd about its values, for whoever shows them.
    pub fn remark(self) -> Option<&'static str> {
        self.is_entropy()
            .then_some("truncated: over the known alternatives only")
    }

    /// The name among the measures of a step, without its domain.
    pub(super) fn measure(self) -> &'static str {
        match self.over_all_tokens() {
            Self::GeneralLogit => "logit",
            Self::GeneralSampled => "min_sampled",
            Self::GeneralMeanProb => "mean_top1",
            Self::GeneralEntropy => "entropy_truncated",
            _ => "prob",
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
#[error("unknown confidence source {0:?}: use {KNOWN}")]
pub struct UnknownSource(pub String);

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|source| source.name() == text);
        known.ok_or_else(|| UnknownSource(text.to_owned()))
    }
}

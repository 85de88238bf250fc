//! Who says how a trajectory came out.

use std::fmt;
use std::str::FromStr;

/// Whether answers are graded by rules, by a model, or by a model where the
/// rules have no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GradeMode {
    Rules,
    Llm,
    RulesThenLlm,
}

impl GradeMode {
    /// Every mode, in the order in which messages list them.
    pub const ALL: [Self; 3] = [Self::Rules, Self::Llm, Self::RulesThenLlm];

    /// The name in pool files, flags and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Llm => "llm",
            Self::RulesThenLlm => "rules-then-llm",
        }
    }

    /// Whether a model may be asked.
    pub fn asks(self) -> bool {
        self != Self::Rules
    }
}

impl fmt::Display for GradeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No mode has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is `{0}`: one of {names}", names = GradeMode::ALL.map(GradeMode::name).join(", "))]
pub struct UnknownMode(pub String);

impl FromStr for GradeMode {
    type Err = UnknownMode;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|mode| mode.name() == name);
        known.ok_or_else(|| UnknownMode(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for mode in GradeMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        let error = "LLM".parse::<GradeMode>().unwrap_err().to_string();
        assert_eq!(error, "is `LLM`: one of rules, llm, rules-then-llm");
    }
}

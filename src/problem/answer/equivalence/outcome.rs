//! Three-valued results: equal, different, or not known.

/// What comparing two pieces came to, and the rule that said so.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    Equal(&'static str),
    Different(&'static str),
    /// With the reason.
    Unknown(String),
}

impl Outcome {
    pub fn decided(equal: bool, rule: &'static str) -> Self {
        if equal {
            Self::Equal(rule)
        } else {
            Self::Different(rule)
        }
    }

    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown(reason.into())
    }

    pub fn is_equal(&self) -> bool {
        matches!(self, Self::Equal(_))
    }

    /// Under the name of the shape that the pieces make up.
    pub fn within(self, rule: &'static str) -> Self {
        match self {
            Self::Equal(_) => Self::Equal(rule),
            Self::Different(_) => Self::Different(rule),
            unknown @ Self::Unknown(_) => unknown,
        }
    }

    /// Both must be equal; different decides before unknown.
    pub fn all(outcomes: impl IntoIterator<Item = Self>, rule: &'static str) -> Self {
        let mut unknown = None;
        for outcome in outcomes {
            match outcome {
                Self::Equal(_) => {}
                Self::Different(_) => return Self::Different(rule),
                Self::Unknown(reason) => {
                    unknown.get_or_insert(reason);
                }
            }
        }
        unknown.map_or(Self::Equal(rule), Self::Unknown)
    }

    /// This, unless it is not equal and `other` is: for what may be read in
    /// two ways.
    pub fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_equal() {
            return self;
        }
        let other = other();
        match (&self, &other) {
            (_, Self::Equal(_)) => other,
            _ => self,
        }
    }
}

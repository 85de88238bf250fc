//! The names that expressions know.

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Holds or does not.
    Flag,
    Number,
    Text,
}

impl Kind {
    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "a condition",
            Self::Number => "a number",
            Self::Text => "a text",
        }
    }
}

/// What an expression is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Step,
    Trajectory,
}

/// A name with what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    pub field: Field,
    pub name: &'static str,
    pub kind: Kind,
    pub scope: Scope,
    pub help: &'static str,
}

/// Functions over the steps of a trajectory, and `known`, over anything.
pub const FUNCTIONS: [(&str, &str); 11] = [
    ("any", "whether a condition holds at any step"),
    ("all", "whether it holds at every step"),
    ("count", "the number of steps at which it is known to hold"),
    (
        "share",
        "their share of the steps of which it is known, 0 to 1",
    ),
    ("first", "the number of the first of them"),
    ("last", "the number of the last of them"),
    ("sum", "the sum of a number over the steps"),
    ("mean", "its mean"),
    ("min", "its least"),
    ("max", "its greatest"),
    ("known", "whether a value is known"),
];

macro_rules! fields {
    ($($field:ident $name:literal $scope:ident $kind:ident $help:literal;)*) => {
        /// Something that is known of a step or of a trajectory.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Field {
            $(#[doc = $help] $field,)*
        }

        impl Field {
            /// Every name.
            pub const ALL: &'static [FieldInfo] = &[
                $(FieldInfo {
                    field: Self::$field,
                    name: $name,
                    kind: Kind::$kind,
                    scope: Scope::$scope,
                    help: $help,
                },)*
            ];
        }
    };
}

fields! {
    Step "step" Step Number "its number, from 1";
    Position "position" Step Number "how far it is into the trajectory, above 0 to 1";
    Model "model" Step Text "the model that wrote it";
    Next "next" Step Text "the model chosen for the step after it";
    Confidence "confidence" Step Number "the confidence that the router read";
    Prob "prob" Step Number "least top-1 probability over the math tokens";
    Logit "logit" Step Number "mean highest raw logit over the math tokens";
    Sampled "sampled" Step Number "least probability of a sampled math token";
    Entropy "entropy" Step Number "mean entropy of the math tokens, in nats; more is less sure";
    Tokens "tokens" Step Number "tokens it was written in";
    Prompt "prompt" Step Number "tokens of its prompt";
    Seconds "seconds" Step Number "seconds it took";
    StepEnded "end" Step Text "how it ended: delimiter, eos, length, empty or error";
    Text "text" Step Text "its text";
    Escalation "escalation" Step Flag "the next step goes to a more capable model";
    Deescalation "deescalation" Step Flag "the next step goes to a less capable model";
    Truncated "truncated" Step Flag "it was cut off at its token limit";
    Regenerated "regenerated" Step Flag "a more capable model wrote it in place of a draft";
    Edited "edited" Step Flag "a person wrote it";
    Overridden "overridden" Step Flag "a person chose who writes the next step";
    Probability "probability" Step Number "what the router gives the model it chose, 0 to 1";
    Threshold "threshold" Step Number "the threshold of the decision after it";
    ActionSet "action_set" Step Number "how many models are in the action set after it";
    Propensity "propensity" Step Number "probability with which that decision was drawn";
    Prm "prm" Step Number "score of the process-reward model";
    Judge "judge" Step Number "score of the judge";
    Refuted "refuted" Step Flag "a verifier or checker found it incorrect";
    Regret "regret" Step Number "what the choice after it lost: share of right answers, 0 to 1";
    Label "label" Step Text "the last rating by a person: good, neutral, bad or first-error";
    Labelled "labelled" Step Flag "a person rated it";
    Flagged "flagged" Step Flag "a person flagged it";
    Calculation "calculation" Step Text "its arithmetic, worked out again: right, wrong, undecided or none";
    Repeats "repeats" Step Flag "it says again what a step before it said";
    Problem "problem" Trajectory Text "id of the problem";
    Run "run" Trajectory Text "id of the run";
    Router "router" Trajectory Text "the router, as it is written";
    Domain "domain" Trajectory Text "subject of the problem";
    Area "area" Trajectory Text "its domain in short: Algebra of Mathematics -> Algebra -> Inequalities";
    Difficulty "difficulty" Trajectory Number "difficulty of the problem, on its data set's scale";
    Question "question" Trajectory Text "the question";
    Gold "gold" Trajectory Text "the reference answer";
    Answer "answer" Trajectory Text "the answer that was found";
    Verdict "verdict" Trajectory Text "correct, wrong or ungraded";
    Correct "correct" Trajectory Flag "the answer is correct";
    Wrong "wrong" Trajectory Flag "the answer is wrong";
    Ungraded "ungraded" Trajectory Flag "nobody could grade the answer";
    Rule "rule" Trajectory Text "the rule that graded it";
    Failure "failure" Trajectory Text "why it is not right: routing, late, capability, truncated, grading or unclear";
    Ended "ended" Trajectory Text "finished, step-cap, repetition, empty, context or error";
    Steps "steps" Trajectory Number "number of steps";
    LargeShare "large_share" Trajectory Number "share of the steps by the most capable model, 0 to 1";
    Cost "cost" Trajectory Number "published cost, in the run's unit";
    FullCost "full_cost" Trajectory Number "full cost, in the run's unit";
    Overrides "overrides" Trajectory Number "decisions that a person took";
}

impl Field {
    /// What is known of the field itself.
    pub fn info(self) -> &'static FieldInfo {
        let place = Self::ALL.iter().position(|info| info.field == self);
        // Every variant is in the table, which is made with it.
        &Self::ALL[place.unwrap_or_default()]
    }

    /// The field of this name.
    pub fn named(name: &str) -> Option<&'static FieldInfo> {
        Self::ALL.iter().find(|info| info.name == name)
    }

    /// Whether it is known from the texts of questions and steps only.
    pub fn is_of_texts(self) -> bool {
        matches!(
            self,
            Self::Text | Self::Question | Self::Calculation | Self::Repeats
        )
    }

    /// Whether its text is the name of a model.
    pub(super) fn is_of_models(self) -> bool {
        matches!(self, Self::Model | Self::Next)
    }

    /// The only texts that a field can have.
    pub(super) fn vocabulary(self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::Verdict => &["correct", "wrong", "ungraded"],
            Self::Failure => &[
                "routing",
                "late",
                "capability",
                "truncated",
                "grading",
                "unclear",
            ],
            Self::Label => &["good", "neutral", "bad", "first-error"],
            Self::Calculation => &["right", "wrong", "undecided", "none"],
            Self::StepEnded => &["delimiter", "eos", "length", "empty", "error"],
            Self::Ended => &[
                "finished",
                "step-cap",
                "repetition",
                "empty",
                "context",
                "error",
            ],
            _ => return None,
        })
    }

    /// Why it is not known where it is not, as a rule.
    pub fn unknown_because(self) -> &'static str {
        match self {
            Self::Confidence | Self::Prob | Self::Logit | Self::Sampled | Self::Entropy => {
                "it was not measured on this step"
            }
            Self::Prm => "no process-reward model scored this step",
            Self::Judge => "no judge scored this step",
            Self::Refuted => "no verifier or checker looked at this step",
            Self::Label => "nobody labelled this step",
            Self::Probability => "the router gave no probabilities here",
            Self::Threshold | Self::ActionSet | Self::Propensity => {
                "no decision was made after this step"
            }
            Self::Domain | Self::Difficulty | Self::Gold | Self::Question => {
                "the problem does not say it"
            }
            Self::Verdict
            | Self::Correct
            | Self::Wrong
            | Self::Ungraded
            | Self::Answer
            | Self::Rule
            | Self::Ended
            | Self::Cost
            | Self::FullCost => "the trajectory does not end here",
            _ => "the log does not say it",
        }
    }
}

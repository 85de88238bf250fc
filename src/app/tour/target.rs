//! What a tour points at.

use std::fmt;

/// Something on a screen that a tour points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A pane, or a named part of one.
    Part(Part),
    /// A step in the list, by its number.
    Step(u32),
    /// Words in the text of the steps on screen.
    Text(String),
}

macro_rules! parts {
    ($( $name:ident $id:literal $doc:literal )+) => {
        /// A pane or a part of one that has a name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Part {
            $( #[doc = $doc] $name, )+
        }

        impl Part {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$name ),+];

            /// Its name in a `.tour` file.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $( Self::$name => $id ),+ }
            }
        }
    };
}

parts! {
    Header "header" "The line at the top."
    Steps "steps" "The list or the tree of steps."
    Text "text" "The text of the steps."
    Decision "decision" "The decision card."
    Choice "decision.choice" "Who writes the next step."
    Reason "decision.reason" "Why."
    Confidence "decision.confidence" "The confidence on its scale."
    Probabilities "decision.probabilities" "The policy's probabilities against κ."
    Threshold "decision.threshold" "κ."
    ActionSet "decision.action-set" "The action set."
    Outcome "decision.outcome" "How the trajectory came out."
    Routers "decision.routers" "What each router would do."
    Measures "decision.step" "What was measured on the step."
    Cost "cost" "The cost so far."
    CostScale "cost.scale" "The cost between what one model alone would take."
    Problems "problems" "The table of problems."
    ProblemsRow "problems.row" "The row under its cursor."
    ProblemsSum "problems.sum" "What everything shown came to."
    Runs "runs" "The table of runs."
    RunsRow "runs.row" "The row under its cursor."
    WhatIf "what-if" "The what-if screen."
    Slider "what-if.slider" "Its slider."
    Bands "what-if.bands" "Its bands, with the coverage."
    Figures "what-if.figures" "Accuracy and cost, as logged and at the value."
    Frontier "what-if.frontier" "Its frontier."
    Changed "what-if.list" "The trajectories of a band."
    Values "values" "The screen of values."
    ValuesRow "values.row" "The step under its cursor."
    Analysis "analysis" "The screen of analysis."
    AnalysisRow "analysis.row" "The row under its cursor."
    AnalysisFigure "analysis.figure" "Its figure, or both."
    Compare "compare" "The comparison, of trajectories or of runs."
}

impl Part {
    /// The part with this [`Part::id`].
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|part| part.id() == id)
    }

    /// Whether it is of the cost card, which small windows show only then.
    #[must_use]
    pub const fn is_cost(self) -> bool {
        matches!(self, Self::Cost | Self::CostScale)
    }
}

impl Target {
    /// Reads `decision.action-set`, `step 3` or `text 7 * 8`; `None` for what
    /// is none of these.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(part) = Part::from_id(text) {
            return Some(Self::Part(part));
        }
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "step" => rest.parse().ok().map(Self::Step),
            "text" if !rest.trim().is_empty() => Some(Self::Text(rest.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => f.write_str(part.id()),
            Self::Step(step) => write!(f, "step {step}"),
            Self::Text(text) => write!(f, "text {text}"),
        }
    }
}

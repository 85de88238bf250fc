//! Where keys are looked up, and under which headings actions stand in help.

/// Where keys are looked up. Contexts that take text ([`Context::takes_text`])
/// let plain characters through to the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere outside text fields and dialogs; also the help overlay.
    Global,
    /// The inspector screen.
    Inspector,
    /// The inspector while steps are labelled: digits are ratings, so that no
    /// counts are typed.
    Label,
    /// The tree of branches.
    Tree,
    /// The table of runs.
    Runs,
    /// The table of problems.
    Problems,
    /// A log under another value of its router's parameter.
    WhatIf,
    /// What the decisions of a trajectory were worth.
    Values,
    /// What the log says of its router as a whole.
    Analysis,
    /// A tour has the keys, whatever screen it shows.
    Tour,
    /// Two trajectories side by side, or two runs problem by problem.
    Compare,
    /// A short list to choose from (models of an override): digits are free
    /// for choosing by number.
    Menu,
    /// A yes-or-no question.
    Confirm,
    /// The fuzzy problem picker: typing filters.
    Picker,
    /// The palette of actions: typing filters.
    Palette,
    /// A line of text: search, run-until expression.
    TextInput,
}

impl Context {
    /// All contexts, in the order of help.
    pub const ALL: [Self; 16] = [
        Self::Global,
        Self::Inspector,
        Self::Label,
        Self::Tree,
        Self::Runs,
        Self::Problems,
        Self::WhatIf,
        Self::Values,
        Self::Analysis,
        Self::Tour,
        Self::Compare,
        Self::Menu,
        Self::Confirm,
        Self::Picker,
        Self::Palette,
        Self::TextInput,
    ];

    /// Name in `keys.toml`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Inspector => "inspector",
            Self::Label => "label",
            Self::Tree => "tree",
            Self::Runs => "runs",
            Self::Problems => "problems",
            Self::WhatIf => "what-if",
            Self::Values => "values",
            Self::Analysis => "analysis",
            Self::Tour => "tour",
            Self::Compare => "compare",
            Self::Menu => "menu",
            Self::Confirm => "confirm",
            Self::Picker => "picker",
            Self::Palette => "palette",
            Self::TextInput => "text-input",
        }
    }

    /// The context with this [`Context::id`].
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.id() == id)
    }

    /// Whether a plain character that is not bound is text to insert.
    #[must_use]
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Picker | Self::Palette | Self::TextInput)
    }

    /// Whether leading digits are a count (`5j`).
    #[must_use]
    pub const fn takes_counts(self) -> bool {
        matches!(
            self,
            Self::Global
                | Self::Inspector
                | Self::Tree
                | Self::Runs
                | Self::Problems
                | Self::WhatIf
                | Self::Values
                | Self::Analysis
                | Self::Compare
        )
    }

    /// Whether keys that are not bound here are looked up in
    /// [`Context::Global`]. Dialogs and tours stop everything they do not know;
    /// text fields let only keys through that cannot be text.
    #[must_use]
    pub const fn falls_back(self) -> bool {
        !matches!(self, Self::Global | Self::Menu | Self::Confirm | Self::Tour)
    }
}

/// The heading an action stands under in help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    Stepping,
    Deciding,
    Moving,
    Finding,
    Tables,
    WhatIf,
    Analysis,
    Labelling,
    Compare,
    Showing,
    Talking,
    Editing,
    Program,
}

impl Group {
    /// All groups, in the order of help.
    pub const ALL: [Self; 13] = [
        Self::Stepping,
        Self::Deciding,
        Self::Moving,
        Self::Finding,
        Self::Tables,
        Self::WhatIf,
        Self::Analysis,
        Self::Labelling,
        Self::Compare,
        Self::Showing,
        Self::Talking,
        Self::Editing,
        Self::Program,
    ];

    /// Heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Stepping => "Stepping",
            Self::Deciding => "Deciding again",
            Self::Moving => "Moving",
            Self::Finding => "Finding",
            Self::Tables => "Tables of runs and problems",
            Self::WhatIf => "What if, and what it was worth",
            Self::Analysis => "Analysis",
            Self::Labelling => "Labelling",
            Self::Compare => "Comparing",
            Self::Showing => "Showing",
            Self::Talking => "Talks",
            Self::Editing => "Typing",
            Self::Program => "Program",
        }
    }
}

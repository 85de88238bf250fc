//! The roles a theme gives styles to.

/// A role with what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleInfo {
    pub name: &'static str,
    pub doc: &'static str,
}

/// Number of `step.model.<k>` roles, for models between the smallest and the
/// largest of a pool; longer pools use them in turn.
pub const MODEL_ROLES: usize = 4;

macro_rules! roles {
    ($($name:literal $doc:literal)+) => {
        /// Every role, in the order of the documentation.
        pub const ROLES: &[RoleInfo] = &[$(RoleInfo { name: $name, doc: $doc }),+];
    };
}

roles! {
    "background" "the colour behind everything"
    "text" "ordinary text"
    "dim" "secondary text"
    "emphasis" "text that matters more"
    "border" "frame of a pane"
    "border.focus" "frame of the pane that has the keys"
    "title" "title of a pane"
    "title.focus" "title of the pane that has the keys"
    "bar" "status and hint bars"
    "popup" "dialogs and lists over the screen"
    "selection" "the selected row"
    "selection.unfocused" "the selected row of a pane without the keys"
    "cursor" "the cursor of a text field"
    "step" "a step of any model"
    "step.small" "the smallest model of the pool"
    "step.large" "the largest model of the pool"
    "step.model.1" "models between, in turn"
    "step.model.2" "models between, in turn"
    "step.model.3" "models between, in turn"
    "step.model.4" "models between, in turn"
    "step.override" "a step written on a person's order"
    "step.edited" "a step that a person wrote"
    "step.error" "a step judged wrong"
    "step.draft" "a draft that was rejected"
    "confidence" "the confidence of a step"
    "confidence.low" "tokens of low confidence, under their text"
    "confidence.mid" "tokens of middling confidence, under their text"
    "confidence.high" "tokens of high confidence, under their text"
    "confidence.unavailable" "where no confidence is known"
    "action" "a model the router may choose"
    "action.allowed" "a model in the action set"
    "action.chosen" "the model that was chosen"
    "action.denied" "a model outside the action set"
    "bar.fill" "the filled part of a bar"
    "bar.empty" "the empty part of a bar"
    "threshold" "the threshold κ"
    "cost" "money or FLOPs"
    "cost.published" "cost as the papers count it"
    "cost.full" "cost of everything that was paid for"
    "cost.reference" "cost of using one model only"
    "verdict" "how a trajectory came out"
    "verdict.correct" "answered right"
    "verdict.wrong" "answered wrong"
    "verdict.ungraded" "not graded"
    "busy" "a call is running"
    "warning" "something to look at"
    "error" "something failed"
    "success" "something worked"
    "key" "a key to press"
    "hint" "what a key does"
    "search.match" "text that was searched for"
    "search.current" "the match under the cursor"
    "diff" "where two texts differ"
    "diff.removed" "what only the first of two texts has"
    "diff.added" "what only the second of two texts has"
    "diff.respelled" "the same value or formula, written differently"
    "mark" "a marked step"
    "highlight" "what a tour points at, and the key just pressed in a talk"
    "caption" "the line for the audience of a talk"
    "math" "readable mathematics"
    "math.box" "a boxed answer"
    "source" "source text"
    "source.command" "LaTeX commands"
    "source.keyword" "keywords and headings"
    "source.math" "mathematics in the source"
    "source.number" "numbers"
    "source.string" "strings and verbatim text"
    "source.operator" "operators and relations"
    "source.brace" "brackets and delimiters"
    "source.emphasis" "bold and italic text"
    "source.comment" "comments"
}

/// Whether a theme may give `name` a style: a role, or a whole that roles are
/// part of.
#[must_use]
pub fn is_known(name: &str) -> bool {
    ROLES.iter().any(|role| {
        role.name == name
            || role
                .name
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

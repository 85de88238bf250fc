//! Every action of the program, in one table.
//!
//! The keymap, the help overlay, the palette, the hint bar and the key table
//! of the documentation are all made from [`ACTIONS`], so an action cannot be
//! bound and undocumented, or documented and unbound. Nothing here knows a
//! terminal: keys are written in the notation that `tui::input::keys` reads.

use std::fmt;

mod context;

pub use context::{Context, Group};

/// What is known about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionInfo {
    pub action: Action,
    /// Name in `keys.toml`, in the palette and in documents: kebab-case.
    pub id: &'static str,
    /// One sentence without a full stop, as help shows it.
    pub doc: &'static str,
    /// Two words at most, for the hint bar.
    pub label: &'static str,
    pub group: Group,
    /// Whether a count makes sense (`5j`).
    pub counts: bool,
    /// Whether holding the key down repeats the action.
    pub repeats: bool,
    /// Default keys by context, the one to show first standing first.
    pub keys: &'static [(Context, &'static [&'static str])],
}

impl ActionInfo {
    /// Whether the action can be chosen by name in the palette: actions that
    /// only make sense inside a dialog or a text field cannot.
    #[must_use]
    pub fn in_palette(&self) -> bool {
        self.action != Action::Palette
            && self.keys.iter().any(|(context, _)| {
                matches!(
                    context,
                    Context::Global
                        | Context::Inspector
                        | Context::Label
                        | Context::Tree
                        | Context::Runs
                        | Context::Problems
                        | Context::WhatIf
                        | Context::Values
                        | Context::Analysis
                        | Context::Compare
                )
            })
    }
}

macro_rules! actions {
    ($( $name:ident $id:literal $label:literal $group:ident $(+ $flag:ident)* : $doc:literal
        { $( $context:ident [ $($key:literal),+ ] )+ } )+) => {
        /// Everything a person can make the program do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $( #[doc = $doc] $name, )+
        }

        /// The table of actions, in the order of help.
        pub const ACTIONS: &[ActionInfo] = &[
            $( ActionInfo {
                action: Action::$name,
                id: $id,
                doc: $doc,
                label: $label,
                group: Group::$group,
                counts: has_flag(&[$(stringify!($flag)),*], "counts"),
                repeats: has_flag(&[$(stringify!($flag)),*], "repeats"),
                keys: &[ $( (Context::$context, &[$($key),+]) ),+ ],
            }, )+
        ];
    };
}

/// Whether `flags` holds `wanted`; usable in constants.
const fn has_flag(flags: &[&str], wanted: &str) -> bool {
    let mut at = 0;
    while at < flags.len() {
        if same(flags[at].as_bytes(), wanted.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

/// `==` of byte strings is not yet callable in constants.
const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

actions! {
    Step "step" "step" Stepping +counts +repeats: "Write the next step as the router decides; in the past, go one step forward"
        { Inspector ["space", "s"] Tree ["space", "s"] }
    Back "back" "back" Stepping +counts +repeats: "Go back one step; nothing is lost"
        { Inspector ["b", "S"] Tree ["b", "S"] }
    Run "run" "run" Stepping: "Run to the end of the trajectory"
        { Inspector ["c"] Tree ["c"] }
    RunUntil "run-until" "run until" Stepping: "Run until an expression holds, e.g. escalation or confidence < 0.5"
        { Inspector ["C"] Tree ["C"] }
    BackUntil "back-until" "back until" Stepping: "Go back to the last step at which an expression held"
        { Inspector ["B"] Tree ["B"] }
    RunBack "run-back" "run back" Stepping: "Go back to the last step at which a breakpoint stops"
        { Inspector ["[c"] Tree ["[c"] }
    Breakpoint "breakpoint" "breakpoint" Stepping: "Stop runs of this trajectory at this step, or no longer"
        { Inspector ["x"] Tree ["x"] }
    BreakIf "break-if" "break if" Stepping: "Stop runs of every trajectory where an expression holds, e.g. refuted or calculation = wrong"
        { Inspector ["X"] Tree ["X"] }
    Watch "watch" "watch" Stepping: "Show what an expression comes to at every step, e.g. mean(confidence)"
        { Inspector ["w"] Tree ["w"] }
    Stops "stops" "stops" Stepping: "List breakpoints and watched expressions, with their hits"
        { Inspector ["W"] Tree ["W"] }
    Enable "enable" "on or off" Stepping: "Switch the selected breakpoint off, or on again"
        { Menu ["space"] }
    Remove "remove" "remove" Stepping: "Take the selected breakpoint or watched expression away"
        { Menu ["d", "delete"] }
    Play "play" "play" Stepping: "Play the recorded steps at a steady pace, or pause"
        { Inspector ["p"] Tree ["p"] }
    Cancel "cancel" "cancel" Stepping: "Stop the call that is running; the steps written so far stay"
        { Global ["ctrl-c"] }
    Retry "retry" "retry" Stepping: "Try the call that failed again"
        { Inspector ["R"] Tree ["R"] }

    Override "override" "override" Deciding: "Choose the model that writes the next step yourself: makes a branch"
        { Inspector ["o"] Tree ["o"] }
    Edit "edit" "edit" Deciding: "Edit this step in your editor and go on from it: makes a branch"
        { Inspector ["e"] Tree ["e"] }
    Rerun "re-run" "re-run" Deciding: "Write this step again with fresh calls: makes a branch"
        { Inspector ["r"] Tree ["r"] }
    Rollouts "rollouts" "rollouts" Deciding +counts: "Have every model write the next step several times (3, or the count) and run each to its end, to see what they lead to; asks with the price first"
        { Inspector ["Q"] Tree ["Q"] Values ["Q"] }
    PreviousBranch "previous-branch" "branch" Deciding: "Go to the previous branch at this step"
        { Inspector ["<", "[b"] Tree ["<", "[b"] }
    NextBranch "next-branch" "branch" Deciding: "Go to the next branch at this step"
        { Inspector [">", "]b"] Tree [">", "]b"] }

    Down "down" "down" Moving +counts +repeats: "Down"
        { Global ["j", "down"] Menu ["j", "down", "ctrl-n"] Picker ["down", "ctrl-n"] Palette ["down", "ctrl-n"] TextInput ["down"] }
    Up "up" "up" Moving +counts +repeats: "Up"
        { Global ["k", "up"] Menu ["k", "up", "ctrl-p"] Picker ["up", "ctrl-p"] Palette ["up", "ctrl-p"] TextInput ["up"] }
    Left "left" "left" Moving +counts +repeats: "Left"
        { Global ["h", "left"] Picker ["left"] Palette ["left"] TextInput ["left"] }
    Right "right" "right" Moving +counts +repeats: "Right"
        { Global ["l", "right"] Picker ["right"] Palette ["right"] TextInput ["right"] }
    HalfPageDown "half-page-down" "half page" Moving +counts +repeats: "Half a page down"
        { Global ["ctrl-d"] }
    HalfPageUp "half-page-up" "half page" Moving +counts +repeats: "Half a page up"
        { Global ["ctrl-u"] }
    PageDown "page-down" "page" Moving +counts +repeats: "A page down"
        { Global ["pagedown", "ctrl-f"] Picker ["pagedown"] Palette ["pagedown"] }
    PageUp "page-up" "page" Moving +counts +repeats: "A page up"
        { Global ["pageup", "ctrl-b"] Picker ["pageup"] Palette ["pageup"] }
    First "first" "first" Moving +counts: "To the first line or step; with a count, to that one"
        { Global ["gg", "home"] Menu ["gg", "home"] Picker ["home"] Palette ["home"] TextInput ["home", "ctrl-a"] }
    Last "last" "last" Moving +counts: "To the last line or step; with a count, to that one"
        { Global ["G", "end"] Menu ["G", "end"] Picker ["end"] Palette ["end"] TextInput ["end", "ctrl-e"] }
    NextPane "next-pane" "pane" Moving: "To the next pane"
        { Global ["tab"] }
    PreviousPane "previous-pane" "pane" Moving: "To the previous pane"
        { Global ["shift-tab"] }
    Accept "accept" "open" Moving: "Open or accept what is selected"
        { Global ["enter"] Menu ["enter"] Confirm ["enter", "y"] Picker ["enter"] Palette ["enter"] TextInput ["enter"] }

    NextEscalation "next-escalation" "escalation" Finding +counts: "To the next step that a larger model wrote"
        { Inspector ["]e"] Tree ["]e"] }
    PreviousEscalation "previous-escalation" "escalation" Finding +counts: "To the previous step that a larger model wrote"
        { Inspector ["[e"] Tree ["[e"] }
    NextDisagreement "next-disagreement" "disagreement" Finding +counts: "To the next step at which another router would have done otherwise"
        { Inspector ["]d"] Tree ["]d"] }
    PreviousDisagreement "previous-disagreement" "disagreement" Finding +counts: "To the previous step at which another router would have done otherwise"
        { Inspector ["[d"] Tree ["[d"] }
    FirstError "first-error" "error" Finding: "To the first step judged wrong"
        { Inspector ["]x", "[x"] Tree ["]x", "[x"] }
    Mark "mark" "mark" Finding: "Mark this step or row, or take its mark away"
        { Inspector ["m"] Tree ["m"] Runs ["m"] Problems ["m"] }
    NextMark "next-mark" "next mark" Finding +counts: "To the next marked step"
        { Inspector ["'"] Tree ["'"] }
    JumpBack "jump-back" "jump back" Finding +counts +repeats: "Back to where the last far movement was made from, over problems too"
        { Global ["ctrl-o"] }
    JumpForward "jump-forward" "jump ahead" Finding +counts +repeats: "Forward again to where one went back from"
        { Global ["alt-o", "go"] }
    Search "search" "search" Finding: "Search the text of the steps"
        { Global ["/"] }
    NextMatch "next-match" "next match" Finding +counts +repeats: "To the next match"
        { Global ["n"] }
    PreviousMatch "previous-match" "match" Finding +counts +repeats: "To the previous match"
        { Global ["N"] }
    ChooseProblem "choose-problem" "problem" Finding: "Choose another problem by a part of its text"
        { Global ["ctrl-p"] }
    NextProblem "next-problem" "next problem" Finding +counts +repeats: "Open the next problem of the table"
        { Global ["J"] }
    PreviousProblem "previous-problem" "problem" Finding +counts +repeats: "Open the previous problem of the table"
        { Global ["K"] }

    Problems "problems" "problems" Tables: "Show the table of problems, or the trajectory again"
        { Global ["P"] }
    Runs "runs" "runs" Tables: "Show the table of runs, or the trajectory again"
        { Global ["L"] }
    Filter "filter" "filter" Tables: "Show only the trajectories that fulfil an expression, e.g. wrong & large_share < 0.2"
        { Problems ["f", "/"] }
    SortBy "sort" "sort" Tables: "Sort by an expression, e.g. -cost; an empty one gives the order of the log"
        { Problems ["o"] }
    GroupBy "group" "group" Tables: "Group by an expression, e.g. area; an empty one groups nothing"
        { Problems ["b"] }
    Fold "fold" "fold" Tables: "Give all trajectories of a problem one row, or each its own"
        { Problems ["z"] }

    WhatIf "what-if" "what if" WhatIf: "Decide the whole log again under another κ (t, p, γ, δ, τ), or show the trajectory again"
        { Global ["t"] }
    LargerStride "larger-stride" "far right" WhatIf +counts +repeats: "Slide ten times as far to the right"
        { WhatIf [">", "."] }
    LargerStrideBack "larger-stride-back" "far left" WhatIf +counts +repeats: "Slide ten times as far to the left"
        { WhatIf ["<", ","] }
    LoggedValue "logged-value" "as logged" WhatIf: "Slide back to the value that was logged"
        { WhatIf ["="] }
    ForCost "for-cost" "for a cost" WhatIf: "Find the value at which a problem costs this much"
        { WhatIf ["$"] }
    OtherLedger "other-ledger" "ledger" WhatIf: "Count costs in the full ledger (prompts and rejected drafts too), or in the published one"
        { WhatIf ["F"] }
    OtherRule "other-rule" "other rule" WhatIf: "Let another router decide, e.g. policy:path=DIR or threshold:t=0.7"
        { WhatIf ["R"] }

    Values "values" "values" WhatIf: "Show what each model would have led to at every step, as far as the log knows, or the trajectory again"
        { Global ["V"] }
    Worth "worth" "worth" WhatIf: "Say what a right answer is worth: costs count against it"
        { Values ["$"] }

    Analysis "analysis" "analysis" Analysis: "Look at the trajectories of the table as a whole: calibration, escalation, cost, failures; or show the trajectory again"
        { Global ["a"] }
    NextScore "next-score" "score" Analysis: "Look at the next score of steps: confidence, its measures, the PRM, the judge"
        { Analysis ["s"] }
    NextTarget "next-target" "right by" Analysis: "Hold it against the next thing that says what was right: step verdict, label, final answer"
        { Analysis ["x"] }
    NextSlice "next-slice" "by" Analysis: "Take it apart by the next thing: model, step index, domain, difficulty"
        { Analysis ["b"] }
    Label "label" "label" Labelling: "Label the steps of the table's trajectories one by one, or stop doing so"
        { Global ["A"] }
    RateBad "rate-bad" "bad" Labelling: "This step is wrong"
        { Label ["1"] }
    RateNeutral "rate-neutral" "neutral" Labelling: "This step is neither right nor wrong"
        { Label ["2"] }
    RateGood "rate-good" "good" Labelling: "This step is right"
        { Label ["3"] }
    RateFirstError "rate-first-error" "first error" Labelling: "This step is the first error: those before it are right, if you rated them wrong or not at all"
        { Label ["e"] }
    FlagStep "flag-step" "flag" Labelling: "Flag this step for somebody to look at again"
        { Label ["f"] }
    SkipStep "skip-step" "skip" Labelling: "Pass this step over without a rating"
        { Label ["s"] }
    NoteStep "note-step" "note" Labelling: "Write a note on this step"
        { Label ["w"] }
    UndoLabel "undo-label" "undo" Labelling: "Take your last label back"
        { Label ["u"] }
    Blind "blind" "blind" Labelling: "Hide who wrote the steps, scores, outcome and what others said, or show them"
        { Label ["x"] }
    NextUnlabelled "next-unlabelled" "next open" Labelling: "To the next step that you have not labelled"
        { Label ["n"] }
    PreviousUnlabelled "previous-unlabelled" "previous open" Labelling: "To the previous step that you have not labelled"
        { Label ["N"] }
    LabelQueue "label-queue" "queue" Labelling: "Take the trajectories most worth labelling first, or in the order of the table"
        { Label ["Q"] }

    Compare "compare" "compare" Compare: "Compare with the marked step, row or run, else with another branch or run; or go back"
        { Global ["D"] }
    OnlyDifferences "only-differences" "differences" Compare: "Show only what differs, or everything"
        { Compare ["d"] }
    NextDifference "next-difference" "difference" Compare +counts +repeats: "To the next step that differs, or the next problem that came out differently"
        { Compare ["]c"] }
    PreviousDifference "previous-difference" "difference" Compare +counts +repeats: "To the previous one"
        { Compare ["[c"] }
    FirstDivergence "first-divergence" "divergence" Compare: "To the first step that differs in its text or its writer"
        { Compare ["]v"] }
    Swap "swap" "swap" Compare: "Exchange the sides"
        { Compare ["s"] }

    Source "source" "source" Showing: "Show mathematics as readable text or as its source"
        { Inspector ["v"] Label ["v"] Tree ["v"] Compare ["v"] }
    Shading "shading" "shading" Showing: "Shade tokens by confidence, or do not"
        { Inspector ["z"] Tree ["z"] }
    Tree "tree" "tree" Showing: "Show the tree of branches"
        { Inspector ["T"] Tree ["T"] }
    Copy "copy" "copy" Showing: "Copy this step to the clipboard"
        { Inspector ["y"] Tree ["y"] }
    NextTheme "next-theme" "theme" Showing: "Change to the next theme"
        { Global ["ctrl-t"] Tour ["ctrl-t"] }
    Mouse "mouse" "mouse" Showing: "Give the mouse to the program, or back to the terminal"
        { Global ["M"] }

    Talk "talk" "talk" Talking: "Enter talk mode, or leave it: the tape only, large, keys echoed, nothing private on screen"
        { Global ["f5"] }
    Caption "caption" "caption" Talking: "Write a line for the audience; in a recording it goes into the tour"
        { Global ["\""] }
    NextScene "next-scene" "next" Talking: "In a tour: to the next scene"
        { Tour ["space", "right", "enter", "pagedown"] }
    PreviousScene "previous-scene" "before" Talking: "In a tour: to the scene before, as it was"
        { Tour ["left", "backspace", "pageup"] }
    PauseTour "pause-tour" "pause" Talking: "In a tour: stay at this scene, or go on by itself"
        { Tour ["p"] }

    Complete "complete" "complete" Editing: "Complete the name before the cursor in an expression"
        { TextInput ["tab"] }
    DeleteBackward "delete-backward" "delete" Editing +repeats: "Delete the character before the cursor"
        { Picker ["backspace", "ctrl-h"] Palette ["backspace", "ctrl-h"] TextInput ["backspace", "ctrl-h"] }
    DeleteForward "delete-forward" "delete" Editing +repeats: "Delete the character under the cursor"
        { Picker ["delete"] Palette ["delete"] TextInput ["delete"] }
    DeleteWord "delete-word" "delete word" Editing +repeats: "Delete the word before the cursor"
        { Picker ["ctrl-w"] Palette ["ctrl-w"] TextInput ["ctrl-w"] }
    DeleteLine "delete-line" "clear" Editing: "Delete everything before the cursor"
        { Picker ["ctrl-u"] Palette ["ctrl-u"] TextInput ["ctrl-u"] }

    Palette "palette" "actions" Program: "Find any action by name; a number goes to that step"
        { Global [":"] }
    Help "help" "help" Program: "Show or hide the keys"
        { Global ["?", "f1"] }
    BackLevel "back-level" "close" Program: "Go back one level: stop a call, close what is open; never quits"
        { Global ["esc"] Tour ["esc", "ctrl-c"] Menu ["esc", "q", "ctrl-c"] Confirm ["esc", "n", "ctrl-c"] Picker ["esc", "ctrl-c"] Palette ["esc", "ctrl-c"] TextInput ["esc", "ctrl-c"] }
    Redraw "redraw" "redraw" Program: "Draw the screen anew"
        { Global ["ctrl-l"] Tour ["ctrl-l"] }
    Suspend "suspend" "suspend" Program: "Suspend the program; fg brings it back"
        { Global ["ctrl-z"] Tour ["ctrl-z"] }
    Quit "quit" "quit" Program: "Quit; asks while a paid call is running"
        { Global ["q"] Tour ["q"] }
}

impl Action {
    /// The action's line of the table.
    ///
    /// # Panics
    /// Never: the enum and the table are made by one macro, in one order.
    #[must_use]
    pub const fn info(self) -> &'static ActionInfo {
        &ACTIONS[self as usize]
    }

    /// Kebab-case name.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.info().id
    }

    /// One or two words for what it does in a context.
    #[must_use]
    pub const fn label_in(self, context: Context) -> &'static str {
        match (self, context) {
            (Self::Tree, Context::Tree) => "steps",
            (Self::NextPane | Self::PreviousPane, Context::WhatIf) => "band",
            (Self::NextPane | Self::PreviousPane, Context::Analysis) => "page",
            (Self::NextPane | Self::PreviousPane, Context::Compare) => "side",
            (Self::Accept, Context::TextInput) => "take",
            (Self::Accept, Context::Palette) => "do",
            _ => self.info().label,
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        ACTIONS
            .iter()
            .find(|info| info.id == id)
            .map(|info| info.action)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_ids_are_unique() {
        for info in ACTIONS {
            assert_eq!(info.action.info().id, info.id);
            assert_eq!(Action::from_id(info.id), Some(info.action));
            assert!(
                info.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{}",
                info.id
            );
            assert!(!info.doc.ends_with('.'), "{}", info.id);
        }
    }

    #[test]
    fn flags_are_read() {
        assert!(Action::Down.info().counts && Action::Down.info().repeats);
        assert!(Action::First.info().counts && !Action::First.info().repeats);
        assert!(!Action::Quit.info().counts && !Action::DeleteLine.info().repeats);
    }

    #[test]
    fn an_action_is_called_by_what_it_does_on_a_screen() {
        assert_eq!(Action::NextPane.label_in(Context::Analysis), "page");
        assert_eq!(Action::NextPane.label_in(Context::Inspector), "pane");
        assert_eq!(Action::Accept.label_in(Context::TextInput), "take");
    }

    #[test]
    fn contexts_have_unique_ids() {
        for context in Context::ALL {
            assert_eq!(Context::from_id(context.id()), Some(context));
        }
    }

    #[test]
    fn the_palette_offers_what_makes_sense_outside_dialogs() {
        assert!(Action::Override.info().in_palette());
        assert!(!Action::DeleteWord.info().in_palette());
        assert!(!Action::Palette.info().in_palette());
    }
}

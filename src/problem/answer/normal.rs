//! The plain form of an answer: wrappers, spacing and typographic variants
//! removed, the mathematics left as it is.

/// Longest answer that is looked into, in bytes.
pub(super) const LONGEST: usize = 4096;
/// Most layers of wrapping that are taken off.
const LAYERS: usize = 8;

/// The plain form of `answer`; `None` where it is too long to look into.
pub(super) fn normal(answer: &str) -> Option<String> {
    if answer.len() > LONGEST {
        return None;
    }
    let mut text = replaced(answer);
    for _ in 0..LAYERS {
        let before = text.len();
        text = unwrapped(text.trim()).to_owned();
        if text.len() == before {
            break;
        }
    }
    Some(squeezed(&text))
}

/// One form for what is written in several.
fn replaced(answer: &str) -> String {
    const SAME: [(&str, &str); 34] = [
        ("\u{2212}", "-"),
        ("\u{2013}", "-"),
        ("\u{00a0}", " "),
        ("\u{202f}", " "),
        ("\u{2009}", " "),
        ("\u{00b0}", "^\\circ"),
        ("\u{00bd}", " 1/2"),
        ("\u{00bc}", " 1/4"),
        ("\u{00be}", " 3/4"),
        ("\\dfrac", "\\frac"),
        ("\\tfrac", "\\frac"),
        ("\\cfrac", "\\frac"),
        ("\\left", ""),
        ("\\right", ""),
        ("\\displaystyle", ""),
        (",\\!", ","),
        ("{,}", ","),
        ("\\!", ""),
        ("\\,", " "),
        ("\\;", " "),
        ("\\:", " "),
        ("\\ ", " "),
        ("\\quad", " "),
        ("~", " "),
        ("\\%", "%"),
        ("\\$", "$"),
        ("\\textbf", "\\text"),
        ("\\textit", "\\text"),
        ("\\textrm", "\\text"),
        ("\\mathrm", "\\text"),
        ("\\mathbf", "\\text"),
        ("\\mbox", "\\text"),
        ("^{\\circ}", "^\\circ"),
        ("\\degree", "^\\circ"),
    ];
    let mut text = answer.to_owned();
    for (from, to) in SAME {
        if text.contains(from) {
            text = text.replace(from, to);
        }
    }
    // `\left` was taken off `\leftarrow` too; no gold answer holds an arrow.
    text
}

/// Takes off one layer around the whole answer.
fn unwrapped(text: &str) -> &str {
    const PAIRS: [(&str, &str); 7] = [
        ("$$", "$$"),
        ("$", "$"),
        ("\\(", "\\)"),
        ("\\[", "\\]"),
        ("**", "**"),
        ("`", "`"),
        ("\"", "\""),
    ];
    let text = text.trim_end_matches(['.', ',', ';']).trim();
    for (open, close) in PAIRS {
        let inner = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner.filter(|inner| !inner.contains(close)) {
            return inner;
        }
    }
    for command in ["\\boxed", "\\fbox", "\\text", ""] {
        let inner = text
            .strip_prefix(command)
            .and_then(|rest| rest.trim_start().strip_prefix('{'))
            .and_then(|rest| rest.strip_suffix('}'));
        if let Some(inner) = inner.filter(|inner| is_balanced(inner)) {
            return inner;
        }
    }
    text
}

/// Whether no brace of `text` closes one before it.
fn is_balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return false,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// No blanks but single ones between two letters or digits, where they mean
/// something (`2 1/2`).
fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        let joins = |c: char| c.is_alphanumeric();
        if blank && joins(c) && out.chars().next_back().is_some_and(joins) {
            out.push(' ');
        }
        blank = false;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn wrappers_and_spacing_are_taken_off() {
        for (answer, plain) in [
            ("$ 5 $", "5"),
            ("\\(\\boxed{ 1{,}000 }\\).", "1,000"),
            ("**12**", "12"),
            ("\\textbf{Yes}", "Yes"),
            (
                "\\left( 3, \\dfrac{\\pi}{2} \\right)",
                "(3,\\frac{\\pi}{2})",
            ),
            ("{{8\\sqrt{55}}}", "8\\sqrt{55}"),
            ("\u{2212}5", "-5"),
            ("2 1/2", "2 1/2"),
            ("2\u{bd}", "2 1/2"),
            ("\\{1\\}", "\\{1\\}"),
        ] {
            assert_eq!(normal(answer).as_deref(), Some(plain), "{answer}");
        }
    }

    #[test]
    fn an_endless_answer_is_not_looked_into() {
        assert_eq!(normal(&"1".repeat(5000)), None);
        assert!(normal(&"{".repeat(4000)).is_some());
    }
}

//! Untrusted text on its way out of a log: what would act instead of being
//! read is written out, and what opens a door is left out.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Characters that no text of a log has any business sending: controls (a
/// newline among them), bidi controls, zero-width and other invisible
/// characters. The zero-width joiner and variation selectors are not: emoji
/// and Indic scripts need them.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' // soft hyphen
            | '\u{34f}' // combining grapheme joiner
            | '\u{61c}' // Arabic letter mark
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
            | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' // separators, embeddings, overrides
            | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, isolates
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' // no characters: XML may not hold them
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' // tags
        )
}

/// `text` with every unsafe character written out: `\t`, `\r`, `\u{1b}`.
/// Newlines stay. Borrows clean text.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || !is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A JSON document, or a piece of one, with every unsafe character escaped but
/// the newlines between values: whoever reads it has the text as it was.
/// Borrows clean text.
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    if json.chars().all(|c| c == '\n' || !is_unsafe(c)) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        // Within texts a newline is escaped already.
        if c == '\n' || !is_unsafe(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    Cow::Owned(out)
}

/// What stands in the place of a secret.
const GONE: &str = "…";

/// Words in the name of a query parameter that holds a secret.
const SECRETS: [&str; 7] = [
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "signature",
    "credential",
];

/// `text` without the credentials of the URLs in it: user and password before
/// the host, and parameters whose names say that they hold a key, a token or a
/// password. Borrows text without any.
#[must_use]
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        out.push_str(before);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | ')');
        // What a second URL hides is its own affair: it is looked at next. It is
        // sought first, so that nothing is gone through twice.
        let next = url.find("://");
        let end = url[..next.unwrap_or(url.len())].find(ends);
        let end = end.unwrap_or_else(|| next.map_or(url.len(), |next| scheme(url, next)));
        stripped(&url[..end], &mut out);
        rest = &url[end..];
    }
    out.push_str(rest);
    match out == text {
        true => Cow::Borrowed(text),
        false => Cow::Owned(out),
    }
}

/// Where the scheme begins that stands before `://` at `at`.
fn scheme(url: &str, at: usize) -> usize {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    url[..at].trim_end_matches(letters).len()
}

/// Writes a URL without its scheme.
fn stripped(url: &str, out: &mut String) {
    let end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let (authority, rest) = url.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => {
            out.push_str(GONE);
            out.push('@');
            out.push_str(host);
        }
        None => out.push_str(authority),
    }
    for part in rest.split_inclusive(['?', '&', ';', '#']) {
        let holds = part.split_once('=').filter(|(name, _)| is_secret(name));
        match holds {
            Some((name, value)) => {
                out.push_str(name);
                out.push('=');
                out.push_str(GONE);
                // The sign that begins the next parameter.
                out.extend(value.chars().last().filter(|c| "?&;#".contains(*c)));
            }
            None => out.push_str(part),
        }
    }
}

/// Names of such parameters that are parts of harmless words.
const SECRET_NAMES: [&str; 4] = ["sig", "auth", "pass", "pwd"];

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&name.as_str()) || SECRETS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_is_written_out() {
        let text = "a\u{1b}]52;c;x\u{7}\tb\r\n\u{9b}2J\u{202e}c\u{200b}";
        let shown = "a\\u{1b}]52;c;x\\u{7}\\tb\\r\n\\u{9b}2J\\u{202e}c\\u{200b}";
        assert_eq!(visible(text), shown);
        assert!(matches!(visible("κ ≥ 0.5\n👩‍🔬"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_reads_as_it_was() {
        let json = "{\"a\": \"\u{202e}b\u{9b}\u{e0041}\"}\n";
        let escaped = escaped_json(json);
        assert_eq!(escaped, "{\"a\": \"\\u202eb\\u009b\\udb40\\udc41\"}\n");
        let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read["a"], "\u{202e}b\u{9b}\u{e0041}");
    }

    #[test]
    fn credentials_do_not_leave() {
        for (text, shown) in [
            (
                "at https://user:pass@host:8000/v1/x: refused",
                "at https://…@host:8000/v1/x: refused",
            ),
            ("http://a@b@host", "http://…@host"),
            (
                "(https://h/p?api_key=abc&n=3#top)",
                "(https://h/p?api_key=…&n=3#top)",
            ),
            (
                "https://h/?n=1;X-Auth-Token=abc",
                "https://h/?n=1;X-Auth-Token=…",
            ),
            ("http://proxy/http://u:p@h/x", "http://proxy/http://…@h/x"),
            ("mail@example.org", "mail@example.org"),
            ("a://b/c@d", "a://b/c@d"),
            ("https://h/?pwd=a&author=b", "https://h/?pwd=…&author=b"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }

    /// Quadratic in its length this would take minutes.
    #[test]
    fn a_megabyte_of_urls_is_gone_through_once() {
        let text = "a://".repeat(300_000);
        assert_eq!(without_credentials(&text), text);
        let text = format!("{}u:p@h", "a://".repeat(300_000));
        assert!(without_credentials(&text).ends_with("://…@h"));
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left_and_doing_it_again_changes_nothing(text in "(?s).{0,40}") {
            let shown = visible(&text).into_owned();
            prop_assert!(shown.chars().all(|c| c == '\n' || !is_unsafe(c)));
            prop_assert_eq!(visible(&shown), shown.as_str());
        }

        #[test]
        fn urls_are_gone_through_to_the_end(text in "[a-c:/@?&=#; ]{0,30}", password in "[k-q]{4,8}") {
            let url = format!("{text}https://u:{password}@h/{text}");
            let stripped = without_credentials(&url).into_owned();
            prop_assert!(!stripped.contains(&format!("u:{password}@")), "{}", stripped);
            let again = without_credentials(&stripped);
            prop_assert_eq!(again.as_ref(), stripped.as_str());
        }
    }
}

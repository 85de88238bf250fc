//! What nobody in the audience is to read: paths, hosts, addresses, people.
//!
//! Everything that is drawn and comes from this machine (messages, router
//! specs, names of logs, who overrode) goes through [`Private::hide`] in talk
//! mode. Questions and steps do not: they are what the talk is about, and
//! `a/b` in them is a fraction.

use std::borrow::Cow;
use std::ops::Range;

/// What stands in place of a path, a host and a person.
const PATH: &str = "[path]";
const HOST: &str = "[host]";
const NAME: &str = "[name]";

/// Endings of files that this program and those around it read and write.
const FILES: [&str; 21] = [
    ".jsonl",
    ".json",
    ".toml",
    ".tour",
    ".gguf",
    ".safetensors",
    ".svg",
    ".csv",
    ".tsv",
    ".parquet",
    ".html",
    ".md",
    ".txt",
    ".log",
    ".eval",
    ".cast",
    ".jinja",
    ".yaml",
    ".yml",
    ".zip",
    ".gz",
];
/// Names that say nothing about anybody; and the signs themselves, which would
/// be hidden for ever.
const NOBODY: [&str; 8] = [
    "root", "user", "admin", "someone", "nobody", "path", "host", "name",
];

/// What is hidden beyond what looks private by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Private {
    /// Words in lower case, each with what stands in its place.
    words: Vec<(String, &'static str)>,
}

impl Private {
    /// Hides the names of these people and hosts too, wherever they stand as
    /// words; of a name of several words each. Names that everybody has (`root`)
    /// and single letters stay.
    pub fn new<'w>(
        people: impl IntoIterator<Item = &'w str>,
        hosts: impl IntoIterator<Item = &'w str>,
    ) -> Self {
        let people = people.into_iter().map(|word| (word, NAME));
        let hosts = hosts.into_iter().map(|word| (word, HOST));
        let mut words: Vec<(String, &'static str)> = people
            .chain(hosts)
            .flat_map(|(name, sign)| name.split_whitespace().map(move |word| (word, sign)))
            .map(|(word, sign)| (word.to_lowercase(), sign))
            .filter(|(word, _)| word.chars().count() > 1 && !NOBODY.contains(&word.as_str()))
            .collect();
        // The longest first: of a host within a host the whole goes.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        words.dedup();
        Self { words }
    }

    /// The text without what is private: URLs, addresses, hosts with a port,
    /// paths, names of files, and the words given to [`Private::new`].
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut out = String::new();
        // Bytes of the text that are in `out` already.
        let mut done = 0;
        let mut at = 0;
        while let Some((start, end)) = next_token(text, at) {
            let before = text.get(..start).unwrap_or_default();
            let (end, hidden) = self.token(before, text, start, end);
            if let Some(hidden) = hidden {
                out.push_str(text.get(done..start).unwrap_or_default());
                out.push_str(&hidden);
                done = end;
            }
            at = end;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// What stands in place of a token, if anything does, and where what it
    /// takes the place of ends: a quoted path may hold blanks.
    fn token(&self, before: &str, text: &str, start: usize, end: usize) -> (usize, Option<String>) {
        let token = text.get(start..end).unwrap_or_default();
        let bare = token.trim_end_matches(['.', ':', '!', '?']);
        let tail = token.get(bare.len()..).unwrap_or_default();
        let whole = |sign: &str| Some(format!("{sign}{tail}"));
        // As JSON writes it too.
        if bare.contains("://") || bare.contains(":\\/\\/") {
            return (end, whole(HOST));
        }
        // `cannot open:/srv/x`: what stands before the path stays.
        let colon = bare.find(":/").or_else(|| bare.find(":~/"));
        if let Some(colon) = colon.filter(|&colon| colon > 1) {
            let head = self.words_of(bare.get(..=colon).unwrap_or_default());
            return (end, Some(format!("{head}{PATH}{tail}")));
        }
        let named = ["path=", "file="];
        let is_value = named.iter().any(|name| before.ends_with(name)) && !bare.is_empty();
        if is_value || is_rooted(bare) {
            // A path in quotes goes on to the closing one, blanks and all.
            let quote = before.chars().next_back();
            let closing = quote.and_then(|quote| text.get(end..)?.find(closing(quote)?));
            return match closing {
                Some(more) => (end + more, Some(PATH.to_owned())),
                None => (end, whole(PATH)),
            };
        }
        if is_file(bare) {
            return (end, whole(PATH));
        }
        if is_mailbox(bare) {
            return (end, whole(NAME));
        }
        // A route may stand behind it: `gpu:8000/v1`.
        let host = bare.split('/').next().unwrap_or_default();
        if is_host(host) || is_long_address(bare) {
            return (end, whole(HOST));
        }
        let words = self.words_of(bare);
        match words {
            Cow::Borrowed(_) => (end, None),
            Cow::Owned(words) => (end, Some(format!("{words}{tail}"))),
        }
    }

    /// A token without the words that are private.
    fn words_of<'t>(&self, token: &'t str) -> Cow<'t, str> {
        let mut shown = Cow::Borrowed(token);
        for (word, sign) in &self.words {
            let mut out = String::new();
            let mut rest: &str = &shown;
            while let Some(found) = find_word(rest, word) {
                out.push_str(rest.get(..found.start).unwrap_or_default());
                out.push_str(sign);
                rest = rest.get(found.end..).unwrap_or_default();
            }
            if !out.is_empty() {
                out.push_str(rest);
                shown = Cow::Owned(out);
            }
        }
        shown
    }
}

/// What closes a quotation that this opens.
fn closing(quote: char) -> Option<char> {
    match quote {
        '`' | '"' | '\'' => Some(quote),
        '“' => Some('”'),
        '‘' => Some('’'),
        '«' => Some('»'),
        _ => None,
    }
}

/// The next run of characters without a blank or a bracket, quote, comma, dash
/// or `=` in it, by its bytes.
fn next_token(text: &str, from: usize) -> Option<(usize, usize)> {
    let parts = |c: char| c.is_whitespace() || "\"'`()[]{}<>,;|=…—“”‘’«»".contains(c);
    let rest = text.get(from..)?;
    let start = from + rest.find(|c| !parts(c))?;
    let rest = text.get(start..)?;
    let end = rest.find(parts).map_or(text.len(), |length| start + length);
    Some((start, end))
}

/// Whether it begins as a path does: at the root, at home, here, on a drive.
fn is_rooted(token: &str) -> bool {
    let after = |prefix: &str| {
        token.strip_prefix(prefix).is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_alphanumeric() || "._-~".contains(c))
        })
    };
    let mut chars = token.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && matches!(chars.next(), Some('\\' | '/'));
    let variable = token.starts_with('$') && token.contains('/');
    // One's own, or somebody else's.
    let home = token == "~" || (token.starts_with('~') && token.contains('/'));
    after("/")
        || after("//")
        || after("./")
        || after("../")
        || after("\\\\")
        || home
        || drive
        || variable
}

/// Whether it is the name of a file, with or without folders before it and a
/// line behind it.
fn is_file(token: &str) -> bool {
    let name = token.split(':').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    FILES
        .iter()
        .any(|end| lower.ends_with(end) && lower.len() > end.len())
}

/// `somebody@somewhere`.
fn is_mailbox(token: &str) -> bool {
    token.split_once('@').is_some_and(|(who, host)| {
        who.ends_with(char::is_alphanumeric) && host.starts_with(char::is_alphanumeric)
    })
}

/// An address of the sixth version: groups of hexadecimal digits with colons
/// between them, more than those of a time of day.
fn is_long_address(token: &str) -> bool {
    // `fe80::1%eth0` names where it holds.
    let token = token.split(['%', '/']).next().unwrap_or_default();
    let digits = token.chars().any(|c| c.is_ascii_hexdigit());
    let colons = token.matches(':').count();
    let shaped = token.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
    shaped && digits && (colons == 7 || (colons > 1 && token.contains("::")))
}

/// An address, a name with a port, or a name of three parts and more, each of
/// which begins with a letter (`qwen2.5-math-1.5b` is none).
fn is_host(token: &str) -> bool {
    let (name, port) = match token.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (token, None),
    };
    let has_port =
        port.is_some_and(|port| port.len() > 1 && port.chars().all(|c| c.is_ascii_digit()));
    if port.is_some() && !has_port {
        return false;
    }
    let parts: Vec<&str> = name.split('.').collect();
    let is_part = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let address = parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok());
    let is_name = parts.iter().all(is_part);
    address || (is_name && (has_port || parts.len() > 2))
}

/// Where a word in lower case stands by itself, without regard to case.
fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.char_indices().find_map(|(at, _)| {
        let before = text.get(..at)?.chars().next_back();
        let end = at + beginning(text.get(at..)?, word)?;
        let after = text.get(end..)?.chars().next();
        (!joins(before) && !joins(after)).then_some(at..end)
    })
}

/// Bytes of the beginning of a text that is the word, whatever its case: a
/// letter may have another length in the other one.
fn beginning(text: &str, word: &str) -> Option<usize> {
    let mut left = word;
    for (at, c) in text.char_indices() {
        if left.is_empty() {
            return Some(at);
        }
        for lower in c.to_lowercase() {
            left = left.strip_prefix(lower)?;
        }
    }
    left.is_empty().then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::Private;

    fn private() -> Private {
        Private::new(
            ["ada", "Ada Byron", "root", "x", "Ärmel"],
            ["engine", "engine.lan"],
        )
    }

    #[test]
    fn paths_hosts_and_people_are_hidden() {
        for (text, wanted) in [
            (
                "cannot reach http://10.0.0.7:8000/v1/completions: connection refused",
                "cannot reach [host]: connection refused",
            ),
            (
                "error sending request for url (https://a.b/c)",
                "error sending request for url ([host])",
            ),
            ("/home/ada/run.jsonl, line 3: torn", "[path], line 3: torn"),
            ("torn.jsonl:3: no record", "[path]: no record"),
            (
                "cannot open `/srv/my logs/a b.bin`: gone",
                "cannot open `[path]`: gone",
            ),
            ("policy:path=runs/mine", "policy:path=[path]"),
            ("steer:gamma=0.5,file=fit", "steer:gamma=0.5,file=[path]"),
            (
                "~/x ./y ../z C:\\Users\\ada $HOME/q",
                "[path] [path] [path] [path] [path]",
            ),
            ("no route to gpu-7.lab.example", "no route to [host]"),
            ("localhost:8080 and gpu7:11434", "[host] and [host]"),
            (
                "ada chose so; ADA's engine",
                "[name] chose so; [name]'s [host]",
            ),
            ("mail ada@engine.lan", "mail [name]"),
            ("by A. Byron", "by A. [name]"),
            ("failed:/etc/passwd", "failed:[path]"),
            ("ÄRMEL, ärmel and Ärmel", "[name], [name] and [name]"),
            ("~ada/runs and ada_runs", "[path] and [name]_runs"),
            ("steps.parquet: kept", "[path]: kept"),
            (
                "10.0.0.7:8000/v1, gpu:8000/v1 and a.lab.example/v1",
                "[host], [host] and [host]",
            ),
            ("at http:\\/\\/gpu7\\/v1", "at [host]"),
            ("see:~/x, //share/x—/srv/x", "see:[path], [path]—[path]"),
            ("“/srv/my logs/x” and ‘~/a b’", "“[path]” and ‘[path]’"),
            ("fe80::1%eth0", "[host]"),
            ("fe80::1 and [2001:db8::7]:8000", "[host] and [[host]]:8000"),
        ] {
            assert_eq!(private().hide(text), wanted);
            let hidden = private().hide(text).into_owned();
            assert_eq!(private().hide(&hidden), hidden, "twice is once");
        }
    }

    #[test]
    fn what_is_nobodys_stays() {
        for text in [
            "",
            "/ searches; f or / filters",
            "the most capable model with π(a|o) ≥ κ = 0.4202",
            "threshold:t=0.6,signal=sampled",
            "3/4 of 1/2, n/a, and/or, A/C",
            "qwen2.5-math-1.5b and gpt-4.1-mini",
            "2026-01-02T03:04:05Z",
            "the root of adamant engineers",
            "step 3: draft of small rejected",
            "cannot read the file: permission denied",
            "e.g. wrong & large_share < 0.2",
            "…/…",
            "started at 12:30:59, 1:2",
            "ärmellos",
        ] {
            assert_eq!(private().hide(text), text);
        }
    }

    #[test]
    fn a_name_that_is_said_without_end_is_hidden_in_one_pass() {
        let hidden = private().hide(&"ada-".repeat(20_000)).into_owned();
        assert_eq!(hidden, "[name]-".repeat(20_000));
    }

    #[test]
    fn whatever_stands_around_a_secret_it_goes() {
        let secrets = [
            "/home/ada/x",
            "http://gpu:1/v1",
            "10.1.2.3",
            "ada",
            "engine",
        ];
        let around = ["", " ", "(", "`", "\"", "é ", "…", ": ", "= ", "\n", "- "];
        for secret in secrets {
            for before in around {
                for after in ["", " ", ")", "`", ", x", ". ", ": no", "\n"] {
                    let text = format!("{before}{secret}{after}");
                    let hidden = private().hide(&text);
                    assert!(!hidden.contains(secret), "{text:?} shows as {hidden:?}");
                }
            }
        }
    }
}

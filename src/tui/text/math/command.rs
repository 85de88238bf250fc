//! What each LaTeX command and environment makes of its arguments.

use std::ops::Range;

use super::parse::{Malformed, Node, Parsed, Parser};
use super::symbols::{Class, accent, double_struck, symbol};

impl Parser<'_> {
    /// The command at this place with its arguments; `None` for one that
    /// draws nothing.
    pub(super) fn command(&mut self) -> Parsed<Option<Node>> {
        let start = self.at;
        let name = self.command_name().ok_or(Malformed)?;
        let at = start..self.at;
        let boxed = |node| Box::new(node);
        Ok(Some(match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" => {
                let (over, under) = (boxed(self.argument()?), boxed(self.argument()?));
                Node::Fraction { over, under, at }
            }
            "binom" | "dbinom" | "tbinom" => {
                let (n, k) = (boxed(self.argument()?), boxed(self.argument()?));
                Node::Binomial { n, k, at }
            }
            "sqrt" => {
                self.skip_space();
                let degree = if self.eat("[") {
                    let nodes = self.list(|rest| rest.starts_with(']'))?;
                    if !self.eat("]") {
                        return Err(Malformed);
                    }
                    Some(boxed(Node::Group(nodes)))
                } else {
                    None
                };
                Node::Root {
                    degree,
                    of: boxed(self.argument()?),
                    at,
                }
            }
            "boxed" | "fbox" => Node::Boxed(boxed(self.argument()?), at),
            "text" | "textbf" | "textit" | "textrm" | "texttt" | "textsf" | "textnormal"
            | "mbox" | "hbox" | "emph" => {
                let (text, at) = self.words()?;
                Node::Words(unescape(&text), at)
            }
            "operatorname" => {
                self.eat("*");
                let (text, at) = self.words()?;
                Node::Symbol {
                    text: unescape(&text),
                    class: Class::Operator,
                    at,
                }
            }
            "mathbb" => double(self.argument()?),
            "mathrm" | "mathbf" | "mathit" | "mathcal" | "mathfrak" | "mathscr" | "mathsf"
            | "mathtt" | "boldsymbol" | "bm" | "overbrace" | "underbrace" | "cancel" | "smash"
            | "mathstrut" => self.argument()?,
            "overset" | "stackrel" => {
                let (sup, base) = (boxed(self.argument()?), boxed(self.argument()?));
                Node::Script {
                    base,
                    sub: None,
                    sup: Some(sup),
                    at,
                }
            }
            "underset" => {
                let (sub, base) = (boxed(self.argument()?), boxed(self.argument()?));
                Node::Script {
                    base,
                    sub: Some(sub),
                    sup: None,
                    at,
                }
            }
            "pmod" => {
                let of = self.argument()?;
                let words = |text: &str, class| Node::Symbol {
                    text: text.into(),
                    class,
                    at: at.clone(),
                };
                Node::Group(vec![
                    words(" (mod ", Class::Open),
                    of,
                    words(")", Class::Close),
                ])
            }
            "not" => not(self.argument()?),
            "tag" => {
                let (text, at) = self.words()?;
                Node::Words(format!("  ({text})"), at)
            }
            "left" | "right" | "middle" | "big" | "Big" | "bigg" | "Bigg" | "bigl" | "bigr"
            | "Bigl" | "Bigr" | "biggl" | "biggr" | "bigm" => return self.delimiter(name),
            "begin" => return self.environment(start).map(Some),
            "end" => return Err(Malformed),
            "color" | "label" | "hspace" | "vspace" | "phantom" | "hphantom" | "vphantom" => {
                self.words()?;
                return Ok(None);
            }
            "displaystyle" | "textstyle" | "limits" | "nolimits" | "hline" | "nonumber"
            | "notag" | "!" | "/" | "rm" | "bf" | "it" | "scriptstyle" => return Ok(None),
            "," | ":" | ">" | ";" | " " | "enspace" | "thinspace" => Node::Space(" ", at),
            "quad" | "qquad" => Node::Space("  ", at),
            "\\" | "newline" => Node::Space("\n", at),
            "{" => Node::Symbol {
                text: name.into(),
                class: Class::Open,
                at,
            },
            "}" => Node::Symbol {
                text: name.into(),
                class: Class::Close,
                at,
            },
            "|" => Node::Symbol {
                text: "‖".into(),
                class: Class::Ordinary,
                at,
            },
            "%" | "$" | "#" | "&" | "_" => Node::Symbol {
                text: name.into(),
                class: Class::Ordinary,
                at,
            },
            _ => return self.named(name, at).map(Some),
        }))
    }

    /// A symbol, an accent, or an unknown command with its groups, verbatim.
    fn named(&mut self, name: &str, at: Range<usize>) -> Parsed<Node> {
        if let Some(mark) = accent(name) {
            return Ok(Node::Accent {
                mark,
                of: Box::new(self.argument()?),
            });
        }
        if let Some((text, class)) = symbol(name) {
            return Ok(Node::Symbol { text, class, at });
        }
        let verbatim = |at: Range<usize>| Node::Symbol {
            text: self.source.get(at.clone()).unwrap_or_default().to_owned(),
            class: Class::Ordinary,
            at,
        };
        let mut nodes = vec![verbatim(at)];
        while self.peek() == Some('{') {
            let open = self.at;
            let group = self.group()?;
            nodes.push(Node::Symbol {
                text: "{".into(),
                class: Class::Open,
                at: open..open + 1,
            });
            nodes.push(group);
            nodes.push(Node::Symbol {
                text: "}".into(),
                class: Class::Close,
                at: self.at - 1..self.at,
            });
        }
        // A command runs into the letter behind it unless something parts them.
        if self.peek().is_some_and(char::is_whitespace) {
            nodes.push(Node::Space(" ", self.at..self.at + 1));
        }
        Ok(Node::Group(nodes))
    }

    /// The delimiter behind `\left`, `\right`, `\big` …; `.` is none.
    fn delimiter(&mut self, size: &str) -> Parsed<Option<Node>> {
        self.skip_space();
        if self.eat(".") {
            return Ok(None);
        }
        let node = self.nested(Self::atom)?;
        let side = match size {
            "left" | "bigl" | "Bigl" | "biggl" => Some(Class::Open),
            "right" | "bigr" | "Bigr" | "biggr" => Some(Class::Close),
            _ => None,
        };
        Ok(match (node, side) {
            (Some(Node::Symbol { text, at, .. }), Some(class)) => {
                Some(Node::Symbol { text, class, at })
            }
            (node, _) => node,
        })
    }

    fn environment(&mut self, start: usize) -> Parsed<Node> {
        let (name, _) = self.words()?;
        let kind = name.trim_end_matches('*');
        let columns = matches!(kind, "array" | "tabular" | "alignat" | "alignedat");
        if columns {
            self.words()?;
        }
        let at = start..self.at;
        let rows = self.nested(Self::rows)?;
        let (end, _) = if self.eat("\\end") {
            self.words()?
        } else {
            return Err(Malformed);
        };
        if end != name {
            return Err(Malformed);
        }
        let (open, close) = match kind {
            "pmatrix" => ("(", ")"),
            "vmatrix" => ("|", "|"),
            "Vmatrix" => ("‖", "‖"),
            "Bmatrix" => ("{", "}"),
            "cases" | "dcases" => ("{ ", ""),
            "bmatrix" | "matrix" | "smallmatrix" | "array" | "tabular" => ("[", "]"),
            _ => return Ok(lines(rows, &at)),
        };
        Ok(Node::Matrix {
            open,
            close,
            rows,
            at,
        })
    }

    /// Rows of cells up to `\end`.
    fn rows(&mut self) -> Parsed<Vec<Vec<Node>>> {
        let stop = |rest: &str| {
            rest.starts_with('&') || rest.starts_with("\\\\") || rest.starts_with("\\end")
        };
        let mut rows = vec![Vec::new()];
        loop {
            let cell = Node::Group(self.list(stop)?);
            if let Some(row) = rows.last_mut() {
                row.push(cell);
            }
            if self.eat("\\\\") {
                self.skip_space();
                // The space asked for between rows: `\\[4pt]`.
                if self.rest().starts_with('[')
                    && let Some(length) = self.rest().find(']').filter(|length| *length < 12)
                {
                    self.at += length + 1;
                }
                rows.push(Vec::new());
            } else if !self.eat("&") {
                break;
            }
        }
        rows.retain(|row| row.iter().any(|cell| *cell != Node::Group(Vec::new())));
        Ok(rows)
    }
}

/// Rows of an alignment: one line each, cells side by side.
fn lines(rows: Vec<Vec<Node>>, at: &Range<usize>) -> Node {
    let mut nodes = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            nodes.push(Node::Space("\n", at.clone()));
        }
        for cell in row {
            match cell {
                // So that a relation at the start of a cell sees what is
                // before it.
                Node::Group(cell) => nodes.extend(cell),
                cell => nodes.push(cell),
            }
        }
    }
    Node::Group(nodes)
}

fn double(node: Node) -> Node {
    match node {
        Node::Symbol { text, class, at } => Node::Symbol {
            text: text.chars().map(double_struck).collect(),
            class,
            at,
        },
        Node::Group(nodes) => Node::Group(nodes.into_iter().map(double).collect()),
        other => other,
    }
}

/// Words of `\text`: escaped characters and `$` lose their marks.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|c| "%$#&_{} ".contains(*c)) => {
                out.extend(chars.next());
            }
            '~' => out.push(' '),
            '$' => {}
            c => out.push(c),
        }
    }
    out
}

/// What is crossed out: a sign of its own where there is one.
fn not(of: Node) -> Node {
    const SIGNS: [(&str, &str); 21] = [
        ("=", "≠"),
        ("≡", "≢"),
        ("∈", "∉"),
        ("∋", "∌"),
        ("<", "≮"),
        (">", "≯"),
        ("≤", "≰"),
        ("≥", "≱"),
        ("∼", "≁"),
        ("≅", "≇"),
        ("≈", "≉"),
        ("⊂", "⊄"),
        ("⊃", "⊅"),
        ("⊆", "⊈"),
        ("⊇", "⊉"),
        ("∣", "∤"),
        ("|", "∤"),
        ("∥", "∦"),
        ("∃", "∄"),
        ("≺", "⊀"),
        ("≻", "⊁"),
    ];
    match of {
        Node::Symbol { text, class, at } => {
            let sign = SIGNS.iter().find(|(plain, _)| *plain == text.as_str());
            let text =
                sign.map_or_else(|| format!("{text}\u{338}"), |(_, sign)| (*sign).to_owned());
            Node::Symbol { text, class, at }
        }
        of => Node::Accent {
            mark: '\u{338}',
            of: Box::new(of),
        },
    }
}

//! Lists as Python prints them, and texts that are none.

use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn fault(source: &str) -> NoLiteral {
    Literal::parse(source).unwrap_err()
}

#[test]
fn what_pprint_prints_is_read() {
    let source = r#"[{'base_model_step': "Aya's walk and her "
                     'speed, \\( s \\) "so"\n',
  'flag': True,
  'list': (1, -2.5e-3, 7.0),
  'none': None,
  'one': ('joined '
          'text'),
  'score': np.float64(7.25)},
 {}]
"#;
    let read = Literal::parse(source).unwrap();
    let Literal::List(rows) = &read else {
        panic!("{read:?}");
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[0].get("base_model_step"),
        Some(&text("Aya's walk and her speed, \\( s \\) \"so\"\n"))
    );
    assert_eq!(rows[0].get("flag"), Some(&Literal::Bool(true)));
    let numbers = [1.0, -2.5e-3, 7.0].map(Literal::Number);
    assert_eq!(rows[0].get("list"), Some(&Literal::List(numbers.into())));
    assert_eq!(rows[0].get("none"), Some(&Literal::None));
    assert_eq!(rows[0].get("one"), Some(&text("joined text")));
    assert_eq!(rows[0].get("score").and_then(Literal::number), Some(7.25));
    assert_eq!(rows[0].get("nothing"), None);
    assert_eq!(rows[1], Literal::Dict(Vec::new()));
}

#[test]
fn escapes_are_what_python_makes_of_them() {
    let source = r"'\x41\u00e9\U0001F600\101\0\t\q\ud800' '\
b'";
    assert_eq!(
        Literal::parse(source).unwrap(),
        text("Aé😀A\0\t\\q\u{fffd}b")
    );
    assert!(fault(r"'\N{BULLET}'").what.contains("by its name"));
    assert!(fault(r"'\x4'").what.contains("digits"));
}

#[test]
fn numbers_that_are_none_are_told_and_unknown_ones_are_not_finite() {
    assert!(
        Literal::parse("[nan, -inf, np.float64(nan)]")
            .unwrap()
            .eq_shape(3)
    );
    assert_eq!(Literal::parse("1_000").unwrap(), Literal::Number(1000.0));
    for source in ["1.2.3", "0x", "--1", "-", "1e", "np.float64('7')"] {
        fault(source);
    }
}

#[test]
fn nothing_is_evaluated_and_damage_has_its_line() {
    for source in [
        "__import__('os')",
        "[open('x')]",
        "np.zeros(3)",
        "{'a': b}",
        "print",
        "f'{x}'",
        "b'x'",
    ] {
        let fault = fault(source);
        assert!(
            fault.what.contains("nothing is evaluated"),
            "{source}: {fault}"
        );
    }
    assert_eq!(fault("[1,\n 2,\n 'a").line, 3);
    assert_eq!(fault("[1,\n 'a\nb']").line, 2);
    assert!(fault("[1, 2").what.contains("cut off"));
    assert!(fault("[1] [2]").what.contains("after the end"));
    assert!(fault("{'a' 1}").what.contains("`:`"));
    let deep = "[".repeat(100_000);
    assert!(fault(&deep).what.contains("deeper"));
    assert!(fault("").what.contains("cut off"));
}

impl Literal {
    /// Whether it is a list of so many numbers, none of them finite.
    fn eq_shape(&self, count: usize) -> bool {
        matches!(self, Self::List(items) if items.len() == count
            && items.iter().all(|item| item.number().is_some_and(|n| !n.is_finite())))
    }
}

/// As Python writes a text, in pieces of so many characters.
fn written(text: &str, quote: char, piece: usize) -> String {
    let escaped = |c: &char| match c {
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        c if *c == quote => format!("\\{c}"),
        c if c.is_control() => format!("\\x{:02x}", u32::from(*c)),
        c => c.to_string(),
    };
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return format!("{quote}{quote}");
    }
    let pieces = chars.chunks(piece.max(1)).map(|chars| {
        let inner: String = chars.iter().map(escaped).collect();
        format!("{quote}{inner}{quote}")
    });
    pieces.collect::<Vec<_>>().join("\n   ")
}

fn printed(value: &Literal, quote: char, piece: usize) -> String {
    match value {
        Literal::None => "None".to_owned(),
        Literal::Bool(true) => "True".to_owned(),
        Literal::Bool(false) => "False".to_owned(),
        Literal::Number(number) => format!("{number:?}"),
        Literal::Text(text) => written(text, quote, piece),
        Literal::List(items) => {
            let items = items.iter().map(|item| printed(item, quote, piece));
            format!("[{}]", items.collect::<Vec<_>>().join(",\n "))
        }
        Literal::Dict(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let of = |value| printed(value, quote, piece);
                format!("{}: {}", of(key), of(value))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(",\n "))
        }
    }
}

fn any_literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![
        Just(Literal::None),
        any::<bool>().prop_map(Literal::Bool),
        (-1e300..1e300).prop_map(Literal::Number),
        any::<i32>().prop_map(|number| Literal::Number(f64::from(number))),
        "(?s).{0,20}".prop_map(Literal::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let entry = ("(?s).{0,8}".prop_map(Literal::Text), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Literal::List),
            prop::collection::vec(entry, 0..4).prop_map(Literal::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(
        value in any_literal(),
        double in any::<bool>(),
        piece in 1_usize..9,
    ) {
        let quote = if double { '"' } else { '\'' };
        let source = printed(&value, quote, piece);
        prop_assert_eq!(Literal::parse(&source).unwrap(), value, "{}", source);
    }

    #[test]
    fn no_text_makes_it_panic(source in "(?s)[\\[\\]{}(),:'\"\\\\nNxu0-9.+\\- Tα\n]{0,40}") {
        let _ = Literal::parse(&source);
    }
}

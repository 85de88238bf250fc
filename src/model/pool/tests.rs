use std::path::Path;

use super::*;
use crate::trace::record::Continuation;

fn parse(text: &str) -> Result<Pool, PoolError> {
    Pool::parse(text, Path::new("pool.toml"))
}

fn message(text: &str) -> String {
    parse(text).expect_err("must be refused").to_string()
}

/// Two models around `extra` lines of the second.
fn with(extra: &str) -> String {
    format!(
        "[[model]]\nname = \"a\"\nserver = \"llama-cpp\"\nbase_url = \"http://127.0.0.1:1\"\n\
         params = 1e8\n\n[[model]]\nname = \"b\"\nserver = \"llama-cpp\"\n\
         base_url = \"http://127.0.0.1:2\"\n{extra}\n"
    )
}

const EXAMPLE: &str = r#"
[sampling]
temperature = 0.7
max_tokens = 512
max_steps = 40

[[model]]
name = "qwen2.5-math-1.5b"
server = "vllm"
base_url = "http://127.0.0.1:8000/"
model = "Qwen/Qwen2.5-Math-1.5B-Instruct"
params = 1.54e9
template = "qwen2.5-math"

[[model]]
name = "gpt-4.1-mini"
server = "openai"
model = "gpt-4.1-mini"
api_key_env = "OPENAI_API_KEY"
price = { input = 0.40, cached_input = 0.10, cache_write = 0.50, output = 1.60, currency = "USD", per = 1e6, as_of = "2026-05-01" }

[prm]
server = "vllm"
base_url = "http://127.0.0.1:8001"
model = "Qwen/Qwen2.5-Math-PRM-7B"
"#;

#[test]
fn reads_the_documented_example() {
    let pool = parse(EXAMPLE).unwrap();
    assert_eq!(pool.models.len(), 2);
    assert_eq!(pool.sampling.max_steps, 40);
    assert_eq!(pool.sampling.top_p, 1.0);
    let first = &pool.models[0];
    assert_eq!(first.params, Some(1.54e9));
    assert_eq!(first.base_url.as_deref(), Some("http://127.0.0.1:8000"));
    let second = &pool.models[1];
    assert_eq!(
        second.base_url.as_deref(),
        Some("https://api.openai.com/v1")
    );
    let price = second.price.as_ref().unwrap();
    assert_eq!(price.input, "0.4".parse().unwrap());
    assert_eq!(price.cache_write, Some("0.5".parse().unwrap()));
    assert_eq!(price.per, "1000000".parse().unwrap());
    assert_eq!(pool.scorers.prm.as_ref().unwrap().name, "prm");
    assert_eq!(pool.cost_unit(), None);
    assert_eq!(pool.warnings.len(), 1);
    let facts = ModelFacts::from(second);
    assert_eq!(facts.server, "openai");
    assert_eq!(facts.price.as_ref(), Some(price));
}

#[test]
fn a_grader_is_a_table_with_a_mode_or_the_mode_alone() {
    let table = |more: &str| {
        with("") + "[grader]\nserver = \"llama-cpp\"\nbase_url = \"http://127.0.0.1:3\"\n" + more
    };
    let pool = parse(&table("")).unwrap();
    assert_eq!(pool.grading, Some(GradeMode::RulesThenLlm));
    assert_eq!(pool.grader().unwrap().name, "grader");
    let pool = parse(&table("mode = \"llm\"\nname = \"x\"")).unwrap();
    assert_eq!(pool.grading, Some(GradeMode::Llm));
    assert_eq!(pool.grader().unwrap().name, "x");

    let pool = parse(&format!("grader = \"rules\"\n{}", with(""))).unwrap();
    assert_eq!(pool.grading, Some(GradeMode::Rules));
    assert_eq!(pool.grader().unwrap().name, "b", "the last of the pool");
    assert_eq!(pool.verifier().unwrap().name, "b");
    let pool = parse(&with("")).unwrap();
    assert_eq!((pool.grading, pool.scorers.grader), (None, None));

    let text = message(&table("mode = \"lmm\""));
    assert!(
        text.contains("`mode` of [grader] is `lmm`: one of rules, llm, rules-then-llm"),
        "{text}"
    );
    let text = message(&format!("grader = \"LLM\"\n{}", with("")));
    assert!(text.starts_with("pool.toml:1:1: `grader` of"), "{text}");
    assert!(message(&format!("grader = 3\n{}", with(""))).contains("must be a table"));
    assert!(message(&with("mode = \"llm\"")).contains("unknown key `mode`"));
    assert!(message(&(with("") + "[grader]\nmode = \"llm\"")).contains("no `server`"));
}

#[test]
fn the_embedded_pair_is_a_sound_pool() {
    let pool = Pool::embedded();
    assert_eq!(pool.cost_unit().as_deref(), Some("flops"));
    assert_eq!(pool.models[0].params, Some(99_968.0));
    assert_eq!(pool.sampling.max_tokens, 160);
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_one() {
    assert_eq!(
        message(&with("base_ulr = \"x\"")),
        "pool.toml:11:1: unknown key `base_ulr` in model `b`; did you mean `base_url`?"
    );
    assert!(message(&with("zebra = 1")).contains("known: name, server, base_url"));
    assert!(message("[samplng]\n").contains("did you mean `sampling`?"));
}

#[test]
fn a_key_in_the_file_is_refused_and_not_repeated() {
    let text = message(&with("api_key = \"sk-planted\""));
    assert!(text.contains("keys come from the environment"), "{text}");
    assert!(!text.contains("sk-planted"), "{text}");
    let text = message(&with("api_key_env = \"sk-planted\""));
    assert!(!text.contains("sk-planted"), "{text}");
    let text = message(&with("").replace("http://127.0.0.1:2", "http://me:sk-planted@127.0.0.1"));
    assert!(
        text.contains("api_key_env") && !text.contains("sk-planted"),
        "{text}"
    );
}

#[test]
fn fewer_than_two_models_and_equal_names_are_refused() {
    assert!(message("").contains("two or more"));
    let one = with("");
    let one = &one[..one.find("\n\n").unwrap()];
    assert!(message(one).contains("only 1 model"));
    assert!(message(&with("").replace("\"b\"", "\"a\"")).contains("used twice"));
    let person = message(&with("").replace("\"b\"", "\"person\""));
    assert!(person.contains("is `person`"), "{person}");
    assert!(message("model = 3").contains("[[model]]"));
}

#[test]
fn bad_values_name_their_key() {
    for (extra, part) in [
        ("params = nan", "`params` of model `b` is nan"),
        ("params = -1", "is negative"),
        ("params = \"many\"", "must be a number, not text"),
        ("context = 0.5", "whole number"),
        ("timeout = 0", "above 0"),
        ("template = 3", "must be text"),
        ("template = \" \"", "is empty"),
        (
            "price = { input = 1, output = 2, currency = \"USD\" }",
            "no `per`: write `price = { input",
        ),
        (
            "price = { input = 1, per = 1, currency = \"USD\" }",
            "no `output`",
        ),
        (
            "price = { input = 1, output = 2, per = 1 }",
            "no `currency`",
        ),
        (
            "price = { input = 1, output = 2, per = 1, currency = \"dollars\" }",
            "three-letter",
        ),
        (
            "price = { input = -1, output = 2, per = 1, currency = \"USD\" }",
            "is negative",
        ),
        (
            "price = { input = inf, output = 2, per = 1, currency = \"USD\" }",
            "finite",
        ),
        ("price = 3", "must be a table"),
    ] {
        let text = message(&with(extra));
        assert!(text.contains(part), "{extra}: {text}");
        assert!(text.starts_with("pool.toml:11:"), "{extra}: {text}");
    }
    assert!(message("[sampling]\ntop_p = 1.5\n").contains("at most 1"));
}

#[test]
fn bad_servers_and_addresses_are_refused() {
    let text = message(&with("").replace("\"llama-cpp\"", "\"lama-cpp\""));
    assert!(text.contains("did you mean `llama-cpp`?") && text.contains("litellm"));
    for (url, part) in [
        ("127.0.0.1:2", "base_url"),
        ("ftp://x", "http:// or https://"),
        ("http://x/?k=1", "`?`"),
        ("http://x/v1/", "leave out `/v1`"),
    ] {
        let text = message(&with("").replace("http://127.0.0.1:2", url));
        assert!(text.contains(part), "{url}: {text}");
    }
    let text = message(&with("").replace("base_url = \"http://127.0.0.1:2\"", ""));
    assert!(text.contains("no `base_url`"), "{text}");
    assert!(message("[[model]]\nname='a'\nserver='embedded'\n").contains("small"));
}

#[test]
fn unknown_costs_and_mixed_currencies_are_warnings() {
    let pool = parse(&with("")).unwrap();
    assert!(pool.warnings[0].contains("neither `params` nor `price`"));
    assert_eq!(pool.cost_unit(), None);
    let price =
        |c: &str| format!("price = {{ input = 1, output = 2, per = 1e6, currency = \"{c}\" }}");
    let both = |a: &str, b: &str| with(&price(b)).replace("params = 1e8", &price(a));
    assert_eq!(
        parse(&both("EUR", "EUR")).unwrap().cost_unit().as_deref(),
        Some("EUR")
    );
    let mixed = parse(&both("EUR", "USD")).unwrap();
    assert_eq!(mixed.cost_unit(), None);
    assert!(mixed.warnings[0].contains("EUR, USD"));
}

#[test]
fn syntax_errors_and_unreadable_files_say_where() {
    assert!(message("[sampling\n").starts_with("pool.toml:1:"));
    let error = Pool::load(Path::new("no/such/pool.toml")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("no/such/pool.toml: cannot read")
    );
}

#[test]
fn a_reward_model_needs_a_server_that_has_a_route_for_it() {
    let table = |name: &str, server: &str| {
        let address = match server {
            "embedded" => "model = \"small\"",
            _ => "base_url = \"http://127.0.0.1:3\"\nmodel = \"m\"",
        };
        with("") + &format!("[{name}]\nserver = \"{server}\"\n{address}\n")
    };
    assert!(parse(&table("prm", "vllm")).unwrap().scorers.prm.is_some());
    let embedded = parse(&table("prm", "embedded")).unwrap();
    assert!(embedded.scorers.prm.is_some(), "the pair brings its own");
    for server in ["llama-cpp", "ollama", "openai"] {
        let text = message(&table("prm", server));
        assert!(
            text.contains(&format!(
                "`server` of [prm] is `{server}`, which has no route"
            )) && text.contains("Qwen2.5-Math-PRM with vLLM"),
            "{text}"
        );
    }
    for server in [
        "vllm",
        "llama-cpp",
        "sglang",
        "ollama",
        "openai-compatible",
        "litellm",
    ] {
        let pool = parse(&table("embeddings", server)).unwrap();
        assert_eq!(pool.scorers.embeddings.unwrap().name, "embeddings");
    }
    let text = message(&table("embeddings", "embedded"));
    assert!(text.contains("[embeddings] is `embedded`"), "{text}");
    let pool = parse(&table("judge", "llama-cpp")).unwrap();
    assert_eq!(pool.judge().unwrap().name, "judge");
    assert_eq!(parse(&with("")).unwrap().judge().unwrap().name, "b");
}

#[test]
fn extra_fields_are_read_as_json_and_ours_are_refused() {
    let pool = |line: &str| {
        let model = |name: &str, line: &str| {
            format!(
                "[[model]]\nname = \"{name}\"\nserver = \"openrouter\"\nmodel = \"m\"\n\
                 params = 1e9\n{line}\n"
            )
        };
        Pool::parse(
            &format!("{}{}", model("a", line), model("b", "")),
            Path::new("pool.toml"),
        )
    };
    let extra = "extra = { provider = { order = [\"x\"], allow_fallbacks = false }, k = 0.5 }";
    let read = pool(extra).unwrap();
    let expected = serde_json::json!({
        "provider": { "order": ["x"], "allow_fallbacks": false }, "k": 0.5,
    });
    assert_eq!(
        serde_json::Value::from(read.models[0].extra.clone()),
        expected
    );
    for (line, part) in [
        (
            "extra = { stop = [\"x\"] }",
            "`stop` of `extra` of model `a` is set by pointsman",
        ),
        (
            "extra = { api_key = \"sk-planted\" }",
            "keys come from the environment",
        ),
        ("extra = { when = 2026-01-01 }", "holds a date"),
        ("extra = { x = nan }", "JSON cannot hold"),
        ("extra = 3", "must be a table"),
        ("continuation = \"maybe\"", "`exact` or `emulated`"),
    ] {
        let error = pool(line).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("sk-planted"), "{error}");
    }
    let emulated = pool("continuation = \"emulated\"").unwrap();
    assert_eq!(
        emulated.models[0].continuation,
        Some(Continuation::Emulated)
    );
}

#[test]
fn the_example_pools_can_be_read_and_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/pools");
    let mut read = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let pool = Pool::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pool.warnings, Vec::<String>::new(), "{}", path.display());
        assert!(pool.cost_unit().is_some(), "{}", path.display());
        let made = crate::model::catalog::build(&pool, None);
        assert!(made.is_ok(), "{}: {:?}", path.display(), made.err());
        if let Some(prm) = &pool.scorers.prm {
            assert!(crate::model::catalog::reward_model(prm, &pool, None).is_ok());
        }
        read += 1;
    }
    assert!(read >= 9, "{read} example pools");
}

#[test]
fn a_key_comes_from_one_place_and_goes_into_one_header() {
    let command = "api_key_command = [\"pass\", \"show\", \"sk-planted\"]";
    let read = parse(&with(&format!("{command}\napi_key_header = \"api-key\""))).unwrap();
    let model = &read.models[1];
    let found = model.api_key_command.as_ref().unwrap();
    assert_eq!((found.program(), found.arguments().len()), ("pass", 2));
    assert_eq!(model.api_key_header.as_deref(), Some("api-key"));
    let shown = format!("{read:?}");
    assert!(
        !shown.contains("planted"),
        "arguments may be secret: {shown}"
    );
    for (more, part) in [
        (format!("{command}\napi_key_env = \"A\""), "are both given"),
        ("api_key_command = []".to_owned(), "names no program"),
        ("api_key_command = [\" \"]".to_owned(), "names no program"),
        (
            "api_key_command = \"pass show\"".to_owned(),
            "must be a list of texts, not text",
        ),
        ("api_key_command = [1]".to_owned(), "must hold texts only"),
        ("api_key_header = \"api-key\"".to_owned(), "there is none"),
        (
            "api_key_env = \"A\"\napi_key_header = \"sk planted\"".to_owned(),
            "is no name of a header",
        ),
        (
            "api_key_env = \"A\"\napi_key_header = \"Host\"".to_owned(),
            "a use of its own",
        ),
    ] {
        let text = message(&with(&more));
        assert!(text.contains(part) && !text.contains("planted"), "{text}");
    }
}

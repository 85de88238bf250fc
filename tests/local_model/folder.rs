//! Opening checkpoints: what is read, and what is said when it cannot be.

use std::fs;
use std::path::Path;

use pointsman::model::endpoint::{Endpoint, FailureKind, NoProgress, StepRequest};
use pointsman::model::local::LocalEndpoint;
use pointsman::trace::record::Role;
use safetensors::Dtype;
use serde_json::json;

use super::fixture::{SMALL, Tensors, render, serialized, source, spec, word_tokenizer};

fn write(folder: &Path, tensors: &Tensors, dtype: Dtype) {
    fs::write(folder.join("config.json"), SMALL.config().to_string()).unwrap();
    fs::write(folder.join("tokenizer.json"), word_tokenizer().to_string()).unwrap();
    fs::write(folder.join("model.safetensors"), serialized(tensors, dtype)).unwrap();
}

fn open(folder: &Path) -> Result<LocalEndpoint, String> {
    let spec = spec("toy", folder.to_str());
    LocalEndpoint::open(&spec, render()).map_err(|error| error.to_string())
}

fn text(endpoint: &LocalEndpoint) -> (String, Vec<Option<f32>>) {
    let request = StepRequest {
        question: "1+1".into(),
        prefix: String::new(),
        temperature: 1.0,
        top_p: 0.9,
        max_tokens: 30,
        seed: 3,
        role: Role::Step,
        affinity: String::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let reply = runtime
        .block_on(endpoint.step(request, &NoProgress))
        .unwrap();
    (
        reply.text,
        reply.tokens.iter().map(|t| t.max_logit).collect(),
    )
}

fn probe_error(endpoint: &LocalEndpoint) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let error = runtime.block_on(endpoint.probe()).unwrap_err();
    assert_eq!(error.kind, FailureKind::Configuration);
    error.message
}

#[test]
fn shards_and_bf16_read_as_one_f32_file() {
    let mut tensors = SMALL.tensors(21);
    for (_, values) in tensors.values_mut() {
        for value in values {
            *value = f32::from_bits(value.to_bits() & 0xffff_0000);
        }
    }
    let bytes = source(&SMALL.config(), &tensors, &word_tokenizer());
    let bytes = LocalEndpoint::from_source(&spec("toy", None), bytes, render()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &tensors, Dtype::BF16);
    let expected = text(&bytes);
    assert_eq!(text(&open(folder.path()).unwrap()), expected);

    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let mut map = serde_json::Map::new();
    let (mut even, mut odd) = (Tensors::new(), Tensors::new());
    for (index, (name, tensor)) in tensors.into_iter().enumerate() {
        let shard = if index % 2 == 0 { &mut even } else { &mut odd };
        shard.insert(name.clone(), tensor);
        map.insert(name, json!(format!("part-{}.safetensors", index % 2)));
    }
    for (name, shard) in [("part-0.safetensors", even), ("part-1.safetensors", odd)] {
        fs::write(folder.path().join(name), serialized(&shard, Dtype::BF16)).unwrap();
    }
    let index = json!({"weight_map": map}).to_string();
    fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    assert_eq!(text(&open(folder.path()).unwrap()), expected);
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(open(path).err().unwrap().contains("model.safetensors"));
    write(path, &SMALL.tensors(1), Dtype::F32);
    assert!(open(path).is_ok());

    fs::remove_file(path.join("tokenizer.json")).unwrap();
    assert!(open(path).err().unwrap().contains("tokenizer.json"));
    write(path, &SMALL.tensors(1), Dtype::F32);
    let mut config = SMALL.config();
    config["architectures"] = json!(["GPT2LMHeadModel"]);
    fs::write(path.join("config.json"), config.to_string()).unwrap();
    assert!(open(path).err().unwrap().contains("GPT2LMHeadModel"));

    let mut tensors = SMALL.tensors(1);
    tensors.remove("model.layers.1.mlp.up_proj.weight");
    write(path, &tensors, Dtype::F32);
    let message = probe_error(&open(path).unwrap());
    assert!(
        message.contains("no tensor model.layers.1.mlp.up_proj.weight"),
        "{message}"
    );

    let mut tensors = SMALL.tensors(1);
    tensors.insert("model.norm.weight".into(), (vec![3], vec![1.0; 3]));
    write(path, &tensors, Dtype::F32);
    let message = probe_error(&open(path).unwrap());
    assert!(
        message.contains("model.norm.weight") && message.contains("[64]"),
        "{message}"
    );

    fs::write(path.join("model.safetensors"), b"not safetensors").unwrap();
    probe_error(&open(path).unwrap());
    assert!(LocalEndpoint::embedded(&spec("toy", Some("medium")), render()).is_err());
}

#[test]
fn a_probe_loads_the_model_and_says_what_it_can_do() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &SMALL.tensors(1), Dtype::F32);
    let endpoint = open(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let capabilities = runtime.block_on(endpoint.probe()).unwrap();
    assert_eq!((capabilities.context, capabilities.top), (Some(512), 5));
    assert!(capabilities.which_stop && capabilities.cached_count);
    assert_eq!(endpoint.name(), "toy");
}

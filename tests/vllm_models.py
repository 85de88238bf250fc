"""Makes tiny models that a vLLM server loads from a folder, no hub needed:

    python tests/vllm_models.py FOLDER

FOLDER/small, FOLDER/large  the embedded pair, with what vLLM wants besides
FOLDER/prm                  a process reward model with random weights
FOLDER/bytes                its network as a text model over bytes: most of its
                            tokens are no UTF-8 of their own

Needs torch, safetensors and tokenizers, which vLLM brings along.
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

# The pair was trained on `Question: ...\n\nSolution:\n\n...` alone.
PAIR_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'user' %}Question: {{ message.content }}\n\n"
    "{% elif message.role == 'assistant' %}Solution:\n\n{{ message.content }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Solution:\n\n{% endif %}"
)
# What Qwen2.5's template gives for plain messages.
CHATML_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<extra_0>"]
HIDDEN, LAYERS, HEADS, KV_HEADS, FFN = 64, 2, 2, 1, 176
HEAD_DIM = 32  # the smallest that vLLM's attention takes on a CPU


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def tokenizer_config(eos, pad, template):
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": eos,
        "pad_token": pad,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1_000_000,
        "chat_template": template,
    }


def pair(source, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "tokenizer.json"):
        shutil.copy(source / name, folder / name)
    # transformers 5 reads tokenizer.json only as Qwen2's byte-level BPE if the
    # model type is qwen2. The network follows `architectures`, not the type.
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    write_json(folder / "config.json", config | {"model_type": "llama"})
    write_json(folder / "tokenizer_config.json", tokenizer_config("<eos>", "<pad>", PAIR_TEMPLATE))


def byte_tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    return tokenizer


def network(vocab, reward, seed):
    generator = torch.Generator().manual_seed(seed)

    def random(*shape, scale=0.3):
        return torch.randn(*shape, generator=generator) * scale

    weights = {
        "model.embed_tokens.weight": random(vocab, HIDDEN, scale=1.0),
        "model.norm.weight": torch.ones(HIDDEN),
    }
    for layer in range(LAYERS):
        name = f"model.layers.{layer}."
        weights[name + "input_layernorm.weight"] = torch.ones(HIDDEN)
        weights[name + "post_attention_layernorm.weight"] = torch.ones(HIDDEN)
        for part, rows in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
            weights[name + f"self_attn.{part}_proj.weight"] = random(rows * HEAD_DIM, HIDDEN)
            weights[name + f"self_attn.{part}_proj.bias"] = random(rows * HEAD_DIM)
        weights[name + "self_attn.o_proj.weight"] = random(HIDDEN, HEADS * HEAD_DIM)
        weights[name + "mlp.gate_proj.weight"] = random(FFN, HIDDEN)
        weights[name + "mlp.up_proj.weight"] = random(FFN, HIDDEN)
        weights[name + "mlp.down_proj.weight"] = random(HIDDEN, FFN)
    if reward:
        weights["score.0.weight"] = random(HIDDEN, HIDDEN)
        weights["score.0.bias"] = random(HIDDEN)
        weights["score.2.weight"] = random(2, HIDDEN)
        weights["score.2.bias"] = random(2)
    else:
        weights["lm_head.weight"] = random(vocab, HIDDEN)
    return weights


def random_model(folder, reward, seed):
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_tokenizer()
    vocab = tokenizer.get_vocab_size()
    tokenizer.save(str(folder / "tokenizer.json"))
    eos = "<|im_end|>"
    write_json(folder / "tokenizer_config.json", tokenizer_config(eos, SPECIAL[0], CHATML_TEMPLATE))
    config = {
        "architectures": ["Qwen2ForProcessRewardModel" if reward else "Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "intermediate_size": FFN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HEAD_DIM,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "use_sliding_window": False,
        "vocab_size": vocab,
        "eos_token_id": tokenizer.token_to_id(eos),
    }
    write_json(folder / "config.json", config)
    save_file(network(vocab, reward, seed), str(folder / "model.safetensors"), metadata={"format": "pt"})
    # The server must be told: vLLM's own default is the real model's 151651.
    write_json(
        folder / "pooler.json",
        {"tok_pooling_type": "STEP", "step_tag_id": tokenizer.token_to_id("<extra_0>")},
    )


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the models go")
    parser.add_argument("--pair", type=pathlib.Path, default=here.parent / "assets" / "pair")
    parser.add_argument("--seed", type=int, default=2026, help="of the random weights")
    arguments = parser.parse_args()
    for name in ("small", "large"):
        pair(arguments.pair / name, arguments.folder / name)
    random_model(arguments.folder / "prm", True, arguments.seed)
    random_model(arguments.folder / "bytes", False, arguments.seed)


if __name__ == "__main__":
    main()

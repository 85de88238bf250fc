#!/bin/sh
# Runs a data set in parts on a Ray cluster, a task each:
#
#   PROBLEMS=/shared/math500.jsonl POOL=/shared/pool.toml RUNS=/shared/runs \
#       RAY_ADDRESS=http://head:8265 sh examples/ray/submit.sh
#   pointsman eval --log /shared/runs/
#
# `pointsman` must be on the PATH of every node, and the three paths on a disk
# that all nodes share. Keys that the pool names must be in the environment of
# the nodes. Submitted again, it goes on where it stopped.

set -eu

: "${PROBLEMS:?name the data set: PROBLEMS=/shared/math500.jsonl}"
: "${POOL:?name the pool of models: POOL=/shared/pool.toml}"
: "${RUNS:?name a folder for the logs: RUNS=/shared/runs}"
N="${N:-8}"
ROUTER="${ROUTER:-threshold:t=0.8}"

here=$(dirname "$0")

exec ray job submit --working-dir "$here" -- \
    python shards.py "$N" "$RUNS" \
    solve --problems "$PROBLEMS" --pool "$POOL" --router "$ROUTER"

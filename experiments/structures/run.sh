#!/usr/bin/env bash
# Fits every reverberator of configs/reverbs to some measured rooms and prints how near each comes, and what it costs to play.
#   cmake --build build --target bench_engine
#   experiments/structures/run.sh OUT ROOM.wav...
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
diffverb=${DIFFVERB:-$here/build/diffverb}
engine=${BENCH_ENGINE:-$here/build/bench_engine}
[ $# -ge 2 ] || { sed -n '2,4p' "$0" >&2; exit 1; }
out=$1; shift
mkdir -p "$out"
for config in "$here"/configs/fdn_fit.yaml "$here"/configs/reverbs/*.yaml; do
  name=$(basename "$config" .yaml)
  ! grep -qE 'type: (fusion_ir|time_varying_ir|volterra|neural_volterra|hybrid|nonlinear_fdn)' "$config" || continue  # nothing is fitted to a response, or a pair
  for room in "$@"; do
    run=$out/$name/$(basename "$room" .wav)
    mkdir -p "$out/$name"
    [ -e "$run/metrics.json" ] || "$diffverb" fit "$room" --config "$config" --out "$run" --overwrite >/dev/null 2>"$run.log" ||
      { echo "$name $(basename "$room"): $(tail -n 1 "$run.log" 2>/dev/null)" >&2; }
    [ ! -x "$engine" ] || [ ! -e "$run/weights.safetensors" ] || "$engine" "$run/weights.safetensors" >"$run.engine" || true
  done
done
python3 "$here/experiments/structures/table.py" "$out"

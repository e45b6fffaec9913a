#!/usr/bin/env bash
# Everything that only a GPU can tell, in one command: tests, benchmarks, fits and short trainings.
#   experiments/gpu/run.sh [OUT]      from a build (build/) or from an install (share/diffverb/experiments/gpu/run.sh)
# DIFFVERB: the program; LIBTORCH: the torch folder of a LibTorch 2.11.0 with CUDA [python3's]; STEPS [300]; ROOMS [300];
# ROOM: the response that is fitted [one of the demo]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-gpu_results}
mkdir -p "$out"

bin=$root/build
[ -x "$root/../../bin/diffverb" ] && bin=$(cd "$root/../../bin" && pwd)  # installed: share/diffverb is the root
diffverb=${DIFFVERB:-$bin/diffverb}
tests=$bin/test_cuda
[ -x "$tests" ] || tests=$bin/tests/test_cuda
libtorch=${LIBTORCH:-$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')}
export LD_LIBRARY_PATH=$libtorch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
failed=0

echo "== tests"
"$tests" 2>&1 | tee "$out/tests.txt" | grep -E '^\[ +(FAILED|SKIPPED|PASSED) +\]|tests from|Failure' || true
grep -q '^\[  PASSED  \]' "$out/tests.txt" && ! grep -q '^\[  FAILED  \]' "$out/tests.txt" || failed=1

echo "== benchmarks"
"$diffverb" bench gpu 2>&1 | tee "$out/bench.txt" || failed=1

echo "== fits"
room=${ROOM:-$root/experiments/demo/arni_35_3541_4_2.wav}
fit() {  # name, further settings
  local name=$1
  shift
  echo "-- $name"
  "$diffverb" fit "$room" --out "$out/$name" --overwrite "$@" 2>&1 | tee "$out/$name.txt" | tail -n 8 || failed=1
}
fit fit.cpu --device cpu
fit fit.gpu --device cuda
fit fit.launches --device cuda --set train.graph=false

echo "== training"
if [ ! -e "$out/rooms.h5" ]; then
  "$diffverb" data simulate "$root/configs/rooms.yaml" -o "$out/rooms.h5" --count "${ROOMS:-300}" > "$out/simulate.txt"
  "$diffverb" data split "$out/rooms.h5" --validation 0.05 --test 0.05 >> "$out/simulate.txt"
fi
train() {  # name, config, further settings
  local name=$1 config=$2
  shift 2
  echo "-- $name"
  "$diffverb" train "$root/configs/$config.yaml" --out "$out/$name" --overwrite --set "data.files=[$out/rooms.h5]" \
    --set "train.steps=${STEPS:-300}" --set train.log_every=20 "$@" 2>&1 | tee "$out/$name.txt" | tail -n 4 || failed=1
}
for config in autoencoder neuralreverberator_2018; do
  train "$config.fp32" "$config" --device cuda
  train "$config.bf16" "$config" --device cuda --set train.precision=bf16
  train "$config.launches" "$config" --device cuda --set train.precision=bf16 --set train.graph=false
done
[ $failed = 0 ] && echo "all passed; figures in $out" || { echo "something failed: see $out"; exit 1; }

#!/usr/bin/env bash
# Fits every response given with early parts of 80 and of 30 ms, both at once, and prints the tables of README.md.
#   experiments/fit_rooms/run.sh OUT RESPONSE_OR_FOLDER...
# DIFFVERB: the program [build/diffverb]; PYTHON: with numpy, scipy and soundfile [python3]; FIT_OPTIONS: more for diffverb fit
set -euo pipefail
here=$(dirname "$0")
out=${1:?usage: run.sh OUT RESPONSE_OR_FOLDER...}
shift
mkdir -p "$out"
one() {
  # One bad response of many leaves a message and an exit code; the table is made of the others.
  # shellcheck disable=SC2086
  "${DIFFVERB:-build/diffverb}" fit "$@" --out "$out/early_$ms" --set model.early_ms="$ms" ${FIT_OPTIONS:-} >"$out/early_$ms.log" 2>&1 || echo "$out/early_$ms.log: exit $?" >&2
  OMP_NUM_THREADS=1 "${PYTHON:-python3}" "$here/evaluate.py" --runs "$out/early_$ms" >"$out/early_$ms.md"
}
for ms in 80 30; do one "$@" & done
wait
cat "$out/early_80.md" "$out/early_30.md"

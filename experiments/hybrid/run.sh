#!/usr/bin/env bash
# Makes pairs of three simulated nonlinear spaces, fits each config of this folder and configs/hybrid_fit.yaml to each, and
# prints how near they come.
#   experiments/hybrid/run.sh OUT ROOM.wav
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
diffverb=${DIFFVERB:-$here/build/diffverb}
[ $# -eq 2 ] || { sed -n '2,4p' "$0" >&2; exit 1; }
out=$1 room=$2 own=$here/experiments/hybrid
[ -e "$out/pairs/speaker_wet.wav" ] || python3 "$own/make_pairs.py" "$out/pairs" "$room"
for space in plate spring speaker; do
  for config in "$own"/*.yaml "$here/configs/hybrid_fit.yaml"; do
    name=$(basename "$config" .yaml)
    [ -e "$out/$space/$name/metrics.json" ] ||
      "$diffverb" fit --dry "$out/pairs/${space}_dry.wav" --wet "$out/pairs/${space}_wet.wav" --config "$config" \
        --out "$out/$space/$name" --overwrite >/dev/null
  done
done
python3 "$own/table.py" "$out"

#!/usr/bin/env bash
# Looks for the signs of good and bad reverbs in measured rooms, in known bad ones and in configs/reverbs.
#   experiments/evaluation/run.sh OUT ROOM...      sound files, or responses of SOFA files (room.sofa#0)
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
diffverb=${DIFFVERB:-$here/build/diffverb}
[ $# -ge 2 ] || { sed -n '2,3p' "$0" >&2; exit 1; }
out=$1; shift
mkdir -p "$out/measured" "$out/bad" "$out/reverbs"

for room in "$@"; do
  "$diffverb" analyze "$room" --signs --json > "$out/measured/$(basename "$(dirname "$room")")_$(basename "$room").json"
done

# signs CONFIG KIND NAME [--set ...]: renders a config and looks at what comes out.
signs() {
  local config=$1 wav=$out/$2/$3.wav json=$out/$2/$3.json
  shift 3
  "$diffverb" render "$config" --impulse 5 --out "$wav" "$@" 2> "$json.log" &&
    "$diffverb" analyze "$wav" --signs --json > "$json" ||
    { echo "$config: $(tail -n 1 "$json.log")" >&2; rm -f "$json"; }
}
reverbs=$here/configs/reverbs
one="--set model.inputs=1 --set model.outputs=1 --set model.modulation_ms=0"
# Schroeder's has four combs: equal ones are fewer.
signs "$reverbs/schroeder.yaml" bad one_comb --set 'model.comb_ms=[29.7,29.7,29.7,29.7]' --set 'model.allpass_gain=[0,0]'
signs "$reverbs/schroeder.yaml" bad two_combs --set 'model.comb_ms=[29.7,29.7,41.1,41.1]' --set 'model.allpass_gain=[0,0]'
signs "$reverbs/schroeder.yaml" bad schroeder_of_2_combs --set 'model.comb_ms=[29.7,29.7,41.1,41.1]'
signs "$reverbs/jot_fdn.yaml" bad loop_of_2_lines $one --set model.lines=2
signs "$reverbs/jot_fdn.yaml" bad loop_of_4_lines $one --set model.lines=4
signs "$reverbs/bass_xov.yaml" bad long_bass --set model.t60_s=1.5
for config in "$reverbs"/*.yaml; do signs "$config" reverbs "$(basename "$config" .yaml)"; done
python3 "$here/experiments/evaluation/table.py" "$out"

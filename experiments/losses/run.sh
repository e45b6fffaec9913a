#!/usr/bin/env bash
# Fits one network to each room with each loss alone and with sums of them, and prints how near each comes.
#   experiments/losses/run.sh OUT ROOM.wav...
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
diffverb=${DIFFVERB:-$here/build/diffverb}
[ $# -ge 2 ] || { sed -n '2,3p' "$0" >&2; exit 1; }
out=$1; shift
level='{type: level, weight: 0.3}'
info="{type: edc}, {type: coherence, weight: 3}, $level, {type: entropy}, {type: decorrelation}"
# name|losses|more keys. Those that do not see the level stand beside the term `level`: "+ level".
losses=$(cat <<LIST
start (no step)|[$level]|train.steps=0
fdn_fit (edc, coherence, level)|[{type: edc}, {type: coherence, weight: 3}, $level]|
edc|[{type: edc}]|
edr|[{type: edr}]|
stft|[{type: stft}]|
mr_stft|[{type: mr_stft}]|
mel|[{type: mel}]|
erb|[{type: erb}]|
masked|[{type: masked}]|
mse|[{type: mse}]|
esr|[{type: esr}]|
band_level|[{type: band_level}]|
t60 + level|[{type: t60}, $level]|
clarity + level|[{type: clarity}, $level]|
flatness + level|[{type: flatness}, $level]|
echo_density + level|[{type: echo_density}, $level]|
coherence + level|[{type: coherence, weight: 3}, $level]|
averaged_power|[{type: averaged_power, normalise: target}]|
entropy + level|[{type: entropy}, $level]|
mutual_information + level|[{type: mutual_information}, $level]|
decorrelation + level|[{type: decorrelation}, $level]|
level|[$level]|
perceptual|[{type: perceptual}]|
total|[{type: total}]|
implicit|[{type: implicit}]|
fdn_fit + entropy + decorrelation|[$info]|
the same, balanced|[$info]|train.balance=gradient_norm
LIST
)
for room in "$@"; do
  while IFS='|' read -r name terms more; do
    run=$out/$name/$(basename "$room" .wav)
    mkdir -p "$out/$name"
    [ -e "$run/metrics.json" ] ||
      "$diffverb" fit "$room" --out "$run" --overwrite --set quality=fast --set "losses=$terms" ${more:+--set "$more"} \
        >/dev/null 2>"$run.log" || echo "$name $(basename "$room"): $(tail -n 1 "$run.log")" >&2
  done <<<"$losses"
done
python3 "$here/experiments/losses/table.py" "$out"

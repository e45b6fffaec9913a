#!/usr/bin/env bash
# The two autoencoders at equal training time, in one table: configs/autoencoder.yaml (energies by band and time) and
# configs/waveform_autoencoder.yaml (dilated convolutions over the waveform), from the same data sets, on one thread.
#   experiments/autoencoder/compare.sh OUT TEST...
# OUT: has simulated.h5 and measured.h5 (run.sh data OUT MEASURED); TEST: responses of other rooms, as files or folders
# STEPS: of the first [6000]; the second gets as many as take the same processor time, measured by a pilot
# DIFFVERB: the program [build/diffverb]
# Processor time, not time of day: it does not depend on what else the machine does.
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "$0")/../.." && pwd)
diffverb=${DIFFVERB:-$root/build/diffverb}
out=${1:?usage: compare.sh OUT TEST...}
shift
[ $# -gt 0 ] || { echo "compare.sh: no responses to evaluate; usage: compare.sh OUT TEST..." >&2; exit 1; }
[ -e "$out/simulated.h5" ] || { echo "compare.sh: $out/simulated.h5 is missing; make it with run.sh data $out" >&2; exit 1; }

files="$out/simulated.h5"
for i in 1 2 3 4 5 6; do  # measured responses are few: each counts six times
  [ -e "$out/measured.h5" ] || break
  ln -sf measured.h5 "$out/measured_$i.h5"
  files="$files, $out/measured_$i.h5"
done

# train NAME STEPS FOLDER: prints the processor seconds that it took
train() {
  local TIMEFORMAT='%U %S'
  { time "$diffverb" train "$root/configs/$1.yaml" --out "$out/$3" --overwrite --set threads=1 --set loader.workers=1 \
    --set "data.files=[$files]" --set "train.steps=$2" --set "train.validate_every=$2" >"$out/$3.log" 2>&1 \
    || { tail -3 "$out/$3.log" >&2; exit 1; }; } 2>&1 | tail -1 | awk '{ printf "%.1f", $1 + $2 }'
}

first=$(train autoencoder "${STEPS:-6000}" compare_envelope)
echo "envelope_autoencoder: ${STEPS:-6000} steps, $first s of processor time"
short=$(train waveform_autoencoder 5 compare_pilot)
long=$(train waveform_autoencoder 45 compare_pilot)
steps=$(awk -v t="$first" -v a="$short" -v b="$long" 'BEGIN { s = 5 + (t - a) / ((b - a) / 40); print int(s < 5 ? 5 : s) }')
second=$(train waveform_autoencoder "$steps" compare_waveform)
echo "waveform_autoencoder: $steps steps, $second s of processor time"

for name in envelope waveform; do
  "$diffverb" export "$out/compare_$name" --out "$out/compare_$name.safetensors" >/dev/null
  "$diffverb" eval "$out/compare_$name.safetensors" --data "$@" --json >"$out/compare_$name.json" 2>"$out/compare_$name.eval.log"
done

# Medians of magnitudes, and of how many responses they are (a decay time may be undefined).
python3 - "$out" "$first" "$second" <<'PY'
import json
import sys

out, *seconds = sys.argv[1:]
keys = [("lsd_smoothed_db", "smoothed LSD, dB"), ("t20_1k_error_pct", "T20 error, %"), ("edt_1k_error_pct", "EDT error, %"),
        ("c80_1k_error_db", "C80 error, dB"), ("lsd_db", "raw LSD, dB")]
results = [json.load(open(f"{out}/compare_{name}.json")) for name in ("envelope", "waveform")]
print("\n| 1 kHz octave, medians | envelope | waveform |\n|---|---|---|")
print("| training, s of one core | " + " | ".join(f"{float(s):.0f}" for s in seconds) + " |")
for key, title in keys:
    cells = []
    for result in results:
        known = sum(r[key] is not None for r in result["responses"])
        value = result["median"][key]
        cells.append("-" if value is None else f"{value:.2f} ({known} of {len(result['responses'])})")
    print(f"| {title} | " + " | ".join(cells) + " |")
PY

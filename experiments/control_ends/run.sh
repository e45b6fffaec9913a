#!/usr/bin/env bash
# Plays every model at the ends of all controls, at host rates from 8 to 384 kHz, and prints what became of it.
#   cmake --build build --target control_ends
#   experiments/control_ends/run.sh OUT [MODEL...]
# Without MODEL: all of configs/reverbs exported, the plug-in's factory presets, small models of the other kinds, a WAV.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$here/build}
[ $# -ge 1 ] || { sed -n '2,5p' "$0" >&2; exit 1; }
out=$1; shift
mkdir -p "$out/models"
if [ $# -eq 0 ]; then
  for config in "$here"/configs/reverbs/*.yaml; do
    model=$out/models/$(basename "$config" .yaml).safetensors
    [ -e "$model" ] || "$build/diffverb" export "$config" --out "$model" >/dev/null
  done
  [ -e "$out/models/pyfdn.json" ] ||
    "$build/diffverb" export "$here/configs/reverbs/jot_fdn.yaml" --format pyfdn --out "$out/models/pyfdn.json" >/dev/null
  cp "$build"/plugin/bin/clap/resources/models/*.safetensors "$out/models/"
  cp "$here"/tests/runtime/golden/{response_bank,waveform_autoencoder}_1.0.safetensors "$out/models/"
  cp "$here"/experiments/demo/*.wav "$out/models/"
  set -- "$out"/models/*
fi
"$build/tests/control_ends" --threads "${THREADS:-2}" --cells "$out/cells.tsv" "$@" | tee "$out/table.md"

#!/usr/bin/env bash
# The autoencoder of rooms, step by step or all at once.
#   experiments/autoencoder/run.sh data OUT [MEASURED]   OUT/simulated.h5, and OUT/measured.h5 of a folder of measured responses
#   experiments/autoencoder/run.sh train OUT             OUT/run: trains configs/autoencoder.yaml on them
#   experiments/autoencoder/run.sh export OUT            OUT/autoencoder.safetensors, for the runtime
#   experiments/autoencoder/run.sh evaluate OUT TEST...  reconstructs responses of rooms that were not trained on
#   experiments/autoencoder/run.sh explore OUT           OUT/rooms/index.html: the grid of a model of at most three numbers
#   experiments/autoencoder/run.sh all OUT [MEASURED]
# DIFFVERB: the program [build/diffverb]; ROOMS: simulated responses [2250]; TRAIN_OPTIONS: more for diffverb train
# MANIFEST: rooms and licences of MEASURED [configs/measured_rooms.csv]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
diffverb=${DIFFVERB:-$root/build/diffverb}
step=${1:?usage: run.sh data|train|export|evaluate|explore|all OUT ...}
out=${2:?usage: run.sh $1 OUT ...}
shift 2

data() {
  mkdir -p "$out"
  "$diffverb" data simulate "$root/configs/rooms.yaml" -o "$out/simulated.h5" --count "${ROOMS:-2250}"
  "$diffverb" data split "$out/simulated.h5" --validation 0.05 --test 0.05
  if [ $# -gt 0 ]; then
    "$diffverb" data import "$1" -o "$out/measured.h5" --manifest "${MANIFEST:-$root/configs/measured_rooms.csv}"
    "$diffverb" data split "$out/measured.h5" --validation 0 --test 0
  fi
}

train() {
  # Measured responses are few: each counts as often as it takes to be a quarter of what is learned from.
  files="$out/simulated.h5"
  for i in 1 2 3 4 5 6; do
    [ -e "$out/measured.h5" ] || break
    ln -sf measured.h5 "$out/measured_$i.h5"
    files="$files, $out/measured_$i.h5"
  done
  # shellcheck disable=SC2086
  "$diffverb" train "$root/configs/autoencoder.yaml" --out "$out/run" --set "data.files=[$files]" ${TRAIN_OPTIONS:-}
}

evaluate() {
  "$diffverb" eval "$out/autoencoder.safetensors" --data "$@" --box "${BOX:-300}" --out "$out/reconstructions"
}

explore() {
  "$diffverb" export "$out/autoencoder.safetensors" --bank --out "$out/bank.safetensors"
  "$diffverb" explore "$out/bank.safetensors" --out "$out/rooms" --overwrite
}

export_weights() { "$diffverb" export "$out/run" --out "$out/autoencoder.safetensors"; }

case $step in
  data) data "$@" ;;
  train) train ;;
  export) export_weights ;;
  evaluate) evaluate "$@" ;;
  explore) explore ;;
  all)
    data "$@"
    train
    export_weights
    evaluate "$out/simulated.h5"
    ;;
  *)
    echo "run.sh: '$step', expected data, train, export, evaluate, explore or all" >&2
    exit 1
    ;;
esac

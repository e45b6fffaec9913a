#!/usr/bin/env bash
# Ten thousand responses in a file that is larger than the memory which a process may take: split, check and train on it.
#   experiments/benchmarks/large_set.sh OUT [RESPONSES [MEGABYTES]]
# DIFFVERB: the program [build/diffverb]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
diffverb=${DIFFVERB:-$root/build/diffverb}
out=${1:?usage: large_set.sh OUT [RESPONSES [MEGABYTES]]}
responses=${2:-10000}
megabytes=${3:-900}
mkdir -p "$out"

[ -e "$out/large.h5" ] || "$diffverb" data simulate "$root/configs/rooms.yaml" -o "$out/large.h5" --count "$responses" \
  --set rate_hz=16000 --set length_s=2 --set trim_db=0 --set images.most=500
echo "$out/large.h5: $(($(stat -c %s "$out/large.h5") / 1000000)) MB; each command may take $megabytes MB of memory of its own"
ulimit -d $((megabytes * 1000))

cat > "$out/large.yaml" << 'YAML'
threads: 0
data:
  type: rirs
  files: [large.h5]
  sample_rate_hz: 16000
  samples: 32512
  cache_mb: 64
  augmentation: {gain: {probability: 0.5}, decay: {probability: 0.5}}
model: {type: spectral_autoencoder}
losses:
  - {type: mse, of: spectrogram}
train: {batch_size: 8, steps: 40, validate_every: 1000000}
YAML
"$diffverb" data split "$out/large.h5" --validation 0.01 --test 0.1
"$diffverb" train "$out/large.yaml" --set "data.files=[$out/large.h5]" --out "$out/run" --overwrite

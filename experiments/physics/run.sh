#!/usr/bin/env bash
# Makes the responses of a small room by image sources and reconstructs those at places without a microphone.
#   [CONFIG=room.yaml] experiments/physics/run.sh OUT [options of diffverb field]
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 1 ] || { sed -n '2,3p' "$0" >&2; exit 1; }
out=$1; shift
cmake --build "$here/build" --target room_responses >&2
mkdir -p "$out"
cp "${CONFIG:-$here/configs/field.yaml}" "$out/room.yaml"
"$here/build/room_responses" "$out/room.yaml" "$out"
exec "${DIFFVERB:-$here/build/diffverb}" field "$out/room.yaml" --out "$out/run" "$@"

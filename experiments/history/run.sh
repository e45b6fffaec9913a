#!/usr/bin/env bash
# Plays and measures every reverberator of configs/reverbs; one page with figures, charts and sounds.
#   experiments/history/run.sh OUT [options of diffverb gallery]
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 1 ] || { sed -n '2,3p' "$0" >&2; exit 1; }
out=$1; shift
exec "${DIFFVERB:-$here/build/diffverb}" gallery "$here/configs/reverbs" --out "$out" "$@"

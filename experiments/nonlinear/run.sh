#!/usr/bin/env bash
# What a delay network with a nonlinear loop does at several levels, and how near a search comes to its bound.
#   experiments/nonlinear/run.sh [options of diffverb distortion]
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
exec "${DIFFVERB:-$here/build/diffverb}" distortion "$here/configs/reverbs/nonlinear_fdn.yaml" "$@"

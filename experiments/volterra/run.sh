#!/usr/bin/env bash
# Finds systems whose Volterra kernels are known from noise and what they make of it; prints the table of README.md.
#   experiments/volterra/run.sh [--taps N] [--samples N] [--seed N]
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
cmake --build "$here/build" --target volterra_identification >&2
exec "$here/build/volterra_identification" "$@"

#!/usr/bin/env bash
# tests/failures_first.sh PROGRAM ARGUMENTS...: runs a test program and exits as it does. Where a test fails, the output of
# the failed tests comes first, then the end of the rest: a log that is cut somewhere still says what is wrong.
set -uo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Through a pipe: what tests do to the size of files is not for their output.
"$@" 2>&1 | cat >"$log"
code=${PIPESTATUS[0]}
if [ "$code" = 0 ]; then
  cat "$log"
else
  echo "exit code $code; the failed tests:"
  awk '/^\[ RUN      \]/ { test = "" } { test = test $0 "\n" } /^\[  FAILED  \] .* ms\)$/ { printf "%s", test; test = "" }' "$log"
  echo "the end of the output:"
  tail -n 40 "$log"
fi
exit "$code"

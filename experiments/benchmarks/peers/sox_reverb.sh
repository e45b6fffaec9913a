#!/bin/bash
# sox reverb in turns with `diffverb bench engine`, as turns.h says: CPU seconds with the effect less those without it.
#     sox_reverb.sh SOUND.f32 BLOCK      (Debian: apt-get install sox)
set -eu
version=$(sox --version) || exit 1
TIMEFORMAT='%U %S'
run() { { time sox -t raw -e floating-point -b 32 -c 2 -r 48000 "$sound" -n "$@" 2>/dev/null; } 2>&1; }
sound=$1
echo "${version##* }"
while read -r _; do
  echo "$(run reverb) $(run)" | awk '{ print $1 + $2 - $3 - $4, 0 }'
done

#!/usr/bin/env python3
"""Prints a config of diffverb field with all its lengths multiplied and the first microphones alone: scaled.py CONFIG FACTOR COUNT"""
import re
import sys

path, factor, count = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])


def multiplied(found):
    return found[1] + ", ".join("%g" % (factor * float(v)) for v in found[2].split(",")) + "]"


for line in open(path, encoding="utf-8"):
    number = re.search(r"file: microphone_(\d+)\.wav", line)
    if not number or int(number[1]) <= count:
        print(re.sub(r"((?:position|size|source)_m: \[)([^\]]*)\]", multiplied, line), end="")

"""Phases of spectrograms by torchaudio's fast Griffin-Lim, timed: the peer of `diffverb bench griffin_lim`.

    echo go | python griffin_lim.py --iterations 100

Prints the version, then a line of JSON for each line that it reads: the time of a response and the batch size that suits
it best. The time is that of its fastest batch, as ours is that of our fastest run; the signals go to --signals.
"""
import argparse
import json
import sys
import time

import numpy
import torch
import torchaudio
from torchaudio.functional import griffinlim

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--magnitudes", help="file of float32 [rows, 513, 128]")
parser.add_argument("--signals", help="file to write")
parser.add_argument("--rows", type=int, default=8)
parser.add_argument("--iterations", type=int, default=1000)
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
args = parser.parse_args()
torch.set_num_threads(args.threads)
window = torch.hann_window(1024)
if args.magnitudes:
    magnitudes = torch.from_numpy(numpy.fromfile(args.magnitudes, numpy.float32)).reshape(args.rows, 513, 128)
else:
    magnitudes = torch.rand(args.rows, 513, 128)


def run(part, count):
    return griffinlim(part, window, 1024, 256, 1024, 1.0, count, 0.99, None, True)


def seconds(part, count):
    start = time.perf_counter()
    signal = run(part, count)
    return time.perf_counter() - start, signal


print(torchaudio.__version__, flush=True)
for line in sys.stdin:
    torch.manual_seed(0)
    run(magnitudes, 5)
    batches = [b for b in (1, 4, 8) if b <= args.rows]
    best = min(batches, key=lambda b: min(seconds(magnitudes[:b], 40)[0] for _ in range(2)) / b)
    parts = [seconds(magnitudes[i : i + best], args.iterations) for i in range(0, args.rows, best)]
    if args.signals:
        torch.cat([signal for _, signal in parts]).numpy().tofile(args.signals)
    times = [s for s, _ in parts]
    if len(times) < 2:
        times.append(seconds(magnitudes, args.iterations)[0])
    print(json.dumps({"ms": 1000 * min(times) / best, "batch": best}), flush=True)

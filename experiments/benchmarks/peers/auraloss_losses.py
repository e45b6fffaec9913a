"""A loss of auraloss with its gradient, timed: the peer of `diffverb bench losses`.

    echo go | python auraloss_losses.py freq.MultiResolutionSTFTLoss

Prints the version, then a line of JSON for each line that it reads: the value and the time of the fastest of some runs;
"keep" also writes the gradient with respect to the estimate to --gradient.
"""
import argparse
import json
import sys
import time
from importlib import metadata

import numpy
import torch
import auraloss

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("loss", help="the class, with its module in auraloss")
parser.add_argument("--target", help="file of float32 [8, 1, 65536]")
parser.add_argument("--estimate", help="another")
parser.add_argument("--gradient", help="file to write")
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
args = parser.parse_args()
torch.set_num_threads(args.threads)


def responses(file):
    if not file:
        return 0.1 * torch.randn(8, 1, 65536)
    return torch.from_numpy(numpy.fromfile(file, numpy.float32)).reshape(8, 1, 65536)


settings = {"freq.MelSTFTLoss": {"sample_rate": 44100, "device": "cpu"}}
module, name = args.loss.split(".")
loss = getattr(getattr(auraloss, module), name)(**settings.get(args.loss, {}))
target, estimate = responses(args.target), responses(args.estimate).requires_grad_()


def run():
    estimate.grad = None
    start = time.perf_counter()
    value = loss(estimate, target)
    value.backward()
    return 1000 * (time.perf_counter() - start), value.item()


run()
print(metadata.version("auraloss"), flush=True)
for line in sys.stdin:
    runs = [run() for _ in range(2)]
    if line.strip() == "keep" and args.gradient:
        estimate.grad.numpy().tofile(args.gradient)
    print(json.dumps({"ms": min(ms for ms, _ in runs), "value": runs[-1][1]}), flush=True)

"""A training step of the published autoencoder in PyTorch, timed: the peer of `diffverb bench autoencoder` and `gpu`.

    echo 5 | python autoencoder.py --mode channels_last

Prints the version, then for each line with a number of steps a line of JSON: {"ms": [...], "loss": [...]}.
"""
import argparse
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--start", help="safetensors: the weights and the input of our side")
parser.add_argument("--mode", default="eager", help="eager, channels_last, compile, cuda, bf16; several joined by +")
parser.add_argument("--batch", type=int, default=8, help="without --start")
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
args = parser.parse_args()
modes = args.mode.split("+")
torch.set_num_threads(args.threads)
cuda = "cuda" in modes
if cuda:
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = "bf16" in modes

ENCODER = list(
    zip(
        [32, 32, 32, 64, 64, 64, 128, 128, 128, 1024, 3],
        [(5, 5)] + [(4, 4)] * 8 + [(1, 1)] * 2,
        [(2, 2)] * 8 + [(2, 1), (2, 1), (1, 1)],
    )
)
DECODER = list(
    zip(
        [1024, 128, 128, 128, 64, 64, 64, 32, 32, 32, 1],
        [(1, 1)] + [(2, 2)] * 8 + [(3, 1), (1, 1)],
        [(1, 1)] + [(2, 2)] * 7 + [(2, 1), (2, 1), (1, 1)],
    )
)


def load(path):
    data = open(path, "rb").read()
    size = int.from_bytes(data[:8], "little")
    out = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = (8 + size + k for k in entry["data_offsets"])
            out[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(entry["shape"])
    return out


class Same(nn.Module):
    def __init__(self, i, o, kernel, stride):
        super().__init__()
        self.conv, self.kernel, self.stride = nn.Conv2d(i, o, kernel, stride), kernel, stride

    def forward(self, x):
        pad = []
        for axis in (1, 0):
            n, k, s = x.shape[2 + axis], self.kernel[axis], self.stride[axis]
            total = max((-(-n // s) - 1) * s + k - n, 0)
            pad += [total // 2, total - total // 2]
        return self.conv(F.pad(x, pad) if any(pad) else x)


class Transposed(nn.Module):
    def __init__(self, i, o, kernel, stride):
        super().__init__()
        self.conv = nn.ConvTranspose2d(i, o, kernel, stride)
        self.columns = stride[1]
        self.crop = kernel[1] > stride[1]

    def forward(self, x):
        y = self.conv(x)
        return y[..., : x.shape[3] * self.columns] if self.crop else y


def copy_from(tensors, name, layer, norm):
    with torch.no_grad():
        layer.conv.weight.copy_(tensors[name + "kernel"].permute(3, 2, 0, 1))
        layer.conv.bias.copy_(tensors[name + "bias"])
        if norm:
            norm.weight.copy_(tensors[name + "gamma"])
            norm.bias.copy_(tensors[name + "beta"])


tensors = load(args.start) if args.start else None
layers, channels = [], 1
for part, kind, shapes in (("encoder", Same, ENCODER), ("decoder", Transposed, DECODER)):
    for n, (filters, kernel, stride) in enumerate(shapes, 1):
        layer = kind(channels, filters, kernel, stride)
        norm = None if (part, n) == ("decoder", 11) else nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)
        if tensors:
            copy_from(tensors, f"parameter.{part}.{n}.", layer, norm)
        layers += [layer] + ([nn.LeakyReLU(0.1)] if n < 11 else []) + ([norm] if norm else [])
        channels = filters
model = nn.Sequential(*layers)
x = tensors["input"] if tensors else torch.rand(args.batch, 1, 513, 128)
if cuda:
    model, x = model.cuda(), x.cuda()
if "channels_last" in modes or "compile" in modes:
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=cuda or None)
run = torch.compile(model, mode="reduce-overhead" if cuda else None) if "compile" in modes else model


def step():
    optimiser.zero_grad()
    with torch.autocast("cuda", torch.bfloat16, enabled="bf16" in modes):
        y = run(x)
    loss = ((y.float() - x) ** 2).mean()
    loss.backward()
    optimiser.step()
    return loss.detach()


print(torch.__version__, flush=True)
for line in sys.stdin:
    answer = {"ms": [], "loss": []}
    if cuda:  # one wait at the end: launches run ahead of the GPU
        torch.cuda.synchronize()
        start, losses = time.perf_counter(), []
        for _ in range(int(line)):
            losses.append(step().clone())
        torch.cuda.synchronize()
        answer["ms"].append(1e3 * (time.perf_counter() - start) / int(line))
        answer["loss"] = [loss.item() for loss in losses]
    else:
        for _ in range(int(line)):
            start = time.perf_counter()
            answer["loss"].append(step().item())
            answer["ms"].append(1e3 * (time.perf_counter() - start))
    print(json.dumps(answer), flush=True)

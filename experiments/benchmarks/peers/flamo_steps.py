"""Training steps of FLAMO's examples e8_colorless_fdn and e8_fdn, timed: the peer of `diffverb bench flamo_colorless`
and `diffverb bench flamo_e8`.

    echo 5 | python flamo.py colorless --lines 8
    echo 5 | python flamo.py e8 --lines 6

Prints the versions, then a line of JSON for each line that it reads: a number asks for that many steps of FLAMO's own
trainer, "gradient" for one step with its gradients, "exact" for the first step's in float64, "memory" for the peak memory
of a step.
"""
import argparse
import ctypes
import functools
import json
import sys
import time
from collections import OrderedDict
from importlib.metadata import version

import numpy
import torch

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("example", choices=["colorless", "e8"])
parser.add_argument("--lines", type=int, default=6)
parser.add_argument("--nfft", type=int, default=96000)
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
parser.add_argument("--start", help="JSON: delays, parameters, and of e8 the file of the target's float32 samples")
args = parser.parse_args()
torch.set_num_threads(args.threads)

from flamo.optimize.loss import mse_loss, sparsity_loss
from flamo.optimize.trainer import Trainer
from flamo.processor import dsp, system

if args.example == "e8":
    import auraloss

ALIAS_DECAY_DB = 30
RATE = {"colorless": 1e-3, "e8": 1e-2}[args.example]


class MultiResolutionSTFT(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.loss = auraloss.freq.MultiResolutionSTFTLoss()

    def forward(self, estimate, target):
        return self.loss(estimate.permute(0, 2, 1), target.permute(0, 2, 1))


def own_start():
    """For a run by hand."""
    torch.manual_seed(1)
    delays = sorted(torch.randperm(1500)[: args.lines].add(600).tolist())
    parameters = {
        "input_gain": torch.randn(args.lines, 1),
        "output_gain": torch.randn(1, args.lines),
        "matrix": torch.randn(args.lines, args.lines),
    }
    if args.example == "e8":
        parameters["attenuation"] = torch.empty(12, args.lines).uniform_(0.5, 2)
    return {"delays": delays, "parameters": {name: value.tolist() for name, value in parameters.items()}}


start = json.load(open(args.start)) if args.start else own_start()


class Step:
    """The example's network, criteria and trainer, from the parameters of `start`."""

    def __init__(self, dtype):
        lines = len(start["delays"])
        common = dict(nfft=args.nfft, alias_decay_db=ALIAS_DECAY_DB, device="cpu", dtype=dtype)
        self.parts = {
            "input_gain": dsp.Gain(size=(lines, 1), requires_grad=True, **common),
            "output_gain": dsp.Gain(size=(1, lines), requires_grad=True, **common),
            "matrix": dsp.Matrix(size=(lines, lines), matrix_type="orthogonal", requires_grad=True, **common),
        }
        longest = torch.tensor(max(start["delays"]))
        delays = dsp.parallelDelay(size=(lines,), max_len=longest, isint=True, requires_grad=False, **common)
        delays.assign_value(delays.sample2s(torch.tensor(start["delays"])))
        feedback = self.parts["matrix"]
        if args.example == "e8":
            attenuation = dsp.parallelGEQ(size=(lines,), octave_interval=1, fs=48000, requires_grad=True, **common)
            attenuation.map = lambda x: 20 * torch.log10(torch.sigmoid(x))
            self.parts["attenuation"] = attenuation
            feedback = system.Series(OrderedDict(mixing_matrix=self.parts["matrix"], attenuation=attenuation))
        for name, part in self.parts.items():
            part.assign_value(torch.tensor(start["parameters"][name], dtype=dtype).reshape(part.param.shape))
        loop = system.Recursion(fF=delays, fB=feedback)
        network = system.Series(
            OrderedDict(
                input_gain=self.parts["input_gain"], feedback_loop=loop, output_gain=self.parts["output_gain"]
            )
        )
        if args.example == "colorless":
            output = dsp.Transform(transform=torch.abs, device="cpu", dtype=dtype)
        else:
            output = dsp.iFFTAntiAlias(**common)
        model = system.Shell(core=network, input_layer=dsp.FFT(args.nfft, dtype=dtype), output_layer=output)
        self.trainer = Trainer(model, lr=RATE, log=False)
        if args.example == "colorless":
            self.trainer.register_criterion(mse_loss(nfft=args.nfft), 1)
            self.trainer.register_criterion(sparsity_loss(), 0.2, requires_model=True)
        else:
            self.trainer.register_criterion(MultiResolutionSTFT(), 1)
            self.trainer.register_criterion(sparsity_loss(), 1, requires_model=True)
        self.trainer.train_loss_log = {type(criterion).__name__: [] for criterion in self.trainer.criterion}
        self.data = self.make_data(dtype)

    @staticmethod
    def make_data(dtype):
        if args.example == "colorless":
            impulse = torch.zeros(1, args.nfft // 2 + 1, 1, dtype=dtype)
            target = torch.ones(1, args.nfft // 2 + 1, 1, dtype=dtype)
        else:
            impulse = torch.zeros(1, args.nfft, 1, dtype=dtype)
            if "target" in start:
                samples = torch.from_numpy(numpy.fromfile(start["target"], numpy.float32))
            else:
                samples = torch.randn(args.nfft) * torch.logspace(0, -6, args.nfft)
            target = samples.to(dtype).reshape(1, -1, 1)
        impulse[:, 0] = 1
        return impulse, target

    def run(self):
        return self.trainer.train_step(self.data)

    def gradients(self):
        """Those of a whole step: the parameters have moved afterwards."""
        loss = self.run()
        return {"loss": loss, "gradient": {k: p.param.grad.flatten().tolist() for k, p in self.parts.items()}}


def exact_gradients():
    """FLAMO designs its equaliser in float32 whatever the type of the rest; not here."""
    geq, eq_freqs = dsp.geq, dsp.eq_freqs
    dsp.geq, dsp.eq_freqs = (functools.partial(f, dtype=torch.float64) for f in (geq, eq_freqs))
    torch.set_default_dtype(torch.float64)
    try:
        return Step(torch.float64).gradients()
    finally:
        torch.set_default_dtype(torch.float32)
        dsp.geq, dsp.eq_freqs = geq, eq_freqs


def resident_mb(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key)) / 1000


def memory_of(step):
    """What a step takes at its peak above what the process held before it, in MB; null where the system does not tell."""
    ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return {"mb": None}
    before = resident_mb("VmRSS")
    step.run()
    return {"mb": resident_mb("VmHWM") - before}


step = Step(torch.float32)
print(f"{version('flamo')} (PyTorch {torch.__version__})", flush=True)
for line in sys.stdin:
    order = line.strip()
    if order == "gradient":
        answer = step.gradients()
    elif order == "exact":
        answer = exact_gradients()
    elif order == "memory":
        answer = memory_of(step)
    else:
        answer = {"ms": [], "loss": []}
        for _ in range(int(order)):
            begin = time.perf_counter()
            answer["loss"].append(step.run())
            answer["ms"].append(1e3 * (time.perf_counter() - begin))
    print(json.dumps(answer), flush=True)

"""Trains colourless networks as FLAMO's example e8_colorless_fdn does, by FLAMO's trainer and through diffverb's operators.

    python beside_flamo.py --states seeds.txt --runs 3 --steps 500

Both take the same starts, bins (nfft 96,000, alias decay 30 dB), loss (mean of (|H| - 1)^2 + 0.2 sparsity), Adam and number
of steps, in float32, and print where they end and the seconds for each. Needs flamo (experiments/benchmarks/requirements.txt).
"""
import argparse
import pathlib
import sys
import time
from collections import OrderedDict

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
from colorless import read_starts, skew  # noqa: E402

NFFT, ALIAS_DECAY_DB, RATE = 96_000, 30, 1e-3


def flamo_steps(m, b, c, a):
    """FLAMO's own trainer: a function that makes a step and one that gives b, c and the raw matrix."""
    from flamo.optimize.loss import mse_loss, sparsity_loss
    from flamo.optimize.trainer import Trainer
    from flamo.processor import dsp, system

    n = len(m)
    common = dict(nfft=NFFT, alias_decay_db=ALIAS_DECAY_DB, device="cpu")
    into = dsp.Gain(size=(n, 1), requires_grad=True, **common)
    out = dsp.Gain(size=(1, n), requires_grad=True, **common)
    matrix = dsp.Matrix(size=(n, n), matrix_type="orthogonal", requires_grad=True, **common)
    delays = dsp.parallelDelay(size=(n,), max_len=m.max().long(), isint=True, requires_grad=False, **common)
    delays.assign_value(delays.sample2s(m.long()))
    for part, value in ((into, b[:, None]), (out, c[None]), (matrix, a)):
        part.assign_value(value.clone())
    network = system.Series(OrderedDict(input_gain=into, feedback_loop=system.Recursion(fF=delays, fB=matrix), output_gain=out))
    model = system.Shell(core=network, input_layer=dsp.FFT(NFFT), output_layer=dsp.Transform(transform=torch.abs, device="cpu"))
    trainer = Trainer(model, lr=RATE, log=False)
    trainer.register_criterion(mse_loss(nfft=NFFT), 1)
    trainer.register_criterion(sparsity_loss(), 0.2, requires_model=True)
    trainer.train_loss_log = {type(criterion).__name__: [] for criterion in trainer.criterion}
    impulse, target = torch.zeros(1, NFFT // 2 + 1, 1), torch.ones(1, NFFT // 2 + 1, 1)
    impulse[:, 0] = 1
    return lambda: trainer.train_step((impulse, target)), lambda: (into.param[:, 0], out.param[0], matrix.param)


def diffverb_steps(m, b, c, a):
    import diffverb

    b, c, a = (x.clone().requires_grad_() for x in (b, c, a))
    adam = torch.optim.Adam([b, c, a], lr=RATE)

    def step():
        adam.zero_grad()
        loss = sum(terms(m, b, c, a))
        loss.backward()
        adam.step()
        return loss.item()

    omega, radius, d = diffverb.grid(NFFT), 10 ** (ALIAS_DECAY_DB / NFFT / 20), torch.zeros(1, 1)

    def terms(m, b, c, a):
        u, n = torch.linalg.matrix_exp(skew(a)), len(m)
        h = diffverb.frequency_response(u, b[:, None], c[None], d, m, None, omega, radius)
        return (h.abs() - 1).square().mean(), -0.2 * (u.abs().sum() - n * n**0.5) / (n * (n**0.5 - 1))

    def exactly(b, c, a):
        with torch.no_grad():
            return [float(x) for x in terms(m, b, c, a)]

    return step, lambda: (b, c, a), exactly


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--states", required=True, help="the runs' states: name, file, N, delays, b, c, A a line")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=500)
    options = arguments.parse_args()
    ratios = []
    for name, m, b, c, a in read_starts(options.states)[:options.runs]:
        b, c, a = (x.to(torch.float32) for x in (b, c, a))
        ours, state, exactly = diffverb_steps(m, b, c, a)
        peer, peer_state = flamo_steps(m, b, c, a)
        ends, seconds = [], []
        for step, end in ((ours, state), (peer, peer_state)):
            first, begun = step(), time.perf_counter()  # the first step warms up
            for _ in range(options.steps - 1):
                step()
            seconds.append(time.perf_counter() - begun)
            ends.append([first, *exactly(*end())])
        ratios.append(seconds[1] / seconds[0])
        for who, (first, magnitude, sparsity), took in zip(("diffverb", "FLAMO"), ends, seconds):
            print(f"{name} {who}: first loss {first:.5f}, ends at {magnitude:.5f} + {sparsity:.5f} in {took:.2f} s")
    print(f"ratio of times: {sum(ratios) / len(ratios):.2f}")


if __name__ == "__main__":
    main()

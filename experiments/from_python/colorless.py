"""Trains colourless delay networks as Dal Santo et al. (diff-fdn-colorless) do, with diffverb's operators or plain PyTorch.

    python colorless.py --states seeds.txt --runs 25 --solver diffverb
    python colorless.py --states seeds.txt --runs 2 --solver torch       # torch.linalg.solve, for the ratio of times

Each run starts from a published start (parameters_init.mat of the repository's runs): 48 kHz, 2000 random bins a step of
480,000, Adam 1e-3, StepLR(10 epochs, 0.1), at most 20 epochs of 192 steps, stop after 5 whose validation loss moves by no
more than 1e-4. Prints the spectral and the sparsity term over all bins, mean and deviation: before, where the published
runs from these starts ended (parameters.mat), and after.
"""
import argparse
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))

BINS, BATCH, STEPS, EPOCHS = 480_000, 2000, 192, 20


def read_starts(path, state="parameters_init.mat"):
    starts = []
    for line in open(path):
        words = line.split()
        if len(words) < 3 or words[1] != state:
            continue
        n, v = int(words[2]), torch.tensor([float(x) for x in words[3:]], dtype=torch.float64)
        m, b, c, a = v[:n], v[n:2 * n], v[2 * n:3 * n], v[3 * n:].reshape(n, n).T
        starts.append((words[0], m, b.clone(), c.clone(), a.clone()))
    return starts


def skew(a):
    upper = a.triu(1)
    return upper - upper.T


def line_responses_torch(u, b, c, m, omega):
    z = torch.polar(torch.ones_like(omega), omega)
    d = torch.exp(torch.outer(torch.log(z), m.to(z.dtype))).to(torch.complex64)
    gain = (0.9999 ** m).to(torch.float32)
    system = torch.diag_embed(d) - (u * gain).to(torch.complex64)
    return c * torch.linalg.solve(system, b.to(torch.complex64).expand(len(omega), -1).unsqueeze(-1)).squeeze(-1)


def line_responses_diffverb(u, b, c, m, omega):
    import diffverb
    a = u * (0.9999 ** m).to(u.dtype)
    n = len(m)
    h = diffverb.frequency_response(a, b[:, None], torch.diag(c), c.new_zeros(n, 1), m, None, omega)
    return h[:, 0].T  # [K, N]


def terms(h, u):
    n = u.shape[0]
    spectral = (h.abs() - 1).square().mean(0).mean() + (h.sum(1).abs() - 1).square().mean()
    sparsity = -(u.abs().sum() - n * n**0.5) / (n * (n**0.5 - 1))
    return spectral, sparsity


def published_end(run, responses):
    _, m, b, c, a = run
    u = torch.linalg.matrix_exp(skew(a.to(torch.float32)))
    omega = torch.arange(BINS, dtype=torch.float64) * (torch.pi / BINS)
    h = torch.cat([responses(u, b.to(u.dtype), c.to(u.dtype), m, part) for part in omega.split(60_000)])
    return [float(x) for x in terms(h, u)]


def train(start, responses, seed):
    _, m, b, c, a = start
    torch.manual_seed(seed)
    omega = torch.arange(BINS, dtype=torch.float64) * (torch.pi / BINS)
    b, c, a = (x.to(torch.float32) for x in (b, c, a))
    with torch.no_grad():
        energy = torch.cat([responses(torch.linalg.matrix_exp(skew(a)), b, c, m, part).sum(1).abs().square()
                            for part in omega.split(60_000)]).mean()
        b, c = b / energy**0.25, c / energy**0.25
    b, c, a = (x.clone().requires_grad_() for x in (b, c, a))

    def whole():
        with torch.no_grad():
            u = torch.linalg.matrix_exp(skew(a))
            h = torch.cat([responses(u, b, c, m, part) for part in omega.split(60_000)])
            return [float(x) for x in terms(h, u)]

    before = whole()
    order = torch.randperm(BINS)
    training, validation = order[:BINS * 8 // 10], order[BINS * 8 // 10:]
    adam = torch.optim.Adam([a, b, c], lr=1e-3)
    schedule = torch.optim.lr_scheduler.StepLR(adam, 10, 0.1)
    last, still, steps, begun = float("inf"), 0, 0, time.perf_counter()
    for epoch in range(EPOCHS):
        for batch in training[torch.randperm(len(training))].split(BATCH):
            u = torch.linalg.matrix_exp(skew(a))
            loss = sum(terms(responses(u, b, c, m, omega[batch]), u))
            adam.zero_grad()
            loss.backward()
            adam.step()
            steps += 1
        schedule.step()
        with torch.no_grad():
            u = torch.linalg.matrix_exp(skew(a))
            value = float(sum(terms(torch.cat([responses(u, b, c, m, omega[p]) for p in validation.split(24_000)]), u)))
        still = still + 1 if abs(last - value) <= 1e-4 else 0
        last = value
        if still == 5:
            break
    return before, whole(), epoch + 1, (time.perf_counter() - begun) / steps


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--states", required=True, help="the runs' states: name, file, N, delays, b, c, A a line")
    arguments.add_argument("--runs", type=int, default=25)
    arguments.add_argument("--solver", choices=["diffverb", "torch"], default="diffverb")
    options = arguments.parse_args()
    responses = line_responses_diffverb if options.solver == "diffverb" else line_responses_torch
    results = []
    starts = read_starts(options.states)[:options.runs]
    ends = {run[0]: run for run in read_starts(options.states, "parameters.mat")}
    published = [published_end(ends[start[0]], responses) for start in starts if start[0] in ends]
    for k, start in enumerate(starts):
        results.append(train(start, responses, k))
        print(f"{start[0]}: spectral {results[-1][1][0]:.4f}, sparsity {results[-1][1][1]:.4f}, "
              f"{results[-1][2]} epochs, {1e3 * results[-1][3]:.3f} ms a step", file=sys.stderr)
    rows = [("before", [r[0] for r in results]), ("published", published), ("after", [r[1] for r in results])]
    for name, values in rows:
        if not values:
            continue
        values = torch.tensor(values)
        mean, deviation = values.mean(0), values.std(0, unbiased=False)
        print(f"{name}: spectral {mean[0]:.4f} +- {deviation[0]:.4f}, sparsity {mean[1]:.4f} +- {deviation[1]:.4f}")
    print(f"epochs {sum(r[2] for r in results) / len(results):.2f}, {1e3 * sorted(r[3] for r in results)[len(results) // 2]:.3f} ms a step")


if __name__ == "__main__":
    main()

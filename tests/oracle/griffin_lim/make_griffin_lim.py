"""Signals that torchaudio.functional.griffinlim finds; nothing of diffverb is used.

    python3 make_griffin_lim.py > griffin_lim.json

Computed in double precision from a start without random numbers (all phases 0), so that another implementation can
follow it number by number. Written with torch 2.11.0 and torchaudio 2.11.0.
"""

import json

import numpy as np
import torch
import torchaudio

FFT_SIZE, HOP_SIZE, FRAMES = 512, 128, 40
EVERY = 37


def uniform(seed, count):
    """The linear congruential generator of Numerical Recipes, to [0, 1); the test computes the same numbers."""
    state, out = seed, np.empty(count)
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out[i] = state / 2**32
    return out


def magnitudes():
    """[F, T]: 0.1 to 1.1, falling by 40 dB over the frames and by 20 dB over the bins."""
    bins = FFT_SIZE // 2 + 1
    u = uniform(1, bins * FRAMES).reshape(bins, FRAMES)
    fall_db = 40 * np.arange(FRAMES) / FRAMES + 20 * np.arange(bins)[:, None] / bins
    return (0.1 + u) * 10 ** (-fall_db / 20)


def main():
    m = torch.from_numpy(magnitudes())
    window = torch.hann_window(FFT_SIZE, dtype=torch.float64)
    cases = []
    for iterations, momentum in ((0, 0.99), (4, 0.0), (4, 0.99), (60, 0.0), (60, 0.99)):
        x = torchaudio.functional.griffinlim(
            m[None], window, FFT_SIZE, HOP_SIZE, FFT_SIZE, 1.0, iterations, momentum, None, False
        )[0]
        spectrum = torch.stft(x, FFT_SIZE, HOP_SIZE, window=window, pad_mode="reflect", return_complex=True)
        convergence = ((spectrum.abs() - m).norm() / m.norm()).item()
        cases.append(
            {
                "iterations": iterations,
                "momentum": momentum,
                "samples": len(x),
                "norm": x.norm().item(),
                "convergence": convergence,
                "every": [float(f"{v:.12g}") for v in x[::EVERY].tolist()],
            }
        )
    print(json.dumps({"torch": torch.__version__, "torchaudio": torchaudio.__version__, "cases": cases}, indent=1))


main()

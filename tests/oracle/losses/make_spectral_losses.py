"""Values of mr_stft, averaged_power and mel_stft, written from their formulas in NumPy; nothing of diffverb is used.

    python3 make_spectral_losses.py > spectral_losses.json

mr_stft is the formula of auraloss 0.4 (auraloss.freq.STFTLoss: w_sc = w_log_mag = 1, w_lin_mag = w_phs = 0, eps = 1e-8), with a
periodic Hann window as long as the transform and hops of a quarter of it, and with auraloss's own frames. The signals have no bin below that eps, so the
relative floor of diffverb's, set to -200 dB, plays no part either.
"""

import json
import sys

import numpy as np

RATE_HZ = 16000
LENGTH = 6000


def uniform(seed, count):
    """The linear congruential generator of Numerical Recipes, to [-1, 1); the test computes the same numbers."""
    state, out = seed, np.empty(count)
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out[i] = state / 2**31 - 1
    return out


def response(seed, t60_s):
    return uniform(seed, LENGTH) * 10 ** (-3 * np.arange(LENGTH) / RATE_HZ / t60_s)


def frames(x, size, hop, mode, length=None):
    length = length or size
    padded = np.pad(x, size // 2, mode=mode)
    window = np.zeros(size)
    before = (size - length) // 2
    window[before : before + length] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    starts = range(0, len(padded) - size + 1, hop)
    return np.stack([np.fft.rfft(padded[s : s + size] * window) for s in starts], axis=1)  # [F, K]


QUARTERS = ((512, 128, 512), (1024, 256, 1024), (2048, 512, 2048))
AURALOSS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))  # its default


def mr_stft(estimate, target, mode, resolutions=QUARTERS):
    total = 0
    for resolution in resolutions:
        size, hop, length = resolution
        convergence, distance = [], []
        for h, g in zip(estimate, target):
            mags = [np.sqrt(np.maximum(np.abs(frames(x, size, hop, mode, length)) ** 2, 1e-8)) for x in (h, g)]
            convergence.append(np.linalg.norm(mags[1] - mags[0]) / np.linalg.norm(mags[1]))
            distance.append(np.mean(np.abs(np.log(mags[0]) - np.log(mags[1]))))
        total += (np.mean(convergence) + np.mean(distance)) / 3
    return total


def averaged_power(estimate, target, exponent):
    def smooth(x):
        power = np.abs(frames(x, 1024, 256, "constant")) ** exponent
        rows, columns = (min(64, n) for n in power.shape)
        hann = [0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1)) for n in (rows, columns)]
        window = np.outer(hann[0] / hann[0].sum(), hann[1] / hann[1].sum())
        return np.array([[np.sum(window * power[i : i + rows, j : j + columns])
                          for j in range(0, power.shape[1] - columns + 1, 4)]
                         for i in range(0, power.shape[0] - rows + 1, 4)])

    values = []
    for h, g in zip(estimate, target):
        a, b = smooth(h), smooth(g)
        values.append(np.linalg.norm(a - b) / np.linalg.norm(a))
    return np.mean(values)


def mel_stft(estimate, target):
    def mel(hz):
        return 2595 * np.log10(1 + hz / 700)

    total = 0
    edges_hz = 700 * (10 ** (np.linspace(mel(50), mel(8000), 42) / 2595) - 1)
    for size in (512, 1024, 2048):
        # The mean of each triangle over each bin, by the midpoint rule with many points.
        points, bins = 400, size // 2 + 1
        hz = (np.arange(bins)[:, None] - 0.5 + (np.arange(points) + 0.5) / points) * RATE_HZ / size
        bank = np.stack([np.interp(hz, edges_hz[k : k + 3], [0, 1, 0], left=0, right=0).mean(1) for k in range(40)])
        energy = [np.stack([bank @ np.abs(frames(x, size, size // 4, "constant")) ** 2 for x in signal])
                  for signal in (estimate, target)]
        floor = energy[1].max() * 1e-8
        loudness = [(e + floor) ** 0.3 - floor**0.3 for e in energy]
        total += np.mean(np.abs(loudness[0] - loudness[1])) / np.mean(loudness[1]) / 3
    return total


target = [response(1, 0.5), 0.5 * response(2, 0.5)]
estimate = [0.8 * response(3, 0.4), 0.7 * response(4, 0.6)]
smallest = min(np.abs(frames(x, n, n // 4, m)).min() ** 2
               for x in target + estimate for n in (512, 1024, 2048) for m in ("reflect", "constant"))
assert smallest > 1e-8, smallest
json.dump({"numpy": np.__version__,
           "mr_stft_reflect": mr_stft(estimate, target, "reflect"),
           "mr_stft_zero": mr_stft(estimate, target, "constant"),
           "mr_stft_auraloss": mr_stft(estimate, target, "reflect", AURALOSS),
           "averaged_power_2": averaged_power(estimate, target, 2),
           "averaged_power_1": averaged_power(estimate, target, 1),
           "mel_stft": mel_stft(estimate, target)}, sys.stdout, indent=2)
print()

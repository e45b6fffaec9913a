"""Values of spectral losses, written from their formulas in NumPy; nothing of diffverb is used.

    python3 make_spectral_losses.py > spectral_losses.json

mr_stft and stft are the formula of auraloss 0.4 (auraloss.freq.STFTLoss: w_sc = w_log_mag = 1, w_lin_mag = w_phs = 0,
eps = 1e-8), but with a ratio for each channel where auraloss takes one for all; with a periodic Hann window as long as the
transform and hops of a quarter of it, and with auraloss's own frames. The signals have no bin below that eps, so the
relative floor of diffverb's, set to -200 dB, plays no part either. make_auraloss.py asks auraloss itself.
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


def loudness(estimate, target, filters):
    """filters(size) gives the weights of 40 bands, [40, F]."""
    total = 0
    for size in (512, 1024, 2048):
        bank = filters(size)
        energy = [np.stack([bank @ np.abs(frames(x, size, size // 4, "constant")) ** 2 for x in signal])
                  for signal in (estimate, target)]
        floor = energy[1].max() * 1e-8
        specific = [(e + floor) ** 0.3 - floor**0.3 for e in energy]
        total += np.mean(np.abs(specific[0] - specific[1])) / np.mean(specific[1]) / 3
    return total


def points_of_bins(size, points=400):
    """Frequencies within each bin, for its mean by the midpoint rule, [F, points]."""
    return (np.arange(size // 2 + 1)[:, None] - 0.5 + (np.arange(points) + 0.5) / points) * RATE_HZ / size


def mel_filters(size):
    def mel(hz):
        return 2595 * np.log10(1 + hz / 700)

    edges_hz = 700 * (10 ** (np.linspace(mel(50), mel(8000), 42) / 2595) - 1)
    return np.stack([np.interp(points_of_bins(size), edges_hz[k : k + 3], [0, 1, 0], left=0, right=0).mean(1)
                     for k in range(40)])


def gammatone_filters(size):
    number = np.linspace(21.4 * np.log10(1 + 0.00437 * 50), 21.4 * np.log10(1 + 0.00437 * 8000), 40)
    centres_hz = (10 ** (number / 21.4) - 1) / 0.00437
    widths_hz = 1.019 * 24.7 * (1 + 4.37e-3 * centres_hz)
    return np.stack([((1 + ((points_of_bins(size) - c) / w) ** 2) ** -4).mean(1) for c, w in zip(centres_hz, widths_hz)])


def edr(estimate, target):
    values = []
    for h, g in zip(estimate, target):
        reliefs = [np.abs(frames(x, 1024, 256, "constant")) ** 2 for x in (h, g)]
        reliefs = [np.flip(np.cumsum(np.flip(r, 1), 1), 1) for r in reliefs]
        floor = reliefs[1].max() * 1e-8
        values.append(np.mean(np.abs(10 * np.log10((reliefs[0] + floor) / (reliefs[1] + floor)))))
    return np.mean(values)


def flatness(estimate, target):
    """From 80 ms after the latest onset on, in third octaves from 200 Hz to 0.95 of half the rate."""
    onset = max(np.argmax(np.abs(g) >= 0.1 * np.abs(g).max()) for g in target)
    first, values = onset + int(0.08 * RATE_HZ), []
    for h in estimate:
        late = h[first:]
        size = next(n for n in range(len(late), 2 * len(late)) if n % 2 == 0 and only_2_3_5(n))
        power = np.abs(np.fft.rfft(late, size)) ** 2
        logs = []
        for k in range(-7, 9):  # 200 Hz to 6.3 kHz
            low, high = (1000 * 2 ** ((k + side) / 3) * size / RATE_HZ for side in (-0.5, 0.5))
            band = power[int(np.ceil(low)) : int(np.ceil(high))]
            logs.append(np.log((band / band.mean() + 1e-4) / (1 + 1e-4)))
        values.append(abs(np.exp(np.concatenate(logs).mean()) - np.exp(-np.euler_gamma)))
    return np.mean(values)


def only_2_3_5(n):
    for p in (2, 3, 5):
        while n % p == 0:
            n //= p
    return n == 1


def masked(estimate, target):
    """Bin by bin and frame by frame, in loops."""
    size, hop, values = 1024, 256, []
    hz = np.arange(size // 2 + 1) * RATE_HZ / size
    bark = 13 * np.arctan(0.00076 * hz) + 3.5 * np.arctan((hz / 7500) ** 2)
    numbers = np.unique(np.floor(2 * bark))
    members = [np.floor(2 * bark) == n for n in numbers]
    z = (numbers + 0.5) / 2
    x = z[:, None] - z[None, :] + 0.474
    spread = 10 ** ((15.81 + 7.5 * x - 17.5 * np.sqrt(1 + x**2)) / 10)
    spread /= spread.sum(1, keepdims=True)
    for h, g in zip(estimate, target):
        spectra = [np.abs(frames(s, size, hop, "constant")) for s in (h, g)]
        energy = np.stack([(spectra[1][m] ** 2).sum(0) for m in members])
        error = np.stack([((spectra[0][m] - spectra[1][m]) ** 2).sum(0) for m in members])
        quiet = energy.max() * 1e-9
        threshold = np.zeros_like(energy)
        for k in range(energy.shape[1]):
            power = spectra[1][:, k] ** 2 + 1e-12 * energy.max()
            flat_db = 10 * np.log10(np.exp(np.log(power).mean()) / power.mean())
            tonality = np.clip(flat_db / -60, 0, 1)
            offset = tonality * (14.5 + z) + (1 - tonality) * 5.5
            threshold[:, k] = np.maximum(spread @ energy[:, k] * 10 ** (-offset / 10), quiet)
            if k > 0:
                fallen = threshold[:, k - 1] * 10 ** (-6 * hop / RATE_HZ / 0.2)
                threshold[:, k] = np.maximum(threshold[:, k], fallen)
        values.append(np.mean(np.maximum(10 * np.log10(error / threshold), 0)))
    return np.mean(values)


TARGET = [response(1, 0.5), 0.5 * response(2, 0.5)]
ESTIMATE = [0.8 * response(3, 0.4), 0.7 * response(4, 0.6)]

if __name__ == "__main__":
    target, estimate = TARGET, ESTIMATE
    smallest = min(np.abs(frames(x, n, n // 4, m)).min() ** 2
                   for x in target + estimate for n in (512, 1024, 2048) for m in ("reflect", "constant"))
    assert smallest > 1e-8, smallest
    json.dump({"numpy": np.__version__,
               "mr_stft_reflect": mr_stft(estimate, target, "reflect"),
               "mr_stft_zero": mr_stft(estimate, target, "constant"),
               "mr_stft_auraloss": mr_stft(estimate, target, "reflect", AURALOSS),
               "averaged_power_2": averaged_power(estimate, target, 2),
               "averaged_power_1": averaged_power(estimate, target, 1),
               "stft": mr_stft(estimate, target, "reflect", QUARTERS[1:2]) * 3,
               "mel": loudness(estimate, target, mel_filters),
               "erb": loudness(estimate, target, gammatone_filters),
               "edr": edr(estimate, target),
               "flatness": flatness(estimate, target),
               "masked": masked(estimate, target)}, sys.stdout, indent=2)
    print()

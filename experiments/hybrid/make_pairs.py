"""Pairs of what was played into simulated nonlinear spaces and what came out, with a known truth.

    python3 make_pairs.py OUT ROOM.wav

Writes OUT/<space>_dry.wav and OUT/<space>_wet.wav, 16 kHz mono, for
  plate    soft clipping, then a thin steel plate as the sum of its modes
  spring   a transformer's asymmetric soft clipping, then a spring as a chain of stretched allpasses with echoes
  speaker  a loudspeaker whose force follows its displacement (a polynomial of the low-passed sound), then ROOM.wav
Needs numpy and scipy.
"""
import sys
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io import wavfile

RATE = 16000
SECONDS = 20
LEVELS_DB = (0, 6, 12, 3)  # below the loudest


def notes(rng, n):
    """Plucked strings (Karplus and Strong 1983), three notes at a time."""
    out = np.zeros(n)
    for start in range(0, n, RATE // 2):
        for _ in range(3):
            period = int(RATE / rng.uniform(80, 600))
            excitation = np.zeros(n - start)
            excitation[:period] = rng.uniform(-1, 1, period)[: n - start]
            loop = np.zeros(period + 2)
            loop[0], loop[period], loop[period + 1] = 1, -0.498, -0.498
            out[start:] += 0.3 * signal.lfilter([1], loop, excitation)
    return out


def bursts(rng, n):
    """Noise that dies away, every 0.4 s."""
    t = np.arange(n) / RATE
    return rng.normal(size=n) * np.exp(-(t % 0.4) / 0.05)


def sweep(rng, n):
    """From 60 Hz to 7 kHz."""
    return signal.chirp(np.arange(n) / RATE, 60, n / RATE, 7000, method="logarithmic")


def dry_sound(seed):
    """A second of each kind in turn, at four levels in turn: a nonlinear space is not the same at all of them."""
    rng = np.random.default_rng(seed)
    pieces = []
    for k in range(SECONDS):
        piece = (notes, bursts, sweep)[k % 3](rng, RATE)
        edge = np.minimum(1, np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 160)
        pieces.append(piece / np.abs(piece).max() * 10 ** (-LEVELS_DB[k % 4] / 20) * edge)
    return 0.8 * np.concatenate(pieces)


def plate(seconds=0.7, t60_low=0.5, t60_high=0.2):
    """A simply supported steel plate of 2 m x 1 m x 0.5 mm, heavily damped: the sum of its modes in closed form,
    w_mn = kappa pi^2 ((m / Lx)^2 + (n / Ly)^2), each heard at one point and driven at another."""
    lx, ly, h, e, rho, nu = 2.0, 1.0, 0.5e-3, 2e11, 7850.0, 0.3
    kappa = np.sqrt(e * h**2 / (12 * rho * (1 - nu**2)))
    m, n = np.meshgrid(np.arange(1, 140), np.arange(1, 70), indexing="ij")
    w = kappa * np.pi**2 * ((m / lx) ** 2 + (n / ly) ** 2)
    m, n, w = (a[w < 2 * np.pi * 7000] for a in (m, n, w))
    shape = lambda x, y: np.sin(np.pi * m * x / lx) * np.sin(np.pi * n * y / ly)
    gain = shape(0.83, 0.47) * shape(1.31, 0.29)
    t60 = t60_high + (t60_low - t60_high) / (1 + (w / (2 * np.pi * 2000)) ** 2)
    t = np.arange(int(seconds * RATE)) / RATE
    out = np.zeros(len(t))
    for k in range(len(w)):
        out += gain[k] * np.exp(-6.91 / t60[k] * t) * np.sin(w[k] * t)
    return out / np.sqrt((out**2).sum())


def spring(seconds=0.8, sections=60, a1=0.6, corner_hz=4000, delay_s=0.033, echo=-0.55):
    """Chirps of a spring: 60 stretched allpasses, twice as many more for each of its echoes, low-passed at the corner
    (after Valimaki, Parker and Abel 2010)."""
    stretch = int(round(RATE / (2 * corner_hz)))
    b, a = np.zeros(stretch + 1), np.zeros(stretch + 1)
    b[0], b[-1], a[0], a[-1] = a1, 1, 1, a1
    n = int(seconds * RATE)
    x = np.zeros(n)
    x[0] = 1
    out = np.zeros(n)
    delay = int(delay_s * RATE)
    for k in range(12):
        for _ in range(sections if k == 0 else 2 * sections):
            x = signal.lfilter(b, a, x)
        if k > 0:
            x = echo * np.concatenate([np.zeros(delay), x[:-delay]])
        out += x
    out = signal.sosfilt(signal.ellip(6, 0.5, 60, corner_hz, fs=RATE, output="sos"), out)
    return out / np.sqrt((out**2).sum())


def read_room(path):
    rate, data = wavfile.read(path)
    scale = 1.0 if data.dtype.kind == "f" else float(np.iinfo(data.dtype).max)
    data = data.astype(float) / scale
    out = data if data.ndim == 1 else data[:, 0]
    out = signal.resample_poly(out, RATE, rate)[: int(0.6 * RATE)]
    return out / np.sqrt((out**2).sum())


def soft_clip(x):
    return np.tanh(2.5 * x) / 2.5


def transformer(x):
    y = np.tanh(2 * x + 0.35) - np.tanh(0.35)
    return y / (2 * (1 - np.tanh(0.35) ** 2))


def loudspeaker(x):
    low = signal.sosfilt(signal.butter(2, 500, fs=RATE, output="sos"), x)
    return x - signal.lfilter([1, -1], [1, -0.98], 0.9 * low**2 + 1.2 * low**3)


def main():
    out, room = Path(sys.argv[1]), sys.argv[2]
    out.mkdir(parents=True, exist_ok=True)
    spaces = {"plate": (soft_clip, plate()), "spring": (transformer, spring()), "speaker": (loudspeaker, read_room(room))}
    for k, (name, (device, response)) in enumerate(spaces.items()):
        dry = dry_sound(k + 1)
        driven = device(dry)
        wet = signal.fftconvolve(driven, response)[: len(dry)]
        linear = np.dot(driven, dry) / np.dot(dry, dry)
        share = np.sum((driven - linear * dry) ** 2) / np.sum(driven**2)
        print(f"{name}: distortion {10 * np.log10(share):.1f} dB below what the device gives", file=sys.stderr)
        for side, sound in (("dry", dry), ("wet", 0.25 * wet / np.abs(wet).max())):
            wavfile.write(out / f"{name}_{side}.wav", RATE, sound.astype(np.float32))


main()

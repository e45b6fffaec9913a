#!/usr/bin/env python3
"""What a fit has to beat besides its peers, measured by evaluate.py.

    baselines.py noise RESPONSE.wav... [--seed 1]     octave-band noise with exactly the target's decay time and level in each band
    baselines.py seats A.wav B.wav [A.wav B.wav]...   another seat in the same room: B measured as if it were a fit of A
"""

import argparse
import os

import numpy as np
from scipy.signal import sosfilt

import evaluate
import measure

NOISE_BANDS_HZ = [1000.0 * 2.0**k for k in range(-5, 5)]  # 31.5 Hz to 16 kHz


def shaped_noise(target, rate, seed):
    """Per channel: noise filtered to octaves, each with the T and the energy of the target's octave; starts at time zero."""
    signal, start = measure.prepare(target, rate)
    rng = np.random.default_rng(seed)
    out = []
    for channel in signal:
        values = measure.analyse(channel[None][0], start, rate, NOISE_BANDS_HZ, 1)
        known = [i for i, v in enumerate(values) if v and v["t30_s"] and v["range_db"] >= 35]
        times = {i: values[i]["t30_s" if values[i]["range_db"] >= 45 else "t20_s"] for i in known}
        longest = max(times.values())
        length = int(1.5 * longest * rate)
        t = np.arange(length) / rate
        bands = []
        for i, (hz, value) in enumerate(zip(NOISE_BANDS_HZ, values)):
            if value is None or value["level_db"] is None:
                continue
            near = min(known, key=lambda k: abs(k - i))
            noise = rng.standard_normal(length + int(0.5 * rate))
            band = sosfilt(measure.band_sos(hz, 1, rate), noise)[-length:] * np.exp(-3 * np.log(10) * t / times[near])
            band *= np.sqrt(10 ** (value["level_db"] / 10) * rate / np.sum(band**2))
            bands.append((hz, value["level_db"], band))
        gains = np.zeros(len(bands))
        for _ in range(6):  # neighbours leak into each other: set the levels as they are measured
            total = sum(10 ** (g / 20) * b[2] for g, b in zip(gains, bands))
            for k, (hz, level_db, _) in enumerate(bands):
                measured = np.sum(sosfilt(measure.band_sos(hz, 1, rate), total) ** 2) / rate
                gains[k] += np.clip(level_db - 10 * np.log10(measured), -6, 6)
        out.append(sum(10 ** (g / 20) * b[2] for g, b in zip(gains, bands)))
    length = max(len(c) for c in out)
    return np.stack([np.pad(c, (0, length - len(c))) for c in out])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["noise", "seats"])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--early-ms", type=float, default=80.0)
    args = parser.parse_args()
    results = []
    if args.kind == "noise":
        for path in args.files:
            target, rate = measure.read(path)
            result = measure.compare(target, shaped_noise(target, rate, args.seed), rate, args.early_ms)
            results.append(result | {"name": os.path.basename(path)})
    else:
        for a, b in zip(args.files[::2], args.files[1::2]):
            results.append(evaluate.compare_files(a, b, args.early_ms) | {"name": f"{os.path.basename(b)} for {os.path.basename(a)}"})
    evaluate.print_table(results)
    evaluate.print_goals(results)


if __name__ == "__main__":
    main()

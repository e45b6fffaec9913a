"""Decay times of a simulated set against what the walls, air and scattering of its rooms ask for.

    diffverb data simulate configs/rooms.yaml -o rirs.h5 --table rooms.csv --set length_s=2 --set trim_db=0 --count 1000
    python experiments/simulate/decay.py rirs.h5 rooms.csv        (needs h5py, numpy, scipy)

T30 of each octave by backward integration from the direct sound, third-order octave filters. Decays longer than
1.6 s are left out: 2 s do not hold their 35 dB.
"""
import csv
import sys

import h5py
import numpy as np
from scipy.signal import butter, sosfilt

OCTAVES_HZ = [125, 250, 500, 1000, 2000, 4000]


def t30_s(response, centre_hz, rate_hz):
    band = [centre_hz / 2**0.5, min(centre_hz * 2**0.5, 0.49 * rate_hz)]
    energy = sosfilt(butter(3, band, "band", fs=rate_hz, output="sos"), response) ** 2
    curve = np.cumsum(energy[::-1])[::-1]
    db = 10 * np.log10(curve / curve[0] + 1e-30)
    first, last = np.argmax(db < -5), np.argmax(db < -35)
    return -60 / np.polyfit(np.arange(first, last) / rate_hz, db[first:last], 1)[0] if last > first + 2 else np.nan


data, table = h5py.File(sys.argv[1]), sys.argv[2]
rooms = {row["room"]: row for row in csv.DictReader(open(table))}
index = data["responses"]
errors = {hz: [] for hz in OCTAVES_HZ}
for i in range(0, len(index["offset"]), 4):
    first, count, rate_hz = int(index["offset"][i]), int(index["samples"][i]), float(index["rate_hz"][i])
    response = data["samples"][first : first + count].astype(float)
    response = response[np.argmax(np.abs(response) > 0.2 * np.abs(response).max()) :]
    row = rooms[index["room"][i].decode()]
    for hz in OCTAVES_HZ:
        asked_s = float(row[f"t30_{hz}_s"])
        if 0 < asked_s <= 1.6:
            errors[hz].append(100 * (t30_s(response, hz, rate_hz) / asked_s - 1))
print("octave Hz   responses   median error %   median |error| %   90th percentile of |error| %")
for hz, values in errors.items():
    values = np.array(values)[np.isfinite(values)]
    print(f"{hz:9d} {len(values):11d} {np.median(values):16.1f} {np.median(abs(values)):18.1f} "
          f"{np.percentile(abs(values), 90):28.1f}")
print("room T30 s: 10th percentile, median, 90th percentile")
for hz in OCTAVES_HZ:
    values = [float(row[f"t30_{hz}_s"]) for row in rooms.values()]
    print(f"{hz:9d} {np.percentile(values, 10):11.2f} {np.median(values):16.2f} {np.percentile(values, 90):18.2f}")

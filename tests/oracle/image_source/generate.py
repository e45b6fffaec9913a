"""Writes expected.json: impulse trains of pyroomacoustics for image_source_oracle_test.cpp.

    pip install -r requirements.txt && python generate.py

Two rooms: uneven walls in one band, and three bands at a higher order. What is compared is the sum over images before
any octave filter or high-pass: positions, damping and windowed-sinc kernel (81 taps, table of 20 phases) of
pyroomacoustics. Sample 0 here is its sample 40, where the kernel's delay ends.
"""
import json
import pathlib

import numpy as np
import pyroomacoustics as pra
from pyroomacoustics import libroom

RATE_HZ = 16000
WALLS = ["west", "east", "south", "north", "floor", "ceiling"]  # x = 0, x = L, y = 0, y = W, z = 0, z = H

pra.constants.set("rir_hpf_enable", False)


def trains(size, source, receiver, absorption, order):
    """Impulse trains [K][T]; absorption [6][K] energy."""
    bands = len(absorption[0])
    centres = [125 * 2**b for b in range(bands)]
    materials = {
        name: pra.Material({"coeffs": list(a), "center_freqs": centres, "description": name} if bands > 1 else a[0])
        for name, a in zip(WALLS, absorption)
    }
    room = pra.ShoeBox(size, fs=RATE_HZ, max_order=order, materials=materials, air_absorption=False)
    room.add_source(source)
    room.add_microphone(receiver)
    room.image_source_model()
    images = room.sources[0]
    distance = np.linalg.norm(images.images.astype(np.float64) - np.array(receiver)[:, None], axis=0)
    time = distance / room.c + 40 / RATE_HZ
    length = int(np.ceil(time.max() * RATE_HZ)) + 82
    out = []
    for b in range(bands):
        train = np.zeros(length, np.float64)
        libroom.rir_builder(train, time, (images.damping[b] / distance).astype(np.float64), RATE_HZ, 81, 20, 1)
        out.append(train[40:])
    if bands == 1:  # the whole of it: what room.rir would be
        room.compute_rir()
        whole = room.rir[0][0][40:]
        n = min(len(whole), len(out[0]))
        assert np.abs(whole[:n] - out[0][:n]).max() < 1e-3 * np.abs(out[0]).max()
    return images.images.shape[1], out


def case(name, size, source, receiver, absorption, order, keep):
    images, all_trains = trains(size, source, receiver, absorption, order)
    return {
        "name": name, "size_m": size, "source_m": source, "receiver_m": receiver, "absorption": absorption,
        "order": order, "images": images, "rate_hz": RATE_HZ, "speed_m_s": 343.0, "taps": 81, "phases": 20,
        "trains": [[float(f"{v:.7g}") for v in t[:keep]] for t in all_trains],
    }


uneven = [[0.1], [0.3], [0.2], [0.5], [0.7], [0.05]]
banded = [[0.05, 0.1, 0.3], [0.1, 0.1, 0.1], [0.4, 0.2, 0.1], [0.02, 0.03, 0.04], [0.1, 0.4, 0.6], [0.3, 0.2, 0.15]]
cases = [
    case("uneven walls", [3.1, 4.3, 2.6], [0.7, 1.9, 1.1], [2.2, 3.3, 1.7], uneven, 4, 1200),
    case("three bands", [5.2, 3.7, 2.9], [1.3, 0.8, 1.6], [4.1, 2.9, 1.2], banded, 20, 1500),
]
text = json.dumps({"pyroomacoustics": pra.__version__, "cases": cases})
pathlib.Path(__file__).with_name("expected.json").write_text(text + "\n")
print(len(text), "bytes", [(c["images"], len(c["trains"][0])) for c in cases])

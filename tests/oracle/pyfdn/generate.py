"""Writes networks/*.json and expected.json: delay networks in pyFDN's JSON, and what pyFDN plays of them.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate.py

Three of the presets that come with pyFDN stand there as they are; two builds are made here, with all filters that a
build can have, several inputs and outputs, and a direct path.
"""

import json
import pathlib
import shutil
from importlib.metadata import version
from importlib.resources import files

import numpy as np
import pyFDN
from scipy.stats import ortho_group

HERE = pathlib.Path(__file__).parent
PRESETS = ["colorless_N4_d1", "colorless_init_N6_d2", "colorless_N16_d1"]
INPUT_SAMPLES = 24
FRAMES = 24000  # half a second
DENSE = 320  # samples that are all kept; of the rest each 41st
STRIDE = 41


def peaks(centres, q, gain_db, rate_hz):
    """One peaking section a channel (audio EQ cookbook): [1, 6, channels]."""
    a = 10 ** (np.asarray(gain_db) / 40)
    w = 2 * np.pi * np.asarray(centres) / rate_hz
    alpha = np.sin(w) / (2 * q)
    a0 = 1 + alpha / a
    rows = [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a, a0, -2 * np.cos(w), 1 - alpha / a]
    return np.stack([row / a0 for row in rows])[None]


def filtered():
    """First-order shelves in the lines, two cuts after the matrix in some of them, peaks at the outputs; 2 in, 3 out."""
    rng = np.random.default_rng(5)
    rate_hz, lines, delays = 44100.0, 6, np.array([229, 307, 401, 487, 563, 691])
    cuts = np.concatenate(
        [
            peaks([150, 300, 800, 2000, 5000, 9000], 0.7, [-1, -2, -0.5, -1.5, -3, -1], rate_hz),
            peaks([9000, 120, 4000, 600, 250, 1000], 2.0, [-2, -0.3, -1, -0.7, -0.2, -4], rate_hz),
        ]
    )
    identity = np.zeros((2, 6))
    identity[:, [0, 3]] = 1
    cuts[:, :, 1] = identity  # a line without a filter after the matrix
    cuts[:, :, 4] = identity
    cuts[0, 0, 4] = 0.97  # and one with a gain alone
    return pyFDN.FDNBuild(
        A=ortho_group.rvs(lines, random_state=5),
        B=rng.standard_normal((lines, 2)),
        C=rng.standard_normal((3, lines)),
        D=np.array([[0.5, -0.25], [0.0, 0.75], [-1.0, 0.125]]),
        delays=delays,
        fs=rate_hz,
        post_delay=pyFDN.decay_to_first_order_shelf(1.2, 0.3, 4000, delays, rate_hz),
        post_matrix=cuts,
        post_output=np.concatenate(
            [peaks([90, 400, 3000], 1.0, [6, -9, 3], rate_hz), peaks([2500, 60, 12000], 3.0, [-12, 4, 5], rate_hz)]
        ),
    )


def graphic():
    """A graphic equaliser in each line; one in, one out, short delays."""
    rng = np.random.default_rng(8)
    delays = np.array([31, 53, 97, 151, 211])
    times_s = [1.0, 1.1, 1.2, 1.0, 0.9, 0.8, 0.6, 0.5, 0.4, 0.3]
    return pyFDN.FDNBuild(
        A=ortho_group.rvs(5, random_state=8),
        B=rng.standard_normal((5, 1)),
        C=rng.standard_normal((1, 5)),
        D=np.array([[0.3]]),
        delays=delays,
        fs=48000.0,
        post_delay=pyFDN.decay_to_geq(times_s, delays, 48000.0),
    )


def main():
    folder = HERE / "networks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    source = files("pyFDN.resources").joinpath("presets", "colorless_FDN")
    builds = {}
    for name in PRESETS:
        (folder / f"{name}.json").write_bytes(source.joinpath(f"{name}.json").read_bytes())
        builds[name] = pyFDN.load_fdn_preset(folder / f"{name}.json").build
    for make in (filtered, graphic):
        name = make.__name__
        pyFDN.save_fdn_build(folder / f"{name}.json", make(), metadata={"name": name, "licence": "CC0-1.0"})
        builds[name] = pyFDN.load_fdn_build(folder / f"{name}.json")

    cases = []
    for name, build in builds.items():
        rng = np.random.default_rng(len(cases))
        heads = rng.integers(-8, 9, (INPUT_SAMPLES, build.B.shape[1])) / 8  # exact in any precision
        signal = np.zeros((FRAMES, build.B.shape[1]))
        signal[:INPUT_SAMPLES] = heads
        played = pyFDN.process_fdn(signal, build).reshape(FRAMES, -1)
        kept = np.concatenate([played[:DENSE], played[DENSE::STRIDE]])
        cases.append(
            {
                "build": name,
                "input": heads.T.tolist(),
                "peak": float(np.abs(played).max()),
                "output": [[float(f"{x:.8g}") for x in row] for row in kept.T],
            }
        )
    versions = {name: version(name) for name in ("pyFDN", "flamo", "numpy", "scipy")}
    head = {"versions": versions, "frames": FRAMES, "dense": DENSE, "stride": STRIDE}
    (HERE / "expected.json").write_text(
        json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]}\n"
    )


if __name__ == "__main__":
    main()

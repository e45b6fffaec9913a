#!/usr/bin/env python3
"""Fit a response with pyFDN 0.5.0 as its example train_fdn_to_rir does, and leave a folder that evaluate.py --runs reads.

    peer_pyfdn.py RESPONSE.wav... --out FOLDER [--steps 300] [--channel 0]

Needs pyFDN 0.5.0 (FLAMO 0.2.20, torch on the CPU). The settings are the example's: 16 fixed coprime delays of 700 to 2500 samples, orthogonal
matrix, flat 1 s decay to start from, absorption and output equaliser as first-order shelves, cumulative-energy loss over both frequency
directions, Adam at 3e-2, 2^16 samples in training. What is not the example's: any response and rate (delays in proportion to the rate), and the
response is rendered to the next power of two over its length. The peer has no early part: its response starts where the target's onset is.
"""

import argparse
import json
import os
import time

import numpy as np
import pyFDN
import soundfile
import torch


def fit(rir, rate, steps):
    """(response at the target's level, seconds of training, seconds in all); rir starts at the direct sound."""
    begin = time.perf_counter()
    norm = np.linalg.norm(rir)
    target = rir / norm
    render = 1 << max(16, (len(rir) - 1).bit_length())
    start = pyFDN.fdn_build_gallery(
        N=16, fs=rate, delay_range=tuple(int(d * rate / 48000) for d in (700, 2500)), delay_distribution="geometric",
        coprime=True, sort_delays=True, io_type="normalized", direct_gain=0.0, rt=1.0, rt_nyquist=1.0, rng=2)
    shelf = {"design": "first_order_shelf", "nfft": render, "device": "cpu", "dtype": torch.float32}
    model = pyFDN.trainable_from_build(
        start, trainable=pyFDN.Trainable(direct=True), post_delay=pyFDN.AttenuationFilter(1.0, start.delays, rate, **shelf),
        post_output=pyFDN.OutputEQ(0.0, 1, rate, **shelf), nfft=render, device="cpu", dtype=torch.float32)
    first = pyFDN.flamo_time_response(model, fs=rate).squeeze()[: len(target)]
    with torch.no_grad():
        pyFDN.param(model, "output_gain").raw().mul_(np.linalg.norm(target) / np.linalg.norm(first))
    loss = pyFDN.MatchCumulativeEnergy(target, window=1024, power=0.5, frequency="both")
    model.set_nfft(1 << 16)
    trained = time.perf_counter()
    pyFDN.train_fdn(model, loss, max_steps=steps, lr=3e-2, patience=100, device="cpu", rng=0)
    trained = time.perf_counter() - trained
    model.set_nfft(render)
    out = np.asarray(pyFDN.flamo_time_response(model, fs=rate).squeeze(), dtype=float)
    return norm * out, trained, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--channel", type=int, default=0)
    args = parser.parse_args()
    for path in args.files:
        x, rate = soundfile.read(path, always_2d=True)
        x = x[:, args.channel]
        direct = int(np.argmax(np.abs(x)))
        response, trained, seconds = fit(x[direct:], rate, args.steps)
        folder = os.path.join(args.out, os.path.splitext(os.path.basename(path))[0])
        os.makedirs(folder, exist_ok=True)
        soundfile.write(os.path.join(folder, "ir.wav"), response, rate, subtype="FLOAT")
        soundfile.write(os.path.join(folder, "target.wav"), x, rate, subtype="FLOAT")
        with open(os.path.join(folder, "metrics.json"), "w", encoding="utf-8") as file:
            json.dump({"early_ms": 80.0, "seconds": seconds, "training_seconds": trained, "peer": "pyFDN " + pyFDN.__version__}, file)
        print(f"{folder}: {trained:.1f} s of training, {seconds:.1f} s in all", flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Measures rooms whose response is known, with every kind of sweep and what can go wrong, and prints how far off it is.

    python experiments/measure/simulate.py [--diffverb build/diffverb] [--responses DIR]

Needs numpy and scipy; with pyfar its deconvolution stands beside. Without --responses a synthetic room alone is measured.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from scipy import fft, signal
from scipy.io import wavfile

try:
    import pyfar
except ImportError:
    pyfar = None

RESPONSES = ["otala_listening_room/mic1_speaker1.wav", "bbc_listening_room/BBCRD_LR_M+000.wav", "arni/arni_35_3541_4_2.wav"]
GAP_S = 2.0
OCTAVES = (500, 1000, 2000)
# name: signal-to-noise in dB, third harmonic, drift in ppm, a click, a jump of 1 dB, repetitions
CASES = {
    "60 dB": (60, 0, 0, False, False, 1),
    "40 dB": (40, 0, 0, False, False, 1),
    "20 dB": (20, 0, 0, False, False, 1),
    "60 dB, 1 % third harmonic": (60, 0.01, 0, False, False, 1),
    "60 dB, 20 ppm": (60, 0, 20, False, False, 1),
    "60 dB, a click": (60, 0, 0, True, False, 1),
    "60 dB, a click, 3 times": (60, 0, 0, True, False, 3),
    "60 dB, 1 dB louder half way": (60, 0, 0, False, True, 1),
}
OTHER_SWEEPS = ("40 dB", "20 dB", "60 dB, 1 % third harmonic", "60 dB, 20 ppm")  # in the synthetic room
OTHER_ROOMS = ("40 dB", "60 dB, 20 ppm")  # with the exponential sweep


def read(path):
    rate, sound = wavfile.read(path)
    if sound.dtype.kind == "i":
        sound = sound / float(2 ** (8 * sound.dtype.itemsize - 1))
    return rate, np.asarray(sound, dtype=float).reshape(len(sound), -1)[:, 0]


def synthetic(rate=48000):
    t = np.arange(int(1.5 * rate)) / rate
    out = np.random.default_rng(1).standard_normal(len(t)) * 10 ** (-3 * t) * 0.05
    out[0] = 0.6
    return rate, out


def record(sound, response, rate, layout, case):
    """What a recorder hears of `sound`, and the sample at which the first repetition begins in it."""
    snr_db, cubic, ppm, click, jump, _ = case
    if cubic:  # at four times the rate, as outside a computer
        fine = signal.resample_poly(sound, 4, 1)
        sound = signal.resample_poly(fine + 4 * cubic * fine**3 / np.max(np.abs(sound)) ** 2, 1, 4)[: len(sound)]
    delay = 12345
    heard = np.concatenate([np.zeros(delay), signal.fftconvolve(sound, response)])
    first = delay + round(layout["first_repetition_s"] * rate)
    period = round(layout["repetition_s"] * rate)
    rms = np.sqrt(np.mean(heard[first : first + period] ** 2))
    if jump:
        heard[first + period // 2 :] *= 10**0.05
    if ppm:  # by spectrum: longer by `stretch` samples over its padded length
        stretch = 60
        length = round(stretch / (ppm * 1e-6))
        heard = fft.irfft(fft.rfft(heard, length), length + stretch)[: len(heard) + 100] * (length + stretch) / length
    random = np.random.default_rng(2)
    heard = heard + rms * 10 ** (-snr_db / 20) * random.standard_normal(len(heard))
    if click:
        burst = slice(first + period // 2, first + period // 2 + rate // 50)
        heard[burst] += 2 * np.max(np.abs(heard)) * random.standard_normal(rate // 50)
    return 0.3 * heard / np.max(np.abs(heard)), first, period


def error_db(found, truth, rate):
    """Energy of the difference from 30 Hz to 16 kHz at the best delay and gain, over the true response's."""
    size = fft.next_fast_len(len(found) + len(truth), real=True)
    hz = fft.rfftfreq(size, 1 / rate)
    within = (hz >= 30) & (hz <= 16000)
    a, b = fft.rfft(truth, size) * within, fft.rfft(found, size) * within
    delay = np.argmax(fft.irfft(np.conj(a) * b, 8 * size)) / 8
    b = b * np.exp(2j * np.pi * hz / rate * delay)
    gain = np.real(np.vdot(b, a)) / np.real(np.vdot(b, b))
    return 10 * np.log10(np.sum(np.abs(gain * b - a) ** 2) / np.sum(np.abs(a) ** 2))


def plain_division(heard, once, first, period, rate, periodic):
    kept = round(GAP_S * rate)
    size = period if periodic else 2 * period + kept
    segment = heard[first : first + (period if periodic else period + kept)]
    return fft.irfft(fft.rfft(segment, size) / fft.rfft(once, size), size)[:kept]


def with_pyfar(heard, once, first, period, rate, periodic):
    if pyfar is None or periodic:
        return None
    kept = round(GAP_S * rate)
    inverse = pyfar.dsp.deconvolve(
        pyfar.Signal(heard[first : first + period + kept], rate), pyfar.Signal(once, rate),
        fft_length=2 * (period + kept // 2), frequency_range=(20, 20000))
    return inverse.time[0][:kept]


def measures(diffverb, path):
    out = subprocess.run([diffverb, "analyze", path, "--json"], check=True, capture_output=True, text=True).stdout
    bands = {band["hz"]: band for band in json.loads(out)["channels"][0]["bands"]}
    return [bands[hz] for hz in OCTAVES]


def worst(found, truth, key, relative):
    values = []
    for a, b in zip(found, truth):
        if a[key] is None or b[key] is None:
            return "-"
        values.append(abs(a[key] / b[key] - 1) * 100 if relative else abs(a[key] - b[key]))
    return f"{max(values):.2f}"


def sweep(diffverb, folder, kind, rate, repeat):
    out = folder / f"{kind}_{rate}_{repeat}.wav"
    if not out.exists():
        subprocess.run([diffverb, "data", "sweep", "--out", out, "--type", kind, "--rate", str(rate), "--gap", str(GAP_S),
                        "--repeat", str(repeat)], check=True, capture_output=True)
    return read(out)[1], json.loads(out.with_suffix(".json").read_text()), out.with_suffix(".json")


def measure(diffverb, folder, kind, room, case_name, truth_measures):
    name, rate, response = room
    case = CASES[case_name]
    sound, layout, settings = sweep(diffverb, folder, kind, rate, case[-1])
    heard, first, period = record(sound, response, rate, layout, case)
    start = round(layout["first_repetition_s"] * rate)
    once = sound[start : start + period]
    wavfile.write(folder / "rec.wav", rate, heard.astype(np.float32))
    run = subprocess.run([diffverb, "data", "deconvolve", folder / "rec.wav", "--sweep", settings, "--out", folder / "ir.wav",
                          "--overwrite", "--json"], capture_output=True, text=True)
    if run.returncode:
        print(f"| {name} | {kind} | {case_name} | {run.stderr.strip()} |")
        return
    report = json.loads(run.stdout)
    # A measured response ends in its own noise: T30 is compared over the same time.
    wavfile.write(folder / "same_length.wav", rate, read(folder / "ir.wav")[1][: len(response)].astype(np.float32))
    found = measures(diffverb, folder / "same_length.wav")
    ppm = report["drift"]["ppm"]
    others = [method(heard, once, first, period, rate, kind == "mls") for method in (plain_division, with_pyfar)]
    cells = [name, kind, case_name, f"{error_db(read(folder / 'ir.wav')[1], response, rate):.1f}"]
    cells += ["-" if other is None else f"{error_db(other, response, rate):.1f}" for other in others]
    cells += [worst(found, truth_measures, "t30_s", True), worst(found, truth_measures, "edt_s", True),
              worst(found, truth_measures, "c80_db", False), "-" if ppm is None else f"{ppm:.2f}", report["verdict"]]
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diffverb", default="build/diffverb")
    parser.add_argument("--responses", type=pathlib.Path, help="folder that holds " + ", ".join(RESPONSES))
    arguments = parser.parse_args()
    rooms = [("synthetic", *synthetic())]
    if arguments.responses:
        for path in RESPONSES:
            rate, response = read(arguments.responses / path)
            begin = max(0, np.argmax(np.abs(response) >= 0.1 * np.max(np.abs(response))) - rate // 1000)
            rooms.append((path.split("/")[0], rate, response[begin : begin + round(0.95 * GAP_S * rate)]))
    print("| room | sweep | recording | error, dB | plain division | pyfar | T30, % | EDT, % | C80, dB | drift, ppm | verdict |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for room in rooms:
            wavfile.write(folder / "truth.wav", room[1], room[2].astype(np.float32))
            truth = measures(arguments.diffverb, folder / "truth.wav")
            for kind in ("ess", "tsp", "mls") if room[0] == "synthetic" else ("ess",):
                for case in OTHER_ROOMS if room[0] != "synthetic" else CASES if kind == "ess" else OTHER_SWEEPS:
                    measure(arguments.diffverb, folder, kind, room, case, truth)


if __name__ == "__main__":
    main()

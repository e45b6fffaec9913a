#!/usr/bin/env python3
"""Measures rooms whose response is known, with every kind of sweep and what can go wrong, and prints how far off it is.

    python experiments/measure/simulate.py --responses DIR [--rooms tuned|held_back|all] [--diffverb build/diffverb]

Needs numpy, scipy and pyfar, whose deconvolution stands beside. Without --responses a synthetic room alone is measured.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import pyfar
from scipy import fft, signal
from scipy.io import wavfile

# What thresholds were chosen on, and what was not used for them.
ROOMS = {
    "tuned": ["otala_listening_room/mic1_speaker1.wav", "bbc_listening_room/BBCRD_LR_M+000.wav"],
    "held_back": ["seminar_room/rir_clap.wav", "decayfitnet/singleslope_00006_sh_rirs.wav",
                  "bbc_listening_room/BBCRD_LR_U-045.wav", "emt140_plate/emt_140_medium_5.wav"],
}
GAP_S = 2.0
BEFORE_S = 0.02  # what all others keep before the start of the sweep, as a band limit rings there
OCTAVES = (500, 1000, 2000)
SHOWN = (125, 500, 2000, 8000)
JND = {"t30_s": 0.05, "edt_s": 0.05, "c80_db": 1.0}  # ISO 3382-1, relative where the unit is s
Case = collections.namedtuple("Case", "snr_db cubic ppm click jump repeat", defaults=(0, 0, False, False, 1))
CASES = {
    "60 dB": Case(60),
    "40 dB": Case(40),
    "20 dB": Case(20),
    "60 dB, 1 % third harmonic": Case(60, cubic=0.01),
    "60 dB, 20 ppm": Case(60, ppm=20),
    "60 dB, a click": Case(60, click=True),
    "60 dB, a click, 3 times": Case(60, click=True, repeat=3),
    "60 dB, 1 dB louder half way": Case(60, jump=True),
}


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
    if case.cubic:  # at four times the rate, as outside a computer
        fine = signal.resample_poly(sound, 4, 1)
        sound = signal.resample_poly(fine + 4 * case.cubic * fine**3 / np.max(np.abs(sound)) ** 2, 1, 4)[: len(sound)]
    delay = 12345
    heard = np.concatenate([np.zeros(delay), signal.fftconvolve(sound, response)])
    first = delay + round(layout["first_repetition_s"] * rate)
    period = round(layout["repetition_s"] * rate)
    rms = np.sqrt(np.mean(heard[first : first + period] ** 2))
    if case.jump:
        heard[first + period // 2 :] *= 10**0.05
    if case.ppm:  # by spectrum: longer by `stretch` samples over its padded length
        stretch = 60
        length = round(stretch / (case.ppm * 1e-6))
        heard = fft.irfft(fft.rfft(heard, length), length + stretch)[: len(heard) + 100] * (length + stretch) / length
    random = np.random.default_rng(2)
    heard = heard + rms * 10 ** (-case.snr_db / 20) * random.standard_normal(len(heard))
    if case.click:
        burst = slice(first + period // 2, first + period // 2 + rate // 50)
        heard[burst] += 2 * np.max(np.abs(heard)) * random.standard_normal(rate // 50)
    return 0.3 * heard / np.max(np.abs(heard)), first, period


def errors_db(found, truth, rate):
    """Energy of the difference at the best delay and gain over the true response's: 30 Hz to 16 kHz, then by octaves."""
    size = fft.next_fast_len(len(found) + len(truth), real=True)
    hz = fft.rfftfreq(size, 1 / rate)
    within = (hz >= 30) & (hz <= 16000)
    a, b = fft.rfft(truth, size) * within, fft.rfft(found, size) * within
    delay = np.argmax(fft.irfft(np.conj(a) * b, 32 * size)) / 32
    b = b * np.exp(2j * np.pi * hz / rate * delay)
    gain = np.real(np.vdot(b, a)) / np.real(np.vdot(b, b))
    error, energy = np.abs(gain * b - a) ** 2, np.abs(a) ** 2
    bands = [(hz > centre / 2**0.5) & (hz < centre * 2**0.5) for centre in SHOWN]
    return [10 * np.log10(np.sum(error[band]) / np.sum(energy[band])) for band in [within] + bands]


def plain_division(heard, once, first, period, rate, periodic):
    kept, before = round(GAP_S * rate), round(BEFORE_S * rate)
    size = period if periodic else 2 * period + kept
    segment = heard[first : first + (period if periodic else period + kept)]
    whole = fft.irfft(fft.rfft(segment, size) / fft.rfft(once, size), size)
    return np.roll(whole, before)[: kept + before]


def with_pyfar(heard, once, first, period, rate, periodic):
    kept, before = round(GAP_S * rate), round(BEFORE_S * rate)
    if periodic:
        return None
    inverse = pyfar.dsp.deconvolve(
        pyfar.Signal(heard[first : first + period + kept], rate), pyfar.Signal(once, rate),
        fft_length=2 * (period + kept // 2), frequency_range=(20, 20000))
    return np.roll(inverse.time[0], before)[: kept + before]


def measures(diffverb, path):
    out = subprocess.run([diffverb, "analyze", path, "--json"], check=True, capture_output=True, text=True).stdout
    bands = {band["hz"]: band for band in json.loads(out)["channels"][0]["bands"]}
    return [bands[hz] for hz in OCTAVES]


def worst_jnd(found, truth, key):
    """The largest error of the octaves, in just-noticeable differences; NaN where an octave has no such figure."""
    out = 0.0
    for a, b in zip(found, truth):
        if b[key] is None:
            continue
        if a[key] is None:
            return np.nan
        out = max(out, abs(a[key] / b[key] - 1 if key.endswith("_s") else a[key] - b[key]) / JND[key])
    return out


class Bench:
    def __init__(self, diffverb, folder):
        self.diffverb, self.folder = diffverb, folder

    def sweep(self, kind, rate, repeat):
        out = self.folder / f"{kind}_{rate}_{repeat}.wav"
        if not out.exists():
            self.run("data", "sweep", "--out", out, "--type", kind, "--rate", str(rate), "--gap", str(GAP_S), "--repeat",
                     str(repeat))
        return read(out)[1], json.loads(out.with_suffix(".json").read_text()), out.with_suffix(".json")

    def run(self, *words):
        return subprocess.run([self.diffverb, *words], check=True, capture_output=True, text=True).stdout

    def deconvolve(self, settings, *more):
        out = self.run("data", "deconvolve", self.folder / "rec.wav", "--sweep", settings, "--out",
                       self.folder / "ir.wav", "--overwrite", "--json", "--no-report", *more)
        return json.loads(out), read(self.folder / "ir.wav")[1]

    def measure(self, room, kind, rate, response, truth, case):
        sound, layout, settings = self.sweep(kind, rate, case.repeat)
        heard, first, period = record(sound, response, rate, layout, case)
        start = round(layout["first_repetition_s"] * rate)
        once = sound[start : start + period]
        wavfile.write(self.folder / "rec.wav", rate, heard.astype(np.float32))
        report, found = self.deconvolve(settings)
        denoised = self.deconvolve(settings, "--denoise")[1]
        # A measured response ends in its own noise: times are compared over the same length.
        wavfile.write(self.folder / "same_length.wav", rate, found[: len(response)].astype(np.float32))
        figures = measures(self.diffverb, self.folder / "same_length.wav")
        others = [method(heard, once, first, period, rate, kind == "mls") for method in (plain_division, with_pyfar)]
        return {
            "room": room, "errors": errors_db(found, response, rate), "denoised": errors_db(denoised, response, rate)[0],
            "others": [np.nan if other is None else errors_db(other, response, rate)[0] for other in others],
            "jnd": [worst_jnd(figures, truth, key) for key in JND],
            "ppm": np.nan if report["drift"]["ppm"] is None else abs(report["drift"]["ppm"] - case.ppm),
            "good": report["verdict"] == "good"}


def cell(values, digits):
    """Median and worst over the rooms; a dash where a figure could not be told in one of them."""
    if np.any(np.isnan(values)):
        return "-"
    return f"{np.median(values):.{digits}f}" + (f" ({np.max(values):.{digits}f})" if len(values) > 1 else "")


def print_by_room(found):
    """At 20 dB, how far --denoise comes below the best of the others in each room: error in dB."""
    print("\n| sweep | room | error, dB | denoised | plain division | pyfar | below the best other, dB |\n" + "|---" * 7 + "|")
    gains = []
    for kind, room, row in found:
        gains.append(np.nanmin(row["others"]) - row["denoised"])
        values = [row["errors"][0], row["denoised"], *row["others"], gains[-1]]
        print(f"| {kind} | {room} | " + " | ".join("-" if np.isnan(x) else f"{x:.1f}" for x in values) + " |")
    print(f"\n6 dB or more below the best of the others in {np.sum(np.array(gains) >= 6)} of {len(gains)}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diffverb", default="build/diffverb")
    parser.add_argument("--responses", type=pathlib.Path, help="folder that holds the measured rooms")
    parser.add_argument("--rooms", default="all", choices=[*ROOMS, "synthetic", "all"])
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--type", action="append", choices=["ess", "tsp", "mls"])
    arguments = parser.parse_args()
    rooms = [("synthetic", *synthetic())] if arguments.rooms != "held_back" else []
    for group, paths in ROOMS.items() if arguments.responses else ():
        for path in paths if arguments.rooms in (group, "all") else ():
            rate, response = read(arguments.responses / path)
            begin = max(0, np.argmax(np.abs(response) >= 0.1 * np.max(np.abs(response))) - rate // 1000)
            rooms.append((path, rate, response[begin : begin + round(0.95 * GAP_S * rate)]))
    print("Rooms: " + ", ".join(room[0] for room in rooms) + "\n")
    print("| sweep | recording | error, dB | " + " | ".join(f"{hz} Hz" for hz in SHOWN) + " | denoised | plain division "
          "| pyfar | T30, JND | EDT, JND | C80, JND | drift off, ppm | good |")
    print("|---" * (12 + len(SHOWN)) + "|")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(arguments.diffverb, pathlib.Path(scratch))
        truths, by_room = [], []
        for _, rate, response in rooms:
            wavfile.write(bench.folder / "truth.wav", rate, response.astype(np.float32))
            truths.append(measures(arguments.diffverb, bench.folder / "truth.wav"))
        for kind in arguments.type or ("ess", "tsp", "mls"):
            for name in arguments.case or CASES:
                rows = []
                for (room, rate, response), truth in zip(rooms, truths):
                    try:
                        rows.append(bench.measure(room, kind, rate, response, truth, CASES[name]))
                    except subprocess.CalledProcessError as refused:
                        print(f"| {kind} | {name} | {room}: {refused.stderr.strip().splitlines()[-1].split(': ', 2)[-1]} |")
                if not rows:
                    continue
                if name == "20 dB":
                    by_room += [(kind, row["room"], row) for row in rows]
                column = lambda key: np.array([row[key] for row in rows])
                cells = [kind, name] + [cell(values, 1) for values in column("errors").T]
                cells += [cell(column("denoised"), 1)] + [cell(values, 1) for values in column("others").T]
                cells += [cell(values, 3) for values in column("jnd").T]
                cells += [cell(column("ppm"), 2), f"{np.sum(column('good'))} of {len(rows)}"]
                print("| " + " | ".join(cells) + " |", flush=True)
        if by_room:
            print_by_room(by_room)


if __name__ == "__main__":
    main()

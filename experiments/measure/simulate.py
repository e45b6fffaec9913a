#!/usr/bin/env python3
"""Measures rooms whose response is known, with every kind of sweep and what can go wrong, and prints how far off it is.

    python experiments/measure/simulate.py --responses DIR [--results FILE.jsonl] [--jobs 2] [--diffverb build/diffverb]

Needs numpy, scipy and pyfar, whose deconvolution stands beside. Without --responses a synthetic room alone is measured.
Every recording's figures are kept in --results: what is there for the same program is not measured again.
"""
import argparse
import collections
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import pyfar
from scipy import fft, signal
from scipy.io import wavfile

import rooms

GAP_S = 2.0
BEFORE_S = 0.02  # what all others keep before the start of the sweep, as a band limit rings there
OCTAVES = (500, 1000, 2000)
SHOWN = (125, 500, 2000, 8000)
JND = {"t30_s": 0.05, "edt_s": 0.05, "c80_db": 1.0}  # ISO 3382-1, relative where the unit is s
KINDS = ("ess", "tsp", "mls")
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


def highest_hz(rate):
    """The end of the sweep's range."""
    return min(20000, 0.48 * rate)


def distorted(sound, cubic):
    """With a third harmonic of so much: at four times the rate, as outside a computer."""
    fine = signal.resample_poly(sound, 4, 1)
    return signal.resample_poly(fine + 4 * cubic * fine**3 / np.max(np.abs(sound)) ** 2, 1, 4)[: len(sound)]


def record(sound, response, rate, layout, case):
    """What a recorder hears of `sound`, and where the first repetition begins in it and how long it is, in samples."""
    if case.cubic:
        sound = distorted(sound, case.cubic)
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
    """Energy of the difference at the best delay and gain over the true response's: from 30 Hz to 16 kHz or as far as
    was played, then by octaves, NaN where an octave was not played."""
    size = fft.next_fast_len(len(found) + len(truth), real=True)
    hz = fft.rfftfreq(size, 1 / rate)
    top = min(16000, 0.9 * highest_hz(rate))
    within = (hz >= 30) & (hz <= top)
    a, b = fft.rfft(truth, size) * within, fft.rfft(found, size) * within
    cross, omega = np.conj(a) * b, 2 * np.pi * hz / rate
    delay = float(np.argmax(fft.irfft(cross, size)))
    for _ in range(6):  # Newton's steps to the top of the correlation, between two samples
        turned = cross * np.exp(1j * omega * delay)
        delay -= np.sum(omega * np.imag(turned)) / np.sum(omega**2 * np.real(turned))
    b = b * np.exp(1j * omega * delay)
    gain = np.real(np.vdot(b, a)) / np.real(np.vdot(b, b))
    error, energy = np.abs(gain * b - a) ** 2, np.abs(a) ** 2
    bands = [(hz > centre / 2**0.5) & (hz < centre * 2**0.5) if centre <= top else None for centre in SHOWN]
    ratios = [np.nan if band is None else np.sum(error[band]) / np.sum(energy[band]) for band in [within] + bands]
    return list(10 * np.log10(ratios))


def even_length(at_least):
    length = fft.next_fast_len(at_least, real=True)
    return length if length % 2 == 0 else even_length(length + 1)


def plain_division(heard, once, first, period, rate, periodic):
    kept, before = round(GAP_S * rate), round(BEFORE_S * rate)
    size = period if periodic else even_length(2 * period + kept)
    segment = heard[first : first + (period if periodic else period + kept)]
    whole = fft.irfft(fft.rfft(segment, size) / fft.rfft(once, size), size)
    return np.roll(whole, before)[: kept + before]


def with_pyfar(heard, once, first, period, rate, periodic):
    kept, before = round(GAP_S * rate), round(BEFORE_S * rate)
    if periodic:
        return None
    inverse = pyfar.dsp.deconvolve(
        pyfar.Signal(heard[first : first + period + kept], rate), pyfar.Signal(once, rate),
        fft_length=even_length(2 * period + kept), frequency_range=(20, highest_hz(rate)))
    return np.roll(inverse.time[0], before)[: kept + before]


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
    """Runs the program in a folder of its own."""

    def __init__(self, diffverb, folder):
        self.diffverb, self.folder = diffverb, pathlib.Path(tempfile.mkdtemp(dir=folder))

    def run(self, *words):
        return subprocess.run([self.diffverb, *map(str, words)], check=True, capture_output=True, text=True).stdout

    @functools.cache
    def sweep(self, kind, rate, repeat):
        out = self.folder / f"{kind}_{rate}_{repeat}.wav"
        self.run("data", "sweep", "--out", out, "--type", kind, "--rate", rate, "--gap", GAP_S, "--repeat", repeat,
                 "--range-hz", f"20,{highest_hz(rate):g}")
        return rooms.read_wav(out)[1], json.loads(out.with_suffix(".json").read_text()), out.with_suffix(".json")

    def analyzed(self, name, response, rate):
        wavfile.write(self.folder / name, rate, response.astype(np.float32))
        found = json.loads(self.run("analyze", self.folder / name, "--json"))["channels"][0]["bands"]
        return [band for hz in OCTAVES for band in found if band["hz"] == hz]

    @functools.cache
    def room(self, name, responses):
        rate, response = rooms.room(name, responses)
        return rate, response, self.analyzed("truth.wav", response, rate)

    def measure(self, name, responses, kind, case):
        rate, response, truth = self.room(name, responses)
        sound, layout, settings = self.sweep(kind, rate, case.repeat)
        heard, first, period = record(sound, response, rate, layout, case)
        start = round(layout["first_repetition_s"] * rate)
        once = sound[start : start + period]
        wavfile.write(self.folder / "rec.wav", rate, heard.astype(np.float32))
        report = json.loads(self.run("data", "deconvolve", self.folder / "rec.wav", "--sweep", settings, "--out",
                                     self.folder / "ir.wav", "--overwrite", "--json", "--no-report", "--as-measured"))
        found = rooms.read_wav(self.folder / "ir.wav")[1]
        as_measured = rooms.read_wav(self.folder / "ir.as_measured.wav")[1]
        # A measured response ends in its own noise: times are compared over the same length.
        figures = self.analyzed("same_length.wav", found[: len(response)], rate)
        others = [method(heard, once, first, period, rate, kind == "mls") for method in (plain_division, with_pyfar)]
        return {
            "errors": errors_db(found, response, rate), "as_measured": errors_db(as_measured, response, rate)[0],
            "others": [np.nan if other is None else errors_db(other, response, rate)[0] for other in others],
            "jnd": [worst_jnd(figures, truth, key) for key in JND],
            "ppm": np.nan if report["drift"]["ppm"] is None else abs(report["drift"]["ppm"] - case.ppm),
            "reasons": report["reasons"]}


def one_row(task):
    """In a process of its own, which keeps its Bench."""
    diffverb, folder, responses, kind, name, room = task
    if not hasattr(one_row, "bench"):
        one_row.bench = Bench(diffverb, folder)
    try:
        return one_row.bench.measure(room, responses, kind, CASES[name])
    except subprocess.CalledProcessError as refused:
        return {"refused": refused.stderr.strip().splitlines()[-1].split(": ", 3)[-1]}


def measure_all(arguments, names):
    """Figures by (kind, case, room); those that are missing in the results' file are measured and put into it."""
    build = hashlib.sha256(pathlib.Path(arguments.diffverb).read_bytes()).hexdigest()[:12]
    out = {}
    if arguments.results and arguments.results.exists():
        for line in arguments.results.read_text().splitlines():
            row = json.loads(line)
            if row.pop("build") == build:
                out[tuple(row.pop("of"))] = row
    kinds, cases = arguments.type or KINDS, arguments.case or CASES
    wanted = [(kind, case, room) for kind in kinds for case in cases for room in names]
    missing = [of for of in wanted if of not in out]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ProcessPoolExecutor(arguments.jobs) as pool:
        tasks = {pool.submit(one_row, (arguments.diffverb, folder, arguments.responses, *of)): of for of in missing}
        for done in concurrent.futures.as_completed(tasks):
            out[tasks[done]] = done.result()
            if arguments.results:
                with arguments.results.open("a") as file:
                    file.write(json.dumps({"build": build, "of": tasks[done], **done.result()}) + "\n")
    return {of: out[of] for of in wanted}


def cell(values, digits):
    """Median and worst over the rooms; a dash where a figure could not be told in one of them."""
    if np.any(np.isnan(values)):
        return "-"
    return f"{np.median(values):.{digits}f}" + (f" ({np.max(values):.{digits}f})" if len(values) > 1 else "")


def print_table(found, names):
    titles = ["sweep", "recording", "error, dB", *(f"{hz} Hz" for hz in SHOWN), "as measured", "plain division",
              "pyfar", "T30, JND", "EDT, JND", "C80, JND", "drift off, ppm", "good"]
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    for kind, name in dict.fromkeys(of[:2] for of in found):
        rows = [found[kind, name, room] for room in names]
        for room, row in zip(names, rows):
            if "refused" in row:
                print(f"| {kind} | {name} | {room}: {row['refused']} |")
        rows = [row for row in rows if "refused" not in row]
        if not rows:
            continue
        column = lambda key: np.array([row[key] for row in rows], dtype=float)
        played = [values[~np.isnan(values)] for values in column("errors").T]
        cells = [kind, name] + [cell(values, 1) for values in [*played, column("as_measured"), *column("others").T]]
        cells += [cell(values, 3) for values in column("jnd").T]
        cells += [cell(column("ppm"), 2), f"{sum(not row['reasons'] for row in rows)} of {len(rows)}"]
        print("| " + " | ".join(cells) + " |")


def print_reasons(found):
    """Why a measurement that nothing disturbed is to be repeated."""
    print("\nTo be measured again, at 40 dB and above with nothing that disturbs more than one of three repetitions:\n")
    for (kind, name, room), row in found.items():
        case = CASES[name]
        if case.snr_db >= 40 and not case.jump and (not case.click or case.repeat > 1) and row.get("reasons"):
            print(f"- {kind}, {name}, {room}: " + "; ".join(row["reasons"]))


def print_by_room(found):
    """At 20 dB, how far the response comes below the best of the others in each room: error in dB."""
    titles = ["sweep", "room", "error, dB", "as measured", "plain division", "pyfar", "below the best other, dB"]
    print("\n| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    gains = []
    for (kind, name, room), row in found.items():
        if name != "20 dB" or "refused" in row:
            continue
        gains.append(np.nanmin(row["others"]) - row["errors"][0])
        values = [row["errors"][0], row["as_measured"], *row["others"], gains[-1]]
        print(f"| {kind} | {room} | " + " | ".join("-" if np.isnan(x) else f"{x:.1f}" for x in values) + " |")
    print(f"\n6 dB or more below the best of the others in {np.sum(np.array(gains) >= 6)} of {len(gains)}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diffverb", default="build/diffverb")
    parser.add_argument("--responses", help="folder that holds the measured rooms")
    parser.add_argument("--results", type=pathlib.Path, help="JSON lines to read, and to put new figures into")
    parser.add_argument("--jobs", type=int, default=2, help="recordings at a time")
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--type", action="append", choices=KINDS)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    groups = {"What thresholds were chosen on": rooms.TUNED, "Held back": rooms.HELD_BACK}
    for title, names in groups.items():
        groups[title] = [name for name in names if rooms.room(name, arguments.responses)]
    found = measure_all(arguments, [name for names in groups.values() for name in names])
    for title, names in groups.items():
        if names:
            print(f"\n{title}: " + ", ".join(names) + "\n")
            print_table(found, names)
    print_reasons(found)
    print_by_room(found)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Independent evaluation of a fitted response against its target.

    evaluate.py TARGET.wav FIT_IR.wav [--early-ms 80] [--json]
    evaluate.py --runs DIR... [--json]      DIR: a run folder of `diffverb fit`, or a folder of run folders

Needs numpy, scipy and soundfile. It shares no code with the C++ library, so that an error there does not hide itself here.

What is measured, for every channel:
  bands      third-order Butterworth, causal; octaves and third octaves 125 Hz to 8 kHz, base two
  time zero  the first sample of 10 % of the peak (over all channels), in each response on its own
  end        zero padding and a fade at the file's end are cut off
  decay      noise floor and truncation after Lundeby et al. (1995), noise power subtracted, the energy beyond the truncation
             extrapolated; T from -5..-35 dB where the target's band has 45 dB of range, else -5..-25 dB (35 dB), else none;
             EDT from 0..-10 dB (20 dB); C80, D50 and level from the same energies; range = the smaller of the decay curve's fall
             to the truncation and the loudest 10 ms over the noise
  late modes share of the bins, 200 Hz to 4 kHz, of the part after early_ms that stand 12 dB above the median of their third
             octave; the part ends where the target's noise begins
  density    Abel & Huang (2006), 25 ms Hann window, mean over that part, fit / target
  coherence  |S12| / sqrt(S11 S22) in each third octave, of all channel pairs; mean absolute difference
"""

import argparse
import json
import math
import os
import struct
import sys

from scipy.signal import resample_poly

from measure import compare, middle, read


def compare_files(target_path, fit_path, early_ms):
    target, rate = read(target_path)
    fit, fit_rate = read(fit_path)
    if fit_rate != rate:
        common = math.gcd(int(rate), int(fit_rate))
        fit = resample_poly(fit, int(rate) // common, int(fit_rate) // common, axis=1)
    out = compare(target, fit, rate, early_ms)
    out.update(target=str(target_path), fit=str(fit_path), fit_rate_hz=fit_rate)
    return out


# -------------------------------------------------------------------------------------------------------------- run folders


def weights_header(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size))


def find_runs(folders):
    runs = []
    for folder in folders:
        if os.path.exists(os.path.join(folder, "ir.wav")):
            runs.append(folder)
        else:
            runs += [p for p in sorted(os.path.join(folder, d) for d in os.listdir(folder)) if os.path.exists(os.path.join(p, "ir.wav"))]
    return runs


def compare_run(folder, targets):
    """A run folder against the response it was given (metrics.json, or --targets by name); else against its own target.wav."""
    metrics = {}
    if os.path.exists(os.path.join(folder, "metrics.json")):
        with open(os.path.join(folder, "metrics.json"), encoding="utf-8") as file:
            metrics = json.load(file)
    name = os.path.basename(os.path.normpath(folder))
    candidates = [os.path.join(d, name + ".wav") for d in targets]
    candidates += [p for p in (metrics.get("source"), metrics.get("target")) if isinstance(p, str) and p.endswith(".wav")]
    candidates.append(os.path.join(folder, "target.wav"))
    target = next(p for p in candidates if os.path.exists(p))
    early_ms = metrics.get("early_ms")
    weights = os.path.join(folder, "weights.safetensors")
    file_early_ms = None
    if os.path.exists(weights):
        header = weights_header(weights)
        rate = float(header.get("__metadata__", {}).get("sample_rate_hz", "nan"))
        if "early" in header:
            file_early_ms = 1e3 * header["early"]["shape"][-1] / rate
    out = compare_files(target, os.path.join(folder, "ir.wav"), float(early_ms if early_ms is not None else 80.0))
    out.update(name=name, file_early_ms=file_early_ms, fit_seconds=metrics.get("seconds"))
    return out


# ------------------------------------------------------------------------------------------------------------------ tables


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def pair(entry, key, digits=1):
    return f"{number(entry['median'][key], digits)} / {number(entry['worst'][key], digits)}"


COLUMNS = [
    ("response", lambda r: r["name"]),
    ("kHz, ch, s", lambda r: f"{r['rate_hz'] / 1e3:g}, {r['channels']}, {r['seconds']:.1f}"),
    ("early ms", lambda r: number(r["early_ms"], 0)),
    ("T %", lambda r: pair(r["octaves"], "t_error_pct")),
    ("EDT %", lambda r: pair(r["octaves"], "edt_error_pct")),
    ("C80 dB", lambda r: pair(r["octaves"], "c80_error_db", 2)),
    ("shape dB", lambda r: number(r["octaves"]["level_shape_db"], 2)),
    ("level dB", lambda r: number(r["level_offset_db"], 2)),
    ("T 1/3 %", lambda r: pair(r["thirds"], "t_error_pct")),
    ("EDT 1/3 %", lambda r: pair(r["thirds"], "edt_error_pct")),
    ("modes % (target)", lambda r: f"{number(r['late_modes_pct'], 2)} ({number(r['late_modes_target_pct'], 2)})"),
    ("density", lambda r: number(r["echo_density_ratio"], 3)),
    ("coherence", lambda r: number(r["coherence_error"], 3)),
    ("fit s", lambda r: number(r.get("fit_seconds"))),
]


def over_responses(results):
    """One entry like a response's, each figure the median over the responses."""
    def both(scale):
        keys = results[0][scale]["median"].keys()
        return {kind: {k: middle([r[scale][kind][k] for r in results]) for k in keys} for kind in ("median", "worst")} | {
            "level_shape_db": middle([r[scale]["level_shape_db"] for r in results])}
    out = {"octaves": both("octaves"), "thirds": both("thirds")}
    for key in ("late_modes_pct", "late_modes_target_pct", "coherence_error", "fit_seconds"):
        out[key] = middle([r.get(key) for r in results])
    out["level_offset_db"] = middle([abs(r["level_offset_db"]) for r in results if r["level_offset_db"] is not None])
    out["echo_density_ratio"] = middle([r["echo_density_ratio"] for r in results])
    out["echo_density_ratio_error"] = middle([abs(r["echo_density_ratio"] - 1) for r in results if r["echo_density_ratio"]])
    out["responses"] = len(results)
    return out


def print_table(results):
    print("| " + " | ".join(c[0] for c in COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for result in results:
        print("| " + " | ".join(c[1](result) for c in COLUMNS) + " |")
    if len(results) < 2:
        return
    m = over_responses(results)
    m.update(name=f"**median of {len(results)}**", rate_hz=0, channels=0, seconds=0, early_ms=middle([r["early_ms"] for r in results]))
    cells = [c[1](m) for c in COLUMNS]
    cells[1] = ""
    print("| " + " | ".join(cells) + " |")


# (measure, value, to reach, beyond it)
GOALS = [
    ("T, octaves, %", lambda m: pair(m["octaves"], "t_error_pct"), "0.8 / 4", "0.4 / 2"),
    ("EDT, octaves, %", lambda m: pair(m["octaves"], "edt_error_pct"), "2.5 / 9", "1.5 / 5"),
    ("C80, octaves, dB (median)", lambda m: number(m["octaves"]["median"]["c80_error_db"], 2), "0.4", "0.2"),
    ("level shape, dB", lambda m: number(m["octaves"]["level_shape_db"], 2), "0.25", "0.1"),
    ("broadband level, dB", lambda m: number(m["level_offset_db"], 2), "0.3", "0.1"),
    ("T, third octaves, %", lambda m: pair(m["thirds"], "t_error_pct"), "2.5 / 12", "1 / 5"),
    ("EDT, third octaves, %", lambda m: pair(m["thirds"], "edt_error_pct"), "5 / 20", "2.5 / 10"),
    ("isolated late modes, % (target)", lambda m: f"{number(m['late_modes_pct'], 2)} ({number(m['late_modes_target_pct'], 2)})", "0.3", "as target"),
    ("echo density, off by %", lambda m: number(m["echo_density_ratio_error"] and 100 * m["echo_density_ratio_error"]), "5", "2"),
    ("coherence, third octaves", lambda m: number(m["coherence_error"], 3), "0.1", "-"),
]


def print_goals(results):
    m = over_responses(results)
    print(f"\n| median over {len(results)} responses, median / worst band | measured | to reach | beyond |\n|---|---|---|---|")
    for name, value, reach, beyond in GOALS:
        print(f"| {name} | {value(m)} | {reach} | {beyond} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", metavar="TARGET.wav FIT_IR.wav")
    parser.add_argument("--runs", nargs="+", default=[], help="run folders, or folders of run folders")
    parser.add_argument("--targets", nargs="+", default=[], help="folders with the responses the runs were given, found by the run's name")
    parser.add_argument("--early-ms", type=float, default=80.0)
    parser.add_argument("--bands", action="store_true", help="print every band too")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if bool(args.files) == bool(args.runs) or (args.files and len(args.files) != 2):
        parser.error("give TARGET.wav FIT_IR.wav, or --runs DIR...")
    if args.files:
        results = [compare_files(*args.files, args.early_ms) | {"name": os.path.basename(args.files[0])}]
    else:
        results = [compare_run(run, args.targets) for run in find_runs(args.runs)]
        if not results:
            parser.error("no run folder with an ir.wav there")
    if args.json:
        json.dump(results[0] if args.files else {"responses": results, "median": over_responses(results)}, sys.stdout, indent=1)
        print()
        return
    print_table(results)
    print_goals(results)
    if args.bands:
        for result in results:
            print(f"\n{result['name']}")
            for kind in ("octave_bands", "third_bands"):
                for channel, rows in enumerate(result[kind]):
                    for r in rows:
                        print(f"  ch {channel} {r['hz']:7.0f} Hz  {r['t_kind'] or '-':3s} target {number(r['t_target_s'], 3):>6s} s  T {number(r['t_error_pct']):>5s} %"
                              f"  EDT {number(r['edt_error_pct']):>5s} %  C80 {number(r['c80_error_db'], 2):>6s} dB  level {number(r['level_error_db'], 2):>6s} dB"
                              f"  range {r['range_db']:.0f} dB")


if __name__ == "__main__":
    main()

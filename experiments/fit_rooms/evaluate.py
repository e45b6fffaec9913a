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

import numpy as np
import soundfile
from scipy.signal import butter, oaconvolve, resample_poly, sosfilt
from scipy.special import erfc

OCTAVES_HZ = [1000.0 * 2.0**k for k in range(-3, 4)]
THIRDS_HZ = [1000.0 * 2.0 ** (k / 3.0) for k in range(-9, 10)]
PREROLL_S = 0.005  # kept before the onset so that the band filters start from silence
UNDEFINED_PCT = 100.0  # counted where the target has a value and the fit has none


# ---------------------------------------------------------------------------------------------------------------- reading


def read(path):
    x, rate = soundfile.read(path, always_2d=True, dtype="float64")
    return x.T.copy(), float(rate)


def onset(x):
    """First sample of 10 % of the peak, over all channels."""
    level = np.max(np.abs(x), axis=0)
    return int(np.argmax(level >= 0.1 * level.max()))


def true_end(x, rate):
    """Samples before zero padding and before a fade at the end.

    A fade shows as last frames that fall more than 9 dB below the line through the levels before them, whatever that line's slope.
    """
    power = np.sum(x * x, axis=0)
    silent = 1e-12 * power.max()
    nonzero = np.nonzero(power > silent)[0]
    end = int(nonzero[-1]) + 1
    hop = int(round(0.01 * rate))
    for _ in range(3):
        frames = end // hop
        if frames < 20:
            return end
        cut = end - frames * hop
        level = 10 * np.log10(power[cut:end].reshape(frames, hop).mean(axis=1) + 1e-30)
        a, b = int(0.6 * frames), int(0.85 * frames)
        line = np.polyfit(np.arange(a, b), level[a:b], 1)
        line[0] = min(line[0], 0.0)
        spread = np.std(level[a:b] - np.polyval(line, np.arange(a, b)))
        faded = level < np.polyval(line, np.arange(frames)) - max(9.0, 4 * spread)
        last = frames
        while last > int(0.7 * frames) and faded[last - 1]:
            last -= 1
        if last == frames:
            return end
        # the frames at the start of the fade are still above the limit: leave as many again
        end = cut + max(int(0.7 * frames), last - (frames - last)) * hop
    return end


def prepare(x, rate):
    """(signal from PREROLL_S before the onset to the true end, index of the onset in it)"""
    start = onset(x)
    first = max(0, start - int(PREROLL_S * rate))
    return x[:, first : true_end(x, rate)], start - first


# ----------------------------------------------------------------------------------------------------------------- decay


def band_sos(centre_hz, fraction, rate):
    """Third-order Butterworth band pass; None where the band does not fit under the Nyquist frequency."""
    half = 2.0 ** (0.5 / fraction)
    if centre_hz * half >= 0.49 * rate:
        return None
    return butter(3, [centre_hz / half, centre_hz * half], btype="bandpass", fs=rate, output="sos")


class Decay:
    """Noise floor, truncation and energy decay of one squared band signal that starts at time zero."""

    def __init__(self, power, rate):
        self.rate = rate
        self.length = len(power)
        self.sum = np.concatenate(([0.0], np.cumsum(power)))
        self._noise_floor()
        self._energy_decay()

    def mean(self, a, b):
        return (self.sum[b] - self.sum[a]) / max(1, b - a)

    def _blocks(self, size):
        count = self.length // size
        edges = np.arange(count + 1) * size
        return (np.arange(count) + 0.5) * size, np.diff(self.sum[edges]) / size

    def _line(self, size, low_db, high_db):
        """Least-squares line (dB per sample, dB at 0) through block levels, from the last one above high_db to the first below low_db."""
        time, level = self._blocks(size)
        level = 10 * np.log10(level + 1e-300)
        peak = int(np.argmax(level))
        below = np.nonzero(level[peak:] < low_db)[0]
        stop = peak + (int(below[0]) if len(below) else len(level) - peak)
        above = np.nonzero(level[peak:stop] > high_db)[0]
        start = peak + (int(above[-1]) if len(above) else 0)
        if stop - start < 3:
            start = max(peak, stop - 3)
        if stop - start < 3:
            return None
        slope, at0 = np.polyfit(time[start:stop], level[start:stop], 1)
        return (slope, at0) if slope < 0 else None

    def _noise_floor(self):
        n, rate = self.length, self.rate
        tail = max(1, n // 10)
        self.noise = self.mean(n - tail, n)
        size = int(np.clip(0.02 * rate, 1, max(1, n // 30)))
        noise_db = 10 * np.log10(self.noise + 1e-300)
        line = self._line(size, noise_db + 10, np.inf)
        self.cross, self.slope = n, None
        for _ in range(6):
            if line is None:
                break
            self.slope = line[0]
            cross = (noise_db - line[1]) / line[0]
            self.cross = int(np.clip(cross, 1, n))
            size = int(np.clip(-10 / line[0] / 4, 0.002 * rate, max(0.002 * rate, n // 20)))
            start = int(min(cross - 10 / line[0], n - tail))
            start = int(np.clip(start, 0, n - tail))
            self.noise = self.mean(start, n)
            noise_db = 10 * np.log10(self.noise + 1e-300)
            later = self._line(size, noise_db + 7, noise_db + 27)
            if later is None:
                break
            line = later
        if self.slope is None:
            return
        # no floor if the end still falls as the decay does and lies on its line: then the file was cut before the noise
        span = int(np.clip(-6.0 / self.slope, tail, 0.4 * n))
        half = span // 2
        drop = 10 * np.log10((self.mean(n - span, n - half) + 1e-300) / (self.mean(n - half, n) + 1e-300))
        expected = -self.slope * (span - half)
        above = 10 * np.log10(self.mean(n - span, n) + 1e-300) - np.polyval(line, n - span / 2)
        if expected > 0.7 and drop > 0.5 * expected and above < 4.0:
            self.noise, self.cross = 0.0, n

    def _energy_decay(self):
        cross = self.cross
        clean = self.sum[: cross + 1] - self.noise * np.arange(cross + 1)
        rest = 0.0
        if self.slope is not None:
            span = int(min(-10.0 / self.slope, 0.5 * cross))
            fall = 10 ** (-self.slope * span / 10)
            rest = max(0.0, (clean[cross] - clean[cross - span]) / (fall - 1)) if fall > 1.01 else 0.0
        self.energy = clean[cross] + rest
        self.early = lambda seconds: clean[min(cross, int(round(seconds * self.rate)))]
        if self.energy <= 0:
            self.edc_db, self.range_db = None, 0.0
            return
        remaining = np.maximum(self.energy - clean[:-1], 1e-30 * self.energy)
        self.edc_db = 10 * np.log10(remaining / self.energy)
        # the decay's own level where it sinks into the noise (or the file ends): what lies below has no measured slope
        size = max(1, int(min(0.01 * self.rate, self.length // 10)))
        floor = self.noise if self.noise > 0 else self.mean(self.length - size, self.length)
        peak_db = 10 * np.log10(self._blocks(size)[1].max() / (floor + 1e-300))
        self.range_db = float(min(-self.edc_db[-1], peak_db, 200.0))

    def time(self, top_db, bottom_db):
        """Seconds to 60 dB of the line through the decay between two levels; None where it does not get there."""
        if self.edc_db is None or self.edc_db[-1] > bottom_db:
            return None
        a = int(np.argmax(self.edc_db <= top_db)) if top_db < 0 else 0
        b = int(np.argmax(self.edc_db <= bottom_db))
        if b - a < 4:
            return None
        index = np.unique(np.linspace(a, b, min(b - a + 1, 4000)).astype(int))
        slope = np.polyfit(index / self.rate, self.edc_db[index], 1)[0]
        return float(-60.0 / slope) if slope < 0 else None

    def values(self):
        ok = self.energy > 0
        early80, early50 = self.early(0.08), self.early(0.05)
        late = self.energy - early80
        return {
            "t30_s": self.time(-5, -35),
            "t20_s": self.time(-5, -25),
            "edt_s": self.time(0, -10),
            "c80_db": float(10 * np.log10(early80 / late)) if ok and late > 0 and early80 > 0 else None,
            "d50": float(early50 / self.energy) if ok else None,
            "level_db": float(10 * np.log10(self.energy / self.rate)) if ok else None,
            "range_db": self.range_db,
            "noise_start_s": self.cross / self.rate,
        }


def analyse(signal, start, rate, bands_hz, fraction):
    out = []
    for hz in bands_hz:
        sos = band_sos(hz, fraction, rate)
        if sos is None:
            out.append(None)
            continue
        out.append(Decay(sosfilt(sos, signal)[start:] ** 2, rate).values())
    return out


def percent(target, fit):
    if target is None:
        return None
    return UNDEFINED_PCT if fit is None else 100.0 * abs(fit / target - 1.0)


def difference(target, fit):
    return None if target is None or fit is None else fit - target


def compare_bands(target, fit, bands_hz):
    rows = []
    for hz, t, f in zip(bands_hz, target, fit):
        if t is None or f is None:
            continue
        key = "t30_s" if t["range_db"] >= 45 and t["t30_s"] else "t20_s" if t["range_db"] >= 35 else None
        rows.append({
            "hz": hz,
            "t_kind": key and key[:3],
            "t_target_s": key and t[key],
            "t_fit_s": key and f[key],
            "t_error_pct": percent(t[key], f[key]) if key else None,
            "edt_error_pct": percent(t["edt_s"], f["edt_s"]) if t["range_db"] >= 20 else None,
            "c80_error_db": difference(t["c80_db"], f["c80_db"]),
            "d50_error": difference(t["d50"], f["d50"]),
            "level_error_db": difference(t["level_db"], f["level_db"]),
            "range_db": t["range_db"],
        })
    return rows


# ------------------------------------------------------------------------------------------------ modes, density, coherence


def late_modes_pct(late, rate):
    """Percent of bins, 200 Hz to 4 kHz, that stand 12 dB above the median of the third octave around them."""
    if len(late) < 0.05 * rate:
        return None
    size = 1 << (len(late) - 1).bit_length()
    fade = min(len(late) // 4, int(0.005 * rate))
    window = np.ones(len(late))
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)
    window[:fade], window[-fade:] = ramp, ramp[::-1]
    power = np.abs(np.fft.rfft(late * window, size)) ** 2
    hz = np.arange(len(power)) * rate / size
    inside = np.nonzero((hz >= 200) & (hz <= 4000))[0]
    width = 2 ** (1 / 6)
    high = np.array([np.median(power[int(i / width) : int(i * width) + 1]) for i in inside])
    return float(100.0 * np.mean(power[inside] > 10**1.2 * high))


def echo_density(x, rate):
    """Normalised echo density, one value a sample (1 in Gaussian noise)."""
    length = 2 * int(0.0125 * rate) + 1
    w = np.hanning(length + 2)[1:-1]
    w /= w.sum()
    power = np.maximum(oaconvolve(x * x, w, mode="same"), 1e-30)
    hop = max(1, int(0.001 * rate))
    centres = np.arange(length // 2, len(x) - length // 2, hop)
    values = [np.sum(w[np.abs(x[c - length // 2 : c + length // 2 + 1]) > math.sqrt(power[c])]) for c in centres]
    return np.asarray(values) / erfc(1 / math.sqrt(2)), centres


def coherence(x, y, rate):
    size = 1 << (len(x) - 1).bit_length()
    a, b = np.fft.rfft(x, size), np.fft.rfft(y, size)
    hz = np.arange(len(a)) * rate / size
    out = []
    for centre in THIRDS_HZ:
        k = (hz >= centre * 2 ** (-1 / 6)) & (hz < centre * 2 ** (1 / 6))
        if centre * 2 ** (1 / 6) > 0.49 * rate or not k.any():
            continue
        cross = np.abs(np.sum(a[k] * np.conj(b[k])))
        out.append(cross / math.sqrt(np.sum(np.abs(a[k]) ** 2) * np.sum(np.abs(b[k]) ** 2) + 1e-300))
    return np.asarray(out)


# -------------------------------------------------------------------------------------------------------------- comparison


def middle(values):
    values = [v for v in values if v is not None]
    return float(np.median(values)) if values else None


def largest(values):
    values = [v for v in values if v is not None]
    return float(np.max(values)) if values else None


def summary(channels):
    """Median and worst over all bands of all channels; the level's shape is taken within a channel."""
    rows = [r for rows in channels for r in rows]
    shapes = []
    for bands in channels:
        levels = [r["level_error_db"] for r in bands if r["level_error_db"] is not None]
        if levels:
            shapes.append(float(np.median(np.abs(np.asarray(levels) - np.mean(levels)))))
    out = {"median": {}, "worst": {}, "level_shape_db": largest(shapes)}
    for key in ("t_error_pct", "edt_error_pct", "c80_error_db", "d50_error", "level_error_db"):
        values = [abs(r[key]) for r in rows if r[key] is not None]
        out["median"][key], out["worst"][key] = middle(values), largest(values)
    out["bands_with_t"] = sum(r["t_error_pct"] is not None for r in rows)
    return out


def compare(target, fit, rate, early_ms):
    """All measures of one pair of [channels, samples] arrays."""
    if target.shape[0] != fit.shape[0]:
        raise ValueError(f"{target.shape[0]} channels in the target, {fit.shape[0]} in the fit")
    t, t0 = prepare(target, rate)
    f, f0 = prepare(fit, rate)
    out = {"rate_hz": rate, "early_ms": early_ms, "channels": target.shape[0], "seconds": t.shape[1] / rate}
    octaves, thirds, offsets, modes_t, modes_f, density_t, density_f, window = [], [], [], [], [], [], [], []
    late_sos = butter(4, [200, 4000], btype="bandpass", fs=rate, output="sos")
    first = int(round(early_ms * 1e-3 * rate))
    for c in range(target.shape[0]):
        octaves.append(compare_bands(*(analyse(s[c], s0, rate, OCTAVES_HZ, 1) for s, s0 in ((t, t0), (f, f0))), OCTAVES_HZ))
        thirds.append(compare_bands(*(analyse(s[c], s0, rate, THIRDS_HZ, 3) for s, s0 in ((t, t0), (f, f0))), THIRDS_HZ))
        whole_t = Decay(t[c, t0:] ** 2, rate)
        whole_f = Decay(f[c, f0:] ** 2, rate)
        offsets.append(10 * math.log10(whole_f.energy / whole_t.energy) if min(whole_f.energy, whole_t.energy) > 0 else None)
        stop = Decay(sosfilt(late_sos, t[c])[t0:] ** 2, rate).cross
        stop = min(stop, t.shape[1] - t0, f.shape[1] - f0)
        window.append(stop / rate)
        late_t, late_f = t[c, t0 + first : t0 + stop], f[c, f0 + first : f0 + stop]
        if len(late_t) >= 0.05 * rate:
            modes_t.append(late_modes_pct(late_t, rate))
            modes_f.append(late_modes_pct(late_f, rate))
            density_t.append(float(np.mean(echo_density(late_t, rate)[0])))
            density_f.append(float(np.mean(echo_density(late_f, rate)[0])))
    out["octave_bands"], out["third_bands"] = octaves, thirds
    out["octaves"], out["thirds"] = summary(octaves), summary(thirds)
    out["level_offset_db"] = max((o for o in offsets if o is not None), key=abs, default=None)
    out["noise_start_s"] = window
    out["late_modes_pct"], out["late_modes_target_pct"] = largest(modes_f), largest(modes_t)
    out["echo_density"], out["echo_density_target"] = middle(density_f), middle(density_t)
    ratios = [a / b for a, b in zip(density_f, density_t)]
    out["echo_density_ratio"] = max(ratios, key=lambda r: abs(r - 1), default=None)
    pairs = [(a, b) for a in range(target.shape[0]) for b in range(a)]
    if pairs:
        stop = int(max(window) * rate)
        gaps = [np.abs(coherence(t[a, t0 : t0 + stop], t[b, t0 : t0 + stop], rate)
                       - coherence(f[a, f0 : f0 + stop], f[b, f0 : f0 + stop], rate)) for a, b in pairs]
        out["coherence_error"] = float(np.max([g.mean() for g in gaps]))
        out["coherence_error_worst"] = float(np.max(gaps))
    else:
        out["coherence_error"] = out["coherence_error_worst"] = None
    return out


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

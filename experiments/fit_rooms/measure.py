"""Acoustic measures of a response and of a pair of responses, for evaluate.py: definitions stand at the top of that file."""

import math

import numpy as np
import soundfile
from scipy.signal import butter, oaconvolve, sosfilt
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

"""Writes the expected values of the oracle tests: an independent reading of the same responses.

    VENV/bin/python generate.py DATA/ir expected_t30.json expected_filters.json

expected_t30.json: decay times of every measured response, by pyrato (RWTH Aachen): Lundeby's intersection time, noise subtracted,
truncation compensated ("Chu and Lundeby"), least squares from -5 to -35 (-25) dB. The bands are filtered by
scipy.signal.butter(3, ..., 'bandpass') at base-2 centres; onset (10 % of the peak) and faded file ends are found by the few lines below. A
value is null where pyrato finds no intersection, or its curve does not fall 45 dB (T20: 35 dB) before the intersection.

expected_filters.json: magnitude and phase of the scipy filters, and the filters' output for an impulse.
"""
import hashlib
import json
import pathlib
import sys
import warnings

import numpy as np
import pyfar
import scipy
import scipy.signal
import soundfile
import pyrato
import pyrato.edc
import pyrato.parameters


def band_edges(bands_per_octave, low, high):
    for k in range(-20, 20):
        centre = 1000.0 * 2.0 ** (k / bands_per_octave)
        if low < centre < high:
            yield centre, centre * 2 ** (-0.5 / bands_per_octave), centre * 2 ** (0.5 / bands_per_octave)


def extent(x, rate):
    onset = int(np.argmax(np.abs(x) >= 0.1 * np.max(np.abs(x))))
    end = int(np.max(np.nonzero(np.abs(x) > 1e-9 * np.max(np.abs(x)))) + 1)
    frame = int(0.02 * rate)
    while end > onset + 15 * frame:
        levels = [np.sqrt(np.mean(x[i - frame:i] ** 2)) for i in range(end, onset + int(0.8 * (end - onset)), -frame)]
        if levels[0] >= 0.25 * np.median(levels):
            break
        end -= frame
    return onset, end


def decay_times(band, rate, centre):
    signal = pyfar.Signal(band[None, :], rate)
    curve = pyrato.edc.energy_decay_curve_chu_lundeby(
        signal, smoothing_parameter=[centre], time_shift=False, channel_independent=True)
    levels = 10 * np.log10(np.abs(curve.time[0]))
    times = {}
    for name, needed in (("T20", 35), ("T30", 45)):
        times[name] = None
        if np.any(np.isfinite(levels)) and np.nanmin(levels) <= -needed:
            value = float(pyrato.parameters.reverberation_time_linear_regression(curve, name)[0])
            times[name] = round(value, 6) if np.isfinite(value) and value > 0 else None
    return times


def channel_values(x, rate):
    onset, end = extent(x, rate)
    bands = []
    for width, per_octave in (("octave", 1), ("third", 3)):
        for centre, low, high in band_edges(per_octave, 120, 8100):
            if high > 0.95 * rate / 2:
                continue
            sos = scipy.signal.butter(3, [low, high], "bandpass", output="sos", fs=rate)
            times = decay_times(scipy.signal.sosfilt(sos, x[onset:end]), rate, centre)
            bands.append({"width": width, "hz": round(centre, 4), "t20_s": times["T20"], "t30_s": times["T30"]})
    return {"onset": onset, "bands": bands}


def filters():
    result = []
    for rate in (16000, 44100, 48000, 96000):
        for width, per_octave in (("octave", 1), ("third", 3)):
            for centre, low, high in band_edges(per_octave, 120, 8100):
                if high > 0.95 * rate / 2:
                    continue
                sos = scipy.signal.butter(3, [low, high], "bandpass", output="sos", fs=rate)
                at = [centre * 2 ** (offset / per_octave) for offset in (-2, -1, -0.5, -0.2, 0, 0.2, 0.5)]
                _, response = scipy.signal.sosfreqz(sos, at, fs=rate)
                impulse = np.zeros(64)
                impulse[0] = 1
                result.append({"rate_hz": rate, "width": width, "hz": centre, "at_hz": at,
                               "real": response.real.tolist(), "imag": response.imag.tolist(),
                               "impulse": scipy.signal.sosfilt(sos, impulse)[[0, 1, 2, 10, 63]].tolist()})
    return result


def main():
    root = pathlib.Path(sys.argv[1])
    warnings.filterwarnings("ignore")
    files = []
    for path in sorted(root.rglob("*.wav")):
        data, rate = soundfile.read(path, always_2d=True)
        files.append({"file": path.relative_to(root).as_posix(), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                      "channels": [channel_values(data[:, c], rate) for c in range(data.shape[1])]})
    made_with = {"numpy": np.__version__, "scipy": scipy.__version__, "pyfar": pyfar.__version__, "pyrato": pyrato.__version__}
    with open(sys.argv[2], "w") as out:
        out.write('{"made_with": ' + json.dumps(made_with) + ', "files": [\n')
        out.write(",\n".join(json.dumps(file, separators=(",", ":")) for file in files) + "\n]}\n")
    with open(sys.argv[3], "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in filters()) + "\n]\n")


if __name__ == "__main__":
    main()

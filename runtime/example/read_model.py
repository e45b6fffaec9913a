#!/usr/bin/env python3
"""read_model.py FILE [WAV]: checks a delay network's hash, works out its impulse response from the formulas of FORMAT.md,
and says how far another one (diffverb-render FILE --impulse 0.05 --out WAV) is from it. Needs numpy and safetensors.
What moves, turns or is not linear is left to the reader."""
import hashlib, json, re, sys
import numpy as np
import safetensors.numpy

path, wav = (sys.argv + [None])[1:3]
file = open(path, "rb").read()
meta = json.loads(file[8:8 + int.from_bytes(file[:8], "little")])["__metadata__"]
zeroed = re.sub(rb'("sha256"\s*:\s*")[0-9a-f]{64}', rb"\g<1>" + b"0" * 64, file, count=1)
assert hashlib.sha256(zeroed).hexdigest() == meta["sha256"], "the file is damaged"
assert (meta["kind"], meta["version"]) == ("delay_network", "1.0"), "only a delay network that stands still"
t = safetensors.numpy.load(file)

sound = open(wav, "rb").read() if wav else b"data    "  # 32-bit float
other = np.frombuffer(sound[sound.find(b"data") + 8:], "<f4").reshape(-1, len(t["C"]))
frames = len(other) or 2400
size = 2 * frames  # of the transform; the radius lets what is later than that fold back at 1e-8
z = 1e8 ** (1 / size) * np.exp(2j * np.pi * np.arange(frames + 1) / size)
powers = z ** -np.arange(3)[:, None]
def cascade(sos): return ((sos[..., :3] @ powers) / (1 + sos[..., 3:] @ powers[1:])).prod(axis=-2).T  # [bin, line]
G = cascade(t["line_sos"]) * z[:, None] ** -t["delays"]
into_lines = np.linalg.inv(np.eye(len(t["A"])) - t["A"] * G[:, None, :]) @ t["B"]
H = cascade(t["output_sos"])[..., None] * (t["C"] @ (G[..., None] * into_lines) + t["D"])
played = (np.fft.irfft(H.sum(axis=2), axis=0) * abs(z[0]) ** np.arange(size)[:, None])[:frames]
early = t["early"].sum(axis=1).T[:frames]
played[:len(early)] += early

print(f"{path}: {len(t['A'])} lines, {frames} samples, peak {abs(played).max():.6f}")
if wav:
    difference = abs(played - other).max() / abs(played).max()
    print(f"difference from {wav}: {difference:.2e} of the peak")
    sys.exit(int(difference > 1e-4))

#!/usr/bin/env python3
"""read_model.py FILE [WAV]: checks a delay network's hash, plays its impulse response by the formulas of FORMAT.md,
and says how far another one (diffverb-render FILE --impulse 0.05 --out WAV) is from it. Needs numpy and safetensors.
What moves, turns or is not linear is left to the reader."""
import hashlib
import json
import re
import sys

import numpy as np
import safetensors.numpy


def filtered(sections, state, x):  # one sample through a cascade, transposed direct form II
    for (b0, b1, b2, a1, a2), s in zip(sections, state):
        y = b0 * x + s[0]
        s[0], s[1] = b1 * x - a1 * y + s[1], b2 * x - a2 * y
        x = y
    return x


def impulse_response(t, frames):
    A, B, C, D, m = t["A"], t["B"], t["C"], t["D"], t["delays"]
    (O, I, L), N = t["early"].shape, len(m)
    u = np.zeros((frames, I)); u[0] = 1
    s, v, y = np.zeros((frames, N)), np.zeros(N), np.zeros((frames, O))
    memory = np.zeros((frames, N))  # what a line has taken in, filtered
    of_lines, of_outputs = np.zeros((N, t["line_sos"].shape[1], 2)), np.zeros((O, t["output_sos"].shape[1], 2))
    for n in range(frames):
        s[n] = [memory[n - m[j], j] if m[j] and n >= m[j] else 0 for j in range(N)]
        waiting = [j for j in range(N) if m[j] == 0]  # filter lines: in the order in which they feed one another
        while waiting:
            j = next(j for j in waiting if not any(A[j, k] and k != j for k in waiting))
            s[n, j] = filtered(t["line_sos"][j], of_lines[j], A[j] @ s[n] + B[j] @ u[n])
            waiting.remove(j)
        v = A @ s[n] + B @ u[n]
        memory[n] = [filtered(t["line_sos"][j], of_lines[j], v[j]) if m[j] else 0 for j in range(N)]
        direct = C @ s[n] + D @ u[n]
        y[n] = [filtered(t["output_sos"][o], of_outputs[o], direct[o]) for o in range(O)]
    y[:L] += t["early"].sum(axis=1).T[:frames]
    return y


def main(path, wav=None):
    file = open(path, "rb").read()
    header = json.loads(file[8:8 + int.from_bytes(file[:8], "little")])
    stated = header["__metadata__"]["sha256"]
    zeroed = re.sub(rb'("sha256"\s*:\s*")' + stated.encode(), rb"\g<1>" + b"0" * 64, file, count=1)
    assert hashlib.sha256(zeroed).hexdigest() == stated, "the file is damaged"
    assert header["__metadata__"]["kind"] == "delay_network" and header["__metadata__"]["version"] == "1.0"
    other = open(wav, "rb").read() if wav else b""
    tensors = safetensors.numpy.load(file)
    other = np.frombuffer(other[other.find(b"data") + 8:], "<f4").reshape(-1, len(tensors["C"])) if wav else None
    played = impulse_response(tensors, len(other) if wav else 2400)
    print(f"{path}: {len(tensors['A'])} lines, {len(played)} samples, peak {abs(played).max():.6f}")
    if wav:
        difference = abs(played - other).max() / abs(played).max()
        print(f"difference from {wav}: {difference:.2e} of the peak")
        sys.exit(int(difference > 1e-4))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Latents and spectrograms of the published NeuralReverberator weights, from the layers' definitions in NumPy; neither
TensorFlow nor diffverb is used.

    python3 generate.py WEIGHTS_FOLDER > expected.json     (encoder.hdf5 and decoder.hdf5 of Keras 2.1.5)

The network is read from the file itself (model_config): which layers, in which order, with which strides and padding.
Convolutions are sums over the kernel's taps, with TensorFlow's padding: of what "same" adds, the odd row or column stands
at the bottom and right. A transposed convolution is the adjoint of the convolution that has its output's size.
"""

import json
import os
import sys

import h5py
import numpy as np


def pads(size, kernel, stride, padding):
    """Size of the output and rows before, of a convolution over `size` rows."""
    if padding == "valid":
        return (size - kernel) // stride + 1, 0
    out = -(-size // stride)
    return out, max((out - 1) * stride + kernel - size, 0) // 2


def taps(big, small, kernel, stride, before):
    """Which rows meet under each tap: tap, slice of small, slice of big."""
    for k in range(kernel):
        first = max(0, -(-(before - k) // stride))
        last = min(small, (big - 1 - k + before) // stride + 1)
        if last > first:
            at = first * stride + k - before
            yield k, slice(first, last), slice(at, at + (last - first - 1) * stride + 1, stride)


def convolve(x, kernel, bias, strides, padding):  # x [F, T, in], kernel [kf, kt, in, out]
    (f, pf), (t, pt) = (pads(x.shape[i], kernel.shape[i], strides[i], padding) for i in (0, 1))
    y = np.zeros((f, t, kernel.shape[3])) + bias
    for i, sf, bf in taps(x.shape[0], f, kernel.shape[0], strides[0], pf):
        for j, st, bt in taps(x.shape[1], t, kernel.shape[1], strides[1], pt):
            y[sf, st] += x[bf, bt] @ kernel[i, j]
    return y


def convolve_transposed(x, kernel, bias, strides, padding):  # kernel [kf, kt, out, in]
    size = [n * s + (max(k - s, 0) if padding == "valid" else 0)
            for n, s, k in zip(x.shape, strides, kernel.shape)]
    before = [pads(n, k, s, padding)[1] for n, k, s in zip(size, kernel.shape, strides)]
    y = np.zeros((size[0], size[1], kernel.shape[2])) + bias
    for i, sf, bf in taps(size[0], x.shape[0], kernel.shape[0], strides[0], before[0]):
        for j, st, bt in taps(size[1], x.shape[1], kernel.shape[1], strides[1], before[1]):
            y[bf, bt] += x[sf, st] @ kernel[i, j].T
    return y


class Network:
    def __init__(self, path):
        self.layers = []
        with h5py.File(path) as file:
            config = json.loads(file.attrs["model_config"])
            for layer in config["config"]["layers"]:
                group = file["model_weights"][layer["name"]]
                weights = [np.array(group[name], dtype=np.float64) for name in group.attrs.get("weight_names", [])]
                self.layers.append((layer["class_name"], layer["config"], weights))
            self.parameters = sum(w.size for _, _, weights in self.layers for w in weights)

    def __call__(self, x):
        for kind, config, weights in self.layers:
            if kind == "Conv2D":
                x = convolve(x, *weights, config["strides"], config["padding"])
            elif kind == "Conv2DTranspose":
                x = convolve_transposed(x, *weights, config["strides"], config["padding"])
            elif kind == "LeakyReLU":
                x = np.where(x > 0, x, config["alpha"] * x)
            elif kind == "BatchNormalization":
                gamma, beta, mean, variance = weights
                x = gamma * (x - mean) / np.sqrt(variance + config["epsilon"]) + beta
            elif kind != "InputLayer":
                raise ValueError(kind)
        return x


def spectrogram(number):
    """A decay that ends at 0, darker over time, with a little noise; the test computes the same numbers."""
    state = number
    out = np.empty((513, 128))
    for f in range(513):
        for t in range(128):
            state = (1664525 * state + 1013904223) % 2**32
            value = 1 - (0.3 + 0.2 * number) * t / 40 - 0.4 * f / 512 * (1 + t / 64) + 0.1 * (state / 2**31 - 1)
            out[f, t] = min(1.0, max(0.0, value))
    return out


folder = sys.argv[1]
encoder, decoder = (Network(os.path.join(folder, name + ".hdf5")) for name in ("encoder", "decoder"))
result = {"numpy": np.__version__, "h5py": h5py.__version__, "encoder_parameters": encoder.parameters,
          "decoder_parameters": decoder.parameters, "encoded": [], "decoded": []}
for number in (1, 2, 3):
    z = encoder(spectrogram(number)[:, :, None]).reshape(-1)
    result["encoded"].append([float("%.9g" % v) for v in z])
for z in ([0, 0, 0], [-2, 1.5, 0.25], [2, 2, -2], [0.5, -1, 1]):
    y = decoder(np.array(z, dtype=np.float64).reshape(1, 1, 3))[:, :, 0]
    rows = list(range(0, 513, 16)) + [1, 509, 510, 511]
    columns = list(range(0, 128, 8)) + [1, 126, 127]
    result["decoded"].append({"z": z, "mean": y.mean(), "mean_square": (y * y).mean(), "rows": rows, "columns": columns,
                              "values": [[float("%.7g" % y[r, c]) for c in columns] for r in rows]})
json.dump(result, sys.stdout)
print()

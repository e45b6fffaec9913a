"""diffverb's solvers, feedback matrices and losses in PyTorch.

    import diffverb                                   # finds build/libdiffverb_ops.so, or $DIFFVERB_OPS
    a = diffverb.orthogonal_exp(s)                    # [N, N] from any [N, N]
    h = diffverb.frequency_response(a, b, c, d, delays, sos, omega)     # [O, I, K] complex, differentiable
    y = diffverb.time_response(a, b, c, d, delays, sos, x)              # [O, T]
    l = diffverb.loss(y[None], target[None], 48000, "edc", "range_db: 60")

Needs the torch wheel that the library was built with (2.11.0 by default). CPU tensors.
"""
import os
import pathlib

import torch

_here = pathlib.Path(__file__).resolve().parent
_places = [os.environ.get("DIFFVERB_OPS"), _here / "libdiffverb_ops.so", _here.parent / "build" / "libdiffverb_ops.so"]
_found = next((str(p) for p in _places if p and os.path.exists(p)), None)
if _found is None:
    raise ImportError("libdiffverb_ops.so not found: build it (scripts/build) or let DIFFVERB_OPS name it")
torch.ops.load_library(_found)
_ops = torch.ops.diffverb

orthogonal_exp = _ops.orthogonal_exp  # s [..., N, N] -> exp(s - s^T)
cayley = _ops.cayley  # s [..., N, N] -> (I - K)(I + K)^-1, K = s - s^T
householder = _ops.householder  # v [..., N] -> I - 2 v v^T / v^T v


def grid(fft_size):
    """The bins of torch.fft.rfft in radians a sample, [fft_size // 2 + 1]."""
    return torch.arange(fft_size // 2 + 1, dtype=torch.float64) * (2 * torch.pi / fft_size)


def frequency_response(a, b, c, d, delays, line_sos=None, omega=None, radius=1.0):
    """C G (I - A G)^-1 B + D at z = radius exp(j omega): [O, I, K], or [R, O, I, K] where all have a batch axis.

    a [N, N], b [N, I], c [O, N], d [O, I] of one type; delays [N] and line_sos [N, S, 5] (b0 b1 b2 a1 a2) float64.
    """
    return _ops.frequency_response(a, b, c, d, delays, _sections(line_sos, delays), omega, radius)


def impulse_response(a, b, c, d, delays, line_sos, fft_size, alias_decay_db=0.0):
    """By an inverse transform of fft_size bins: [.., O, I, fft_size]; tails beyond it alias, damped by alias_decay_db."""
    if fft_size < 2 or not alias_decay_db >= 0:
        raise ValueError(f"impulse_response: fft_size {fft_size}, alias_decay_db {alias_decay_db}: expected >= 2 and >= 0")
    if delays.numel() and delays.max() > fft_size:
        raise ValueError(f"impulse_response: a delay of {float(delays.max())} samples is longer than fft_size, {fft_size}")
    radius = 10 ** (alias_decay_db / 20 / fft_size)
    h = torch.fft.irfft(frequency_response(a, b, c, d, delays, line_sos, grid(fft_size), radius), fft_size)
    return h * (radius ** torch.arange(fft_size, dtype=torch.float64)).to(h.dtype)


def time_response(a, b, c, d, delays, line_sos, x):
    """The network's answer [O, T] to x [I, T], or [R, O, T] where all have a batch axis; delays are whole samples."""
    return _ops.time_response(a, b, c, d, delays, _sections(line_sos, delays), x)


def loss(estimate, target, sample_rate_hz, type, options=""):
    """A loss of `diffverb list losses` between responses [B, C, T]; options are its keys as YAML."""
    return _ops.loss(estimate, target, float(sample_rate_hz), type, options)


def _sections(line_sos, delays):
    return delays.new_zeros(*delays.shape, 0, 5, dtype=torch.float64) if line_sos is None else line_sos

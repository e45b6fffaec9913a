#!/usr/bin/env python3
"""The least error that anything can reach in the synthetic room of simulate.py, where it is known what a room may be.

    python experiments/measure/bound.py [--as-measured-db -23.4]

Its response is Gaussian noise of known variance S(t), and the measurement adds Gaussian noise N(f) to it: what
then is the least mean square error, Wiener's filter reaches,

    e = sum_f sum_t S N / (S + N),   as measured: sum_f sum_t N

with N that rises by 3 dB an octave, as division by an exponential sweep lifts white noise, scaled to the error as
measured.
"""
import argparse

import numpy as np

LOW_HZ, HIGH_HZ, KEPT_S = 30, 16000, 2.02
LONG_S, T60_S, RATE_HZ = 1.5, 1.0, 48000  # rooms.synthetic
LEVEL, DIRECT = 0.05, 0.6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-measured-db", type=float, default=-23.4, help="error of the response with its noise")
    as_measured_db = parser.parse_args().as_measured_db
    hz = np.arange(LOW_HZ, HIGH_HZ, 10.0)[:, None]
    t = np.arange(0, LONG_S, 0.001)[None, :]
    share = (HIGH_HZ - LOW_HZ) / (RATE_HZ / 2)  # of the direct sound's and the noise's energy, which are white
    decay = LEVEL**2 * 10 ** (-6 * t / T60_S)  # S, of one sample
    energy = share * (DIRECT**2 + RATE_HZ * np.sum(decay) * 0.001)
    # Mean over the frequencies of N, summed over the time that is kept, is the energy of the error.
    noise = hz / np.mean(hz) * energy * 10 ** (as_measured_db / 10) / (share * KEPT_S * RATE_HZ)
    least = share * RATE_HZ * 0.001 * np.sum(np.mean(decay * noise / (decay + noise), axis=0))
    least_db = 10 * np.log10(least / energy)
    print(f"as measured {as_measured_db:.1f} dB, at least {least_db:.1f} dB: {as_measured_db - least_db:.1f} dB below")


if __name__ == "__main__":
    main()

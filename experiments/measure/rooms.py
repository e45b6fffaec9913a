"""The rooms of simulate.py: one that is computed, and measured responses."""
import pathlib

import numpy as np
from scipy.io import wavfile

LONGEST_S = 1.9  # of a response, within the gap of 2 s behind a sweep
SYNTHETIC = "synthetic, 1 s"
# What thresholds were chosen on, and what was not used for them.
TUNED = [SYNTHETIC, "otala_listening_room/mic1_speaker1.wav", "bbc_listening_room/BBCRD_LR_M+000.wav"]
HELD_BACK = ["seminar_room/rir_clap.wav", "decayfitnet/singleslope_00006_sh_rirs.wav",
             "bbc_listening_room/BBCRD_LR_U-045.wav", "emt140_plate/emt_140_medium_5.wav",
             "surrey_room_a/UniS_Room_A_BRIR_16k.sofa"]


def synthetic(rate=48000):
    """A direct sound, then Gaussian noise that decays by 60 dB in a second."""
    t = np.arange(int(1.5 * rate)) / rate
    out = np.random.default_rng(1).standard_normal(len(t)) * 10 ** (-3 * t) * 0.05
    out[0] = 0.6
    return rate, out


def read_wav(path):
    """The rate and the first channel."""
    rate, sound = wavfile.read(path)
    if sound.dtype.kind == "i":
        sound = sound / float(2 ** (8 * sound.dtype.itemsize - 1))
    return rate, np.asarray(sound, dtype=float).reshape(len(sound), -1)[:, 0]


def read_sofa(path):
    """The rate and the left ear's response to the source in front."""
    import pyfar

    responses, sources, _ = pyfar.io.read_sofa(path, verify=False)
    return int(responses.sampling_rate), responses.time[np.argmin(np.abs(np.sin(sources.azimuth / 2))), 0]


def room(name, folder):
    """Rate and response, from 1 ms before its direct sound; nothing where the folder does not hold it."""
    if name == SYNTHETIC:
        return synthetic()
    path = pathlib.Path(folder or "") / name
    if not folder or not path.exists():
        return None
    rate, response = read_sofa(path) if path.suffix == ".sofa" else read_wav(path)
    begin = max(0, np.argmax(np.abs(response) >= 0.1 * np.max(np.abs(response))) - rate // 1000)
    return rate, response[begin : begin + round(LONGEST_S * rate)]

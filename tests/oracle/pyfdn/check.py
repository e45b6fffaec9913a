"""Both ways, by hand, with the program that was built: prints the largest difference of each, relative to the peak.

    venv/bin/python check.py ../../../build/diffverb [WEIGHTS.safetensors ...]

From pyFDN: all presets of the installed package and networks/*.json, played by the program and by process_fdn. To pyFDN:
the same written again by `diffverb export`, and the weights that are named, exported with --format pyfdn, loaded and
played by pyFDN, against what the program plays of the original; where the export leaves something out, which is then
printed, of the exported file.
"""

import pathlib
import subprocess
import sys
import tempfile
from importlib.resources import files

import numpy as np
import pyFDN
import soundfile

SECONDS = 2.0


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stderr


def noise(channels, frames, seed):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels)).astype(np.float32)


def difference(program, model, build, folder):
    """The program's sound of `model` against process_fdn's of `build`: a burst of noise and its tail."""
    inputs = build.B.shape[1]
    frames = int(SECONDS * build.fs)
    dry = np.zeros((frames, inputs), np.float32)
    dry[:4000] = noise(inputs, 4000, 1)
    soundfile.write(folder / "dry.wav", dry, int(build.fs), subtype="FLOAT")
    run(program, "render", model, "--in", folder / "dry.wav", "--tail", 0, "--out", folder / "wet.wav")
    ours, _ = soundfile.read(folder / "wet.wav", always_2d=True)
    theirs = pyFDN.process_fdn(dry.astype(float), build).reshape(frames, -1)
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def load(path):
    try:
        return pyFDN.load_fdn_preset(path).build
    except ValueError:
        return pyFDN.load_fdn_build(path)


def main():
    program = sys.argv[1]
    presets = pathlib.Path(str(files("pyFDN.resources"))) / "presets" / "colorless_FDN"
    own = sorted((pathlib.Path(__file__).parent / "networks").glob("[!c]*.json"))
    worst = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for path in sorted(presets.glob("*.json")) + own + [pathlib.Path(w) for w in sys.argv[2:]]:
            read = difference(program, path, load(path), folder) if path.suffix == ".json" else float("nan")
            messages = run(program, "export", path, "--format", "pyfdn", "--out", folder / "again.json")
            again = load(folder / "again.json")
            whole = "no place for" not in messages
            written = difference(program, path if whole else folder / "again.json", again, folder)
            worst = [max(worst[0], 0 if np.isnan(read) else read), max(worst[1], written)]
            print(f"{path.name:28s} read {read:8.1e}   written {written:8.1e}", "" if whole else messages.strip())
    print(f"largest: read {worst[0]:.1e}, written {worst[1]:.1e}")


if __name__ == "__main__":
    main()

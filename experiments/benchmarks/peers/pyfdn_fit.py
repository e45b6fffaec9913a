"""A whole fit of a measured response by pyFDN, as in its example train_fdn_to_rir, timed: the peer of `diffverb bench fit`.

    echo go | python pyfdn_fit.py --response room.wav

Prints the version, then a line of JSON for each line that it reads: time, steps, first and last loss of a fit that reads
the file, builds the network (flat 1 s decay, orthogonal matrix, first-order shelves in the loop and behind the output),
matches its energy, trains all but the delays in float64, and writes the network and its response as long as the file.
"""
import argparse
import json
import os
import sys
import tempfile
import time

import numpy
import pyFDN
import soundfile
import torch

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--response", required=True, help="mono WAV")
parser.add_argument("--out", help="folder for build.json and ir.wav")
parser.add_argument("--lines", type=int, default=16)
parser.add_argument("--steps", type=int, default=300)
parser.add_argument("--nfft", type=int, default=2**16)
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
args = parser.parse_args()
torch.set_num_threads(args.threads)


def trainable(build, fs):
    kind = dict(design="first_order_shelf", nfft=args.nfft, device="cpu", dtype=torch.float64)
    return pyFDN.trainable_from_build(
        build,
        trainable=pyFDN.Trainable(direct=True),
        post_delay=pyFDN.AttenuationFilter(1.0, build.delays, fs, rt_nyquist=1.0, **kind),
        post_output=pyFDN.OutputEQ(0.0, 1, fs, **kind),
        nfft=args.nfft,
        device="cpu",
        dtype=torch.float64,
    )


def fit(out):
    response, fs = soundfile.read(args.response)
    response = response[int(numpy.argmax(numpy.abs(response))) :]
    scale = numpy.linalg.norm(response)
    response = response / scale
    delays = pyFDN.sample_delay_lengths(
        args.lines, (700, 2500), distribution="geometric", coprime=True, sort=True, rng=1
    )
    build = pyFDN.fdn_build_gallery(
        delays=delays, fs=fs, io_type="normalized", direct_gain=0.0, rt=1.0, rt_nyquist=1.0, rng=0
    )
    model = trainable(build, fs)
    start = pyFDN.model_response(model).h.detach().numpy().ravel()
    with torch.no_grad():
        pyFDN.param(model, "output_gain").raw().mul_(
            float(numpy.linalg.norm(response[: args.nfft]) / numpy.linalg.norm(start))
        )
    loss = pyFDN.MatchCumulativeEnergy(response, window=1024, power=0.5, frequency="both")
    log = pyFDN.train_fdn(
        model, loss, max_steps=args.steps, lr=3e-2, patience=100, device="cpu", dtype=torch.float64, rng=0
    )
    fitted = pyFDN.extract_build(model)
    pyFDN.save_fdn_build(os.path.join(out, "build.json"), fitted)
    impulse = numpy.zeros(len(response))
    impulse[0] = 1
    played = pyFDN.process_fdn(impulse, fitted) * scale
    soundfile.write(os.path.join(out, "ir.wav"), played, int(fs), subtype="FLOAT")
    return {"steps": log.steps_run, "loss": [log.train_loss[0], log.train_loss[-1]]}


from importlib.metadata import version

print(f"{version('pyFDN')} (FLAMO {version('flamo')}, PyTorch {torch.__version__})", flush=True)
for line in sys.stdin:
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        answer = fit(args.out or folder)
        answer["ms"] = 1e3 * (time.perf_counter() - begin)
    print(json.dumps(answer), flush=True)

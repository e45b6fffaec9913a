"""The images of a room by pyroomacoustics, timed: the peer of `diffverb bench image_source`.

    echo go | python image_source.py

Prints the version, then a line of JSON for each line that it reads: the time of a run and the number of images; "keep"
also writes the response, as timed and exact, beside the path of --keep.

image_source_model() finds the images and what they have lost, compute_rir() adds them up. The high-pass, which ours does
not have here, is off; its response comes 40 samples late. compute_rir() rounds times of arrival to float32, which alone
costs 4e-4 of the largest sample here: results are compared to 1e-4 with the same images through its own kernel in double
precision (outside the time), and to 1e-3 with what was timed.
"""
import argparse
import json
import sys
import time

import numpy
import pyroomacoustics as pra
from pyroomacoustics import libroom

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--keep", default="image_source")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--order", type=int, default=80)
parser.add_argument("--rate", type=int, default=48000)
parser.add_argument("--absorption", type=float, default=0.1)
args = parser.parse_args()

pra.constants.set("rir_hpf_enable", False)
pra.constants.set("num_threads", args.threads)
print(pra.__version__, flush=True)
for line in sys.stdin:
    room = pra.ShoeBox([6, 5, 3], fs=args.rate, max_order=args.order, materials=pra.Material(args.absorption))
    room.add_source([2.0, 3.1, 1.5])
    room.add_microphone([4.5, 1.7, 1.2])
    start = time.perf_counter()
    room.image_source_model()
    room.compute_rir()
    ms = 1e3 * (time.perf_counter() - start)
    images = room.sources[0]
    if line.strip() == "keep":
        distance = numpy.linalg.norm(images.images.astype(float) - numpy.array([[4.5], [1.7], [1.2]]), axis=0)
        exact = numpy.zeros(len(room.rir[0][0]) + 2)
        arrival_s = distance / room.c + 40 / args.rate
        libroom.rir_builder(exact, arrival_s, images.damping[0] / distance, args.rate, 81, 20, args.threads)
        for name, rir in (("timed", room.rir[0][0]), ("exact", exact)):
            numpy.asarray(rir[40:], numpy.float32).tofile(args.keep + "." + name)
    print(json.dumps({"ms": ms, "images": images.images.shape[1]}), flush=True)

"""Tables of the signs that run.sh found: how often in measured responses, and where in known and rendered ones."""
import json
import pathlib
import sys

BAD = ["metallic", "grainy", "periodic", "muddy", "band_prominent", "ringing"]
GOOD = ["no_echo", "lows_extend", "highs_soft", "keeps_stereo", "energy_evens_out"]


def channels(path):
    return [{s["sign"]: s for s in c["signs"]} for c in json.loads(path.read_text())["channels"]]


def set_of(path):
    """The folder that a response was measured in: run.sh puts its name before the file's."""
    return path.name.split("_", 1)[0] if path.name.startswith(("arni", "decayfitnet")) else "_".join(path.name.split("_")[:2])


def share(found):
    known = [f for f in found if f is not None]
    return f"{sum(known)}/{len(known)}" if known else "-"


out = pathlib.Path(sys.argv[1])
rooms = {}
for path in sorted((out / "measured").glob("*.json")):
    rooms.setdefault(set_of(path), []).extend(channels(path))
print("| measured | channels | " + " | ".join(BAD + GOOD) + " |")
print("|---|---|" + "---|" * len(BAD + GOOD))
everything = [c for name, all in rooms.items() if "plate" not in name for c in all]
for name, all in [*rooms.items(), ("all but the plate", everything)]:
    print(f"| {name} | {len(all)} | " + " | ".join(share([c[s]["found"] for c in all]) for s in BAD + GOOD) + " |")

for kind in ("bad", "reverbs"):
    print(f"\n| {kind} | " + " | ".join(BAD + GOOD) + " |")
    print("|---|" + "---|" * len(BAD + GOOD))
    for path in sorted((out / kind).glob("*.json")):
        first = channels(path)[0]
        cells = []
        for sign in BAD + GOOD:
            one = first[sign]
            value = "-" if one["value"] is None else f"{one['value']:.2g}"
            cells.append(f"**{value}**" if one["found"] and one["kind"] == "bad" or one["found"] is False and one["kind"] == "good"
                         else value)
        print(f"| {path.stem} | " + " | ".join(cells) + " |")

"""A Markdown table of the fits that run.sh left: medians over the rooms, worst T over all of them."""
import json
import pathlib
import re
import statistics
import sys


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else float("nan")


def engine_ms(run):
    """Milliseconds of one core for a second of sound, from what bench_engine printed; none where it was not built."""
    said = re.search(r"([0-9]+) x real time", run.with_name(run.name + ".engine").read_text()) if run.with_name(run.name + ".engine").exists() else None
    return 1000 / float(said.group(1)) if said else None


rows = []
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    done = [run for run in sorted(folder.iterdir()) if (run / "metrics.json").exists()]
    runs = [json.loads((run / "metrics.json").read_text()) for run in done]
    if not runs:
        continue
    rows.append((median([m["median"]["t_error_pct"] for m in runs]), folder.name, len(runs),
                 median([m["median"]["edt_error_pct"] for m in runs]), median([m["median"]["c80_error_db"] for m in runs]),
                 max(m["worst"]["t_error_pct"] or 0 for m in runs), median([m["level_shape_db"] for m in runs]),
                 median([m["echo_density"] for m in runs]), median([m["late_modes_pct"] for m in runs]),
                 median([m["parameters"] for m in runs]), median([engine_ms(run) for run in done]),
                 median([m["seconds"] for m in runs])))
print("| structure | rooms | T % | worst T % | EDT % | C80 dB | level dB | echo density | late modes % | numbers | engine ms/s | fit s |")
print("|---|---|---|---|---|---|---|---|---|---|---|---|")
for t, name, count, edt, c80, worst, level, density, modes, numbers, cost, seconds in sorted(rows):
    print(f"| {name} | {count} | {t:.1f} | {worst:.0f} | {edt:.1f} | {c80:.2f} | {level:.2f} | {density:.2f} | {modes:.2f} | "
          f"{numbers:.0f} | {cost:.1f} | {seconds:.1f} |")

"""A Markdown table of the fits that run.sh left: medians over the rooms of each run's median over octaves, as shares of what is
just noticeable too (T and EDT 5 %, C80 1 dB)."""
import json
import pathlib
import statistics
import sys


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else float("nan")


rows = []
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    runs = [json.loads((run / "metrics.json").read_text()) for run in sorted(folder.iterdir()) if (run / "metrics.json").exists()]
    if not runs:
        continue
    of_bands = lambda key: median([m["median"][key] for m in runs])
    noticed = lambda key: median([m["jnd"][key] for m in runs])
    rows.append((noticed("t") + noticed("edt") + noticed("c80"), folder.name, len(runs), of_bands("t_error_pct"), noticed("t"),
                 of_bands("edt_error_pct"), noticed("edt"), of_bands("c80_error_db"), noticed("c80"),
                 median([m["level_shape_db"] for m in runs]), median([abs(m["level_offset_db"]) for m in runs]),
                 median([m["echo_density"] - m["echo_density_target"] for m in runs]),
                 median([m["late_modes_pct"] - m["late_modes_target_pct"] for m in runs]),
                 median([m["coherence_error"] for m in runs]), median([m["seconds"] for m in runs])))
print("| losses | rooms | T % | jnd | EDT % | jnd | C80 dB | jnd | colour dB | level dB | echo density | late modes % | coherence | fit s |")
print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
for _, name, count, t, t_jnd, edt, edt_jnd, c80, c80_jnd, colour, level, density, modes, coherence, seconds in sorted(rows):
    print(f"| {name} | {count} | {t:.1f} | {t_jnd:.2f} | {edt:.1f} | {edt_jnd:.2f} | {c80:.2f} | {c80_jnd:.2f} | {colour:.2f} | "
          f"{level:.2f} | {density:+.2f} | {modes:+.2f} | {coherence:.2f} | {seconds:.1f} |")

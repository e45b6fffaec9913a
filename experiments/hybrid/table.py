"""The held-back figures of experiments/hybrid/run.sh as a table: python3 table.py OUT"""
import json
import sys
from pathlib import Path

out = Path(sys.argv[1])
order = ["fdn", "linear_network", "linear_fir", "nonlinear", "hybrid_neural", "hybrid_fit"]
print("| space | model | NMSE, dB | log-spectral distance, dB | numbers | fit s |\n|---|---|---|---|---|---|")
for space in ("plate", "spring", "speaker"):
    for name in order:
        path = out / space / name / "metrics.json"
        if not path.exists():
            continue
        m = json.loads(path.read_text())
        held = m["held_back"]
        print(f"| {space} | {name} | {held['nmse_db']:.1f} | {held['log_spectral_distance_db']:.1f} "
              f"| {m['parameters']} | {m['seconds']:.0f} |")

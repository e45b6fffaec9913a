"""Draws what `diffverb bench growth --json` measured: milliseconds over the size that grows, both logarithmic, ours and
the peer's.

    build/diffverb bench growth --json > growth.json
    python3 experiments/benchmarks/plot.py growth.json experiments/benchmarks/growth.svg

Needs nothing but Python.
"""
import json
import math
import re
import sys

# name of the rows: title, the size that grows, what stands still
PANELS = [
    ("growth_lines", "frequency solver", "N", "delay lines", "48,001 bins"),
    ("growth_bins", "frequency solver", "K", "bins", "16 lines"),
    ("growth_networks", "frequency solver", "R", "networks at once", "8 lines, 24,001 bins"),
    ("growth_time_lines", "time solver", "N", "delay lines", "96,000 samples"),
    ("growth_time_samples", "time solver", "T", "samples", "16 lines"),
    ("growth_time_networks", "time solver", "R", "networks at once", "8 lines, 24,000 samples"),
]
WIDTH, HEIGHT, COLUMNS, TOP = 300, 250, 3, 30
LEFT, RIGHT, HEAD, FOOT = 48, 12, 34, 40
OURS, PEER, INK, GRID = "#1f6fb4", "#c2571a", "#444", "#ddd"


def points(results, name, letter):
    rows = []
    for row in results:
        if row["name"] == name:
            size = re.search(rf"\b{letter}=(\d+)", row["size"])
            rows.append((int(size.group(1)) if size else 1, row["ours_ms"], row["peer_ms"], row["peer"]))
    return sorted(rows, key=lambda r: r[0])


def label(value):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:g}"


def panel(rows, title, axis, still, x0, y0):
    values = [v for r in rows for v in r[1:3] if v is not None]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.log10(rows[0][0]), math.log10(rows[-1][0])
    inner_w, inner_h = WIDTH - LEFT - RIGHT, HEIGHT - HEAD - FOOT

    def at(size, ms):
        x = x0 + LEFT + inner_w * (math.log10(size) - first) / (last - first)
        return x, y0 + HEAD + inner_h * (high - math.log10(ms)) / (high - low)

    out = [f'<text x="{x0 + LEFT}" y="{y0 + 14}" font-weight="bold">{title}</text>',
           f'<text x="{x0 + LEFT}" y="{y0 + 27}">{still}</text>']
    for power in range(low, high + 1):
        y = at(rows[0][0], 10.0**power)[1]
        out.append(f'<path d="M{x0 + LEFT} {y:.1f}h{inner_w}" stroke="{GRID}"/>')
        out.append(f'<text x="{x0 + LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for size, *_ in rows:
        x = at(size, values[0])[0]
        out.append(f'<path d="M{x:.1f} {y0 + HEAD}v{inner_h}" stroke="{GRID}"/>')
        out.append(f'<text x="{x:.1f}" y="{y0 + HEAD + inner_h + 14}" text-anchor="middle">{label(size)}</text>')
    out.append(f'<text x="{x0 + LEFT + inner_w / 2:.1f}" y="{y0 + HEIGHT - 12}" text-anchor="middle">{axis}</text>')
    for column, colour in ((2, PEER), (1, OURS)):
        line = [at(r[0], r[column]) for r in rows if r[column] is not None]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in line)
        if line:
            out.append(f'<path d="M{path}" stroke="{colour}" stroke-width="2" fill="none"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in line]
    peer = next((r[3] for r in rows if r[3]), None)
    if peer:
        out.append(f'<text x="{x0 + LEFT + 4}" y="{y0 + HEAD + 13}" fill="{PEER}">{peer}</text>')
    return out


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    measured = json.load(open(sys.argv[1]))
    width, height = COLUMNS * WIDTH, TOP + math.ceil(len(PANELS) / COLUMNS) * HEIGHT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
           f'font-size="11" fill="{INK}">', f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="{LEFT}" y="18">Milliseconds, output and gradient; <tspan fill="{OURS}">diffverb</tspan> and '
           f'<tspan fill="{PEER}">the peer</tspan>. {measured["machine"]}</text>']
    for k, (name, title, letter, axis, still) in enumerate(PANELS):
        rows = points(measured["results"], name, letter)
        if len(rows) < 2:
            sys.exit(f"{sys.argv[1]}: no rows of {name}; expected what `diffverb bench growth --json` prints")
        out += panel(rows, title, axis, still, k % COLUMNS * WIDTH, TOP + k // COLUMNS * HEIGHT)
    with open(sys.argv[2], "w") as file:
        file.write("\n".join(out + ["</svg>"]) + "\n")


if __name__ == "__main__":
    main()

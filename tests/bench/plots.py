"""The plots of docs/performance.md, as SVG."""

import pathlib

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

plt.rcParams.update({
    "svg.hashsalt": "gracekeeper", "font.size": 10, "axes.grid": True, "grid.alpha": 0.3, "axes.spines.top": False,
    "axes.spines.right": False, "figure.facecolor": "white", "legend.frameon": False})
COLOURS = {"ceiling": "#8c8c8c", "gracekeeper": "#1f6feb", "peer": "#d1603d"}


def save(figure, path):
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    # Matplotlib leaves blanks at line ends.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def growth(folder, measured):
    """One file: cost against size, containers and connections, each with a line of proportional cost."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for axis, kind, scale, label in ((axes[0], "bytes", 1000, "review in KB"),
                                     (axes[1], "containers", 1, "containers in the pod")):
        x = [point / scale for point, _ in measured[kind]]
        y = [rounds.median("cpu") for _, rounds in measured[kind]]
        axis.loglog(x, y, "o-", color=COLOURS["gracekeeper"], label="measured")
        # What is fixed, and what each unit costs, through the ends.
        unit = (y[-1] - y[0]) / (x[-1] - x[0])
        axis.loglog(x, [y[0] + unit * (at - x[0]) for at in x], "--", color=COLOURS["ceiling"], label="linear")
        axis.set(xlabel=label, ylabel="CPU time per request in µs", title=f"Cost by {label.split(' in ')[0]}")
        axis.legend()
    axis = axes[2]
    x = [point for point, _ in measured["connections"]]
    axis.semilogx(x, [rounds.median("rate") for _, rounds in measured["connections"]], "o-",
                  color=COLOURS["gracekeeper"], base=2, label="requests per second")
    axis.set(xlabel="connections", ylabel="requests per second", title="Rate by connections", ylim=(0, None))
    axis.set_xticks(x, [str(point) for point in x])
    second = axis.twinx()
    second.semilogx(x, [rounds.median("cpu") for _, rounds in measured["connections"]], "s--",
                    color=COLOURS["peer"], base=2, label="CPU time per request")
    second.set(ylabel="CPU time per request in µs", ylim=(0, None))
    second.grid(False)
    second.set_xticks(x, [str(point) for point in x])
    handles = [*axis.get_legend_handles_labels()[0], *second.get_legend_handles_labels()[0]]
    axis.legend(handles, [handle.get_label() for handle in handles], loc="lower right")
    save(figure, pathlib.Path(folder) / "growth.svg")


def servers(folder, results):
    """One file: rate and p99 of the three servers, with the spread over the rounds."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    situations = list(results)
    names = [name for name in COLOURS if name in results[situations[0]]]
    for axis, what, title in ((axes[0], "rate", "Requests per second, one core"),
                              (axes[1], "p99", "99th percentile in ms")):
        for at, name in enumerate(names):
            spreads = [results[situation][name].spread(what) for situation in situations]
            places = [index + (at - (len(names) - 1) / 2) * 0.27 for index in range(len(situations))]
            middle = [spread[1] for spread in spreads]
            bars = axis.bar(places, middle, 0.25, color=COLOURS[name], label=name, yerr=[
                [spread[1] - spread[0] for spread in spreads], [spread[2] - spread[1] for spread in spreads]],
                error_kw={"elinewidth": 1, "alpha": 0.6})
            axis.bar_label(bars, [f"{value:,.0f}" if what == "rate" else f"{value:.1f}" for value in middle],
                           fontsize=7, padding=2)
        axis.set_xticks(range(len(situations)), [f"{connections} connections" + (",\nAccept-Encoding: gzip" if gzip else "")
                                                for connections, gzip in situations], fontsize=8)
        axis.set(title=title)
        axis.grid(axis="x", visible=False)
    axes[0].legend()
    save(figure, pathlib.Path(folder) / "servers.svg")

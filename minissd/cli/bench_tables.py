"""The tables of `minissd bench`: what is asked first, by measure, then what only explains."""

from rich.box import HORIZONTALS

from minissd.bench import Growth
from minissd.bench.figures import FASTEST, MEMORY, OWN_TIME, PYTORCH, SPEED
from minissd.bench.timing import fewer
from minissd.cli.console import console, print_table, simple_table

VERDICTS = {
    "stretch": "[bold green]reached[/]",
    "reached": "[green]reached[/]",
    "missed": "[red]missed[/]",
    None: "",
}
MEASURES = {  # title of a table -> the measure of `bench.figures` that it is about
    "time beside PyTorch": SPEED.title,
    "time beside the fastest of all": FASTEST.title,
    "memory beside PyTorch": MEMORY.title,
    "minissd alone": OWN_TIME.title,  # and OWN_RATE's
}


def print_results(results, record):
    """results: name of a benchmark -> list of Figure or Growth; record: of `make_record`."""
    machine, versions, repeat = record["machine"], record["versions"], record["repeat"]
    card = machine.get("card")
    console.print(
        f"{card['name'] + ', CuPy ' + card['cupy'] + ', ' if card else ''}"
        f"{machine['cpu']}, {machine['threads']} threads, NumPy {versions['numpy']}, "
        f"PyTorch {versions['torch'] or 'not installed'}{_share(machine['others_during'])}; medians of {repeat}, "
        f"of slow work {fewer(repeat)}",
        soft_wrap=True,
    )
    everything = [result for of_one in results.values() for result in of_one]
    growths = [result for result in everything if isinstance(result, Growth)]
    if results.get("layers"):
        print_layers(results["layers"])
    if growths:
        print_growths(growths)
    shown_already = [*growths, *results.get("layers", ())]
    others = [result for result in everything if result not in shown_already and not result.goal]
    if others:
        print_others(others)
    asked = [result for result in everything if result not in growths and result.goal]
    for title, measure in MEASURES.items():
        figures = [figure for figure in asked if figure.goal.measure.title == measure]
        if figures:
            print_figures(title, figures)


def _share(others):
    return "" if others is None else f"; others took {others:.0%} of the cores"


def print_figures(title, figures):
    """Figures that have a goal, of one measure: in 80 columns, whatever the number of peers."""
    measure = figures[0].goal.measure.title
    alone = measure == OWN_TIME.title
    peers = [] if alone else list(dict.fromkeys([PYTORCH, *(name for one in figures for name in one.beside)]))
    between = () if alone else (*peers, "ratio")
    table = simple_table("work", "minissd", *between, "required", "stretch")
    table.box, table.padding = HORIZONTALS, (0, 1, 0, 0)
    for column in table.columns[1:]:
        column.no_wrap = True
    for figure in figures:
        own_unit = figure.unit if alone else ""
        theirs = (amount(figure.beside.get(name, (None,))[0], own_unit) for name in peers)
        beside = () if alone else (*theirs, "" if figure.score is None else f"{figure.score:.2f}")
        required, stretch = (
            bound(figure.goal, value, own_unit) for value in (figure.goal.required, figure.goal.stretch)
        )
        if figure.verdict == "stretch":
            stretch += f"\n{VERDICTS['reached']}"
        else:
            required += f"\n{VERDICTS[figure.verdict]}"
        table.add_row(figure.work, amount(figure.ours, own_unit), *beside, required, stretch)
    print_table(title if alone else f"{title}, in {figures[0].unit}; ratio: {measure}", table)


def print_others(figures):
    """Figures of which nothing is asked."""
    table = simple_table("work", "minissd", "PyTorch")
    for figure in figures:
        table.add_row(figure.work, amount(figure.ours, figure.unit), amount(figure.peer[0], figure.unit))
    print_table("measured beside", table)


def print_growths(growths):
    """A row for each: the cost of a unit at every size, and how the time grows."""
    table = simple_table("work", "sizes", "minissd, cost of each", "slope", "PyTorch's\nslope", "required", "")
    for growth in growths:
        costs = growth.per_unit(growth.ours)
        per_unit = "  ".join(f"{cost / 1e3:.1f}" if growth.unit == "image" else f"{cost:.3f}" for cost in costs)
        table.add_row(
            growth.work,
            "  ".join(map(str, growth.sizes)),
            f"{per_unit} {'ms/image' if growth.unit == 'image' else 'µs/pixel'}",
            f"{growth.score:.2f}",
            f"{growth.slope(growth.peer):.2f}" if growth.peer else "",
            bound(growth.goal, growth.goal.required),
            VERDICTS[growth.verdict],
        )
    print_table("cost against size", table)


def print_layers(figures):
    """Time and rate of every layer, the matrix product first."""
    table = simple_table("forward, one image", "minissd\nms", "PyTorch\nms", "minissd\nGF/s", "PyTorch\nGF/s")
    for figure in figures:
        theirs, _ = figure.peer
        times = (f"{time:.2f}" if time else "" for time in (figure.ours, theirs))
        rates = (f"{rate:.0f}" if rate else "" for rate in figure.rates())
        table.add_row(figure.work, *times, *rates)
    print_table("layer by layer", table)


def amount(value, unit):
    """ "12.3 ms", or without a unit "12.3"; "" for None."""
    if value is None:
        return ""
    return (f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}").rstrip()


def bound(goal, value, unit=""):
    """ ">= 1.15"; "" for None."""
    return "" if value is None else f"{goal.measure.sign} {value:g} {unit}".rstrip()

"""The tables of `minissd ablate`: every variant with mean and spread, then what became of the claims."""

from math import isnan
from statistics import fmean

from minissd.ablation.outcome import OPPOSITE, SUPPORTED
from minissd.cli.console import print_table, simple_table

STYLES = {SUPPORTED: "green", OPPOSITE: "red"}  # what is neither is yellow


def print_outcomes(outcomes):
    for outcome in outcomes:
        print_table(outcome.claim, variants_table(outcome))
    table = simple_table("claim", "difference", "spread", "")
    for outcome in outcomes:
        table.add_row(f"[bold]{outcome.claim}[/]")
        for verdict in outcome.verdicts:
            word = f"[{STYLES.get(verdict.word, 'yellow')}]{verdict.word}[/]"
            amounts = (amount(value, outcome.unit) for value in (verdict.difference, verdict.spread))
            table.add_row(f"  {compared(verdict)}", *amounts, word)
    print_table("what the SSD paper claims, and what is seen here", table)


def variants_table(outcome):
    """A row for each variant; columns that say nothing about this experiment are left out."""
    trained, boxes = bool(outcome.recalls), bool(outcome.boxes)
    columns = [outcome.unit, "each run", *["recall"] * trained, *["default boxes"] * boxes]
    table = simple_table("", *columns)
    for name, values in outcome.values.items():
        row = [
            f"{number(fmean(values), outcome.unit)} ± {number(outcome.spreads[name], outcome.unit)}",
            "  ".join(number(value, outcome.unit) for value in values),
        ]
        row += [f"{fmean(outcome.recalls[name]):.3f}"] if trained else []
        row += [f"{outcome.boxes[name]:,}"] if boxes else []
        table.add_row(name, *row)
    return table


def verdict_line(verdict, unit):
    """One comparison in words."""
    difference, spread = (amount(value, unit) for value in (verdict.difference, verdict.spread))
    return f"{compared(verdict)}: difference {difference}, spread {spread}: {verdict.word}"


def compared(verdict):
    return f"{verdict.better} / {verdict.worse}"


def amount(value, unit):
    """ "0.123", or "12.3 ms"; "-" where there is none."""
    return f"{number(value, unit)} ms" if unit == "ms" and not isnan(value) else number(value, unit)


def number(value, unit):
    """`amount` without its unit."""
    if isnan(value):
        return "-"
    if unit == "ms":
        return f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
    return f"{value:.3f}"

"""`minissd bench --tune`: measures the convolution's algorithms on this machine, and writes what chooses among them."""

from dataclasses import asdict

from minissd.bench import tuning
from minissd.cli.console import console, print_note, print_table, progress_bar, simple_table
from minissd.engine.tuning import as_json, tuning_in_force, users_file
from minissd.files import check_file_writable, write_json


def tune():
    """Measure, print how well the fastest algorithms are chosen before and after, and write the user's tuning."""
    path = users_file()
    check_file_writable(path)
    with progress_bar("passes") as bar:
        tasks = {}

        def report(what, done, total):
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total, speed=0, note="")
            bar.update(tasks[what], completed=done, speed=bar.tasks[tasks[what]].speed or 0)

        sizes, times = tuning.measure(report)
    before, after = tuning_in_force(), tuning.fit(sizes, times)
    print_choices(times, before, after)
    for name, size in asdict(sizes).items():
        if size != getattr(before.sizes, name):
            console.print(f"{name}: {size:,} in place of {getattr(before.sizes, name):,}", soft_wrap=True)
    if tuning.excess(times, after) > tuning.excess(times, before):
        print_note("the tuning in force chooses better than what was measured now: it stays, and nothing is written")
        return
    write_json(path, as_json(after))
    whose = f"tuning {after.digest}: {path}, in force from now on; without that file it is minissd's own again"
    console.print(whose, markup=False, soft_wrap=True)


def print_choices(times, before, after):
    """How often each algorithm is the fastest, and is chosen; and what wrong choices cost."""
    by = {"fastest": tuning.fastest(times), "chosen before": tuning.choices(times, before)}
    by["chosen now"] = tuning.choices(times, after)
    table = simple_table("algorithm", *by)
    for name in after.costs:
        table.add_row(name, *(str(list(chosen.values()).count(name)) for chosen in by.values()))
    excess = (f"{tuning.excess(times, one):.3f}" for one in (before, after))
    table.add_row("time, in times of the fastest", "1", *excess)
    print_table(f"{len(times)} passes of convolutions", table)

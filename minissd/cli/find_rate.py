"""`minissd train --find-rate`: a rate sweep in place of a training, its picture, and the command that uses the rate."""

from shlex import join

from minissd.cli.console import console, print_note, print_notes, progress_bar
from minissd.cli.splits import opened
from minissd.cli.training import config_of, new_model
from minissd.device.card import check_precision
from minissd.training import sweep_rates

PICTURE, TABLE = "rate.png", "rate.csv"


def find_rate(out, settings, device, processes, words):
    """Sweep the rates of a run with these settings; words: of the command, without --find-rate and --lr."""
    check_precision(settings["precision"], device)
    config = config_of(settings)
    dataset = opened(settings, settings["split"], settings["classes"])
    model, settings = new_model(settings, dataset, config, device)
    names = ", ".join(dataset.classes)
    console.print(f"{model.name}, {dataset.name}: {len(dataset)} images of {names}", markup=False, soft_wrap=True)
    print_notes(dataset)
    with progress_bar("steps") as bar:
        task = bar.add_task("rate sweep", total=None, speed=0, note="")

        def report(done, total):
            bar.update(task, completed=done, total=total, speed=bar.tasks[task].speed or 0)

        found = sweep_rates(model, dataset, config, report=report, processes=processes)
    if processes.rank > 0:
        return
    from minissd.viz.rate_sweep import rate_sweep_chart  # here, for matplotlib takes a second to import
    from minissd.viz.style import save_picture

    save_picture(rate_sweep_chart(*found), out / PICTURE)
    found.write(out / TABLE)
    steps, low, high = len(found.rates), found.rates[0], found.rates[-1]
    valley = "from {:.2g} to {:.2g}".format(*found.valley)
    told = f"{steps} steps, rates from {low:.2g} to {high:.2g}: the loss is lowest {valley}"
    console.print(f"{told}; suggested: {found.suggestion:g}, in place of {config.lr:g}", markup=False, soft_wrap=True)
    if found.valley[1] == high:
        print_note(f"at the highest rate the loss had not risen again: --lr {high:.2g} sweeps around that")
    console.print(f"picture and table: {out / PICTURE}, {out / TABLE}", markup=False, soft_wrap=True)
    console.print(f"next: {join([*words, '--lr', f'{found.suggestion:g}'])}", markup=False, soft_wrap=True)

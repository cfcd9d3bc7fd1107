"""How a verdict reads: what holds, what does not, the smallest inputs that show it, and where to look."""

from rich.markup import escape

from minissd.cli.console import console
from minissd.course.judging import should


def print_verdict(exercise, verdict):
    """exercise: one of a lesson, or a bug of the lab."""
    console.print(f"\n[bold]{exercise.key}[/]  {escape(exercise.title)}")
    for statement in verdict.held:
        console.print(f"  [green]✓[/] it {escape(statement)}")
    if verdict.passed:
        console.print("  [green]passed[/]")
        return
    if verdict.statement:
        console.print(f"  [red]✗[/] it {escape(should(verdict.statement))}")
    _block("why", verdict.reason, "red")
    _block("with", verdict.example)
    _block("hint", verdict.hint, "yellow")
    _block("your code printed", _few_lines(verdict.printed))
    if verdict.status == "broken":  # neither the lesson nor a hint helps
        return
    if exercise.section:
        console.print(f"  reread “{exercise.section}” of lesson {exercise.key[:2]}", markup=False)
    console.print(f"  or ask {exercise.ask_for_hint}", markup=False)


def _block(title, text, style=None):
    """A titled paragraph, indented; nothing for no text."""
    if text:
        console.print(f"  {title}", style=style, markup=False)
        for line in text.splitlines():
            console.print(f"    {line}", markup=False, soft_wrap=True)


def _few_lines(text, most=8):
    lines = list(dict.fromkeys(text.splitlines()))  # it was called many times
    return "\n".join(lines[:most] + ["…"] * (len(lines) > most))

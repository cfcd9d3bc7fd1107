"""`minissd explain`: what a network sees and how it comes to its answers.  One file for each subcommand."""

import typer

from minissd.cli.explain_errors import explain_errors
from minissd.cli.explain_features import explain_features
from minissd.cli.explain_filters import explain_filters
from minissd.cli.explain_latent import explain_latent
from minissd.cli.explain_nms import explain_nms
from minissd.cli.explain_saliency import explain_saliency

explain = typer.Typer(no_args_is_help=True, add_completion=False)
explain.command("saliency")(explain_saliency)
explain.command("filters")(explain_filters)
explain.command("features")(explain_features)
explain.command("latent")(explain_latent)
explain.command("nms")(explain_nms)
explain.command("errors")(explain_errors)


@explain.callback()
def about():
    """Look inside: what a network looks at, what its filters and features stand for, how it decides."""

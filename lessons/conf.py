"""How Sphinx turns lessons, pages and docstrings into web pages: see build.py."""

import re
import sys
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for docstrings.py, figures.py
import docstrings
import figures

project = "minissd"
author = copyright = "The minissd authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["**/exercises", "**/solutions", "**/mutants", "**/lesson.ipynb"]
html_theme = "furo"
html_title = "minissd"
smartquotes = False  # "same" is a string
html_show_sphinx = False
html_static_path, html_css_files = ["static"], ["course.css"]
html_math_renderer = "mathml"
FUNCTIONS, SPACE = "log|exp|cos|sin", '<mspace width="0.17em"/>'  # browsers would set them close, as in "tlogp"
myst_enable_extensions = ["dollarmath", "amsmath"]
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_show_tb = True
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # forward and backward are described once, with `Layer`


def setup(app):
    """Formulas as MathML, which browsers draw themselves: the pages need no script from elsewhere and read offline."""
    app.add_html_math_renderer("mathml", (_inline_formula, None), (_formula, None))
    app.add_config_value("figure_forms", "", "")  # the folder that build.py has them made in
    app.connect("html-page-context", _add_forms_of_figures)
    app.connect("autodoc-process-docstring", docstrings.process)
    app.connect("autodoc-skip-member", docstrings.skip)


def _add_forms_of_figures(app, page, template, context, doctree):
    if app.config.figure_forms and "body" in context:
        images = Path(app.outdir) / "_images"
        context["body"] = figures.pictures(context["body"], app.config.figure_forms, images)


def _inline_formula(translator, node):
    translator.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def _formula(translator, node):
    formula = _mathml(node, "block")
    translator.body.append(f'<div class="formula">{formula}</div>')
    raise nodes.SkipNode


def _mathml(node, display):
    tex = node.astext().replace("{aligned}", "{align*}")  # latex2mathml does not know the former
    mathml = convert(tex.replace(r"\mathbb 1", "\N{MATHEMATICAL DOUBLE-STRUCK DIGIT ONE}"), display=display)
    mathml = re.sub(rf"(?<=</mi>|</mn>)(?=<mi>(?:{FUNCTIONS})</mi>)", SPACE, mathml)
    return re.sub(rf"(<mi>(?:{FUNCTIONS})</mi>)(?!<mo[^>]*>&#x00028;)", rf"\1{SPACE}", mathml)  # not before a bracket

"""How Sphinx turns the lessons into web pages: see build.py."""

from docutils import nodes
from latex2mathml.converter import convert

project = "minissd, the course"
author = copyright = "The minissd authors"
extensions = ["myst_nb"]
exclude_patterns = ["**/exercises", "**/solutions", "**/mutants", "**/lesson.ipynb"]
html_theme = "furo"
html_title = "minissd, the course"
html_show_sphinx = False
html_static_path, html_css_files = ["static"], ["course.css"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "amsmath"]
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_show_tb = True


def setup(app):
    """Formulas as MathML, which browsers draw themselves: the pages need no script from elsewhere and read offline."""
    app.add_html_math_renderer("mathml", (_inline_formula, None), (_formula, None))


def _inline_formula(translator, node):
    translator.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def _formula(translator, node):
    formula = _mathml(node, "block")
    translator.body.append(f'<div style="overflow: auto hidden; padding: 0.6em 0">{formula}</div>')
    raise nodes.SkipNode


def _mathml(node, display):
    return convert(node.astext().replace("{aligned}", "{align*}"), display=display)  # it does not know the former

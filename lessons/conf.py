"""How Sphinx turns the lessons into web pages: see build.py."""

project = "minissd, the course"
author = copyright = "The minissd authors"
extensions = ["myst_nb"]
exclude_patterns = ["**/exercises", "**/solutions", "**/mutants", "**/lesson.ipynb"]
html_theme = "furo"
html_title = "minissd, the course"
html_show_sphinx = False
myst_enable_extensions = ["dollarmath", "amsmath"]
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_show_tb = True

"""`python -m minissd` is `minissd`."""

from minissd.cli.main import main

main()

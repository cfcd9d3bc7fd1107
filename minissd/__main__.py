"""`minissd` and `python -m minissd`: one line for a Python too old or a library that does not load."""

import os
import sys

OLDEST = (3, 11)
SOLD_AS = {"PIL": "pillow", "cv2": "opencv-python-headless", "mpl_toolkits": "matplotlib"}  # the names pip knows


def main():
    """Run the command line; Ctrl-C while it loads ends it with status 130 and no word."""
    if sys.version_info < OLDEST:
        _fail("minissd needs Python {}.{} or newer, this is {}.{}".format(*OLDEST, *sys.version_info[:2]))
    try:
        os.getcwd()
    except OSError:  # some Pythons cannot even load NumPy then
        _fail("the folder that you are in has been removed: cd into another one")
    try:
        from minissd.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from minissd.errors import broken_module

        broken = broken_module(error)
        if broken is None:
            raise
        kind, line = type(error).__name__, (str(error).strip() or "no reason given").splitlines()[0]
        cure = "pip install --force-reinstall " + SOLD_AS.get(broken, broken)
        if broken in sys.stdlib_module_names:
            cure = "a file of yours stands in the place of this module of Python: rename it"
        _fail(f"{broken} does not load ({kind}: {line}): {cure}")


def _fail(message):
    print("error:", message, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()

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
        broken = broken_module(error)
        if broken is None:
            raise
        kind, line = type(error).__name__, (str(error).strip() or "no reason given").splitlines()[0]
        cure = "pip install --force-reinstall " + SOLD_AS.get(broken, broken)
        if broken in sys.stdlib_module_names:
            cure = "a file of yours stands in the place of this module of Python: rename it"
        _fail(f"{broken} does not load ({kind}: {line}): {cure}")


def broken_module(error):
    """The name of the library in whose import `error` was raised, None if it came from elsewhere."""
    import traceback  # here, for Ctrl-C is not yet caught while this file is loaded

    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = frame.f_globals.get("__name__", "").partition(".")[0]
        if frame.f_code.co_name == "<module>" and name not in ("minissd", "__main__"):
            return name
    name = isinstance(error, ImportError) and error.name
    return name.partition(".")[0] if name and not name.startswith("minissd") else None


def _fail(message):
    print("error:", message, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()

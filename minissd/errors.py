"""The exception that means "the input is at fault, and here is what to do", a warning, how a broken library is told."""

from collections.abc import Sequence


def one_line(text: str) -> str:
    """A message on one line, though a name in it, of a file or out of one, may have several."""
    return "\\n".join(text.splitlines())


class MinissdError(Exception):
    """A problem the user can mend.

    The message is one line: what was given and where, what was expected, what to do about it.
    The command line prints it and exits with status 1; a traceback would be a bug of ours.
    `faults` has a line for each of several problems that the message can but count.
    """

    def __init__(self, message: str, faults: Sequence[str] = ()):
        message = one_line(message)
        super().__init__(message)
        self.faults = tuple(faults) or (message,)


class MinissdWarning(UserWarning):
    """Something that the user will want to know, in one line, while the work goes on; the command line prints it."""


def broken_module(error):
    """The name of the library in whose import `error` was raised, None if it came from elsewhere."""
    import traceback  # here, for no command needs it that goes well

    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = frame.f_globals.get("__name__", "").partition(".")[0]
        if frame.f_code.co_name == "<module>" and name not in ("minissd", "__main__"):
            return name
    name = isinstance(error, ImportError) and error.name
    return name.partition(".")[0] if name and not name.startswith("minissd") else None

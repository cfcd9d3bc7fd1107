"""The one exception that means "the input is at fault, and here is what to do"."""


class MinissdError(Exception):
    """A problem the user can mend.

    The message is one line: what was given and where, what was expected, what to do about it.
    The command line prints it and exits with status 1; a traceback would be a bug of ours.
    """

"""Locks in a program that may fork."""

import os
import threading


def fork_safe_lock():
    """A lock that is free in a forked child too, where a thread that held it would not be there to let it go."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock

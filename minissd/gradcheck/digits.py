"""Two numbers that are said to differ are printed so that they look different."""

from typing import Any

import numpy as np

DIGITS = (4, 6, 9, 12, 15, 17)  # of a number; 17 tell any two of float64 apart


def apart(found: Any, expected: Any, least: int = 6) -> tuple[str, str]:
    """Both numbers as text, with `least` significant digits or as many more as it takes to see that they differ."""
    if not all(isinstance(one, int | float | np.integer | np.floating) for one in (found, expected)):
        return plain(found), plain(expected)
    if all(isinstance(one, int | np.integer) for one in (found, expected)):  # True among them, which stays True
        return plain(found), plain(expected)
    for digits in (least, *(more for more in DIGITS if more > least)):
        texts = f"{float(found):.{digits}g}", f"{float(expected):.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def plain(value: Any) -> str:
    """repr, but 3 rather than np.int64(3), and floats in six digits."""
    if isinstance(value, np.floating):
        return f"{value:.6g}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def arrays_apart(found: np.ndarray, expected: np.ndarray, most: int = 9) -> int:
    """The number of decimals, from 4, that it takes to see every difference between two arrays, as far as `most`."""
    if found.dtype.kind != "f" or found.shape != expected.shape or expected.dtype.kind not in "fiub":
        return 4
    with np.errstate(invalid="ignore"):  # infinity less infinity
        difference = np.abs(found - expected)
    seen = difference[np.isfinite(difference) & (difference > 0)]
    if not seen.size:
        return 4
    return int(np.clip(np.ceil(-np.log10(seen.max())) + 1, 4, most))

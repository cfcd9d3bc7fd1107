"""What holds for sliding windows and convolutions."""

from hypothesis import assume
from hypothesis import strategies as st

from minissd import naive
from minissd.properties.core import equals

few = st.integers(1, 4)


@st.composite
def axes(draw):
    """One axis and a window that fits on it at least once."""
    case = {"n": draw(st.integers(1, 12)), "k": draw(few), "stride": draw(few)}
    case |= {"pad": draw(st.integers(0, 3)), "dilation": draw(few)}
    assume(case["n"] + 2 * case["pad"] >= (case["k"] - 1) * case["dilation"] + 1)
    return case


OUTPUT_SIZE = (equals(naive.output_size, axes(), statement="counts the places where the kernel can stand"),)

"""Two outputs of a three-tap kernel with four products."""


def winograd_row(d, g):
    """Winograd's F(2, 3): the two outputs y_i = d_i g_0 + d_{i+1} g_1 + d_{i+2} g_2, i = 0, 1.

    d: four numbers.  g: three numbers.  The definition multiplies six times; these four products are enough:

        m_1 = (d_0 - d_2) g_0                      m_2 = (d_1 + d_2) (g_0 + g_1 + g_2) / 2
        m_4 = (d_1 - d_3) g_2                      m_3 = (d_2 - d_1) (g_0 - g_1 + g_2) / 2

        y_0 = m_1 + m_2 + m_3                      y_1 = m_2 - m_3 - m_4

    Halving a weight costs nothing: weights are transformed once and used at every place.
    Returns [y_0, y_1].
    """
    raise NotImplementedError("four products, then add them up")

def box_scales(maps, s_min=0.2, s_max=0.9):
    step = (s_max - s_min) / (maps - 1)
    return [s_min + step * (level - 1) for level in range(1, maps + 2)]

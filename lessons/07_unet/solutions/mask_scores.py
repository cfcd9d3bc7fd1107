def mask_scores(found, truth):
    known = truth != 255
    f, t = found[known] == 1, truth[known] == 1
    both, union = (f & t).sum(), (f | t).sum()
    if union == 0:
        return float("nan"), float("nan")
    return float(both / union), float(2 * both / (f.sum() + t.sum()))

"""How likely is it after all?"""


def posterior(prior, p_b_given_a, p_b_given_not_a):
    """P(A|B) by Bayes' rule, from P(A), P(B|A) and P(B|not A).

        P(A|B) = P(B|A) P(A) / P(B),      P(B) = P(B|A) P(A) + P(B|not A) P(not A)

    Say A: there is an object at this place; B: the detector fires.  All numbers are between 0 and 1, P(B) > 0.
    """
    raise NotImplementedError("first P(B), then the share of it that comes from A")

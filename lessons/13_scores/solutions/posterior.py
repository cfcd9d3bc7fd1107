def posterior(prior, p_b_given_a, p_b_given_not_a):
    with_a = p_b_given_a * prior
    without = p_b_given_not_a * (1 - prior)
    return with_a / (with_a + without)

"""Floor 7: whether a factor of a study (the penalty `rg`) matters, with intervals and error rates.

Runs equal but for the factor are pairs (`pairs`); the logarithms of their error ratios fill a table
of seeds × origins (`effects`), which is decided with Holm's correction over N (`decision`); what
would decide it is computed from the same noise (`power`) and checked by `simulation`.
"""

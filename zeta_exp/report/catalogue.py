"""What figures there are: their names, what each shows and needs, and how to read it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caption:
    """A figure of `report.plots` in words."""

    shows: str  # one line
    needs: str  # of the runs
    look: str  # what a reader is to see in it, and how to read its marks


CAPTIONS = {
    "forest": Caption(
        "the effect of the factor on the error, with intervals, by N",
        "a study, or runs that differ in one setting alone",
        "A dot is the estimated change of the error when the factor is taken away; the thick bar "
        "is its 90% interval, the thin one its 95% interval. Right of zero the factor helps. Only "
        "a bar that lies wholly in the shaded margin shows that there is no difference, and only "
        "one wholly to its right that the factor is essential; hollow dots claim nothing.",
    ),
    "profile": Caption(
        "error against the ordinal along the whole line, seen and beyond",
        "finished runs that have measured it",
        "A level curve means that the model is as good everywhere; a dip marks the stretch of the "
        "line that it has learnt at the expense of the rest, which an average over one window "
        "would hide. Points are RMSE over windows spread evenly over the line. What is not shaded "
        "was trained on. The first tenth counts for neither the worst nor the best, as the lowest "
        "zeros differ in kind.",
    ),
    "horizon": Caption(
        "extrapolation error by distance beyond the last zero seen",
        "finished runs",
        "A flat curve means that the model is as good at the end of the window as at its "
        "beginning: it has learnt a function of the ordinal and does not merely continue the last "
        "zeros. The dotted line is what predicting no fluctuation at all gives. Bands are the "
        "range over runs.",
    ),
    "extrapolation": Caption(
        "predicted and true residuals of the zeros beyond the range",
        "a finished run; of several, the median one of the first arm",
        "Circles on the black line are zeros that are where the model puts them. None of them was "
        "seen in training, nor used to choose anything. The residual is the distance of a zero "
        "from where the smooth counting function has it, in mean spacings.",
    ),
    "size": Caption(
        "extrapolation error against the number of zeros seen",
        "runs of several N",
        "Falling curves mean that more zeros teach the model more; where two arms meet, the "
        "difference between them goes away with size. Bars are the range over seeds and origins.",
    ),
    "height": Caption(
        "extrapolation error against the height of the zeros",
        "runs of several heights (start)",
        "Higher zeros depend on more primes, so with the same primes the error must grow; the "
        "prime-tail scale is the part that the primes above the largest one known would explain.",
    ),
    "learning_curves": Caption(
        "validation error against updates",
        "runs with a metrics.csv",
        "Curves that still fall at their end belong to models that were stopped early, and "
        "comparing them compares speeds. Bands are the range over seeds and origins.",
    ),
    "loss_terms": Caption(
        "every loss term against updates, whatever its weight",
        "runs with a metrics.csv",
        "Each term is measured even where its weight is zero, so the panels show what a penalty "
        "does to the quantity it penalises, and whether that happens without it too.",
    ),
    "spacing_histogram": Caption(
        "gaps of prediction and zeros beside the GUE limit",
        "finished runs",
        "At these heights the zeros (grey) are themselves more rigid than random matrices in the "
        "limit (green): agreement with green is not the aim, agreement with grey is. A matching "
        "histogram alone proves nothing, as it does not say which gap is where.",
    ),
    "pair_correlation": Caption(
        "pair correlation of prediction and zeros beside 1 − sinc²",
        "finished runs",
        "The hole at distance zero is the repulsion of levels; Montgomery's conjecture is the "
        "green curve. Marks that follow the grey steps rather than the curve are predictions that "
        "know more than random-matrix theory.",
    ),
    "number_variance": Caption(
        "number variance of prediction and zeros, with Berry's saturation",
        "finished runs",
        "Random matrices (green) grow for ever like log L. Zeros of ζ follow them only for short "
        "intervals and then saturate, because the primes say where they are (Berry 1988, purple). "
        "A model that knows the primes saturates too.",
    ),
    "cost": Caption(
        "memory and training time against the number of zeros seen",
        "runs of several N",
        "On these doubly logarithmic axes a slope of one means that twice as many zeros cost twice "
        "as much; a flat memory curve is a strategy that holds only a part of the line at a time.",
    ),
}

"""A model that can't use every kind of features, as a researcher may bring along."""

from zeta_exp.models import Linear


class Picky(Linear):
    usable_features = ("log_index",)

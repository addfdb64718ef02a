"""zeta_exp: graph neural networks on the zeros of the Riemann zeta function."""

__version__ = "0.1.0"

"""Floor 3: models, functions of a batch that predict its target."""

from zeta_exp.models.base import Model
from zeta_exp.models.hardy import Hardy
from zeta_exp.models.hybrid_gcn import HybridGCN
from zeta_exp.models.pointwise import MLP, Linear
from zeta_exp.models.pyg import PyGModel
from zeta_exp.models.relational import Relational

__all__ = ["MLP", "Hardy", "HybridGCN", "Linear", "Model", "PyGModel", "Relational"]

"""Tables of zeros as folders: npy files of equal size, and a manifest that vouches for them."""

from zeta_exp.zeros.shards.forms import FORMS, Form, form_for
from zeta_exp.zeros.shards.manifest import Manifest, Shard
from zeta_exp.zeros.shards.pieces import Supply, computed, listed
from zeta_exp.zeros.shards.plan import SHARD_SIZE, WHOLE, Plan, Slice, slice_from
from zeta_exp.zeros.shards.reader import ShardTable, open_table
from zeta_exp.zeros.shards.writer import Watcher, write_table

__all__ = [
    "FORMS",
    "SHARD_SIZE",
    "WHOLE",
    "Form",
    "Manifest",
    "Plan",
    "Shard",
    "ShardTable",
    "Slice",
    "Supply",
    "Watcher",
    "computed",
    "form_for",
    "listed",
    "open_table",
    "slice_from",
    "write_table",
]

"""Steps of training against PyTorch Geometric, against plain full batch, and the two scripts.

    python -m benchmarks.steps [--quick]

Every peer runs in turn with ours in this process, with as many torch threads; times are medians,
ratios medians of the rounds' ratios.  A run of a mini-batch row is one epoch.  "products alone" is
the time that the peer's matrix products would take at the rate of a large one, timed in turn with
the rest: no program that computes the same in float32 is faster, so it bounds every ratio.
"""

from dataclasses import replace

from benchmarks.harness import Options, Report, Rounds, Row, in_turn, script
from benchmarks.ours import ADELIC, Setup, Training, compared, minibatch, streamed
from benchmarks.peak import PEAK, PEAK_OPERATIONS, product_operations, square_product
from benchmarks.peers.clusters import ClusterTraining
from benchmarks.peers.pyg import FullBatch as PyGFullBatch
from benchmarks.peers.scripts import FullBatchScript, MiniBatchScript
from zeta_exp.strategies import FullBatch

FASTER_THAN_PYG = 4.0  # bars
STREAMED_OVER_PLAIN = 1.2
FASTER_THAN_CLUSTERS = 2.5
NODES_PER_STEP = 4000
CLUSTER = 200  # nodes of a METIS cluster
BLOCK = 2000  # our blocks: their halos cost 4%


DEFAULT = "default model"  # has few edges to win from: no bar against PyG


def setups(nodes: int) -> dict[str, Setup]:
    """The compared models by name: isotropic and relational on adelic edges, and the default."""
    return {
        "hybrid_gcn, adelic": compared(nodes, "hybrid_gcn"),
        "relational, adelic": compared(nodes, "relational"),
        DEFAULT: Setup(nodes),
    }


def full_batch(report: Report, setup: Setup, name: str, rounds: int) -> None:
    """One exact step of ours against one of PyG on the edge list, and on a CSR matrix."""
    peer_step = PyGFullBatch(setup).step
    functions = {
        "streamed": Training(setup, streamed()).step,
        "PyG": peer_step,
    }
    if setup.model == "hybrid_gcn":
        functions["CSR"] = PyGFullBatch(setup, csr=True).step
    times = in_turn(functions | {PEAK: square_product()}, rounds)
    for peer in list(functions)[1:]:
        bar = FASTER_THAN_PYG if peer == "PyG" and name != DEFAULT else None
        what = f"full-batch step, {name}, N = {setup.nodes:,}: streamed, {peer}"
        report.faster(what, times, "streamed", peer, bar)
    what = f"full-batch step, {name}, N = {setup.nodes:,}: products alone, PyG"
    bound(report, what, times, "PyG", product_operations(peer_step))


def bound(
    report: Report, title: str, times: Rounds, peer: str, operations: int, nodes: int | None = None
) -> None:
    """What the ratio to the peer would be if all time went into products at the peak."""
    median = times.medians()
    alone = operations / PEAK_OPERATIONS * median[PEAK]
    ratio = median[peer] / alone
    if nodes is None:
        report.add(Row(title, alone, median[peer], ratio, "s"))
    else:
        report.add(Row(title, nodes / alone, nodes / median[peer], ratio, "nodes/s"))


def streamed_and_plain(report: Report, setup: Setup, name: str, rounds: int) -> None:
    """A streamed step against a plain full-batch step of ours, without and with rg."""
    for loss, what in (("rmt", "without rg"), ("seed", "with rg")):
        trained = replace(setup, loss=loss)
        functions = {
            "streamed": Training(trained, streamed()).step,
            "plain": Training(trained, FullBatch()).step,
        }
        times = in_turn(functions, rounds)
        title = f"streamed over plain, {name}, {what}, N = {setup.nodes:,}"
        report.slower(title, times, "streamed", "plain", STREAMED_OVER_PLAIN)


def mini_batch(report: Report, setup: Setup, name: str, rounds: int) -> None:
    """Epochs of about 4,000 nodes a step against ClusterLoader on METIS clusters."""
    ours = Training(setup, minibatch(BLOCK, NODES_PER_STEP // BLOCK))
    peers = {
        f"{workers} workers": ClusterTraining(setup, CLUSTER, NODES_PER_STEP, workers)
        for workers in (0, 1)
    }
    for what in ("epoch", "load_epoch"):
        functions = {workers: getattr(peer, what) for workers, peer in peers.items()}
        own = {"ours": getattr(ours, what), PEAK: square_product()}
        times = in_turn(own | functions, rounds)
        medians = times.medians()
        best = min(peers, key=medians.__getitem__)  # as a user of PyG would choose
        kind = "mini-batches" if what == "epoch" else "loader alone"
        bar = FASTER_THAN_CLUSTERS if what == "epoch" and name != DEFAULT else None
        title = f"{kind}, {name}, N = {setup.nodes:,}: ours, ClusterLoader ({best})"
        report.faster(title, times, "ours", best, bar, setup.nodes)
        if what == "epoch":
            title = f"{kind}, {name}, N = {setup.nodes:,}: products alone, ClusterLoader ({best})"
            work = product_operations(peers["0 workers"].epoch)
            bound(report, title, times, best, work, setup.nodes)


def published(report: Report, nodes: int, rounds: int) -> None:
    """The scripts' own pipelines: log n, raw ordinates, GCNConv, their losses."""
    scripts = Setup(
        nodes, "hybrid_gcn", 64, 3, ADELIC, None, "seed", "dilation", "mean", "ordinate"
    )
    full = {
        "ours": Training(scripts, FullBatch()).step,
        "script": FullBatchScript(nodes).step,
    }
    times = in_turn(full, rounds)
    report.faster(f"full-batch script, N = {nodes:,}", times, "ours", "script")
    without_rg = replace(scripts, loss="rmt", spacing="smooth")
    blocks = minibatch(CLUSTER, NODES_PER_STEP // CLUSTER)
    mini = {
        "ours": Training(without_rg, blocks).epoch,
        "script": MiniBatchScript(nodes, CLUSTER, NODES_PER_STEP).epoch,
    }
    times = in_turn(mini, rounds)
    report.faster(f"mini-batch script, N = {nodes:,}", times, "ours", "script", None, nodes)


def measure(report: Report, options: Options) -> None:
    """All rows."""
    nodes, rounds = (10_000, 2) if options.quick else (100_000, 5)
    for name, setup in setups(nodes).items():
        full_batch(report, setup, name, rounds)
        streamed_and_plain(report, setup, name, rounds)
        mini_batch(report, setup, name, rounds)
    published(report, nodes, rounds)


if __name__ == "__main__":
    script(measure)

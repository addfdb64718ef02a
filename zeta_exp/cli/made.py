"""A table of shards, made while someone watches."""

import time
from typing import TYPE_CHECKING

from zeta_exp.cli.output import tell

if TYPE_CHECKING:
    from zeta_exp.zeros.shards import Plan, Supply


def made(folder: str, plan: "Plan", supply: "Supply", shard: str | None = None) -> None:
    """Make the table, or the slice I/K `shard` of it, and say what was made.

    Raises UserError as `write_table` does.
    """
    from zeta_exp.cli.watch import Watch
    from zeta_exp.zeros.shards import WHOLE, slice_from, write_table

    part = slice_from(shard) if shard else WHOLE
    begun = time.monotonic()
    try:
        with Watch("zeros") as watch:
            manifest = write_table(folder, plan, supply, part, watch)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f": the whole shards in {folder} stay; run the same command again to continue"
        ) from None
    zeros = sum(shard.count for shard in manifest.shards)
    which = "" if part == WHOLE else f"slice {part}, "
    megabytes = zeros * plan.form.itemsize / 1e6
    tell(
        f"{folder}: {which}{zeros:,} zeros from ordinal {manifest.shards[0].start} as "
        f"{plan.form.name}, shards: {len(manifest.shards)}, {megabytes:,.1f} MB, "
        f"{time.monotonic() - begun:.1f} s"
    )

"""run.log: what Hydra's logging writes there, and what the terminal shows in another form."""

import logging


def keep(line: str) -> None:
    """Writes a line to run.log alone."""
    log = logging.getLogger("zeta_exp")
    record = log.makeRecord(log.name, logging.INFO, __file__, 0, line, (), None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)

"""The one exception that a user causes and can mend."""


class UserError(Exception):
    """A request that can't be met: one sentence that names the value and gives advice.

    `run.py` prints it and exits with 2; a job of a sweep records it as `status: refused`.
    """

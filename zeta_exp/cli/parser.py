"""Arguments of the command line: a usage error is one sentence, whole numbers may be 1e8."""

import argparse
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from zeta_exp.errors import UserError

_NAMES = 15  # columns of the names of commands
_DIGITS = 30  # of a whole number at most


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Leaves room for the longest name of a command, which is indented below its group."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = _NAMES


class Parser(argparse.ArgumentParser):
    """A parser whose errors are `UserError`s that point to the help."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("formatter_class", _Formatter)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raises."""
        raise UserError(f"{message}: see `{self.prog} --help`")


def whole(text: str) -> int:
    """A whole number, written 1000000, 1_000_000 or 1e6."""
    try:
        number = Decimal(text)
        if number.is_finite() and number.adjusted() < _DIGITS and number == int(number):
            return int(number)
    except InvalidOperation:
        pass
    raise argparse.ArgumentTypeError(
        f"{text!r} is no whole number (write 1000000, 1_000_000 or 1e6)"
    )

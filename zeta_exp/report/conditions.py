"""Conditions on a column: strategy=streamed, N>=1e5."""

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.report.differences import equal

_FORM = re.compile(r"([^=!<>]+)(=|==|!=|<=|>=|<|>)([^=!<>].*|)", re.DOTALL)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """A comparison with a constant."""

    column: str
    relation: str  # = != < <= > >=
    constant: Any

    @classmethod
    def parsed(cls, text: str) -> "Condition":
        """Raises UserError for what is no condition."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise UserError(f"{text!r} is no condition: write KEY=VALUE, or one of != < <= > >=")
        column, relation, constant = (part.strip() for part in found.groups())
        value = _value(constant)
        if relation in _ORDERS and not _is_number(value):
            raise UserError(f"{text!r} compares with no number: write one after {relation}")
        return cls(column, "=" if relation == "==" else relation, value)

    def holds(self, value: Any) -> bool:
        """Whether it holds for a value, of a mean for the mean; None is in no order."""
        value = getattr(value, "mean", value)
        if self.relation in _ORDERS:
            return _is_number(value) and _ORDERS[self.relation](value, self.constant)
        return equal(value, self.constant) == (self.relation == "=")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(text: str) -> Any:
    """1_000, 1e5, null, true, [2,3], or a word."""
    try:
        return json.loads(text.replace("_", "") if re.fullmatch(r"[\d_.e+-]+", text) else text)
    except ValueError:
        return text

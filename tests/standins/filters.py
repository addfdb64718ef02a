"""Filters of lists: the part of AIP-160 (https://google.aip.dev/160) that Vertex AI documents.

    labels.zeta-key="ab12" AND NOT (state="JOB_STATE_FAILED" OR create_time<"2026-01-01T00:00:00Z")

Comparisons = != < <= > >=, presence `labels.key:*` and `labels:key`, the functions of a service,
NOT, AND, OR (which binds tighter than AND, as AIP-160 has it) and brackets.
"""

import datetime
import json
import operator
import re
from collections.abc import Callable
from typing import Any, Protocol

from tests.standins.rpc import Refusal

TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<sign><=|>=|!=|[=<>:(),])|(?P<word>[^\s()=<>!:,"]+))'
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Item(Protocol):
    """What a filter asks of one item of a list."""

    def field(self, name: str) -> Any:
        """The value of a field, None where the item has none; KeyError for an unknown field."""

    def function(self, name: str, argument: str) -> bool:
        """A function of the service; KeyError for an unknown one."""


Predicate = Callable[[Item], bool]


def parse(text: str) -> Predicate:
    """The filter as a predicate; INVALID_ARGUMENT where it is none."""
    if not text.strip():
        return lambda item: True
    parser = _Parser(text)
    predicate = parser.conjunction()
    parser.expect_end()
    return predicate


class _Parser:
    """Recursive descent: conjunction, disjunction, term, comparison."""

    def __init__(self, text: str):
        self.text = text
        self.tokens = self._tokens()
        self.at = 0

    def _tokens(self) -> list[str]:
        found, at = [], 0
        while at < len(self.text.rstrip()):
            match = TOKEN.match(self.text, at)
            if not match:
                raise self._bad()
            found.append(match[0].strip())
            at = match.end()
        return found

    def _bad(self) -> Refusal:
        return Refusal("INVALID_ARGUMENT", f"invalid list filter: {self.text}")

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self, wanted: str | None = None) -> str:
        token = self._peek()
        if not token or wanted not in (None, token):
            raise self._bad()
        self.at += 1
        return token

    def expect_end(self) -> None:
        if self._peek():
            raise self._bad()

    def conjunction(self) -> Predicate:
        parts = [self._disjunction()]
        while self._peek() == "AND":
            self._take()
            parts.append(self._disjunction())
        return lambda item: all(part(item) for part in parts)

    def _disjunction(self) -> Predicate:
        parts = [self._term()]
        while self._peek() == "OR":
            self._take()
            parts.append(self._term())
        return lambda item: any(part(item) for part in parts)

    def _term(self) -> Predicate:
        if self._peek() == "NOT":
            self._take()
            inner = self._term()
            return lambda item: not inner(item)
        if self._peek() == "(":
            self._take()
            inner = self.conjunction()
            self._take(")")
            return inner
        return self._restriction()

    def _value(self) -> str:
        token = self._take()
        if token.startswith('"'):
            return str(json.loads(token))
        if not re.match(r"[^()=<>!:,]", token):
            raise self._bad()
        return token

    def _restriction(self) -> Predicate:
        name = self._value()
        while name.endswith("."):  # labels."a-key"
            name += self._value()
        sign = self._take()
        value = self._value()
        if sign == "(":
            self._take(")")
            return lambda item: self._known(item.function, name, value)
        if sign == ":":
            return lambda item: _has(self._known(item.field, name), value)
        if sign not in COMPARISONS:
            raise self._bad()
        return lambda item: self._compare(self._known(item.field, name), sign, value)

    def _known(self, ask: Callable[..., Any], *arguments: str) -> Any:
        try:
            return ask(*arguments)
        except (KeyError, AttributeError):
            raise self._bad() from None

    def _compare(self, found: Any, sign: str, wanted: str) -> bool:
        if found is None:
            return sign == "!="
        if not isinstance(found, datetime.datetime):
            return COMPARISONS[sign](str(found), wanted)
        try:
            return COMPARISONS[sign](found, datetime.datetime.fromisoformat(wanted))
        except ValueError:
            raise self._bad() from None


def _has(found: Any, wanted: str) -> bool:
    """AIP-160's `:`: presence with `*`, a member of a map or a list, a text with wildcards."""
    if wanted == "*":
        return found not in (None, "")
    if isinstance(found, list | tuple | dict):
        return wanted in found
    pattern = re.escape(wanted).replace(r"\*", ".*")
    return found is not None and re.fullmatch(pattern, str(found)) is not None

"""Resources by name, and pages of them: what the services of the stand-in share."""

import datetime
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from tests.standins import filters
from tests.standins.rpc import Refusal

PROJECT_NUMBER = "123456"
PAGE = 100  # items where the caller asks for no size


def now() -> datetime.datetime:
    """The time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def canonical(name: str) -> str:
    """The name with the project's number: the service answers so to either form."""
    return re.sub(r"^projects/[^/]+", f"projects/{PROJECT_NUMBER}", name)


def new_number() -> str:
    """The last part of a resource's name, as the service draws it: digits."""
    return str(uuid.uuid4().int >> 66)


class Shelf(dict[str, Any]):
    """Resources of one kind by canonical name."""

    def find(self, name: str) -> Any:
        """The resource; NOT_FOUND where there is none."""
        try:
            return self[canonical(name)]
        except KeyError:
            raise Refusal("NOT_FOUND", f"{name} is not found") from None

    def add(self, collection: str, resource: Any) -> Any:
        """Keep a copy under `collection`/identifier, given by `resource.name`; return it."""
        name = canonical(collection)
        if name in self:
            raise Refusal("ALREADY_EXISTS", f"{name} exists already")
        kept = type(resource)(resource)
        kept.name = name
        self[name] = kept
        return kept

    def under(self, parent: str) -> list[Any]:
        """The resources whose name begins with that of `parent`, oldest first."""
        prefix = canonical(parent) + "/"
        return [resource for name, resource in self.items() if name.startswith(prefix)]


def page(
    request: Any,
    answer: type,
    field: str,
    resources: Iterable[Any],
    view: Callable[[Any], filters.Item],
) -> Any:
    """One page of the resources that pass the filter of the request."""
    passes = filters.parse(getattr(request, "filter", ""))
    chosen = [resource for resource in resources if passes(view(resource))]
    start = int(request.page_token or 0)
    stop = start + (request.page_size or PAGE)
    token = str(stop) if stop < len(chosen) else ""
    return answer(**{field: chosen[start:stop], "next_page_token": token})

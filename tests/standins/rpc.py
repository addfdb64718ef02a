"""The remote procedures of a Vertex AI service, harvested from the installed SDK.

The SDK's gRPC transport asks its channel for each procedure by path, with the classes of request
and answer: a channel that only notes what it is asked gives the whole table. The HTTP rules are
those the REST transport uses.
"""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import grpc
import proto
from google.longrunning import operations_pb2
from google.protobuf import any_pb2

PACKAGE = "google.cloud.aiplatform_v1.services"
HTTP_STATUS = {  # of google.rpc.Code, as google/rpc/code.proto maps them
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of ours
    """What a service answers instead of a result: a name of `google.rpc.Code` and a sentence."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


class Dropped(Exception):  # noqa: N818
    """The connection ends without any answer."""


@dataclass(frozen=True)
class Rule:
    """One HTTP form of a procedure."""

    verb: str
    uri: str
    body: str | None  # the field of the request that the body is, "*" for the whole request


@dataclass(frozen=True)
class Method:
    """One procedure of a service."""

    service: str
    name: str
    request: type[proto.Message]
    rules: tuple[Rule, ...]


class _NotingChannel(grpc.Channel):
    """Notes the path and the request's class of each procedure that a stub is made for."""

    def __init__(self) -> None:
        self.requests: dict[str, type[proto.Message]] = {}

    def unary_unary(
        self, method: str, request_serializer: Any, *_: Any, **__: Any
    ) -> Callable[..., None]:
        if hasattr(request_serializer, "__self__"):  # else a mixin of all Google services
            self.requests[method] = request_serializer.__self__
        return lambda *_, **__: None

    unary_stream = stream_unary = stream_stream = unary_unary

    def subscribe(self, callback: Any, try_to_connect: bool = False) -> None:
        """Nothing ever happens to this channel."""

    unsubscribe = subscribe

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> "_NotingChannel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@cache
def methods(service: str) -> tuple[Method, ...]:
    """The procedures of a service of `aiplatform_v1`, such as "JobService"."""
    folder = f"{PACKAGE}.{re.sub(r'(?<!^)(?=[A-Z])', '_', service).lower()}.transports"
    transport = getattr(importlib.import_module(f"{folder}.grpc"), f"{service}GrpcTransport")
    rest = getattr(importlib.import_module(f"{folder}.rest_base"), f"_Base{service}RestTransport")
    channel = _NotingChannel()
    _make_stubs(transport(channel=channel), channel)
    found = []
    for path, request in channel.requests.items():
        owner, _, name = path.strip("/").partition("/")
        if owner == f"google.cloud.aiplatform.v1.{service}":
            found.append(Method(service, name, request, _rules(getattr(rest, f"_Base{name}"))))
    return tuple(found)


def _make_stubs(transport: Any, channel: _NotingChannel) -> None:
    """Ask for every stub again: the transport's logging stands before the channel and is lazy."""
    names = list(transport._stubs)
    transport._stubs.clear()
    transport._logged_channel = channel
    for name in names:
        getattr(transport, name)


def _rules(binding: Any) -> tuple[Rule, ...]:
    options = binding._get_http_options()
    return tuple(Rule(o["method"].upper(), o["uri"], o.get("body")) for o in options)


def as_protobuf(message: Any) -> Any:
    """The protobuf message inside one of proto-plus; others as they are."""
    return type(message).pb(message) if isinstance(message, proto.Message) else message


def finished(result: Any) -> operations_pb2.Operation:
    """A long-running operation that is over already."""
    operation = operations_pb2.Operation(name="projects/p/locations/l/operations/0", done=True)
    packed = any_pb2.Any()
    packed.Pack(as_protobuf(result))
    operation.response.CopyFrom(packed)
    return cast("operations_pb2.Operation", operation)

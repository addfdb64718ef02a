"""The two fronts of the platform: REST, and gRPC with TLS."""

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import grpc
from google.protobuf import json_format

from tests.standins.identity import Certificate
from tests.standins.platform import Platform
from tests.standins.rpc import HTTP_STATUS, Dropped, Method, Refusal, Rule, as_protobuf

CONTROL = "/standin/"
POLL = 0.02  # seconds between two looks whether to end
Control = Callable[[str, dict[str, Any]], Any]


@dataclass(frozen=True)
class Route:
    """One HTTP form of a procedure, ready to be matched."""

    method: Method
    rule: Rule
    path: re.Pattern[str]


def routes(methods: list[Method]) -> list[Route]:
    """The routes of all procedures."""
    return [
        Route(method, rule, re.compile(path_pattern(rule.uri)))
        for method in methods
        for rule in method.rules
    ]


def path_pattern(uri: str) -> str:
    """The regular expression of a URI template; the field a.b becomes the group a__b.

    /v1/{name=projects/*/locations/*}:cancel: a star stands for one segment, two for any rest.
    """
    found, at = "", 0
    for variable in re.finditer(r"\{([\w.]+)=([^}]*)\}", uri):
        stars = {"*": "[^/:]+", "**": ".+"}
        pieces = (stars.get(piece, re.escape(piece)) for piece in variable[2].split("/"))
        group = variable[1].replace(".", "__")
        found += f"{re.escape(uri[at : variable.start()])}(?P<{group}>{'/'.join(pieces)})"
        at = variable.end()
    return found + re.escape(uri[at:])


def request_of(route: Route, path: dict[str, str], query: str, body: Any) -> Any:
    """The request's message from the parts of an HTTP request."""
    document: dict[str, Any] = {}
    for key, value in parse_qsl(query):
        if not key.startswith("$"):
            _put(document, key, value)
    if route.rule.body == "*":
        document.update(body)
    elif route.rule.body:
        document[route.rule.body] = body
    for group, value in path.items():
        _put(document, group.replace("__", "."), value)
    message = route.method.request.pb()()
    for field in message.DESCRIPTOR.fields:  # a list of one looks like a value in a query
        for key in {field.name, field.json_name} & document.keys():
            if field.is_repeated and isinstance(document[key], str):
                document[key] = [document[key]]
    try:
        json_format.ParseDict(document, message)
    except json_format.ParseError as error:
        raise Refusal("INVALID_ARGUMENT", str(error)) from None
    return route.method.request.wrap(message)


def _put(document: dict[str, Any], key: str, value: str) -> None:
    """Set a.b; a key that comes again makes a list."""
    *parents, last = key.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    if last not in document:
        document[last] = value
    elif isinstance(document[last], list):
        document[last].append(value)
    else:
        document[last] = [document[last], value]


class _RestHandler(BaseHTTPRequestHandler):
    """Answers REST calls, and the control channel of the tests."""

    protocol_version = "HTTP/1.1"
    server: "_RestServer"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length)
        if len(data) < length:  # the client has died within its request
            self.close_connection = True
            return
        try:
            self._send(200, self._result(json.loads(data or b"{}")))
        except Dropped:
            self.close_connection = True
        except Refusal as refusal:
            status = HTTP_STATUS[refusal.code]
            error = {"code": status, "message": refusal.message, "status": refusal.code}
            self._send(status, {"error": error})

    do_GET = do_POST = do_PATCH = do_DELETE = _do

    def _result(self, body: Any) -> Any:
        url = urlsplit(self.path)
        if url.path.startswith(CONTROL):
            return self.server.control(url.path.removeprefix(CONTROL), body)
        for route in self.server.routes:
            match = route.path.fullmatch(url.path)
            if match and route.rule.verb == self.command:
                request = request_of(route, match.groupdict(), url.query, body)
                answer = self.server.platform.call(route.method, request)
                return json_format.MessageToDict(as_protobuf(answer), use_integers_for_enums=True)
        raise Refusal("NOT_FOUND", f"no route {self.command} {url.path}")

    def _send(self, status: int, document: Any) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _RestServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, platform: Platform, control: Control):
        super().__init__(("127.0.0.1", 0), _RestHandler)
        self.platform = platform
        self.control = control
        self.routes = routes(platform.methods)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of the server; everything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def rest(platform: Platform, control: Control) -> Iterator[str]:
    """Serve REST; the endpoint http://127.0.0.1:PORT."""
    server = _RestServer(platform, control)
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _grpc_handler(platform: Platform, method: Method) -> grpc.RpcMethodHandler:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return platform.call(method, request)
        except Dropped:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        except Refusal as refusal:
            context.abort(grpc.StatusCode[refusal.code], refusal.message)

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=method.request.deserialize,
        response_serializer=lambda message: as_protobuf(message).SerializeToString(),
    )


@contextmanager
def grpc_with_tls(platform: Platform, identity: Certificate) -> Iterator[str]:
    """Serve gRPC; the endpoint localhost:PORT."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    for service in platform.services:
        handlers = {
            method.name: _grpc_handler(platform, method)
            for method in platform.methods
            if method.service == service
        }
        name = f"google.cloud.aiplatform.v1.{service}"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
    credentials = grpc.ssl_server_credentials([(identity.key, identity.chain)])
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(grace=None).wait()

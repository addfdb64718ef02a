"""Where each call of a client arrives: it is noted, failed on demand, and done by its service."""

from collections.abc import Iterable
from typing import Any

from tests.standins.rpc import Dropped, Method, Refusal, methods
from tests.standins.trouble import Faults


class Platform:
    """The services behind one door. A service has a method for each procedure it knows."""

    def __init__(self, services: Iterable[Any]):
        self.services = {type(service).__name__: service for service in services}
        self.methods = [method for name in self.services for method in methods(name)]
        self.faults = Faults()
        self.calls: list[str] = []

    def call(self, method: Method, request: Any) -> Any:
        """The answer of the service; raises `Refusal` or `Dropped`.

        LOST: the work is done and the answer is 503. DROPPED: it is done and the connection ends.
        """
        self.calls.append(method.name)
        fault = self.faults.take(method.name)
        if fault is None:
            return self._do(method, request)
        if fault.code in ("LOST", "DROPPED"):
            self._do(method, request)
            raise Dropped if fault.code == "DROPPED" else Refusal("UNAVAILABLE", fault.message)
        raise Refusal(fault.code, fault.message)

    def _do(self, method: Method, request: Any) -> Any:
        procedure = getattr(self.services[method.service], method.name, None)
        if procedure is None:
            raise Refusal("UNIMPLEMENTED", f"the stand-in has no {method.name}")
        return procedure(request)

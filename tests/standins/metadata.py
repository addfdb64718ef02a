"""MetadataService: contexts, executions and artifacts, as Vertex AI Experiments uses them."""

import re
import threading
import uuid
from dataclasses import dataclass
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import empty_pb2

from tests.standins.resources import PROJECT_NUMBER, Shelf, canonical, now, page
from tests.standins.rpc import Refusal, finished


@dataclass(frozen=True)
class NodeView:
    """What a filter may ask of a context, an execution or an artifact."""

    node: Any
    links: set[tuple[str, str]]  # (context, member)

    def field(self, name: str) -> Any:
        """A field of the node or, as metadata.KEY, one value of its metadata."""
        if name == "parent_contexts":
            return [canonical(parent) for parent in self.node.parent_contexts]
        if name.startswith("metadata."):
            return dict(self.node.metadata).get(name.split(".")[1])
        return getattr(self.node, name)

    def function(self, name: str, argument: str) -> bool:
        """in_context("projects/…/contexts/…")."""
        if name != "in_context":
            raise KeyError(name)
        return (canonical(argument), self.node.name) in self.links


class MetadataService:
    """A metadata store; each procedure holds the lock."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._stores = Shelf()
        self._contexts = Shelf()
        self._executions = Shelf()
        self._artifacts = Shelf()
        self._links: set[tuple[str, str]] = set()  # (context, artifact or execution)
        self._events: list[tuple[str, str]] = []  # (execution, artifact)

    def CreateMetadataStore(self, request: Any) -> Any:
        """A new store, at once."""
        with self._lock:
            name = f"{request.parent}/metadataStores/{request.metadata_store_id}"
            store = self._stores.add(name, v1.MetadataStore(create_time=now()))
            return finished(store)

    def GetMetadataStore(self, request: Any) -> Any:
        """A store by name."""
        return self._stores.find(request.name)

    def CreateContext(self, request: Any) -> Any:
        """A new context, such as an experiment or a run of one."""
        return self._create(
            self._contexts, f"{request.parent}/contexts", request.context, request.context_id
        )

    def GetContext(self, request: Any) -> Any:
        """A context by name."""
        return self._contexts.find(request.name)

    def UpdateContext(self, request: Any) -> Any:
        """Replace a context of the same etag."""
        return self._update(self._contexts, request.context)

    def ListContexts(self, request: Any) -> Any:
        """A page of contexts."""
        return self._list(self._contexts, request, v1.ListContextsResponse, "contexts")

    def DeleteContext(self, request: Any) -> Any:
        """Forget a context."""
        with self._lock:
            del self._contexts[self._contexts.find(request.name).name]
            return finished(empty_pb2.Empty())

    def AddContextChildren(self, request: Any) -> Any:
        """Put contexts under another."""
        with self._lock:
            parent = canonical(request.context)
            for name in request.child_contexts:
                child = self._contexts.find(name)
                if parent not in child.parent_contexts:
                    child.parent_contexts = [*child.parent_contexts, parent]
            return v1.AddContextChildrenResponse()

    def AddContextArtifactsAndExecutions(self, request: Any) -> Any:
        """Put artifacts and executions into a context."""
        with self._lock:
            context = self._contexts.find(request.context).name
            for member in [*request.artifacts, *request.executions]:
                self._links.add((context, canonical(member)))
            return v1.AddContextArtifactsAndExecutionsResponse()

    def QueryContextLineageSubgraph(self, request: Any) -> Any:
        """What is in a context."""
        with self._lock:
            context = canonical(request.context)
            members = {member for owner, member in self._links if owner == context}
            return v1.LineageSubgraph(
                artifacts=[self._artifacts[name] for name in members & self._artifacts.keys()],
                executions=[self._executions[name] for name in members & self._executions.keys()],
            )

    def CreateExecution(self, request: Any) -> Any:
        """A new execution."""
        parent = f"{request.parent}/executions"
        return self._create(self._executions, parent, request.execution, request.execution_id)

    def GetExecution(self, request: Any) -> Any:
        """An execution by name."""
        return self._executions.find(request.name)

    def UpdateExecution(self, request: Any) -> Any:
        """Replace an execution of the same etag."""
        return self._update(self._executions, request.execution)

    def ListExecutions(self, request: Any) -> Any:
        """A page of executions."""
        return self._list(self._executions, request, v1.ListExecutionsResponse, "executions")

    def AddExecutionEvents(self, request: Any) -> Any:
        """Tie artifacts to an execution."""
        with self._lock:
            execution = self._executions.find(request.execution).name
            self._events += [(execution, canonical(event.artifact)) for event in request.events]
            return v1.AddExecutionEventsResponse()

    def QueryExecutionInputsAndOutputs(self, request: Any) -> Any:
        """An execution with its artifacts."""
        with self._lock:
            execution = self._executions.find(request.execution)
            artifacts = [self._artifacts[a] for e, a in self._events if e == execution.name]
            return v1.LineageSubgraph(artifacts=artifacts, executions=[execution])

    def CreateArtifact(self, request: Any) -> Any:
        """A new artifact."""
        parent = f"{request.parent}/artifacts"
        return self._create(self._artifacts, parent, request.artifact, request.artifact_id)

    def GetArtifact(self, request: Any) -> Any:
        """An artifact by name."""
        return self._artifacts.find(request.name)

    def UpdateArtifact(self, request: Any) -> Any:
        """Replace an artifact of the same etag."""
        return self._update(self._artifacts, request.artifact)

    def ListArtifacts(self, request: Any) -> Any:
        """A page of artifacts."""
        return self._list(self._artifacts, request, v1.ListArtifactsResponse, "artifacts")

    def _create(self, shelf: Shelf, collection: str, node: Any, identifier: str) -> Any:
        with self._lock:
            self._stores.find(collection.rpartition("/")[0])
            kept = shelf.add(f"{collection}/{identifier or uuid.uuid4()}", node)
            kept.create_time = kept.update_time = now()
            kept.etag = uuid.uuid4().hex
            return kept

    def _update(self, shelf: Shelf, node: Any) -> Any:
        with self._lock:
            old = shelf.find(node.name)
            if node.etag and node.etag != old.etag:
                raise Refusal("FAILED_PRECONDITION", f"the etag of {node.name} has changed")
            kept = type(old)(node)
            kept.name, kept.create_time = old.name, old.create_time
            kept.update_time, kept.etag = now(), uuid.uuid4().hex
            if hasattr(old, "parent_contexts"):
                kept.parent_contexts = old.parent_contexts
            shelf[old.name] = kept
            return kept

    def _list(self, shelf: Shelf, request: Any, answer: type, field: str) -> Any:
        with self._lock:
            asked = type(request)(request)
            asked.filter = re.sub(
                r'projects/[^/"]+/locations', f"projects/{PROJECT_NUMBER}/locations", asked.filter
            )
            nodes = shelf.under(asked.parent)
            return page(asked, answer, field, nodes, lambda node: NodeView(node, self._links))

"""TensorboardService: experiments, runs and time series of scalars."""

import threading
from dataclasses import dataclass
from typing import Any

from google.cloud import aiplatform_v1 as v1

from tests.standins.resources import Shelf, canonical, new_number, now, page
from tests.standins.rpc import finished


@dataclass(frozen=True)
class PlainView:
    """What a filter may ask: the fields."""

    resource: Any

    def field(self, name: str) -> Any:
        """A field of the resource."""
        return getattr(self.resource, name)

    def function(self, name: str, argument: str) -> bool:
        """TensorboardService has no functions."""
        raise KeyError(name)


class TensorboardService:
    """TensorBoards in memory; each procedure that changes them holds the lock."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._boards = Shelf()
        self._experiments = Shelf()
        self._runs = Shelf()
        self._series = Shelf()
        self._points: dict[str, list[v1.TimeSeriesDataPoint]] = {}

    def CreateTensorboard(self, request: Any) -> Any:
        """A new board, at once."""
        collection = f"{request.parent}/tensorboards"
        return finished(self._create(self._boards, collection, request.tensorboard, ""))

    def GetTensorboard(self, request: Any) -> Any:
        """A board by name."""
        return self._boards.find(request.name)

    def ListTensorboards(self, request: Any) -> Any:
        """A page of boards."""
        return self._list(self._boards, request, v1.ListTensorboardsResponse, "tensorboards")

    def CreateTensorboardExperiment(self, request: Any) -> Any:
        """A new experiment of a board."""
        self._boards.find(request.parent)
        identifier = request.tensorboard_experiment_id
        collection = f"{request.parent}/experiments"
        return self._create(
            self._experiments, collection, request.tensorboard_experiment, identifier
        )

    def GetTensorboardExperiment(self, request: Any) -> Any:
        """An experiment by name."""
        return self._experiments.find(request.name)

    def ListTensorboardExperiments(self, request: Any) -> Any:
        """A page of experiments."""
        answer = v1.ListTensorboardExperimentsResponse
        return self._list(self._experiments, request, answer, "tensorboard_experiments")

    def CreateTensorboardRun(self, request: Any) -> Any:
        """A new run of an experiment."""
        self._experiments.find(request.parent)
        collection = f"{request.parent}/runs"
        return self._create(
            self._runs, collection, request.tensorboard_run, request.tensorboard_run_id
        )

    def GetTensorboardRun(self, request: Any) -> Any:
        """A run by name."""
        return self._runs.find(request.name)

    def ListTensorboardRuns(self, request: Any) -> Any:
        """A page of runs."""
        return self._list(self._runs, request, v1.ListTensorboardRunsResponse, "tensorboard_runs")

    def CreateTensorboardTimeSeries(self, request: Any) -> Any:
        """A new series of a run."""
        self._runs.find(request.parent)
        identifier = request.tensorboard_time_series_id
        collection = f"{request.parent}/timeSeries"
        return self._create(self._series, collection, request.tensorboard_time_series, identifier)

    def GetTensorboardTimeSeries(self, request: Any) -> Any:
        """A series by name."""
        return self._series.find(request.name)

    def ListTensorboardTimeSeries(self, request: Any) -> Any:
        """A page of series."""
        answer = v1.ListTensorboardTimeSeriesResponse
        return self._list(self._series, request, answer, "tensorboard_time_series")

    def WriteTensorboardRunData(self, request: Any) -> Any:
        """Append points to the series of a run."""
        with self._lock:
            for data in request.time_series_data:
                name = f"{request.tensorboard_run}/timeSeries/{data.tensorboard_time_series_id}"
                points = self._points.setdefault(self._series.find(name).name, [])
                points.extend(data.values)
            return v1.WriteTensorboardRunDataResponse()

    def BatchReadTensorboardTimeSeriesData(self, request: Any) -> Any:
        """All points of some series."""
        scalar = v1.TensorboardTimeSeries.ValueType.SCALAR
        with self._lock:
            read = [
                v1.TimeSeriesData(
                    tensorboard_time_series_id=name.rpartition("/")[2],
                    value_type=scalar,
                    values=self._points.get(canonical(name), []),
                )
                for name in request.time_series
            ]
            return v1.BatchReadTensorboardTimeSeriesDataResponse(time_series_data=read)

    def _create(self, shelf: Shelf, collection: str, resource: Any, identifier: str) -> Any:
        with self._lock:
            kept = shelf.add(f"{collection}/{identifier or new_number()}", resource)
            kept.create_time = now()
            return kept

    def _list(self, shelf: Shelf, request: Any, answer: type, field: str) -> Any:
        with self._lock:
            return page(request, answer, field, shelf.under(request.parent), PlainView)

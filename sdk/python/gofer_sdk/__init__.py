"""Write Gofer pipelines in Python.

from gofer_sdk import Pipeline, Task

pipeline = Pipeline("hello").tasks(Task("greet", "busybox:stable").command("echo", "Hello"))

if __name__ == "__main__":
    pipeline.emit()
"""

from __future__ import annotations

from gofer_sdk.common_task import CommonTask
from gofer_sdk.errors import PipelineError
from gofer_sdk.node import Condition, Node, Scalar
from gofer_sdk.parameter import ParameterType, ParameterValue
from gofer_sdk.pipeline import OnLimit, Outcome, Pipeline
from gofer_sdk.references import global_secret, matrix, param, pipeline_object, run_object, secret
from gofer_sdk.task import Level, PullPolicy, Task

__all__ = [
    "CommonTask",
    "Condition",
    "Level",
    "Node",
    "OnLimit",
    "Outcome",
    "ParameterType",
    "ParameterValue",
    "Pipeline",
    "PipelineError",
    "PullPolicy",
    "Scalar",
    "Task",
    "global_secret",
    "matrix",
    "param",
    "pipeline_object",
    "run_object",
    "secret",
]

"""Executors by name: ours, and those that installed packages offer.

Reads    entry points of the group `fauxpay.executors`
Writes   nothing
Draws    nothing
Sources  nothing

Only names are needed to judge a config; what they stand for is loaded by delivery.executors.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint

from pydantic_core import PydanticCustomError

from fauxpay.config.offered import offered, one_of

GROUP = "fauxpay.executors"
OURS = {
    "serial": "fauxpay.delivery.executors:SerialExecutor",
    "processes": "fauxpay.delivery.processes:ProcessExecutor",
    "ray": "fauxpay.delivery.ray_executor:RayExecutor",
    "spark": "fauxpay.delivery.spark_executor:SparkExecutor",
}


def known_executor(value: object) -> object:
    """The same value where it names an executor; else an error with the nearest known name."""
    if not isinstance(value, str) or value in OURS:
        return value
    others = executors_of_others()
    if value in others:
        return value
    allowed = one_of(value, OURS, others, GROUP)
    raise PydanticCustomError("executor", "{allowed}", {"allowed": allowed})


def executor_point(name: str) -> EntryPoint:
    """Where the executor of a known name is to be loaded from."""
    if name in OURS:
        return EntryPoint(name, OURS[name], GROUP)
    return executors_of_others()[name]


def executors_of_others() -> dict[str, EntryPoint]:
    """Entry points of installed packages by name, but for names that are ours."""
    return offered(GROUP, OURS)

"""What Spark's own errors mean: gone and worth a second try, or a matter of settings and data."""

import pytest

from crm_lib.errors import ConfigError, DataContractError, Unreachable
from crm_lib.sources.spark import words

pyspark_errors = pytest.importorskip("pyspark.errors", reason="needs the packages of make engines")
py4j = pytest.importorskip("py4j.protocol", reason="needs the packages of make engines")


class Mute(py4j.Py4JJavaError):
    """What went wrong is known to a Java that has ended, and asked there."""

    __module__ = "py4j.protocol"

    def __init__(self):
        Exception.__init__(self)

    def __str__(self):
        raise ConnectionRefusedError(111, "Connection refused")


def of_spark(name, said):
    """An error that pyspark raises with this text."""
    kind = type(name, (Exception,), {"__module__": "pyspark.errors.exceptions.connect"})
    return kind(said)


CANCELLED = "<_MultiThreadedRendezvous of RPC that terminated with:\n\tstatus = StatusCode.CANCELLED"
MEANT = {
    "nobody answers": (pyspark_errors.RetriesExceeded("[RETRIES_EXCEEDED]"), Unreachable),
    "ended in mid-call": (of_spark("SparkConnectGrpcException", CANCELLED), Unreachable),
    "started anew": (
        of_spark("SparkConnectException", "[NO_ACTIVE_SESSION] No active Spark session"),
        Unreachable,
    ),
    "session gone": (of_spark("SparkConnectGrpcException", "[INVALID_HANDLE.SESSION_CHANGED]"), Unreachable),
    "Java refuses": (ConnectionRefusedError(111, "Connection refused"), Unreachable),
    "Java is silent": (py4j.Py4JError("An error occurred while calling o79.getResult"), Unreachable),
    "Java can't say": (Mute(), Unreachable),
    "Java shuts down": (
        of_spark("SparkException", "Job 3 cancelled because SparkContext was shut down"),
        Unreachable,
    ),
    "memory": (of_spark("SparkException", "OutOfMemoryError … SparkContext was shut down"), ConfigError),
    "wrong call": (py4j.Py4JError("An error occurred while calling o7.x. Trace:\nNo method x"), DataContractError),
    "a value": (of_spark("SparkException", "[CAST_INVALID_INPUT] 'UNAVAILABLE' is no number"), DataContractError),
}


@pytest.mark.parametrize(("error", "kind"), MEANT.values(), ids=MEANT)
def test_only_a_spark_that_is_gone_is_tried_again(error, kind):
    said = words.of(error, "shop", "transactions")
    assert type(said) is kind
    assert words.is_lost(error) is (kind is Unreachable)


def test_errors_that_are_not_of_spark_are_left_alone():
    assert words.of(ValueError("SparkContext was shut down"), "shop", "transactions") is None

"""What Spark says when it can't, in words: never with a value of the data, an address or a token."""

from __future__ import annotations

from crm_lib.errors import ConfigError, CrmError, DataContractError, Unreachable, part

_ITS_OWN = ("pyspark", "py4j", "grpc")

_NO_RIGHT = (
    *("AccessControlException", "AccessDenied", "Permission denied", "PERMISSION_DENIED"),
    *("INSUFFICIENT_PERMISSIONS", "UNAUTHENTICATED", "status code: 403", "Forbidden"),
)
# Errors that a lost connection alone raises.
_GONE = ("RetriesExceeded", "Py4JNetworkError")
# A server that is ended cancels what it works on; one that was started anew knows nothing of the session.
_LOST = (
    *("StatusCode.UNAVAILABLE", "StatusCode.CANCELLED", "Connection refused", "Connection reset"),
    *("INVALID_HANDLE.SESSION", "[NO_ACTIVE_SESSION]", "[RESPONSE_ALREADY_RECEIVED]"),
    *("SparkContext was shut down", "stopped SparkContext"),
)
# By the start of Spark's own name for what went wrong.
_CONDITIONS = {
    "PATH_NOT_FOUND": part("is not there"),
    "TABLE_OR_VIEW_NOT_FOUND": part("is not there"),
    "SCHEMA_NOT_FOUND": part("is not there: the catalog has no such schema"),
    "UNABLE_TO_INFER_SCHEMA": part("holds no Parquet file (Spark passes over names that begin with _ or .)"),
    "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER": part("holds a file that is no Parquet"),
    "FAILED_READ_FILE": part("holds a file that can't be read as what it should be"),
    "DATA_SOURCE_NOT_FOUND": part('can\'t be read: this Spark has no Delta Lake. See "Delta" in docs/engines.md'),
    "PARQUET_TYPE_ILLEGAL": part("holds a Parquet type that Spark can't read, most likely times in nanoseconds"),
    "AMBIGUOUS_REFERENCE": part("has columns whose names differ by case only"),
    "DATATYPE_MISMATCH": part("has a column of a type that can't become what the contract asks for"),
    "CAST_OVERFLOW": part("holds a number too large for its column"),
    "ARITHMETIC_OVERFLOW": part("adds up to more than a column can hold"),
    "NUMERIC_VALUE_OUT_OF_RANGE": part("holds a number too large for its column"),
}


def of(error: Exception, source: str, what: str) -> CrmError | None:
    """What an error of Spark means for `what`, a table or the place of all; None where it is none of Spark's."""
    if is_lost(error):
        return Unreachable(
            f'Spark, which holds the source "{source}", ended the connection. Run it again; if it ends again, '
            "look into the log of the cluster. A Spark that starts here may have been ended for want of memory."
        )
    if not _is_its_own(error):
        return None
    said = str(error)
    if "OutOfMemoryError" in said:
        return ConfigError(
            f"{what}: Spark ran out of memory. Raise sources.{source}.memory in crm.toml, or that of the cluster."
        )
    if any(word in said for word in _NO_RIGHT):
        return DataContractError(f"{what}: Spark may not read it. It needs the right to read, and no other.")
    reason = next((words for name, words in _CONDITIONS.items() if f"[{name}" in said), "")
    if reason:
        return DataContractError(f"{what} {reason}. Correct crm.toml, or the table.")
    condition = getattr(error, "getCondition", str)() or type(error).__name__
    return DataContractError(
        f"{what}: Spark refuses a query ({condition}). Look at the types of its columns, or make a view that the "
        "reports can read."
    )


def is_lost(error: Exception) -> bool:
    """Whether Spark is gone, so that a second try may go well."""
    if isinstance(error, ConnectionError) or type(error).__name__ in _GONE:
        return True
    if not _is_its_own(error):
        return False
    try:
        said = str(error)
    except Exception:  # what it says is asked of a Java that has ended
        return True
    if type(error).__name__ == "Py4JError" and "Trace:" not in said:  # no answer, and none that says why
        return True
    return "OutOfMemoryError" not in said and any(word in said for word in _LOST)


def _is_its_own(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in _ITS_OWN

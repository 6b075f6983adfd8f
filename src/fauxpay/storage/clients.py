"""Clients: the one way to talk to object stores, with retries that end and errors that say what.

Reads    the credentials of the store's own standard chain
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from fauxpay.errors import MissingExtraError, StorageError
from fauxpay.foundations.machine import RESUMES

PATIENCE_SECONDS = 60.0
CONNECT_SECONDS = 5
REQUEST_SECONDS = 60
TRIES_MAX = 30
BACKOFF_SECONDS = (0.1, 5.0)
_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (4\d\d)")
_PASSING = ("408", "429")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "az": "AZURE_STORAGE_ENDPOINT"}
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
_CHAIN = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity, the container's or the "
    "instance's role, or a profile where boto3 is installed",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or the instance's account",
    "az": "AZURE_STORAGE_ACCOUNT_NAME with a key, a token or a managed identity",
}


def library() -> Any:
    """The client library. Raises MissingExtraError where it is not installed."""
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "obstore is not installed, which reads and writes object stores; `pip install "
            "'fauxpay[objects]'` brings it"
        ) from error
    return obstore


@cache
def client(bucket: str, patience_seconds: float) -> Any:
    """The client of a bucket, one for each process; a memory store lives as long as the process.

    bucket  such as s3://lake
    """
    store = library().store
    if bucket.startswith("memory://"):
        return store.MemoryStore()
    first, longest = (timedelta(seconds=seconds) for seconds in BACKOFF_SECONDS)
    options: dict[str, Any] = {
        "client_options": {
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "timeout": timedelta(seconds=REQUEST_SECONDS),
        },
        "retry_config": {
            "max_retries": TRIES_MAX,
            "retry_timeout": timedelta(seconds=patience_seconds),
            "backoff": {"init_backoff": first, "max_backoff": longest, "base": 2},
        },
    }
    if bucket.startswith("s3://"):
        # Big files are put under a name for a while, then copied where none stands.
        options["config"] = {"copy_if_not_exists": "multipart"}
        options |= _profile()
    if is_plain_allowed(bucket):
        options["client_options"]["allow_http"] = True
    with store_errors(bucket, "open"):
        return store.from_url(bucket, **options)


def is_plain_allowed(address: str) -> bool:
    """Whether the store is a server on this machine, which is asked without encryption."""
    endpoint = urlsplit(os.environ.get(_ENDPOINTS.get(urlsplit(address).scheme, ""), ""))
    return endpoint.scheme == "http" and endpoint.hostname in _LOOPBACK


def _profile() -> dict[str, Any]:
    """What reads profiles, which the client itself does not know, where keys are not stated."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return {}
    try:
        from boto3 import Session
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        return {}
    session = Session()
    if session.get_credentials() is None:
        return {}
    return {"credential_provider": Boto3CredentialProvider(session)}


@contextmanager
def store_errors(address: str, action: str) -> Iterator[None]:
    """Turns what a store says into a StorageError with a remedy, but for a file that is not there.

    address  of the file, without secrets
    Raises FileNotFoundError as it is, unless the whole bucket is not there.
    """
    exceptions = library().exceptions
    try:
        yield
    except (FileNotFoundError, exceptions.BaseError, ValueError) as error:
        text = str(error)
        code = "".join(_CODE.findall(text)[:1])
        if isinstance(error, FileNotFoundError) and code not in _NO_BUCKET:
            raise FileNotFoundError(errno.ENOENT, "no such object", address) from error
        if isinstance(error, (exceptions.AlreadyExistsError, exceptions.PreconditionError)):
            raise
        raise StorageError(
            f"{address}: cannot {action}: {_said(text, code)}. {_remedy(error, address, code)}"
        ).located(address) from error


def is_passing(error: BaseException | None) -> bool:
    """Whether the same request may get another answer later: no answer, or one of a store in need.

    error  of the client, as it is the cause of a StorageError
    """
    if not isinstance(error, library().exceptions.GenericError):
        return False
    status = _STATUS.search(str(error))
    return status is None or status[1] in _PASSING


def _said(text: str, code: str) -> str:
    """The store's own word, in one line."""
    told = re.search(r"<Message>([^<\n]*)", text)
    if code:
        return f"the store says {code}" + (f" ({told[1].strip().rstrip('.')})" if told else "")
    first = text.strip().partition("\n")[0]
    return first if len(first) <= 300 else f"{first[:300]}..."


def _remedy(error: Exception, address: str, code: str) -> str:
    exceptions = library().exceptions
    scheme = address.partition("://")[0]
    if code in _NO_BUCKET:
        return "Make the bucket, or correct --out."
    if code == "RequestTimeTooSkewed":
        return f"Set this machine's clock; {RESUMES}."
    if isinstance(error, (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)):
        chain = _CHAIN.get(scheme, "the store's own chain")
        return f"Expected credentials that may read and write there, from {chain}; {RESUMES}."
    if isinstance(error, exceptions.NotSupportedError) or code == "NotImplemented":
        return "Expected a store that puts a file only where none stands (If-None-Match)."
    if "169.254.169.254" in str(error) or "metadata" in str(error):
        chain = _CHAIN.get(scheme, "the store's own chain")
        return f"No credentials were found: expected {chain}; {RESUMES}."
    return f"Look at the network, the endpoint and the store; {RESUMES}."

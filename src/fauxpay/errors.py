"""Errors: what a user can put right, each with its exit code.

Bad input raises one of these classes; our own mistakes are assertions and stay so.
A message says what, where, what was expected and what to do.
"""

from __future__ import annotations


class FauxpayError(Exception):
    """Base of every error a user can put right. `exit_code` is what the command line returns."""

    exit_code = 1


class ConfigError(FauxpayError):
    """The request cannot be understood or met: unknown key, wrong type, impossible combination."""

    exit_code = 2


class ContractError(FauxpayError):
    """A table or document does not have the shape that its contract states."""

    exit_code = 3


class GateError(FauxpayError):
    """A gate did not say PASS, so nothing was published as good."""

    exit_code = 4


class ConflictError(FauxpayError):
    """Other bytes already stand under a published name; both are kept."""

    exit_code = 5


class StorageError(FauxpayError):
    """A file or folder could not be read or written."""

    exit_code = 6


class MissingExtraError(FauxpayError):
    """An optional dependency is needed; the message names the install command."""

    exit_code = 7


class ProofError(FauxpayError):
    """What stands on disk, or what was made again, is not what the receipt says."""

    exit_code = 8


class ResourceError(FauxpayError):
    """The machine ran out of memory or processes, or ended a worker; trying again may help."""

    exit_code = 9

"""Errors: what a user can put right, each with its exit code.

Bad input raises one of these classes; our own mistakes are assertions and stay so.
A message says what, where, what was expected and what to do.
"""

from __future__ import annotations

from typing import Self


class FauxpayError(Exception):
    """Base of every error a user can put right. `exit_code` is what the command line returns.

    remedy     what to do about errors of the class; the message says what to do about this one
    about      name or path of the file it is about, "" for none
    partition  day and part that were being made, "" for none
    segment    that was at work, "" for none
    """

    exit_code = 1
    remedy = "Look at the message; the same command resumes what was begun."
    about = ""
    partition = ""
    segment = ""

    def located(self, about: str = "", partition: str = "", segment: str = "") -> Self:
        """The same error, which knows where; what is known already stays."""
        self.about = self.about or about
        self.partition = self.partition or partition
        self.segment = self.segment or segment
        return self


class ConfigError(FauxpayError):
    """The request cannot be understood or met: unknown key, wrong type, impossible combination."""

    exit_code = 2
    remedy = "Correct the setting that the message names, then give the command again."


class ContractError(FauxpayError):
    """A table or document does not have the shape that its contract states."""

    exit_code = 3
    remedy = "Restore or correct the file that the message names, then give the same command again."


class GateError(FauxpayError):
    """A gate did not say PASS, so nothing was published as good."""

    exit_code = 4
    remedy = "Look at gate.json, which says what broke; correct the config, parameters or catalog."


class ConflictError(FauxpayError):
    """Other bytes already stand under a published name; both are kept."""

    exit_code = 5
    remedy = (
        "Compare the two files that the message names; remove the wrong one, then run it again."
    )


class StorageError(FauxpayError):
    """A file or folder could not be read or written."""

    exit_code = 6
    remedy = (
        "Make the place writable or roomy, or choose another with --out; the same command resumes."
    )


class MissingExtraError(FauxpayError):
    """An optional dependency is needed; the message names the install command."""

    exit_code = 7
    remedy = "Install what the message names, then give the same command again."


class ProofError(FauxpayError):
    """What stands on disk, or what was made again, is not what the receipt says."""

    exit_code = 8
    remedy = "Restore the files from a copy, or make the run again into another folder."


class ResourceError(FauxpayError):
    """The machine ran out of memory or processes, or ended a worker; trying again may help."""

    exit_code = 9
    remedy = "Use fewer workers, smaller chunks or a larger machine; the same command resumes."


class CorridorError(FauxpayError):
    """What was measured lies outside of what was expected: realism, or a drift between runs."""

    exit_code = 10
    remedy = "Look at the facts that the message names; correct the config or the data, or accept."


class TypologyError(FauxpayError):
    """A kind of fraud does not keep the rules of `fauxpay.testing.check_typology`."""

    exit_code = 11
    remedy = "Correct the package that the typology comes from; every rule broken is named."


class ExecutorError(FauxpayError):
    """An executor does not keep the rules of `fauxpay.testing.check_executor`."""

    exit_code = 12
    remedy = "Correct the package that the executor comes from; every rule broken is named."

"""Testing: the conformance suites of plug-ins, for ours and for those of others.

`check_typology(typology)` holds a kind of fraud against its rules, `check_executor(make)` an
executor. Each raises an error with every rule that is broken, or returns what it saw.
"""

from fauxpay.testing.executors import ExecutorConformance, check_executor
from fauxpay.testing.typologies import Conformance, check_typology

__all__ = ["Conformance", "ExecutorConformance", "check_executor", "check_typology"]

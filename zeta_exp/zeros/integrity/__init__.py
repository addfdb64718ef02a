"""Is a table of zeros what it says?"""

from zeta_exp.zeros.integrity.finding import Kind
from zeta_exp.zeros.integrity.report import Fault, Report
from zeta_exp.zeros.integrity.verify import between, verify

__all__ = ["Fault", "Kind", "Report", "between", "verify"]

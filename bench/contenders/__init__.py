"""The mail servers that are measured beside each other."""

from bench.contenders.contender import Contender, Purpose, Running, Setting
from bench.contenders.table import CONTENDERS, MEASURED_AGAINST, chosen

__all__ = ["CONTENDERS", "MEASURED_AGAINST", "Contender", "Purpose", "Running", "Setting", "chosen"]

"""The mail servers that can be measured, each started on a folder of its own and a free port of 127.0.0.1."""

from bench.contenders.contender import Contender, Purpose, Running, Setting
from bench.contenders.table import CONTENDERS, installed

__all__ = ["CONTENDERS", "Contender", "Purpose", "Running", "Setting", "installed"]

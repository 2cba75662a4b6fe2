"""Postel: a complete Internet mail system in Python.

ARCHITECTURE.md says which room holds what and who may import whom.
"""

__version__ = "0.1.0"

"""Mail transactions that can be interrupted and resumed, as a server keeps them. Floor 2.

A session claims a transaction by its Key, begins or resumes it, and lets it go suspended, finished or forgotten.
"""

from postel.checkpoints.checkpoints import Checkpoints
from postel.checkpoints.claim import Claim
from postel.checkpoints.kept_draft import KeptDraft
from postel.checkpoints.operator import forget_kept, list_kept
from postel.checkpoints.options import CheckpointOptions
from postel.checkpoints.rows import MIGRATIONS, KeptTransaction, Key, Said, State
from postel.checkpoints.shelf import TransactionBusy

__all__ = [
    "MIGRATIONS",
    "CheckpointOptions",
    "Checkpoints",
    "Claim",
    "KeptDraft",
    "KeptTransaction",
    "Key",
    "Said",
    "State",
    "TransactionBusy",
    "forget_kept",
    "list_kept",
]

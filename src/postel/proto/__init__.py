"""The protocols as sans-IO conversations: bytes in, events out. Floor 1."""

from postel.proto.conversation import NEED_DATA, PAUSED, Conversation, NeedData, Paused

__all__ = ["NEED_DATA", "PAUSED", "Conversation", "NeedData", "Paused"]

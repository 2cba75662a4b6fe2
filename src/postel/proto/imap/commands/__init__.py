"""The commands of IMAP: one file each, and the table.

Gives       COMMANDS: name -> Row; every command's dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from postel.proto.imap.commands.append import Append, read_append
from postel.proto.imap.commands.authenticate import Authenticate, read_authenticate
from postel.proto.imap.commands.capability import Capability, read_capability
from postel.proto.imap.commands.check import Check, read_check
from postel.proto.imap.commands.close import Close, read_close
from postel.proto.imap.commands.command import Command, Row
from postel.proto.imap.commands.compress import Compress, read_compress
from postel.proto.imap.commands.copy import Copy, read_copy, read_uid_copy
from postel.proto.imap.commands.create import Create, read_create
from postel.proto.imap.commands.delete import Delete, read_delete
from postel.proto.imap.commands.enable import Enable, read_enable
from postel.proto.imap.commands.expunge import Expunge, read_expunge, read_uid_expunge
from postel.proto.imap.commands.fetch import Fetch, read_fetch, read_uid_fetch
from postel.proto.imap.commands.id import Id, read_id
from postel.proto.imap.commands.idle import Idle, read_idle
from postel.proto.imap.commands.list import List, read_list
from postel.proto.imap.commands.login import Login, read_login
from postel.proto.imap.commands.logout import Logout, read_logout
from postel.proto.imap.commands.lsub import Lsub, read_lsub
from postel.proto.imap.commands.move import Move, read_move, read_uid_move
from postel.proto.imap.commands.namespace import Namespace, read_namespace
from postel.proto.imap.commands.noop import Noop, read_noop
from postel.proto.imap.commands.rename import Rename, read_rename
from postel.proto.imap.commands.replace import Replace, read_replace, read_uid_replace
from postel.proto.imap.commands.search import Search, read_search, read_uid_search
from postel.proto.imap.commands.select import Resync, Select, read_examine, read_select
from postel.proto.imap.commands.sort import Sort, read_sort, read_uid_sort
from postel.proto.imap.commands.starttls import StartTls, read_starttls
from postel.proto.imap.commands.status import Status, read_status
from postel.proto.imap.commands.store import FlagChange, Store, read_store, read_uid_store
from postel.proto.imap.commands.subscribe import Subscribe, read_subscribe
from postel.proto.imap.commands.thread import Thread, read_thread, read_uid_thread
from postel.proto.imap.commands.unauthenticate import Unauthenticate, read_unauthenticate
from postel.proto.imap.commands.unselect import Unselect, read_unselect
from postel.proto.imap.commands.unsubscribe import Unsubscribe, read_unsubscribe
from postel.proto.imap.states import ANY, BEFORE, INSIDE, SELECTED

_ROWS: Final = (
    #   name            reader          states  needs
    Row("CAPABILITY", read_capability, ANY),
    Row("NOOP", read_noop, ANY),
    Row("LOGOUT", read_logout, ANY),
    Row("ID", read_id, ANY, "ID"),
    Row("STARTTLS", read_starttls, BEFORE),
    Row("AUTHENTICATE", read_authenticate, BEFORE),
    Row("LOGIN", read_login, BEFORE),
    Row("ENABLE", read_enable, INSIDE),
    Row("SELECT", read_select, INSIDE),
    Row("EXAMINE", read_examine, INSIDE),
    Row("CREATE", read_create, INSIDE),
    Row("DELETE", read_delete, INSIDE),
    Row("RENAME", read_rename, INSIDE),
    Row("SUBSCRIBE", read_subscribe, INSIDE),
    Row("UNSUBSCRIBE", read_unsubscribe, INSIDE),
    Row("LIST", read_list, INSIDE),
    Row("LSUB", read_lsub, INSIDE),
    Row("NAMESPACE", read_namespace, INSIDE, "NAMESPACE"),
    Row("STATUS", read_status, INSIDE),
    Row("APPEND", read_append, INSIDE, uploads=True),
    Row("IDLE", read_idle, INSIDE, "IDLE"),
    Row("COMPRESS", read_compress, INSIDE, "COMPRESS=DEFLATE"),
    Row("UNAUTHENTICATE", read_unauthenticate, INSIDE, "UNAUTHENTICATE"),
    Row("CHECK", read_check, SELECTED),
    Row("CLOSE", read_close, SELECTED),
    Row("UNSELECT", read_unselect, SELECTED, "UNSELECT"),
    Row("EXPUNGE", read_expunge, SELECTED),
    Row("UID EXPUNGE", read_uid_expunge, SELECTED, "UIDPLUS"),
    Row("SEARCH", read_search, SELECTED, by_seq=True),
    Row("UID SEARCH", read_uid_search, SELECTED),
    Row("FETCH", read_fetch, SELECTED, by_seq=True),
    Row("UID FETCH", read_uid_fetch, SELECTED),
    Row("STORE", read_store, SELECTED, by_seq=True),
    Row("UID STORE", read_uid_store, SELECTED),
    Row("COPY", read_copy, SELECTED, by_seq=True),
    Row("UID COPY", read_uid_copy, SELECTED),
    Row("MOVE", read_move, SELECTED, "MOVE", by_seq=True),
    Row("UID MOVE", read_uid_move, SELECTED, "MOVE"),
    Row("REPLACE", read_replace, SELECTED, "REPLACE", uploads=True, by_seq=True),
    Row("UID REPLACE", read_uid_replace, SELECTED, "REPLACE", uploads=True),
    Row("SORT", read_sort, SELECTED, "SORT", by_seq=True),
    Row("UID SORT", read_uid_sort, SELECTED, "SORT"),
    Row("THREAD", read_thread, SELECTED, "THREAD", by_seq=True),
    Row("UID THREAD", read_uid_thread, SELECTED, "THREAD"),
)

COMMANDS: Final[Mapping[str, Row]] = MappingProxyType({row.name: row for row in _ROWS})

__all__ = [
    "COMMANDS",
    "Append",
    "Authenticate",
    "Capability",
    "Check",
    "Close",
    "Command",
    "Compress",
    "Copy",
    "Create",
    "Delete",
    "Enable",
    "Expunge",
    "Fetch",
    "FlagChange",
    "Id",
    "Idle",
    "List",
    "Login",
    "Logout",
    "Lsub",
    "Move",
    "Namespace",
    "Noop",
    "Rename",
    "Replace",
    "Resync",
    "Row",
    "Search",
    "Select",
    "Sort",
    "StartTls",
    "Status",
    "Store",
    "Subscribe",
    "Thread",
    "Unauthenticate",
    "Unselect",
    "Unsubscribe",
]

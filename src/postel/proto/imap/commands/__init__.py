"""The commands of IMAP: one file each, and the table.

Gives       COMMANDS: name -> Row; every command's dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from postel.proto.imap.commands.append import Append, read_append
from postel.proto.imap.commands.authenticate import Authenticate, read_authenticate
from postel.proto.imap.commands.cancel_update import CancelUpdate, read_cancel_update
from postel.proto.imap.commands.capability import Capability, read_capability
from postel.proto.imap.commands.check import Check, read_check
from postel.proto.imap.commands.close import Close, read_close
from postel.proto.imap.commands.command import Command, Row
from postel.proto.imap.commands.comparator import Comparator, read_comparator
from postel.proto.imap.commands.compress import Compress, read_compress
from postel.proto.imap.commands.copy import Copy, read_copy, read_uid_copy
from postel.proto.imap.commands.create import Create, read_create
from postel.proto.imap.commands.delete import Delete, read_delete
from postel.proto.imap.commands.delete_acl import DeleteAcl, read_delete_acl
from postel.proto.imap.commands.enable import Enable, read_enable
from postel.proto.imap.commands.esearch import Esearch, read_esearch
from postel.proto.imap.commands.expunge import Expunge, read_expunge, read_uid_expunge
from postel.proto.imap.commands.fetch import Fetch, read_fetch, read_uid_fetch
from postel.proto.imap.commands.fetch_url import UrlFetch, read_fetch_url
from postel.proto.imap.commands.generate_url_auth import GenUrlAuth, read_generate_url_auth
from postel.proto.imap.commands.get_acl import GetAcl, read_get_acl
from postel.proto.imap.commands.get_metadata import GetMetadata, read_get_metadata
from postel.proto.imap.commands.get_quota import GetQuota, read_get_quota
from postel.proto.imap.commands.get_quota_root import GetQuotaRoot, read_get_quota_root
from postel.proto.imap.commands.id import Id, read_id
from postel.proto.imap.commands.idle import Idle, read_idle
from postel.proto.imap.commands.language import Language, read_language
from postel.proto.imap.commands.list import List, read_list
from postel.proto.imap.commands.list_rights import ListRights, read_list_rights
from postel.proto.imap.commands.login import Login, read_login
from postel.proto.imap.commands.logout import Logout, read_logout
from postel.proto.imap.commands.lsub import Lsub, read_lsub
from postel.proto.imap.commands.move import Move, read_move, read_uid_move
from postel.proto.imap.commands.my_rights import MyRights, read_my_rights
from postel.proto.imap.commands.namespace import Namespace, read_namespace
from postel.proto.imap.commands.noop import Noop, read_noop
from postel.proto.imap.commands.notify import EventGroup, MailEvent, Notify, read_notify
from postel.proto.imap.commands.rename import Rename, read_rename
from postel.proto.imap.commands.replace import Replace, read_replace, read_uid_replace
from postel.proto.imap.commands.reset_key import ResetKey, read_reset_key
from postel.proto.imap.commands.search import Search, read_search, read_uid_search
from postel.proto.imap.commands.search_keys import parse_search_program
from postel.proto.imap.commands.select import Resync, Select, read_examine, read_select
from postel.proto.imap.commands.set_acl import RightsChange, SetAcl, read_set_acl
from postel.proto.imap.commands.set_metadata import SetMetadata, read_set_metadata
from postel.proto.imap.commands.set_quota import SetQuota, read_set_quota
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
    Row("ESEARCH", read_esearch, INSIDE, "MULTISEARCH"),
    Row("CANCELUPDATE", read_cancel_update, SELECTED, "CONTEXT"),
    Row("NOTIFY", read_notify, INSIDE, "NOTIFY"),
    Row("GETQUOTA", read_get_quota, INSIDE, "QUOTA"),
    Row("GETQUOTAROOT", read_get_quota_root, INSIDE, "QUOTA"),
    Row("SETQUOTA", read_set_quota, INSIDE, "QUOTASET"),
    Row("SETACL", read_set_acl, INSIDE, "ACL"),
    Row("DELETEACL", read_delete_acl, INSIDE, "ACL"),
    Row("GETACL", read_get_acl, INSIDE, "ACL"),
    Row("LISTRIGHTS", read_list_rights, INSIDE, "ACL"),
    Row("MYRIGHTS", read_my_rights, INSIDE, "ACL"),
    Row("GETMETADATA", read_get_metadata, INSIDE, "METADATA"),
    Row("SETMETADATA", read_set_metadata, INSIDE, "METADATA"),
    Row("LANGUAGE", read_language, ANY, "LANGUAGE"),
    Row("COMPARATOR", read_comparator, INSIDE, "I18NLEVEL=2"),
    Row("GENURLAUTH", read_generate_url_auth, INSIDE, "URLAUTH"),
    Row("RESETKEY", read_reset_key, INSIDE, "URLAUTH"),
    Row("URLFETCH", read_fetch_url, INSIDE, "URLAUTH"),
)

COMMANDS: Final[Mapping[str, Row]] = MappingProxyType({row.name: row for row in _ROWS})

__all__ = [
    "COMMANDS",
    "Append",
    "Authenticate",
    "CancelUpdate",
    "Capability",
    "Check",
    "Close",
    "Command",
    "Comparator",
    "Compress",
    "Copy",
    "Create",
    "Delete",
    "DeleteAcl",
    "Enable",
    "Esearch",
    "EventGroup",
    "Expunge",
    "Fetch",
    "FlagChange",
    "GenUrlAuth",
    "GetAcl",
    "GetMetadata",
    "GetQuota",
    "GetQuotaRoot",
    "Id",
    "Idle",
    "Language",
    "List",
    "ListRights",
    "Login",
    "Logout",
    "Lsub",
    "MailEvent",
    "Move",
    "MyRights",
    "Namespace",
    "Noop",
    "Notify",
    "Rename",
    "Replace",
    "ResetKey",
    "Resync",
    "RightsChange",
    "Row",
    "Search",
    "Select",
    "SetAcl",
    "SetMetadata",
    "SetQuota",
    "Sort",
    "StartTls",
    "Status",
    "Store",
    "Subscribe",
    "Thread",
    "Unauthenticate",
    "Unselect",
    "Unsubscribe",
    "UrlFetch",
    "parse_search_program",
]

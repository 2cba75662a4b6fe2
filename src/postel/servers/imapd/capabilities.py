"""What this shell can do, in the order it is announced.

Gives       CAPABILITIES.
Not here    What the machine does alone (LITERAL+, SASL-IR, ENABLE, STARTTLS): proto.imap.capabilities.
"""

from __future__ import annotations

from typing import Final

CAPABILITIES: Final = (
    "IMAP4rev2",
    "ID",
    "IDLE",
    "NAMESPACE",
    "UNSELECT",
    "UIDPLUS",
    "MOVE",
    "CHILDREN",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "LIST-MYRIGHTS",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "MULTIAPPEND",
    "REPLACE",
    "BINARY",
    "CONDSTORE",
    "QRESYNC",
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "SORT",
    "SORT=DISPLAY",
    "ESORT",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "I18NLEVEL=1",
    "PARTIAL",
    "STATUS=SIZE",
    "APPENDLIMIT",
    "OBJECTID",
    "SAVEDATE",
    "PREVIEW",
    "UTF8=ACCEPT",
    "UIDONLY",
    "LIST-METADATA",
    "MULTISEARCH",
    "SEARCH=FUZZY",
    "ACL",
    "RIGHTS=kxte",
    "QUOTA",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "METADATA",
    "METADATA-SERVER",
    "LANGUAGE",
    "UNAUTHENTICATE",
    "COMPRESS=DEFLATE",
)

"""The events of all rooms, by name: what the log can say, and what it means.

Names are stable: operators' alarms hang on them. The reference page is made of this table, and a test
reads the code for events that are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EVENTS: Final[Mapping[str, str]] = {
    # app
    "ready": "Every listener accepts connections.",
    "stopping": "A stop was asked for; sessions finish their current command.",
    "stopped": "Everything is closed; what waits in the queue is on disk.",
    "reloaded": "Configuration and certificates were read anew.",
    "reload_failed": "The new configuration has mistakes, one event for each; the old one stays in force.",
    "restart_needed": "The new configuration changes what only a restart can change.",
    "queue_not_sorted": "After a reload the database did not let waiting mail be sorted anew; reload once more.",
    "certificate_self_signed": "No certificate is configured, so a self-signed one was made.",
    "certificate_kept": "The certificate may not be read any more, as after giving up root; the old one stays.",
    "listening": "A listener is open.",
    "listener_closed": "A listener is not in the new configuration; its sessions go on.",
    "listen_failed": "A listener of the new configuration cannot be opened; a restart may be needed.",
    "socket_unused": "A socket that systemd opened is of no use to us, and was closed.",
    "running_as_root": "The server was started as root, and there is nobody else that it could become.",
    "data_directory_open": "Others than the server may look into the data directory.",
    "descriptors_too_few": "The process may have fewer files open than the configured limits need.",
    "worker_started": "A worker of several was started, with the server or in place of one that has ended.",
    "worker_ended": "A worker has ended unasked; another one takes its place, and its mail is taken over.",
    "task_failed": "A mistake of our own: an exception that nobody was there to take.",
    # database
    "bell_missing": "No socket could be made by which other processes wake this one; it looks every second instead.",
    # observe
    "log_lines_lost": "Lines were made faster than they could be written, and so many are missing before this one.",
    "library_message": "A library or a hook has written this to the standard library's log.",
    # hooks
    "hook_failed": "A hook raised, took too long or answered nonsense: the mail was deferred.",
    "hook_thread_stuck": "A hook blocks the thread of all hooks at `where`; it was left behind for a fresh one.",
    "hook_skipped": "Too many hooks were busy, so one was not told of an event.",
    # store
    "maildrop_lock_stuck": "The lock of a maildrop could not be renewed or freed; it is free when its lease ends.",
    "store_untidy": "Work on mailboxes in the background (indexing, removing) failed for now; it is tried again soon.",
    # fulltext
    "search_index_trouble": "An index of texts could not be used; who searches waits until its letters are read.",
    "letter_not_indexed": "A letter made us fail when its text was to be indexed; it is left out.",
    # imapd
    "imap_trouble": "A command could not be carried out: the database or a content was not to be had.",
    "logged_out": "A client has left its account, not its connection (UNAUTHENTICATE).",
    "client_id": "Which program a client says it is (ID).",
    # queue
    "delivered": "A recipient's copy is in its mailbox.",
    "relayed": "The next hop took the message for a recipient and is responsible now.",
    "expanded": "A recipient was an alias; its members took its place.",
    "delayed": "An attempt failed for a recipient; it will be tried again.",
    "failed": "A recipient will not get the message; the originator is told unless it wanted not to be.",
    "discarded": "A recipient's copy was thrown away because a route or a hook says so.",
    "late": "A recipient has waited long; the originator is told of the delay.",
    "report_dropped": "A message without a reverse path failed: nobody can be told.",
    "report_without_content": "A report was composed without the message it is about, which is gone.",
    "lane_down": "A destination cannot be reached; its mail waits, and one connection at a time tries it.",
    "lane_up": "A destination that was down has answered; the mail that waited for it flows.",
    "delivery_fault": "A delivery into a mailbox raised an exception; the recipient is delayed.",
    "agent_fault": "A delivery agent raised an exception; its job is delayed.",
    "outcome_unrecorded": "The database did not take the outcome of a job; it is tried until it does.",
    "queue_unreadable": "The database did not give the queue's mail; it is asked again soon.",
    # delivery
    "hop_ready": "A session with a next hop was opened (debug).",
    "transfer_interrupted": "The line broke amid a message; the next hop keeps what it has, and it goes on at once.",
    "hop_failed": "A host of a destination could not be used; the next one is tried.",
    "hop_tls_failed": "The TLS handshake with a next hop failed.",
    "message_converted": "A next hop takes less than the message needs, so it gets another form of it: `needed` and "
    "`domain` are before and after, `broken_signatures` the domains whose DKIM or ARC signature it breaks.",
    "login_refused": "A smarthost refused the login that its route has.",
    # servers
    "session_opened": "A client has connected, and is served.",
    "session_closed": "A session has ended; `ended` says how, `unlogged` how many refusals the log was spared.",
    "session_failed": "A mistake of our own ended a session; the client was told to try again later.",
    "connection_refused": "A client was turned away at the door; `because` says whether of too many, or as we stop.",
    "proxy_refused": "A configured proxy did not send a PROXY header that we take; the connection was closed.",
    "client_named": "A trusted host has said by XCLIENT who the client is; `by` is that host.",
    "client_misbehaved": "A client broke the protocol; `breach` says how.",
    "login_ok": "A client has logged in.",
    "login_failed": "A client has not logged in; `because` says why.",
    "mail_refused": "Mail was turned away; the client read `reply`, the reason is `because`.",
    "recipient_discarded": "A hook had one recipient accepted and dropped.",
    "url_refused": "A BURL named what could not be fetched, or not by this account; `because` says which.",
    "content_aborted": "The content of a message did not come to its end.",
    "transaction_suspended": "The line broke amid a message; `octets` of it are kept for its client (CHECKPOINT).",
    "transaction_resumed": "An interrupted message goes on behind the `octets` that were kept.",
    "transaction_not_kept": "A message came with TRANSID, and there was no room to keep it; it is taken all the same.",
    "transaction_kept_badly": "The state of a message with TRANSID could not be written; it may have to be sent anew.",
    "message_accepted": "A message is durable, and we are responsible for it.",
    "message_shown": "A message was sent to terminals (SEND, SOML, SAML); `shown` names those that have shown it.",
    "queue_asked_for": "A client has asked for waiting mail to be tried now (ETRN); the client read `reply`.",
    "roles_reversed": "A client fetches mail on its connection (ATRN, TURN); we are its client from here on.",
    "mail_fetched": "A connection on which mail was fetched has ended; `messages` were taken.",
    "message_discarded": "A hook had a message accepted and thrown away.",
    "message_not_stored": "A message could not be made durable; the client keeps it and tries again.",
    # pop3d
    "message_unreadable": "A stored message could not be read for a client.",
    "maildrop_not_updated": "Deleted messages could not be removed; the client was told.",
    "tls_failed": "A TLS handshake with a client failed.",
    # database
    "database_trouble": "The database could not write: what waited was answered as temporary trouble.",
    # checkpoints
    "transaction_expired": "An interrupted message was kept for as long as the settings say, and is forgotten.",
    "transactions_not_swept": "Old interrupted messages could not be forgotten yet; the next sweep tries again.",
    # contents
    "content_not_removed": "Files of released content could not be removed yet; the next removal tries again.",
}

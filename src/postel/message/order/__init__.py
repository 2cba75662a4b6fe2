"""The orders that IMAP gives messages: collations, SORT, THREAD."""

"""What IMAP says of a message: ENVELOPE, BODYSTRUCTURE, sections, and a blob that keeps all of it."""

"""What the extensions of IMAP say that a server must do, clause by clause."""

from __future__ import annotations

from imap_clause import BAD, NO, clause

EXTENSION_CLAUSES = (
    # --- RFC 7162 ---------------------------------------------------------------------------------------
    clause(
        "RFC 7162 3.1.2.1: HIGHESTMODSEQ at SELECT",
        "SELECT INBOX (CONDSTORE)",
        comes=("OK", r"OK \[HIGHESTMODSEQ \d+\]"),
    ),
    clause(
        "RFC 7162 3.1.3: MODIFIED names what failed",
        "SELECT INBOX (CONDSTORE)",
        "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
        comes=(r"OK \[MODIFIED 1\]",),
    ),
    clause(
        "RFC 7162 3.1.3: SILENT still says MODSEQ",
        "SELECT INBOX (CONDSTORE)",
        "STORE 1 (UNCHANGEDSINCE 999999) +FLAGS.SILENT (\\Seen)",
        comes=("OK", r"1 FETCH \(MODSEQ \(\d+\)\)"),
    ),
    clause(
        "RFC 7162 3.1.4.1: CHANGEDSINCE says MODSEQ",
        "SELECT INBOX",
        "FETCH 1:* (FLAGS) (CHANGEDSINCE 1)",
        comes=("OK", r"1 FETCH \(FLAGS \(.*\) MODSEQ \(\d+\)\)"),
    ),
    clause(
        "RFC 7162 3.1.5: SEARCH MODSEQ says the highest",
        "SELECT INBOX",
        "SEARCH MODSEQ 1",
        comes=("OK", r"SEARCH 1 2 3 \(MODSEQ \d+\)"),
    ),
    clause(
        "RFC 7162 3.1.5: not when nothing is found",
        "SELECT INBOX",
        "SEARCH MODSEQ 999999",
        comes=("OK", r"SEARCH$"),
    ),
    clause(
        "RFC 7162 3.1.7: STATUS HIGHESTMODSEQ",
        "STATUS INBOX (HIGHESTMODSEQ)",
        comes=("OK", r"STATUS INBOX \(HIGHESTMODSEQ \d+\)"),
    ),
    clause("RFC 7162 3.2.5: QRESYNC before ENABLE is BAD", "SELECT INBOX (QRESYNC (1 1))", comes=BAD),
    clause(
        "RFC 7162 3.2.6: VANISHED without QRESYNC is BAD",
        "SELECT INBOX",
        "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)",
        comes=BAD,
    ),
    clause(
        "RFC 7162 3.2.6: VANISHED without CHANGEDSINCE is BAD",
        "ENABLE QRESYNC",
        "SELECT INBOX",
        "UID FETCH 1:* FLAGS (VANISHED)",
        comes=BAD,
    ),
    clause(
        "RFC 7162 3.2.6: VANISHED only with UID",
        "ENABLE QRESYNC",
        "SELECT INBOX",
        "FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)",
        comes=BAD,
    ),
    clause(
        "RFC 7162 3.2.7: EXPUNGE says VANISHED and HIGHESTMODSEQ",
        "ENABLE QRESYNC",
        "SELECT INBOX",
        "STORE 1 +FLAGS (\\Deleted)",
        "EXPUNGE",
        comes=(r"OK \[HIGHESTMODSEQ \d+\]", "VANISHED 1$"),
        never=r"\d EXPUNGE",
    ),
    # --- RFC 5465 ---------------------------------------------------------------------------------------
    clause("RFC 5465 3.1: NOTIFY NONE", "NOTIFY NONE"),
    clause("RFC 5465 5: MessageNew wants MessageExpunge", "NOTIFY SET (personal (MessageNew))", comes=BAD),
    clause("RFC 5465 5: FlagChange wants both", "NOTIFY SET (personal (FlagChange))", comes=BAD),
    clause("RFC 5465 3.1: an unknown event", "NOTIFY SET (personal (X-Nothing))", comes=(r"NO \[BADEVENT",)),
    clause(
        "RFC 5465 3.1: STATUS of what is watched",
        "NOTIFY SET STATUS (mailboxes Drafts (MessageNew MessageExpunge))",
        comes=("OK", "STATUS Drafts"),
    ),
    # --- RFC 4469, 4467, 8508, 3516, 6855 ---------------------------------------------------------------
    clause(
        "RFC 4469 3: CATENATE of a URL that is not there",
        'APPEND INBOX CATENATE (URL "/nowhere/;UID=1")',
        comes=(r"NO \[BADURL",),
    ),
    clause(
        "RFC 4469 3: CATENATE",
        'APPEND Drafts CATENATE (URL "/INBOX/;UID=1/;SECTION=HEADER" TEXT {1+}\r\nx)',
        comes=(r"OK \[APPENDUID",),
    ),
    clause(
        "RFC 4467 7: URLFETCH of nonsense is NIL",
        'URLFETCH "imap://nobody@nowhere/x;uid=1;urlauth=anonymous:internal:00112233445566778899aabbccddeeff"',
        comes=("OK", "URLFETCH .* NIL"),
    ),
    clause(
        "RFC 8508 3.1: REPLACE",
        "SELECT INBOX",
        "REPLACE 1 INBOX {1+}\r\nx",
        comes=("OK", r"OK \[APPENDUID \d+ 4\]", "1 EXPUNGE"),
    ),
    clause(
        "RFC 8508 3.1: UID REPLACE of what is not there",
        "SELECT INBOX",
        "UID REPLACE 99 INBOX {1+}\r\nx",
        comes=NO,
    ),
    clause(
        "RFC 3516 4.2: BINARY of a part",
        "SELECT INBOX",
        "FETCH 1 BINARY.PEEK[1]",
        comes=("OK", r"1 FETCH \(BINARY\[1\] "),
    ),
    clause(
        "RFC 3516 4.3: BINARY.SIZE",
        "SELECT INBOX",
        "FETCH 1 BINARY.SIZE[1]",
        comes=("OK", r"1 FETCH \(BINARY\.SIZE\[1\] 14\)"),
    ),
    # --- RFC 4314, 9208, 5464 ---------------------------------------------------------------------------
    clause("RFC 4314 3.3: GETACL", "GETACL INBOX", comes=("OK", "ACL INBOX")),
    clause(
        "RFC 4314 3.4: LISTRIGHTS",
        "LISTRIGHTS Drafts ann@example.org",
        comes=("OK", "LISTRIGHTS Drafts ann@example.org"),
    ),
    clause("RFC 4314 3.5: MYRIGHTS", "MYRIGHTS INBOX", comes=("OK", "MYRIGHTS INBOX [a-z]+")),
    clause("RFC 4314 3.1: an unknown right", "SETACL Drafts ann@example.org lz", comes=BAD),
    clause(
        "RFC 4314 2.1.1: d comes with e and t, c with k and x",
        "SETACL Drafts ann@example.org lk",
        "SETACL Drafts anyone +lt",
        "GETACL Drafts",
        comes=("OK", "ACL Drafts kitt@example.org lrswipkxteacd ann@example.org lkc anyone ltd$"),
    ),
    clause(
        "RFC 4314 2.1.1: d is e and t, and takes them away",
        "SETACL Drafts ann@example.org lrswida",
        "SETACL Drafts anyone lrcd",
        "SETACL Drafts anyone -d",
        "GETACL Drafts",
        comes=("OK", "ACL Drafts .* ann@example.org lrswitead anyone lrkxc$"),
    ),
    clause(
        "RFC 4314 2.1.1: MYRIGHTS",
        "MYRIGHTS Drafts",
        comes=("OK", "MYRIGHTS Drafts lrswipkxteacd$"),
    ),
    clause(
        "RFC 4314 2.1.1: LISTRIGHTS has c and d, and none twice",
        "LISTRIGHTS Drafts ann@example.org",
        comes=("OK", 'LISTRIGHTS Drafts ann@example.org "" l r s w i p k x t e a c d$'),
    ),
    clause(
        "RFC 4314 2.1.1: c and d are taken",
        "SETACL Drafts ann@example.org lrcd",
        "GETACL Drafts",
        comes=("OK", "ACL Drafts .*ann@example.org "),
    ),
    clause("RFC 9208 4.1.2: an unknown root", 'GETQUOTA "nothing"', comes=NO),
    clause(
        "RFC 5464 4.3: an entry is set and had",
        'SETMETADATA INBOX (/private/comment "x")',
        "GETMETADATA INBOX /private/comment",
        comes=("OK", r"METADATA INBOX \(/private/comment (x|\"x\"|\{1\}\r\nx)\)"),
    ),
    clause(
        "RFC 5464 4.3: NIL removes",
        'SETMETADATA INBOX (/private/comment "x")',
        "SETMETADATA INBOX (/private/comment NIL)",
        "GETMETADATA INBOX /private/comment",
        comes=("OK", r"METADATA INBOX \(/private/comment NIL\)"),
    ),
    clause(
        "RFC 5464 3.2: an entry's name has no star", 'SETMETADATA INBOX (/private/a* "x")', comes=("NO|BAD",)
    ),
    clause(
        "RFC 5464 4.2.1: MAXSIZE",
        'SETMETADATA INBOX (/private/comment "xxxx")',
        "GETMETADATA (MAXSIZE 2) INBOX /private/comment",
        comes=(r"OK \[METADATA LONGENTRIES 4\]",),
        never="METADATA INBOX",
    ),
    clause(
        "RFC 5464 4.2.2: DEPTH",
        'SETMETADATA INBOX (/private/comment/a "x")',
        "GETMETADATA (DEPTH 1) INBOX /private/comment",
        comes=("OK", r"METADATA INBOX \(/private/comment/a"),
    ),
    clause(
        "RFC 5464 4.2.2: DEPTH of a scope is all that is in it",
        'SETMETADATA INBOX (/private/comment "x" /private/vendor/a/b "y" /shared/comment "z")',
        "GETMETADATA (DEPTH infinity) INBOX (/private)",
        comes=("OK", r'METADATA INBOX \(/private/comment "x" /private/vendor/a/b "y"\)$'),
    ),
    clause("RFC 5464 3.2: no entry has the name of a scope", 'SETMETADATA INBOX (/private "x")', comes=BAD),
    # --- RFC 5267, 5256, 7377, 4978, 2971, 8437, 9586 ---------------------------------------------------
    clause(
        "RFC 5267 4.3: UPDATE of a tag once more",
        "SELECT INBOX",
        "SEARCH RETURN (UPDATE COUNT) ALL",
        comes=("OK", r"ESEARCH .*COUNT 3"),
    ),
    clause(
        "RFC 5182 2.1: a SAVE that is refused leaves nothing saved",
        "SELECT INBOX",
        "SEARCH RETURN (SAVE) 1:2",
        "SEARCH RETURN (SAVE) CHARSET X-NOTHING TEXT a",
        "SEARCH $",
        comes=("OK", r"SEARCH\s*$"),
    ),
    clause(
        "RFC 5182 2.1: so does one of SORT",
        "SELECT INBOX",
        "SEARCH RETURN (SAVE) 1:2",
        "SORT RETURN (SAVE) (DATE) X-NOTHING TEXT a",
        "SEARCH $",
        comes=("OK", r"SEARCH\s*$"),
    ),
    clause(
        "RFC 5182 2.1: and one of ESEARCH",
        "SELECT INBOX",
        "SEARCH RETURN (SAVE) 1:2",
        "ESEARCH IN (selected) RETURN (SAVE) CHARSET X-NOTHING TEXT a",
        "SEARCH $",
        comes=("OK", r"SEARCH\s*$"),
    ),
    clause(
        "RFC 5182 2.1: one that is no command leaves what was saved",
        "SELECT INBOX",
        "SEARCH RETURN (SAVE) 1:2",
        "SEARCH RETURN (SAVE) CHARSET X-NOTHING FROBNICATE",
        "SEARCH $",
        comes=("OK", "SEARCH 1 2$"),
    ),
    clause(
        "RFC 5182 2.1: what was saved is searched, and saved anew",
        "SELECT INBOX",
        "SEARCH RETURN (SAVE) 2:3",
        "SEARCH RETURN (SAVE) $ NOT 2",
        "SEARCH $",
        comes=("OK", "SEARCH 3$"),
    ),
    clause(
        "RFC 7377 2: ESEARCH of the selected mailbox knows what was saved",
        "SELECT INBOX",
        "SEARCH RETURN (SAVE) 2:3",
        "ESEARCH IN (selected) $",
        comes=("OK", "ESEARCH .* UID ALL 2:3$"),
    ),
    clause(
        "RFC 6855 3: no charset after UTF8=ACCEPT",
        "ENABLE UTF8=ACCEPT",
        "SELECT INBOX",
        "SEARCH CHARSET UTF-8 ALL",
        comes=BAD,
    ),
    clause("RFC 5256 5: SORT without a charset", "SELECT INBOX", "SORT (DATE) ALL", comes=BAD),
    clause("RFC 5256 5: THREAD without a charset", "SELECT INBOX", "THREAD REFERENCES ALL", comes=BAD),
    clause(
        "RFC 5256 3: SORT knows US-ASCII",
        "SELECT INBOX",
        "UID SORT (REVERSE SIZE) US-ASCII ALL",
        comes=("OK", "SORT 1 2 3"),
    ),
    clause("RFC 5256 3: SORT", "SELECT INBOX", "SORT (SUBJECT) UTF-8 ALL", comes=("OK", "SORT 1 2 3")),
    clause(
        "RFC 5256 3: SORT of an unknown charset",
        "SELECT INBOX",
        "SORT (SUBJECT) X-NOTHING ALL",
        comes=("NO",),
    ),
    clause(
        "RFC 5256 3: THREAD of an unknown algorithm", "SELECT INBOX", "THREAD X-NOTHING UTF-8 ALL", comes=BAD
    ),
    clause(
        "RFC 5256 3: THREAD", "SELECT INBOX", "THREAD ORDEREDSUBJECT UTF-8 ALL", comes=("OK", r"THREAD \(")
    ),
    clause(
        "RFC 7377 2.1: ESEARCH names mailbox and UIDVALIDITY",
        "ESEARCH IN (mailboxes INBOX) RETURN (ALL) ALL",
        comes=("OK", r'ESEARCH \(TAG "\w+" MAILBOX INBOX UIDVALIDITY \d+\) UID ALL 1:3'),
    ),
    clause(
        "RFC 7377 2.2: what is not there is left out", "ESEARCH IN (mailboxes nowhere) ALL", never="ESEARCH"
    ),
    clause("RFC 7377 2.2: selected wants one", "ESEARCH IN (selected) ALL", comes=BAD),
    clause(
        "RFC 7377 2.2: UPDATE wants a selected mailbox",
        "ESEARCH IN (mailboxes INBOX) RETURN (UPDATE) ALL",
        comes=BAD,
    ),
    clause(
        "RFC 7377 2.2: SAVE is for the selected mailbox",
        "SELECT INBOX",
        "ESEARCH IN (personal) RETURN (SAVE) ALL",
        comes=BAD,
    ),
    clause(
        "RFC 7377 2.2: SAVE saves",
        "SELECT INBOX",
        "ESEARCH IN (selected) RETURN (SAVE) 2",
        "FETCH $ UID",
        comes=("OK", r"2 FETCH \(UID 2\)"),
    ),
    clause(
        "RFC 7377 2.2: SAVE alone says nothing", "SELECT INBOX", "ESEARCH RETURN (SAVE) ALL", never="ESEARCH"
    ),
    clause(
        "RFC 7377 2.2: a SAVE that finds nothing empties $",
        "SELECT INBOX",
        "SEARCH RETURN (SAVE) ALL",
        "ESEARCH RETURN (SAVE) DELETED",
        "SEARCH $",
        comes=("OK", "SEARCH$"),
    ),
    clause(
        "RFC 5267 4.3: UPDATE with ESEARCH is kept up to date",
        "SELECT INBOX",
        "ESEARCH RETURN (UPDATE ALL) UNSEEN",
        "STORE 1 +FLAGS.SILENT (\\Seen)",
        comes=("OK", r"ESEARCH .*REMOVEFROM"),
    ),
    clause("RFC 4978 3: no second COMPRESS", "COMPRESS X-NOTHING", comes=("NO|BAD",)),
    clause("RFC 2971 3.1: ID NIL", "ID NIL", comes=("OK", "ID ")),
    clause(
        "RFC 9586 3: numbers are refused",
        "ENABLE UIDONLY",
        "SELECT INBOX",
        "FETCH 1 FLAGS",
        comes=(r"BAD \[UIDREQUIRED\]",),
    ),
    clause(
        "RFC 9586 3.3: UIDFETCH",
        "ENABLE UIDONLY",
        "SELECT INBOX",
        "UID FETCH 2 FLAGS",
        comes=("OK", r"2 UIDFETCH \(FLAGS"),
    ),
    clause("RFC 8474 4: MAILBOXID", "SELECT INBOX", comes=("OK", r"OK \[MAILBOXID \(\w+\)\]")),
    clause("RFC 8438 2: SIZE", "STATUS INBOX (SIZE)", comes=("OK", r"STATUS INBOX \(SIZE \d+\)")),
    clause(
        "RFC 6154 3: SPECIAL-USE",
        'LIST (SPECIAL-USE) "" *',
        comes=("OK", r"LIST \(.*\\Drafts.*\) .* Drafts"),
        never="INBOX",
    ),
    clause(
        "RFC 5819 2: LIST RETURN STATUS",
        'LIST "" INBOX RETURN (STATUS (MESSAGES))',
        comes=("OK", "STATUS INBOX"),
    ),
    clause(
        "RFC 9394 3.1: PARTIAL with ALL is BAD",
        "SELECT INBOX",
        "UID SEARCH RETURN (ALL PARTIAL 1:2) ALL",
        comes=BAD,
    ),
    clause(
        "RFC 9394 3.1: PARTIAL",
        "SELECT INBOX",
        "UID SEARCH RETURN (PARTIAL -1:-2) ALL",
        comes=("OK", r"ESEARCH .* UID PARTIAL \(-1:-2 2:3\)"),
    ),
    clause(
        "RFC 5032 3: OLDER and YOUNGER", "SELECT INBOX", "SEARCH YOUNGER 3600", comes=("OK", "SEARCH 1 2 3")
    ),
    clause("RFC 5032 3: 0 is no interval", "SELECT INBOX", "SEARCH YOUNGER 0", comes=BAD),
    clause("RFC 7888 5: a tag that is none", "", comes=BAD),
    clause("RFC 5464 4.2: of a mailbox that is not there", "GETMETADATA nowhere /private/comment", comes=NO),
    clause("RFC 4314 3.1: of a mailbox that is not there", "SETACL nowhere ann@example.org lr", comes=NO),
    clause(
        "RFC 4314 3.2: DELETEACL",
        "SETACL Drafts ann@example.org lr",
        "DELETEACL Drafts ann@example.org",
        "GETACL Drafts",
        never="ann",
    ),
    clause(
        "RFC 6851 4.3: UID MOVE of what is not there", "SELECT INBOX", "UID MOVE 99 Drafts", never="EXPUNGE"
    ),
    clause(
        "RFC 3502 6.3.11: several at once",
        "APPEND Drafts {1+}\r\na (\\Seen) {1+}\r\nb",
        comes=(r"OK \[APPENDUID \d+ 1:2\]",),
    ),
    clause(
        "RFC 3502 6.3.11: all or none",
        "APPEND Drafts {1+}\r\na (\\Recent) {1+}\r\nb",
        "STATUS Drafts (MESSAGES)",
        comes=("OK", r"STATUS Drafts \(MESSAGES 0\)"),
    ),
    clause(
        "RFC 8437 3: nobody is logged in any more",
        "SELECT INBOX",
        "UNAUTHENTICATE",
        "SELECT INBOX",
        comes=BAD,
    ),
    clause(
        "RFC 8970 3: PREVIEW",
        "SELECT INBOX",
        "FETCH 1 PREVIEW",
        comes=("OK", r'1 FETCH \(PREVIEW "How are you\?"\)'),
    ),
    clause("RFC 8514 4: SAVEDATE", "SELECT INBOX", "FETCH 1 SAVEDATE", comes=("OK", r'1 FETCH \(SAVEDATE "')),
    clause(
        "RFC 8474 5: EMAILID and THREADID",
        "SELECT INBOX",
        "FETCH 1 (EMAILID THREADID)",
        comes=("OK", r"1 FETCH \(EMAILID \(\w+\) THREADID \(\w+\)\)"),
    ),
    clause(
        "RFC 5258 3.1: SUBSCRIBED",
        "SUBSCRIBE nowhere",
        'LIST (SUBSCRIBED) "" nowhere',
        comes=("OK", r"LIST \(.*\\NonExistent"),
    ),
    clause(
        "RFC 4731 3.1: COUNT and ALL",
        "SELECT INBOX",
        "SEARCH RETURN (COUNT ALL) ALL",
        comes=("OK", r"ESEARCH .* (ALL 1:3 COUNT 3|COUNT 3 ALL 1:3)"),
    ),
    clause(
        "RFC 5267 4.3: CANCELUPDATE of a tag that is none",
        "SELECT INBOX",
        'CANCELUPDATE "zz"',
        comes=("OK|NO|BAD",),
    ),
    clause(
        "RFC 7162 3.1.11: CONDSTORE is enabled by STATUS",
        "STATUS INBOX (HIGHESTMODSEQ)",
        "SELECT INBOX",
        "STORE 1 +FLAGS (\\Seen)",
        comes=("OK", r"1 FETCH \(.*MODSEQ"),
    ),
)

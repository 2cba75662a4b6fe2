"""Every setting there is: type, default, meaning and the reason for the default.

The reference page, `postel check` and the server all read these classes.

Not here    Reading a file (config.load), checking one setting against another (config.check).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from postel.config.kinds import (
    AddressText,
    AudienceText,
    CertificateNameText,
    ClientRuleText,
    DomainText,
    DurationText,
    EndpointText,
    MailboxText,
    NetworkText,
    PathRuleText,
    ProfileText,
    ProxyText,
    RelayDomainText,
    RouteText,
    ServerNameText,
    SizeText,
    SolicitationText,
)

ListenProtocol = Literal[
    "smtp", "submission", "submissions", "lmtp", "odmr", "nomail", "pop3", "pop3s", "imap", "imaps"
]

TlsPolicyWord = Literal["none", "may", "must", "verified"]
TlsVersion = Literal["TLSv1.2", "TLSv1.3"]


MechanismName = Literal[
    "EXTERNAL",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "DIGEST-MD5",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
]


RouteMechanismName = Literal[
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "DIGEST-MD5",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
]


def says(description: str) -> Meta:
    """A setting's meaning, and why its default is what it is."""
    return Meta(description=description)


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration file."""


class Listen(Section, frozen=True):
    """One listener. Repeat the table for each port."""

    protocol: Annotated[
        ListenProtocol,
        says(
            "What is spoken here: `smtp` (port 25, from other servers), `submission` (587, from mail programs, "
            "STARTTLS), `submissions` (465, TLS from the start), `odmr` (366, where mail is fetched by ATRN), "
            "`nomail` (25, where 521 says that no mail is taken), `lmtp` (from programs beside us that deliver into "
            "our mailboxes; never port 25), `pop3` (110), `pop3s` (995), `imap` (143) or `imaps` (993)."
        ),
    ] = "smtp"
    address: Annotated[
        EndpointText | None,
        says(
            "Where to listen: `host:port`, `[v6]:port` or `unix:/path`. Must be given: no port is opened unasked."
        ),
    ] = None
    clients: Annotated[
        tuple[NetworkText, ...],
        says(
            "Networks whose programs may speak `lmtp` here by TCP; other protocols do not look at it. Loopback by "
            "default. Who may open a unix socket is decided by the mode of its directory."
        ),
    ] = ("127.0.0.0/8", "::1")
    proxy: Annotated[
        list[ProxyText],
        says(
            "Networks of proxies that speak the PROXY protocol (version 1 or 2) here; `unix` stands for all that come "
            "by a unix socket. From them the header is required and believed, from others none is read. None by "
            "default: whoever may write the header decides who a client is."
        ),
    ] = []
    xclient: Annotated[
        list[ProxyText],
        says(
            "Networks of hosts that may say by XCLIENT who the client is, as proxies and test tools do; `unix` as "
            "above. None by default: it is as much as the client's address, name and login."
        ),
    ] = []
    xforward: Annotated[
        list[ProxyText],
        says(
            "Networks of hosts that may say by XFORWARD where a message came from, as content filters do; `unix` as "
            "above. It is for the log and for the next hop, and gives no rights. None by default."
        ),
    ] = []


class DomainSettings(Section, frozen=True):
    """A domain that we are the final destination of. Repeat the table for each."""

    name: Annotated[DomainText | None, says("The domain. Must be given.")] = None
    aliases: Annotated[
        dict[str, str | list[str]],
        says(
            "Addresses that stand for others: local part to one target or a list. A target is an address "
            "anywhere, or a bare local part of the same domain. `*` catches what no account and no other "
            "alias takes; without it unknown recipients are refused, which is the safer default."
        ),
    ] = {}
    no_soliciting: Annotated[
        list[SolicitationText],
        says(
            "Classes of solicitation that recipients of this domain do not want (RFC 3865), beside those of the "
            "setting of the same name at the top of the file."
        ),
    ] = []


class Relay(Section, frozen=True):
    """For whom, and to where, we pass on mail that is not ours."""

    networks: Annotated[
        list[NetworkText],
        says("Clients that may relay anywhere without a login. None by default: a relay must never be open."),
    ] = []
    domains: Annotated[
        list[RelayDomainText],
        says(
            "Domains that we take mail for as their backup, passing it to their better MX hosts. "
            "`.example.org` means every domain below example.org."
        ),
    ] = []


class RouteSettings(Section, frozen=True):
    """A route that needs a login or says what TLS it wants."""

    to: Annotated[RouteText | None, says("The route itself, as in the short form. Must be given.")] = None
    user: Annotated[str | None, says("Login name for the next hop.")] = None
    password: Annotated[str | None, says('Password for it; `{ file = "…" }` keeps it out of this file.')] = (
        None
    )
    certificate: Annotated[
        str | None,
        says(
            "PEM file with a certificate of ours, shown to the hop in the TLS handshake; `user` is then logged in by "
            "`EXTERNAL` where the hop offers that. The server's own user must be able to read it."
        ),
    ] = None
    key: Annotated[str | None, says("PEM file with the private key of that certificate.")] = None
    mechanism: Annotated[
        RouteMechanismName | None,
        says(
            "The only SASL mechanism to log in by. By default the strongest that the hop offers, and others where that "
            "one is not to be had."
        ),
    ] = None
    token: Annotated[
        str | None,
        says(
            "File with an OAuth 2.0 token to log in with instead of a password, by OAUTHBEARER or XOAUTH2. Read anew "
            "for each login, since tokens soon expire: whatever renews it writes it there."
        ),
    ] = None
    tls: Annotated[
        TlsPolicyWord | None,
        says(
            "`may` uses TLS when offered, without judging the certificate; `must` insists on TLS; `verified` "
            "also wants a certificate for the host's name; `none` never uses it. By default `verified` with a "
            "login, since a password is only for the right server, and `may` without."
        ),
    ] = None
    names: Annotated[
        list[CertificateNameText],
        says(
            "Names that the certificate may have, for `verified`: host names, or `.example.com` for all below it. "
            "By default the host's own name."
        ),
    ] = []
    least: Annotated[
        TlsVersion | None, says("The oldest version of TLS that will do. By default `TLSv1.2` (RFC 8996).")
    ] = None
    xforward: Annotated[
        bool,
        says(
            "Whether the next hop is told where each message came from, if it offers XFORWARD: for a content filter "
            "of ours. False by default, since who our clients are is nobody else's business."
        ),
    ] = False


class TlsPolicySettings(Section, frozen=True):
    """What the MX hosts of a domain owe us in TLS; the text alone stands for a table with `tls`."""

    tls: Annotated[
        TlsPolicyWord,
        says(
            "`may` uses TLS when offered, without judging the certificate; `must` insists on TLS; `verified` also "
            "wants a valid certificate with one of the `names`; `none` never uses TLS. `may` by default (RFC 7435)."
        ),
    ] = "may"
    names: Annotated[
        list[CertificateNameText],
        says(
            "Names that a certificate may have, for `verified`: host names, `.example.com` for all below it, `host` "
            "for the MX host's own name, `domain` for the domain itself, `.domain` for all below that. By default "
            "`host`, which is worth as much as the DNS that names the host."
        ),
    ] = []
    least: Annotated[
        TlsVersion, says("The oldest version of TLS that will do. By default what RFC 8996 leaves.")
    ] = "TLSv1.2"


class Commands(Section, frozen=True):
    """Commands that tell or do more than taking mail, and whom they are open to: networks, or `login` for clients that
    have logged in. To everybody else they are not implemented (502), and VRFY and EXPN say 252."""

    verify: Annotated[
        list[AudienceText],
        says(
            "Who gets real answers to VRFY and EXPN. Nobody by default: whoever can ask which addresses exist can list "
            "them (RFC 5321 7.3)."
        ),
    ] = []
    etrn: Annotated[
        list[AudienceText],
        says(
            "Who may have mail that waits for a relay domain, a route or a named queue tried at once (ETRN, RFC 1985). "
            "Nobody by default: it is for hosts that are not always connected."
        ),
    ] = []
    queues: Annotated[
        dict[str, list[RelayDomainText]],
        says("Names for ETRN `#name`, each for the mail of some domains. None by default."),
    ] = {}
    turn: Annotated[
        bool,
        says(
            "Whether TURN (RFC 821) does for a client that has logged in what ATRN does. False by default: no client "
            "of this century needs it."
        ),
    ] = False
    send: Annotated[
        list[AudienceText],
        says(
            "Who may write to the terminals of people who run `postel terminal` (SEND, SOML, SAML of RFC 821). "
            "Nobody by default: a message on the screen interrupts."
        ),
    ] = []
    verbose: Annotated[
        list[AudienceText],
        says(
            "Who may have the delivery of a message shown before the reply to it (VERB), and say that only one follows "
            "(ONEX). Nobody by default: it tells where mail goes inside."
        ),
    ] = []


class Dns(Section, frozen=True):
    """Whom to ask."""

    servers: Annotated[
        list[EndpointText], says("Name servers, `host:port`. By default those of `/etc/resolv.conf`.")
    ] = []
    null_mx: Annotated[
        Literal["nobody", "recipients", "all"],
        says(
            "Whose null MX record (RFC 7505: the domain takes no mail) is looked for while the client waits. "
            "`recipients`, the default: those of submissions, refused with 556, since who has mistyped a domain is "
            "still there to hear it. `all`: of relayed mail too, and originators, refused with 550 5.7.27, which costs "
            "a look-up for each message. `nobody`: the sender gets a report instead."
        ),
    ] = "recipients"
    validating: Annotated[
        bool,
        says(
            "Whether these servers validate DNSSEC, so that their AD bit may be believed. False by default, "
            "since over an open network anyone can set a bit."
        ),
    ] = False


class Tls(Section, frozen=True):
    """The certificate that servers show."""

    certificate: Annotated[
        str | None,
        says(
            "PEM file of the certificate and its chain. Without one a self-signed one is made at the first start."
        ),
    ] = None
    key: Annotated[str | None, says("PEM file of its private key.")] = None


class Certificate(Section, frozen=True):
    """One more certificate, shown to clients that ask for one of its names (SNI). Repeat the table for each."""

    chain: Annotated[str | None, says("PEM file of the certificate and its chain. Must be given.")] = None
    key: Annotated[str | None, says("PEM file of its private key. Must be given.")] = None
    names: Annotated[
        list[ServerNameText],
        says(
            "Server names it is shown for; `*.example.org` stands for one label. By default those in the certificate."
        ),
    ] = []


class Login(Section, frozen=True):
    """Logging in, in all protocols alike."""

    plaintext: Annotated[
        list[NetworkText],
        says(
            "Networks whose clients may log in without TLS. None by default: a password must not cross a wire."
        ),
    ] = []
    mechanisms: Annotated[
        tuple[MechanismName, ...],
        Meta(min_length=1),
        says(
            "The SASL mechanisms offered, on SMTP and POP3 alike; their order says nothing. Not by default: `CRAM-MD5` "
            "and `DIGEST-MD5`, which need a secret that is stored readable (`postel account secret`), and the `-PLUS` "
            "forms, which bind to the certificate and which programs with another kind of binding would take and fail."
        ),
    ] = ("EXTERNAL", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN")
    client_authorities: Annotated[
        str | None,
        says(
            "PEM file of certification authorities. `submission` and `submissions` ask clients for a certificate that "
            "one of them issued, and the account whose address it names may log in with it, by `EXTERNAL` (RFC 4422). "
            "None by default: nobody is asked."
        ),
    ] = None
    attempts: Annotated[
        int,
        Meta(ge=1),
        says("Failed logins that one address or one account may have before answers are slowed down."),
    ] = 10
    apop: Annotated[
        bool,
        says(
            "Whether POP3 offers APOP (RFC 1939 7) to accounts that have a shared secret. False by default: such a "
            "secret must be stored readable, and programs that see APOP offered try it without one."
        ),
    ] = False
    pop3_delay: Annotated[
        DurationText,
        says(
            "The least time between two POP3 logins of one account (LOGIN-DELAY, RFC 2449 6.5). None by default: "
            "a login costs little here, and a program that asks too often harms only itself."
        ),
    ] = "0s"
    own_from: Annotated[
        bool,
        says(
            "Whether the From field of submitted mail must name an address of the account. True by default: "
            "one account shall not write in another's name (RFC 6409 6.1)."
        ),
    ] = True
    hide_client: Annotated[
        bool,
        says(
            "Whether the trace field of submitted mail leaves out the address and the name of the client "
            "(RFC 5321 7.6). False by default: trace fields are for tracing. The log has it in any case."
        ),
    ] = False


class OAuth(Section, frozen=True):
    """Logins by OAuth 2.0 tokens (OAUTHBEARER, XOAUTH2). Offered when `keys` or `introspection` is given."""

    issuer: Annotated[
        str | None,
        says(
            "Who issues the tokens: what their claim `iss` says, letter by letter. Must be given with `keys`; with "
            "`introspection` it is looked at where given."
        ),
    ] = None
    audience: Annotated[
        str | None,
        says(
            "Whom the tokens are for: what their claim `aud` must contain. Must be given with `keys`, or a token for "
            "any other service of the issuer would open mailboxes; with `introspection` it is looked at where given."
        ),
    ] = None
    keys: Annotated[
        str | None,
        says(
            "The issuer's public keys (JWKS), for tokens that are signed (JWT): a file, or an https URL. Needs the "
            "extra `oauth`. None by default: no tokens are believed, and the two mechanisms are not offered."
        ),
    ] = None
    introspection: Annotated[
        str | None,
        says(
            "In place of `keys`: the https URL where the issuer says what a token is worth (RFC 7662). Its answers are "
            "remembered for a minute. None by default."
        ),
    ] = None
    client: Annotated[str | None, says("The name we log in with at that URL. None by default.")] = None
    secret: Annotated[
        str | None, says('The secret for it; `{ file = "…" }` keeps it out of this file. None by default.')
    ] = None
    claim: Annotated[
        str,
        Meta(min_length=1),
        says(
            "The claim that names the account. `email` by default; one whose `email_verified` is false is refused."
        ),
    ] = "email"


class AccessSettings(Section, frozen=True):
    """Whom port 25 takes mail from. Whoever has logged in, or may relay, is not asked."""

    clients: Annotated[
        list[ClientRuleText],
        says(
            "Rules by client, of which the first that fits decides: `accept`, `refuse` (for good) or `later` (for now) "
            "and a network, a host name, `.example.org` for all names below it, or `*`. A name is what DNS says of the "
            "address, confirmed forward (RFC 2505 2.5)."
        ),
    ] = []
    reverse_paths: Annotated[
        list[PathRuleText],
        says(
            "Rules by reverse path, as above: an address, a domain, `.example.org` or `*`. The null reverse path is "
            "never refused (RFC 2505 2.6.1)."
        ),
    ] = []
    names: Annotated[
        Literal["none", "look", "need"],
        says(
            "Whether the host names of clients are looked up: `look` for trace fields and hooks, `need` to take no "
            "mail from a host without one. `none` by default; rules with names look them up by themselves."
        ),
    ] = "none"
    check_domain: Annotated[
        bool,
        says(
            "Whether the domain of a reverse path must exist: with MX records or an address (RFC 2505 2.9). Otherwise "
            "the client is told to come again, 450. False by default."
        ),
    ] = False


class QueueSettings(Section, frozen=True):
    """How long, and how often, delivery is tried."""

    retry: Annotated[
        tuple[DurationText, ...],
        Meta(min_length=1),
        says(
            "Waits between tries; the last one repeats. The early tries are close together, since most "
            "trouble is short (greylisting, a restart), and later ones spare the dead."
        ),
    ] = ("1m", "5m", "15m", "30m", "1h", "2h")
    warn: Annotated[
        DurationText,
        says(
            "When to tell the sender that a message is late. Four hours: later than any greylisting, "
            "within a working day."
        ),
    ] = "4h"
    expire: Annotated[
        DurationText,
        says("When to give up and tell the sender. RFC 5321 4.5.4.1 wants four or five days at least."),
    ] = "5d"
    concurrency: Annotated[int, Meta(ge=1), says("Connections to one destination at a time.")] = 20
    deliveries: Annotated[
        int, Meta(ge=2), says("Deliveries under way at a time, to all destinations together.")
    ] = 400
    in_memory: Annotated[
        int,
        Meta(ge=1),
        says(
            "Messages that came a moment ago and wait in memory for their first try, on disk in short form only. What "
            "is beyond that waits on disk in full, which costs more."
        ),
    ] = 10_000
    deliver_by: Annotated[
        DurationText,
        says(
            "The shortest time within which a client may ask for delivery or return (`BY=...;R`, RFC 2852); announced "
            "by DELIVERBY."
        ),
    ] = "1m"
    future_release: Annotated[
        DurationText,
        says(
            "How long a submitted message may wait for its release (`HOLDFOR`, `HOLDUNTIL`, RFC 4865); announced by "
            '"FUTURERELEASE". "0s" switches that off.'
        ),
    ] = "30d"
    future_messages: Annotated[
        int, Meta(ge=1), says("How many messages of one account may wait for their release at a time.")
    ] = 100


class Priority(Section, frozen=True):
    """Whose mail may go first (MT-PRIORITY, RFC 6710)."""

    networks: Annotated[
        list[NetworkText],
        says(
            "Clients that may give their mail more than the usual priority. None by default; anybody may ask for less."
        ),
    ] = []
    accounts: Annotated[
        bool, says("Whether everybody who is logged in may. False by default, or all mail would be urgent.")
    ] = False
    highest: Annotated[
        int,
        Meta(ge=0, le=9),
        says("The priority that those get at most who may ask; 9 is the highest there is."),
    ] = 9
    profile: Annotated[
        ProfileText | None,
        says(
            "The name of the priority assignment policy that is announced: `MIXER`, `STANAG4406`, `NSEP` or "
            "one of your own. Without it none is announced, which means MIXER to those who ask."
        ),
    ] = None
    tunnel: Annotated[
        bool,
        says(
            "Whether a priority goes in the header field `MT-Priority` to servers that do not know priorities, and is "
            "taken from there where a trusted client did not say it otherwise (RFC 6758)."
        ),
    ] = False


class Mailboxes(Section, frozen=True):
    """What accounts keep here."""

    undelete: Annotated[
        DurationText,
        says(
            "How long expunged mail can be had back (`postel account undelete`), and that of deleted mailboxes. No "
            "client sees it, and no quota counts it. 14 days by default: a mistake is noticed within a holiday. `0s`: "
            "what is expunged is gone."
        ),
    ] = "14d"
    per_account: Annotated[
        int,
        Meta(ge=6),
        says(
            "Mailboxes (folders) that an account may have. 10000 by default: more than people make by hand."
        ),
    ] = 10000


class Limits(Section, frozen=True):
    """What one client may ask of us."""

    message_size: Annotated[SizeText, says("Largest message taken, announced by SIZE (RFC 1870).")] = "50 MB"
    reserve: Annotated[
        SizeText,
        says(
            "Space on the disk that is to stay free: a message that would not leave it is refused for now (452), at "
            "MAIL where its size is declared."
        ),
    ] = "100 MB"
    full_mailbox: Annotated[
        Literal["wait", "return"],
        says(
            "What becomes of mail for an account that has reached its quota: it may `wait` (452, and in the queue), or "
            "it is refused and comes back (`return`)."
        ),
    ] = "wait"
    recipients: Annotated[
        int, Meta(ge=100), says("Recipients of one message. RFC 5321 4.5.3.1.8 wants 100 at the least.")
    ] = 1000
    connections: Annotated[int, Meta(ge=1), says("Connections open at a time, over all listeners.")] = 10000
    connections_per_address: Annotated[
        int, Meta(ge=1), says("Connections open at a time from one address (IPv6: from one /64).")
    ] = 100
    faults: Annotated[int, Meta(ge=1), says("Commands that a session may get wrong before we hang up.")] = 10
    greeting_delay: Annotated[
        DurationText,
        says(
            "How long port 25 waits with its greeting, to see which clients cannot wait: those are turned away with "
            '554. "0s" by default, so that honest mail is not slowed; a few seconds keep much junk out.'
        ),
    ] = "0s"
    messages_per_hour: Annotated[
        int,
        Meta(ge=0),
        says(
            "Messages that one account, or one address of a stranger (IPv6: one /64), may send in an hour; more get "
            "450 (RFC 2505 2.8). 0, the default, is no limit."
        ),
    ] = 0
    hops: Annotated[
        int,
        Meta(ge=30),
        says("Received fields that a message may have before it is taken for a loop (RFC 5321 6.3)."),
    ] = 100
    login_time: Annotated[
        DurationText,
        says(
            "How long a client of IMAP or POP3 may take from its connection to its login, whatever it says meanwhile; "
            "then it is hung up on. RFC 1939 3 lets clients of POP3 be silent for 10 minutes."
        ),
    ] = "10m"
    imap_messages: Annotated[
        int,
        Meta(ge=0),
        says(
            "Messages that one IMAP command may work on (RFC 9738, announced as MESSAGELIMIT): FETCH, STORE, SEARCH, "
            "MOVE and UID EXPUNGE do the newest ones and say where they stopped; COPY and APPEND of more are refused. "
            "0, the default, is no limit; RFC 9738 wants at least 1000."
        ),
    ] = 0
    imap_answers: Annotated[
        SizeText,
        says(
            "Memory for the orders (SORT) and threads (THREAD) of whole mailboxes that a process remembers while the "
            "same messages are there. What is not asked for longest is forgotten first; 0 MB: nothing is remembered."
        ),
    ] = "32 MB"


class CheckpointSettings(Section, frozen=True):
    """Transfers that are interrupted, and go on where they stopped (CHECKPOINT, RFC 1845)."""

    keep: Annotated[
        DurationText,
        says(
            "How long an interrupted transfer waits for its client. RFC 1845 3 recommends 48 hours. `0s` keeps "
            "nothing, and CHECKPOINT is not offered."
        ),
    ] = "2d"
    transactions: Annotated[
        int, Meta(ge=1), says("Transfers kept at a time; one more is accepted, but not kept.")
    ] = 1000
    per_client: Annotated[
        int, Meta(ge=1), says("The same for one account, or for one address where nobody is logged in.")
    ] = 20
    size: Annotated[SizeText, says("Content of all interrupted transfers together.")] = "1 GB"
    spare: Annotated[
        SizeText, says("What must be free on the disk beside it; with less nothing is kept.")
    ] = "1 GB"
    resume: Annotated[
        SizeText,
        says(
            "From this size on a message that we relay is sent so that it can go on where it stopped, to hosts that "
            "offer CHECKPOINT. What is smaller is sent again as soon."
        ),
    ] = "1 MB"


class HookSettings(Section, frozen=True):
    """Policy in Python."""

    files: Annotated[
        list[str], says("Files of hook functions, asked in this order. Relative to this file.")
    ] = []
    timeout: Annotated[
        DurationText,
        says("How long one function may take; then the client is told to try again later (451)."),
    ] = "10s"


class Delivery(Section, frozen=True):
    """How we connect to other servers."""

    port: Annotated[
        int, Meta(ge=1, le=65535), says("The port of MX hosts. Anything but 25 is for trying things out.")
    ] = 25
    source: Annotated[
        list[AddressText],
        says("Addresses to connect from, at most one of each family. By default the system chooses."),
    ] = []
    allow_loopback: Annotated[
        bool,
        says(
            "Whether an MX host may have a loopback address. False by default: a stranger's DNS shall not "
            "send us to ourselves. For trying things out on one machine."
        ),
    ] = False
    authorities: Annotated[
        str | None,
        says(
            "PEM file of the certification authorities that are believed for `verified`, in place of the system's."
        ),
    ] = None
    connect_timeout: Annotated[DurationText, says("How long to wait for one address to answer.")] = "30s"
    convert_signed: Annotated[
        bool,
        says(
            "Whether a message is converted for a server that takes less than it needs even though this breaks its "
            "DKIM signature; a field on top and the log say so. False returns it, status 5.6.3."
        ),
    ] = True


class Log(Section, frozen=True):
    """The log on standard error."""

    format: Annotated[
        Literal["text", "json"], says("`text` for people, `json` for programs; the same keys.")
    ] = "text"
    level: Annotated[Literal["debug", "info", "warning", "error"], says("The least level written.")] = "info"


class Config(Section, frozen=True):
    """The whole file."""

    hostname: Annotated[
        DomainText | None,
        says(
            "Our name in greetings and trace fields: a domain name that leads to this machine. Must be given."
        ),
    ] = None
    data: Annotated[str, says("The data directory: queue, mailboxes, accounts. Relative to this file.")] = (
        "/var/lib/postel"
    )
    postmaster: Annotated[
        MailboxText | None,
        says(
            "Who gets the mail for postmaster and abuse of our domains (RFC 2142) where no alias says otherwise. "
            "By default the account made first."
        ),
    ] = None
    user: Annotated[
        str | None,
        says(
            "When started as root: the user to become once the ports are open. By default `postel`, if there is one."
        ),
    ] = None
    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description=(
                "Processes that serve side by side: as many as there are processors to be kept busy, and not more. "
                "One by default: it is enough for thousands of messages a second, and has no supervisor. A change "
                "needs a restart."
            ),
        ),
    ] = 1
    detail_separator: Annotated[
        str,
        Meta(max_length=1),
        says('What divides a local part from a detail: `ann+shop@` reaches `ann@`. "" switches that off.'),
    ] = "+"
    no_soliciting: Annotated[
        list[SolicitationText],
        says(
            "Classes of solicitation that are refused, such as `org.example:ADV`; announced by NO-SOLICITING "
            "(RFC 3865)."
        ),
    ] = []
    listen: tuple[Listen, ...] = ()
    domain: tuple[DomainSettings, ...] = ()
    relay: Relay = Relay()
    route: Annotated[
        dict[str, RouteText | RouteSettings],
        says(
            "Where mail for a domain goes instead of its MX hosts: `smtp:host:port`, `smtp:[192.0.2.1]:port`, "
            "`smtps:host:port` (TLS from the start), `lmtp:host:port`, `lmtp:unix:/path`, `pull`, `mailbox`, "
            "`discard` or `error:550 5.7.1 text`. "
            "The domain `*` is the smarthost for all that is not ours. A table with `to`, `user`, `password` "
            "or `token`, and `tls` stands for the text where the hop wants a login."
        ),
    ] = {}
    tls_policy: Annotated[
        dict[str, TlsPolicyWord | TlsPolicySettings],
        says(
            "What TLS the MX hosts of a domain owe us: `none`, `may`, `must` or `verified`. The best fitting domain "
            "counts: the exact name, then `.example.com` for all below it, then `*`. Routes have their own `tls`."
        ),
    ] = {}
    pull: Annotated[
        dict[str, list[RelayDomainText]],
        says(
            "Accounts that fetch the mail of domains by ATRN (RFC 2645), each with its domains; those have the route "
            "`pull`, under which mail waits here until it is fetched. None by default."
        ),
    ] = {}
    commands: Commands = Commands()
    dns: Dns = Dns()
    tls: Tls = Tls()
    certificate: tuple[Certificate, ...] = ()
    login: Login = Login()
    oauth: OAuth = OAuth()
    access: AccessSettings = AccessSettings()
    queue: QueueSettings = QueueSettings()
    priority: Priority = Priority()
    mailboxes: Mailboxes = Mailboxes()
    limits: Limits = Limits()
    checkpoint: CheckpointSettings = CheckpointSettings()
    hooks: HookSettings = HookSettings()
    delivery: Delivery = Delivery()
    log: Log = Log()

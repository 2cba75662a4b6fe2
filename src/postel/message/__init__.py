"""Messages as octets: header sections, trace fields, dates, submissions, delivery reports. Floor 0."""

from postel.message.addresses import (
    AddressList,
    addresses_of,
    parse_addresses,
    recipients_of,
    without_blind_copies,
)
from postel.message.dates import format_date, parse_date
from postel.message.encoded_words import decode_words
from postel.message.fields import compose_field, make_message_id
from postel.message.header import HEADER_LIMIT, Field, HeadCollector, HeaderBlock
from postel.message.report import compose_report, report_parameters
from postel.message.report_facts import Action, RecipientReport, ReportFacts
from postel.message.submission import (
    SubmissionFacts,
    SubmittedHeader,
    complete_submission,
    inspect_submission,
)
from postel.message.trace import (
    DELIVERED_TO_LIMIT,
    RECEIVED_LIMIT,
    TraceFacts,
    compose_received,
    compose_return_path,
    with_protocol,
)

__all__ = [
    "DELIVERED_TO_LIMIT",
    "HEADER_LIMIT",
    "RECEIVED_LIMIT",
    "Action",
    "AddressList",
    "Field",
    "HeadCollector",
    "HeaderBlock",
    "RecipientReport",
    "ReportFacts",
    "SubmissionFacts",
    "SubmittedHeader",
    "TraceFacts",
    "addresses_of",
    "complete_submission",
    "compose_field",
    "compose_received",
    "compose_report",
    "compose_return_path",
    "decode_words",
    "format_date",
    "inspect_submission",
    "make_message_id",
    "parse_addresses",
    "parse_date",
    "recipients_of",
    "report_parameters",
    "with_protocol",
    "without_blind_copies",
]

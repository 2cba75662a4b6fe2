"""Messages as octets: header sections, trace fields, dates, submissions, delivery reports. Floor 0."""

from postel.message.addresses import (
    AddressList,
    addresses_of,
    parse_addresses,
    recipients_of,
    without_blind_copies,
)
from postel.message.body_facts import BodyFacts, OctetDomain
from postel.message.conversion import (
    CannotConvert,
    Carriage,
    Conversion,
    keeps_for_conversion,
    plan_conversion,
)
from postel.message.dates import format_date, parse_date
from postel.message.decoders import Transform, decode_content, decoder_for
from postel.message.downgrading import NotDowngradable, downgrade_field
from postel.message.edits import Editor
from postel.message.encoded_words import decode_words
from postel.message.encoders import Base64Encoder, QuotedPrintableEncoder
from postel.message.fields import compose_field, make_message_id
from postel.message.header import HEADER_LIMIT, Field, HeadCollector, HeaderBlock
from postel.message.mime_fields import (
    Disposition,
    MediaType,
    format_parameter,
    parse_disposition,
    parse_media_type,
)
from postel.message.mime_index import MimeIndex, MimeLimits, Part, Stretch
from postel.message.mime_reader import MimeReader, read_mime
from postel.message.notification import (
    Disposed,
    Modes,
    Notification,
    NotificationFacts,
    NotificationRequest,
    compose_notification,
    notification_request,
    parse_notification,
)
from postel.message.report import compose_report, report_parameters
from postel.message.report_facts import Action, RecipientReport, ReportFacts
from postel.message.report_reading import DeliveryReport, ReportedRecipient, TypedText, parse_report
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
from postel.message.word_encoding import WordEncoder, fold_field

__all__ = [
    "DELIVERED_TO_LIMIT",
    "HEADER_LIMIT",
    "RECEIVED_LIMIT",
    "Action",
    "AddressList",
    "Base64Encoder",
    "BodyFacts",
    "CannotConvert",
    "Carriage",
    "Conversion",
    "DeliveryReport",
    "Disposed",
    "Disposition",
    "Editor",
    "Field",
    "HeadCollector",
    "HeaderBlock",
    "MediaType",
    "MimeIndex",
    "MimeLimits",
    "MimeReader",
    "Modes",
    "NotDowngradable",
    "Notification",
    "NotificationFacts",
    "NotificationRequest",
    "OctetDomain",
    "Part",
    "QuotedPrintableEncoder",
    "RecipientReport",
    "ReportFacts",
    "ReportedRecipient",
    "Stretch",
    "SubmissionFacts",
    "SubmittedHeader",
    "TraceFacts",
    "Transform",
    "TypedText",
    "WordEncoder",
    "addresses_of",
    "complete_submission",
    "compose_field",
    "compose_notification",
    "compose_received",
    "compose_report",
    "compose_return_path",
    "decode_content",
    "decode_words",
    "decoder_for",
    "downgrade_field",
    "fold_field",
    "format_date",
    "format_parameter",
    "inspect_submission",
    "keeps_for_conversion",
    "make_message_id",
    "notification_request",
    "parse_addresses",
    "parse_date",
    "parse_disposition",
    "parse_media_type",
    "parse_notification",
    "parse_report",
    "plan_conversion",
    "read_mime",
    "recipients_of",
    "report_parameters",
    "with_protocol",
    "without_blind_copies",
]

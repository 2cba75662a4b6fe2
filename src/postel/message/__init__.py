"""Messages as octets: header sections, trace fields, dates, submissions, delivery reports. Floor 0."""

from postel.message.addresses import (
    AddressList,
    addresses_of,
    parse_addresses,
    recipients_of,
    without_blind_copies,
)
from postel.message.body_facts import BodyFacts, OctetDomain
from postel.message.charsets import known_codec
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
from postel.message.order.base_subject import base_subject
from postel.message.order.collation import casemap_ascii, casemap_unicode
from postel.message.order.sorting import SortCriterion, SortRow, sort_columns, sort_numbers
from postel.message.order.threads import (
    Thread,
    ThreadRow,
    format_threads,
    thread_by_references,
    thread_by_subject,
)
from postel.message.report import compose_report, report_parameters
from postel.message.report_facts import Action, RecipientReport, ReportFacts
from postel.message.report_reading import DeliveryReport, ReportedRecipient, TypedText, parse_report
from postel.message.search.folding import decode_field, fold
from postel.message.search.matching import Finder, field_contains, header_text
from postel.message.search.text import TextStream
from postel.message.structure.blob import (
    KEPT_NAMES,
    IndexedContent,
    Keys,
    PartFacts,
    StaleIndex,
    body_structure_of,
    envelope_of,
)
from postel.message.structure.indexer import ContentIndexer, index_content
from postel.message.structure.sections import (
    BinaryPart,
    SectionText,
    Span,
    TextPart,
    find_binary,
    find_span,
    kept_fields,
    kept_fields_of,
    select_fields,
    text_parts,
)
from postel.message.submission import (
    SubmissionFacts,
    SubmittedHeader,
    complete_submission,
    inspect_submission,
)
from postel.message.trace import (
    DELIVERED_TO_LIMIT,
    RECEIVED_LIMIT,
    ReceivedFields,
    TraceFacts,
    compose_received,
    compose_return_path,
    with_protocol,
)
from postel.message.word_encoding import WordEncoder, fold_field

__all__ = [
    "DELIVERED_TO_LIMIT",
    "HEADER_LIMIT",
    "KEPT_NAMES",
    "RECEIVED_LIMIT",
    "Action",
    "AddressList",
    "Base64Encoder",
    "BinaryPart",
    "BodyFacts",
    "CannotConvert",
    "Carriage",
    "ContentIndexer",
    "Conversion",
    "DeliveryReport",
    "Disposed",
    "Disposition",
    "Editor",
    "Field",
    "Finder",
    "HeadCollector",
    "HeaderBlock",
    "IndexedContent",
    "Keys",
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
    "PartFacts",
    "QuotedPrintableEncoder",
    "ReceivedFields",
    "RecipientReport",
    "ReportFacts",
    "ReportedRecipient",
    "SectionText",
    "SortCriterion",
    "SortRow",
    "Span",
    "StaleIndex",
    "Stretch",
    "SubmissionFacts",
    "SubmittedHeader",
    "TextPart",
    "TextStream",
    "Thread",
    "ThreadRow",
    "TraceFacts",
    "Transform",
    "TypedText",
    "WordEncoder",
    "addresses_of",
    "base_subject",
    "body_structure_of",
    "casemap_ascii",
    "casemap_unicode",
    "complete_submission",
    "compose_field",
    "compose_notification",
    "compose_received",
    "compose_report",
    "compose_return_path",
    "decode_content",
    "decode_field",
    "decode_words",
    "decoder_for",
    "downgrade_field",
    "envelope_of",
    "field_contains",
    "find_binary",
    "find_span",
    "fold",
    "fold_field",
    "format_date",
    "format_parameter",
    "format_threads",
    "header_text",
    "index_content",
    "inspect_submission",
    "keeps_for_conversion",
    "kept_fields",
    "kept_fields_of",
    "known_codec",
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
    "select_fields",
    "sort_columns",
    "sort_numbers",
    "text_parts",
    "thread_by_references",
    "thread_by_subject",
    "with_protocol",
    "without_blind_copies",
]

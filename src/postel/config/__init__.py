"""The configuration file: reading it, checking it, documenting it. Floor 4.

Only app, cli and web import this room; every other room is given its own options.
"""

from postel.config.check import Findings, check_config
from postel.config.check_oauth import is_url
from postel.config.kinds import IPNetwork, parse_audience, parse_network, parse_proxy
from postel.config.load import BadConfig, Loaded, Mistake, load, parse
from postel.config.reference import settings_reference
from postel.config.settings import Config, Listen, ListenProtocol, RouteSettings, TlsPolicySettings
from postel.config.units import parse_duration, parse_size

__all__ = [
    "BadConfig",
    "Config",
    "Findings",
    "IPNetwork",
    "Listen",
    "ListenProtocol",
    "Loaded",
    "Mistake",
    "RouteSettings",
    "TlsPolicySettings",
    "check_config",
    "is_url",
    "load",
    "parse",
    "parse_audience",
    "parse_duration",
    "parse_network",
    "parse_proxy",
    "parse_size",
    "settings_reference",
]

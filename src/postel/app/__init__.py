"""All rooms joined: the one place that knows them all. Floor 4."""

from postel.app.accounts import AccountAnswers
from postel.app.backup import FilesMissing, NotABackup, NotEmpty, backup, restore
from postel.app.bench import LOCAL_ADDRESS, Bench, open_bench
from postel.app.check import check_whole
from postel.app.edges import Edges, real_edges
from postel.app.options import directory_options, queue_options
from postel.app.owner import server_of
from postel.app.postel import Postel, data_directory
from postel.app.privileges import CannotBecome, become_owner_of
from postel.app.rooms import Rooms, open_rooms
from postel.app.serve import AccountPlan, CannotStart, run_loop, run_server

__all__ = [
    "LOCAL_ADDRESS",
    "AccountAnswers",
    "AccountPlan",
    "Bench",
    "CannotBecome",
    "CannotStart",
    "Edges",
    "FilesMissing",
    "NotABackup",
    "NotEmpty",
    "Postel",
    "Rooms",
    "backup",
    "become_owner_of",
    "check_whole",
    "data_directory",
    "directory_options",
    "open_bench",
    "open_rooms",
    "queue_options",
    "real_edges",
    "restore",
    "run_loop",
    "run_server",
    "server_of",
]

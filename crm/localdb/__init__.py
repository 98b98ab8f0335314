"""The local DynamoDB engine, Dynoxide: fetched once, run under guard. Knows nothing of Django, so that tests use it too."""

from crm.localdb.binary import EngineUnavailable, engine_binary
from crm.localdb.launcher import EngineInUse, Launcher, check_free, check_port
from crm.localdb.process import answers, die_with_parent, start_engine, wait_until_answers

__all__ = [
    "EngineInUse",
    "EngineUnavailable",
    "Launcher",
    "answers",
    "check_free",
    "check_port",
    "die_with_parent",
    "engine_binary",
    "start_engine",
    "wait_until_answers",
]

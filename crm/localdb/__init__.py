"""The local DynamoDB engine, Dynoxide: fetched once, run under guard. Knows nothing of Django, so that tests use it too."""

from crm.localdb.binary import EngineUnavailable, engine_binary
from crm.localdb.launcher import EngineInUse, Launcher
from crm.localdb.process import answers, start_engine, wait_until_answers

__all__ = [
    "EngineInUse",
    "EngineUnavailable",
    "Launcher",
    "answers",
    "engine_binary",
    "start_engine",
    "wait_until_answers",
]

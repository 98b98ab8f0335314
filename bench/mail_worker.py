"""One worker process of the mail bench: `python -m bench.mail_worker URL TABLE EMAIL_URL`.

It says "ready", waits for a line, works until nothing is due, and prints what that cost as one line of JSON.
"""

import argparse
import json
import resource
import sys
from pathlib import Path

from bench.meter import Meter
from bench.place import LINKS, open_client, open_store
from crm.jobs.work import SendSettings, Work
from crm.jobs.worker import Worker
from crm.mail import open_mailer

SENDER = "Bench Crew <crew@bench.example>"
STATUS = Path("/proc/self/status")
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of one unit of ru_maxrss."""


def send_settings() -> SendSettings:
    """Return how mail is sent here: as fast as it goes."""
    return SendSettings(rate=0.0, sender=SENDER, organisation="Bench Community", list_id="mailings.bench.example", links=LINKS)


def peak_bytes() -> int:
    """Return the most memory that this process ever had.

    On Linux ru_maxrss begins with what the parent had when it started the process, so the kernel's own mark is read instead.
    """
    if STATUS.exists():
        mark = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(mark.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


def main() -> None:
    """Work until nothing is due."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "table", "email_url"):
        parser.add_argument(name)
    options = parser.parse_args()
    client = open_client(options.url)
    meter, mailer = Meter(client), open_mailer(options.email_url)
    worker = Worker(Work(store=open_store(client, options.table), mailer=mailer, settings=send_settings()))
    before = peak_bytes()
    print("ready", flush=True)
    sys.stdin.readline()
    with meter.reading() as reading:
        worker.run_once()
    mailer.close()
    cost = reading.cost
    told = {"requests": cost.requests, "items_read": cost.items_read, "read_units": cost.read_units}
    print(json.dumps({**told, "write_units": cost.write_units, "before": before, "peak": peak_bytes()}), flush=True)


if __name__ == "__main__":
    main()

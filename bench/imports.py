"""Bringing in a file of people, and the same file once more."""

import csv
import io
from collections.abc import Sequence

from bench.crowd import make_people
from bench.place import Place, tell
from bench.report import Cell, Grid, Result
from crm.domain.people import ATTRIBUTES
from crm.services import import_whole as imports
from crm.services.import_columns import recognise
from crm.services.import_file import read
from crm.services.import_whole import Kind, Options, Report
from crm.store import Store

ROWS = 10_000
COLUMNS = ("file", "rows", "rows/s", "new", "unchanged", "requests/row", "read units/row", "write units/row")
NOTES = ("Read, mapped, decided and written as `manage.py import_people` does, folding of the counters included.",)


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Import 10,000 rows, fewer where all sizes are smaller."""
    data = _file(min(ROWS, max(sizes)))
    with place.store() as store:
        tell("importing a file")
        rows = [_imported(place, store, "new people", data)]
        tell("importing it again")
        rows.append(_imported(place, store, "the same again", data))
    return Result([Grid(title="Import", columns=COLUMNS, rows=rows, notes=NOTES)])


def _imported(place: Place, store: Store, name: str, data: bytes) -> tuple[Cell, ...]:
    report = Report()
    with place.meter.reading() as reading:
        source = read(data)
        options = Options(columns=recognise(source))
        for step in imports.commit(store, source, options, now=store.table.clock()):
            report.add(step.outcomes)
    rows, cost = len(source.rows), reading.cost
    if report.counts[Kind.NEW] + report.counts[Kind.UNCHANGED] != rows:
        raise AssertionError(f"{name}: {dict(report.counts)} of {rows} rows")
    each = (cost.requests / rows, cost.read_units / rows, cost.write_units / rows)
    return (name, rows, round(rows / reading.seconds), report.counts[Kind.NEW], report.counts[Kind.UNCHANGED], *each)


def _file(rows: int) -> bytes:
    """A CSV as staff have it: the API's field names, tags between semicolons."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*ATTRIBUTES, "tags"])
    for person in make_people(rows):
        profile = person.profile
        writer.writerow([*[getattr(profile, attribute) for attribute in ATTRIBUTES.values()], ";".join(profile.tags)])
    return text.getvalue().encode()

"""`manage.py verify` from the command line."""

import io

import pytest
from django.core.management import CommandError, call_command

from crm.store import Store
from crm.store.stats import Counter
from tests.factories import NOW, make_person


def run(*arguments: str) -> str:
    """What the command says."""
    out = io.StringIO()
    call_command("verify", *arguments, stdout=out)
    return out.getvalue()


def test_a_table_that_adds_up_is_said_to(site: Store) -> None:
    site.people.create(make_person())

    assert run() == "Everything adds up.\n"


def test_what_differs_is_named_and_ends_with_status_one(site: Store, capsys: pytest.CaptureFixture[str]) -> None:
    site.people.create(make_person())
    site.table.write(site.stats.delta({Counter("PEOPLE", "TOTAL"): 2}, now=NOW))

    with pytest.raises(CommandError, match="1 thing is") as ended:
        call_command("verify")

    assert ended.value.returncode == 1
    assert "STATS#PEOPLE | TOTAL: n is 3, counted 1" in capsys.readouterr().out


def test_repair_mends_it_and_ends_well(site: Store) -> None:
    site.people.create(make_person())
    site.table.write(site.stats.delta({Counter("PEOPLE", "TOTAL"): 2}, now=NOW))

    said = run("--repair")

    assert "mended: counter STATS#PEOPLE | TOTAL" in said
    assert said.endswith("Everything adds up.\n")
    assert site.people.totals().total == 1

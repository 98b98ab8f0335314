"""`manage.py load_demo` from the command line."""

import io

import pytest
from django.core.management import CommandError, call_command

from crm.store import Store
from tests.factories import make_person


def run(*arguments: str) -> str:
    """What the command says."""
    out = io.StringIO()
    call_command("load_demo", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_how_much_there_is_now_and_all_of_it_adds_up(site: Store) -> None:
    said = run("--people", "60", "--events", "4", "--campaigns", "3")

    assert said.startswith("60 people, 4 events with ")
    assert site.people.totals().total == 60
    call_command("verify", stdout=io.StringIO())


def test_it_does_not_mix_with_real_people_unless_told_to(site: Store) -> None:
    site.people.create(make_person())

    with pytest.raises(CommandError, match="--force"):
        run("--people", "5")

    assert site.people.totals().total == 1


def test_another_size_of_the_same_demo_is_refused_in_a_sentence(site: Store) -> None:
    run("--people", "60", "--events", "4", "--campaigns", "3")

    with pytest.raises(CommandError, match="in the table already, in other sizes; nothing was written"):
        run("--people", "5", "--events", "4", "--campaigns", "3")

    assert site.people.totals().total == 60


def test_a_number_that_can_not_be_is_refused_in_a_sentence(site: Store) -> None:
    with pytest.raises(CommandError, match="people can be 0 to 2,000,000"):
        run("--people", "-3")

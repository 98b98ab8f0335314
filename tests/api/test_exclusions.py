"""Sending to everybody but some: what leaves them out has to be there."""

import pytest

from tests.api.conftest import Script


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attendsNot", "nonsense"),
        ("mailedNot", "nonsense:opened"),
        ("without", "attends:nonsense"),
        ("without", "mailed:nonsense:opened"),
        ("without", "list:nonsense"),
        ("without", "segment:nonsense"),
    ],
)
def test_an_id_that_names_nothing_is_refused_for_it_would_leave_out_nobody(
    script: Script, ids: list[str], field: str, value: str
) -> None:
    status, answer = script.post("/emails/send", {"subject": "S", "body": "B", field: [value]})

    assert status == 422
    assert [error["field"] for error in answer["errors"]] == [field]
    assert script.get("/campaigns")[1]["items"] == []

"""The `.env` that `make run` writes."""

from pathlib import Path

import pytest

from crm import dotenv


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `.env` goes, with no PORT in the shell."""
    monkeypatch.setenv("CRM_ENV_FILE", str(tmp_path / ".env"))
    monkeypatch.delenv("PORT", raising=False)
    return tmp_path / ".env"


def values(file: Path) -> dict[str, str]:
    """The file's names and values."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line and not line.startswith("#"))


def test_a_new_file_has_secrets_of_its_own_and_is_nobody_elses_to_read(file: Path) -> None:
    dotenv.main()

    first = values(file)
    file.unlink()
    dotenv.main()
    second = values(file)
    assert all(first[name] != second[name] for name in ("SECRET_KEY", "LINK_KEY", "DEMO_PASSWORD"))
    assert first["PORT"] == "8000"
    assert file.stat().st_mode & 0o077 == 0


def test_a_second_run_changes_nothing(file: Path) -> None:
    dotenv.main()
    before = file.read_text()

    dotenv.main()

    assert file.read_text() == before


def test_another_port_is_taken_over_and_all_else_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv.main()
    before = values(file)
    monkeypatch.setenv("PORT", "9000")

    dotenv.main()

    assert values(file) == before | {"PORT": "9000"}


def test_what_staff_wrote_themselves_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("DEBUG=1\nDYNAMODB_ENDPOINT_URL=https://db.example.org")
    monkeypatch.setenv("PORT", "9000")

    dotenv.main()

    assert values(file) == {"DEBUG": "1", "DYNAMODB_ENDPOINT_URL": "https://db.example.org", "PORT": "9000"}


def test_a_site_that_is_no_development_machine_gets_secrets_alone(file: Path) -> None:
    dotenv.main(only_secrets=True)

    assert values(file).keys() == {"SECRET_KEY", "LINK_KEY"}


@pytest.mark.parametrize("port", ["80a", "-1", "0", "65535", "²"])
def test_a_port_that_can_not_be_is_refused_in_a_sentence(file: Path, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)

    with pytest.raises(SystemExit, match="it must be a number from 1 to 65534"):
        dotenv.main()

    assert not file.exists()

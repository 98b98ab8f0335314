"""The look for known vulnerabilities fails on one, lets an explained one pass, and says where it could not look."""

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "vulnerabilities.py"
SOUND = {"name": "django", "version": "5.2.9", "vulns": []}
WEAK = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "boto3", "skip_reason": "not found"}


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vulnerabilities", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answering(monkeypatch: pytest.MonkeyPatch, *packages: dict[str, Any]) -> None:
    """Let pip-audit say this of the packages."""
    done = subprocess.CompletedProcess((), 0, stdout=json.dumps({"dependencies": packages}) if packages else "", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_given, **_options: done)


@pytest.mark.parametrize(
    ("packages", "status", "words"),
    [
        ((SOUND,), 0, "No known vulnerability in 1 packages"),
        ((SOUND, WEAK), 1, "urllib3 1.0: PYSEC-1, mended in 1.1"),
        ((SOUND, UNKNOWN), 0, "knows nothing of 1 of 2 packages: boto3"),
        ((UNKNOWN,), 0, "can't reach its data"),
        ((), 0, "can't reach its data"),
    ],
)
def test_a_finding_fails_and_what_could_not_be_looked_up_is_said(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    packages: tuple[dict[str, Any], ...],
    status: int,
    words: str,
) -> None:
    answering(monkeypatch, *packages)

    ended = script.main()

    said = capsys.readouterr()
    assert ended == status
    assert words in said.out + said.err


def test_an_explained_finding_passes_under_any_of_its_names_and_one_without_a_reason_does_not(script: ModuleType) -> None:
    known = script.ignored("# comment\nCVE-2026-1: we never follow redirects\n")

    assert script.findings([WEAK], known) == []
    assert len(script.findings([WEAK], {"CVE-2026-2": "another"})) == 1
    with pytest.raises(SystemExit, match="why CVE-2026-1"):
        script.ignored("CVE-2026-1\n")

"""The house keeps its own word: what the settings read is explained, and nothing is explained that nobody reads."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Read by boto3, or before or outside of the settings.
ELSEWHERE = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "CRM_ENGINE_HOME",
    "CRM_ENV_FILE",
    "DEMO_PASSWORD",
    "WEB_CONCURRENCY",
}


def test_every_setting_is_explained_in_the_example_and_no_other() -> None:
    settings = (ROOT / "crmsite" / "settings.py").read_text()
    read = set(re.findall(r'(?:env\.\w+|_required|_number)\(\s*"([A-Z_]+)"', settings)) | ELSEWHERE

    explained = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert explained == read


def test_a_comment_stands_above_each_variable_of_the_example() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    bare = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if re.match(r"[A-Z_]+=", line) and not above.startswith("#") and "=" not in above
    ]

    assert bare == []


def test_containers_pass_on_only_settings_that_exist() -> None:
    compose = (ROOT / "compose.yaml").read_text()
    explained = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    passed_on = set(re.findall(r"^  ([A-Z][A-Z_]+):", compose, re.MULTILINE))

    assert passed_on
    assert passed_on <= explained

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

# What a container decides by itself: ports and places within it; it has no demo account, and credentials by variables or a role.
IN_A_CONTAINER = {"PORT", "CRM_FILES", "CRM_ENGINE_HOME", "CRM_ENV_FILE", "DEMO_PASSWORD", "AWS_PROFILE"}


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


def test_containers_pass_on_every_setting_and_no_other() -> None:
    compose = (ROOT / "compose.yaml").read_text()
    explained = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    passed_on = set(re.findall(r"^  ([A-Z][A-Z_]+):", compose, re.MULTILINE))

    assert passed_on == explained - IN_A_CONTAINER


def test_what_the_tests_read_is_in_the_image_that_runs_them() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))

    read = set(re.findall(r'(?:ROOT|parents\[[12]\]) / "([\w.]+)"', tests))

    assert read >= {"deploy", "compose.yaml"}
    assert {f"!{name}" for name in read} <= set((ROOT / ".dockerignore").read_text().splitlines())

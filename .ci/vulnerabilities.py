"""Looks for known vulnerabilities in every pinned package: exit 1 where there is one that `.ci/audit-ignored` does not explain.

Where the data can't be reached it says so and ends well: a check that needs the network must not keep anybody from working.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120
COMMAND = ("-m", "pip_audit", "-r", "constraints.txt", "--no-deps", "--disable-pip", "-f", "json", "--progress-spinner", "off")


def ignored(text: str) -> dict[str, str]:
    """Return `{id: why}` of the lines "ID: why"; SystemExit where a line says no reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    known = {name.strip(): why.strip() for name, _, why in (line.partition(":") for line in lines)}
    if bare := [name for name, why in known.items() if not why]:
        raise SystemExit(f".ci/audit-ignored: say after a colon why {', '.join(bare)} does us no harm.")
    return known


def findings(packages: Sequence[Mapping[str, Any]], known: Mapping[str, str]) -> list[str]:
    """Return a line for each vulnerability that is not explained."""
    return [
        f"{package['name']} {package['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for package in packages
        for found in package.get("vulns", ())
        if not {found["id"], *found.get("aliases", ())} & set(known)
    ]


def asked() -> list[dict[str, Any]] | None:
    """Return what pip-audit knows of each package, None where it did not come to know it."""
    try:
        done = subprocess.run([sys.executable, *COMMAND], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
        packages: list[dict[str, Any]] = json.loads(done.stdout.strip() or "{}").get("dependencies", [])
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return packages or None


def main() -> int:
    """Say what was found, and return the exit status."""
    known = ignored((ROOT / ".ci" / "audit-ignored").read_text())
    packages = asked()
    skipped = [package["name"] for package in packages or () if "skip_reason" in package]
    if packages is None or len(skipped) == len(packages):
        sys.stderr.write("pip-audit can't reach its data from here: no package was looked up. Run make check where it can.\n")
        return 0
    if skipped:
        sys.stderr.write(f"pip-audit knows nothing of {len(skipped)} of {len(packages)} packages: {', '.join(skipped)}.\n")
    found = findings(packages, known)
    for line in found:
        sys.stderr.write(f"{line}\n")
    if found:
        sys.stderr.write("Take the mended versions (make lock), or say in .ci/audit-ignored why one does us no harm.\n")
        return 1
    sys.stdout.write(f"No known vulnerability in {len(packages) - len(skipped)} packages.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

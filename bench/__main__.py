"""`python -m bench [names…] [--sizes 1000,10000]`: measures, and prints tables at the end."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import analytics, chaos, conferences, imports, load, mail, pages, writes
from bench.place import Place, tell
from bench.report import Result, exit_status, text_of
from tests.engine import Engine

BENCHES: Mapping[str, Callable[[Place, Sequence[int]], Result]] = {
    "pages": pages.run,
    "writes": writes.run,
    "mail": mail.run,
    "analytics": analytics.run,
    "import": imports.run,
    "conferences": conferences.run,
    "chaos": chaos.run,
    "load": load.run,
}
SIZES = (1_000, 10_000)
GREAT = 100_000
OWN_SIZES: Mapping[str, Sequence[int]] = {
    "pages": (*SIZES, GREAT),
    "analytics": (*SIZES, GREAT),
    "mail": (1_000, GREAT),
    "chaos": (10_000,),
    "load": (10_000,),
}
"""Sizes of a bench where none are named: pages are to cost the same at any, and a worker to take the same memory."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the benches named, all when none is; 1 when a promised bound is broken."""
    options = _options(words)
    results = []
    with Engine() as engine:
        for name in options.names or BENCHES:
            tell(f"bench {name}")
            sizes = options.sizes or OWN_SIZES.get(name, SIZES)
            results.append(BENCHES[name](Place(engine.url, options.file, options.seed), sorted(sizes)))
    sys.stdout.write(text_of(results))
    return exit_status(results)


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures what things cost; see bench/README.md.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"what to measure: {', '.join(BENCHES)} (all)")
    parser.add_argument(
        "--sizes", type=_sizes, metavar="N,N", help="people, e-mails: 1000,10000; pages and analytics at 100000 too"
    )
    parser.add_argument("--file", type=_file, metavar="FILE", help="conferences as JSON for that bench (a made-up year)")
    parser.add_argument("--seed", type=int, metavar="N", help="of what happens in chaos (another one each time)")
    options = parser.parse_args(words)
    if unknown := [name for name in options.names if name not in BENCHES]:
        parser.error(f"there is no bench “{unknown[0]}”; there are {', '.join(BENCHES)}")
    return options


def _file(text: str) -> Path:
    if not (path := Path(text)).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(one) for one in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError("sizes are whole numbers with commas between them") from None
    if min(sizes) < 50:
        raise argparse.ArgumentTypeError("50 is the smallest size that tells anything")
    return sizes


if __name__ == "__main__":
    sys.exit(main())

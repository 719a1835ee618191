"""Constraints for the lowest release of each package that pyproject.toml allows: for `make test-lowest`.

    python tests/support/lowest.py [--keep torch==2.13.0 ...]

``--keep``: not the lowest one of this package, where that one cannot be had.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it there

ROOT = Path(__file__).resolve().parents[2]


def lowest(requirements: Iterable[str], kept: Sequence[str] = ()) -> Iterator[str]:
    """``name==version`` for each requirement that says ``>=``, and what is kept as it is given."""
    names = {canonicalize_name(Requirement(line).name) for line in kept}
    for requirement in map(Requirement, requirements):
        least = [bound.version for bound in requirement.specifier if bound.operator in (">=", "==")]
        if least and canonicalize_name(requirement.name) not in names:
            marker = f"; {requirement.marker}" if requirement.marker else ""
            yield f"{requirement.name}=={least[0]}{marker}"
    yield from kept


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keep", nargs="*", default=[], metavar="NAME==VERSION")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = (line for lines in project["optional-dependencies"].values() for line in lines)
    lines = lowest([*project["dependencies"], *extras], parser.parse_args().keep)
    sys.stdout.write("\n".join(dict.fromkeys(lines)) + "\n")


if __name__ == "__main__":
    main()

"""Hand the promoted round on, or a saved pipeline: an installable Python package with a model card."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.made_of import is_pipeline
from spanloop.recipes.report import Report
from spanloop.recipes.rounds.model_card import CARD, card_facts, card_of_pipeline, model_card, needs
from spanloop.store import Store
from spanloop.store.files.atomic import whole_file, whole_folder

if TYPE_CHECKING:
    from spacy.language import Language


@dataclass(frozen=True, slots=True)
class Packaged(Report):
    """The package."""

    folder: Path
    """Where it lies."""
    name: str
    """What `spacy.load` takes once it is installed."""
    wheel: Path | None
    """The wheel, where one was asked for."""

    def text(self) -> str:
        return (
            f"{self.folder}: install it with: pip install {self.wheel or self.folder}\n"
            f'then: nlp = spacy.load("{self.name}")'
        )


def package(
    db: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    version: str | None = None,
    licence: str = "",
    round: FromOne | None = None,
    wheel: bool = False,
) -> Packaged:
    """Write a round, or a saved pipeline, as an installable package with a model card, through ``spacy
    package``.

    Neither words of a round's texts nor paths of this machine are in it.

    Args:
        db: The project file, or the folder of a saved pipeline, such as one that `optimise` wrote.
        folder: Where the package goes.
        name: Its name without the language; None: the project's, or the folder's.
        version: Its version; None: 0.0.N of round N, of a pipeline the one that it has.
        licence: For the model card.
        round: The round; None: the promoted one.
        wheel: Build a wheel too, with pip and without any network.

    Returns:
        Where the package lies.

    Raises:
        RecipeError: There is no such project or round, pip cannot build, or a name or version cannot be one.
    """
    chosen, numbered = _checked(name or Path(db).stem, version)
    if is_pipeline(db):
        if round is not None:
            raise RecipeError(f"{db} is a saved pipeline, which has no rounds: leave --round out")
        made = _of_pipeline(Path(db), licence)
    else:
        made = _of_round(db, round, licence)
    nlp = made.nlp
    nlp.meta.update(name=chosen, version=numbered or nlp.meta["version"], requirements=needs(nlp))
    if licence:
        nlp.meta["license"] = licence
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    place = target / f"{nlp.meta['lang']}_{nlp.meta['name']}-{nlp.meta['version']}"
    _refuse_taken(place)
    return _write(made, place, wheel=wheel)


@dataclass(frozen=True, slots=True)
class _Made:
    """A pipeline that is handed on, its model card, and the strings that its vocabulary keeps."""

    nlp: Language
    card: str
    strings: tuple[str, ...]


def _of_round(db: str | Path, number: int | None, licence: str) -> _Made:
    from spanloop.recipes.suggest.pipelines import load_round, project_nlp, promoted_round

    with Store.open(db) as store:
        with store.reading():
            row = promoted_round(store, number)
            project, facts = store.project_of(row), card_facts(store, row)
        nlp = load_round(store, row.number)
    nlp.meta.update(
        version=f"0.0.{row.number}",
        description=f"Round {row.number} of {Path(db).stem}: {', '.join(facts.labels)}",
        performance={f"{score.average}_f1": score.f1 for score in facts.scores if score.average},
    )
    card = model_card(facts, Path(db).stem, needs(nlp), licence)
    return _Made(nlp, card, tuple(project_nlp(project).vocab.strings))


def _of_pipeline(folder: Path, licence: str) -> _Made:
    from spanloop.recipes.suggest.pipelines import load_pipeline

    nlp = load_pipeline(folder)
    return _Made(nlp, card_of_pipeline(folder, nlp.meta, needs(nlp), licence), tuple(nlp.vocab.strings))


def _write(made: _Made, place: Path, *, wheel: bool) -> Packaged:
    """Let spaCy write the package, and publish it whole."""
    from spacy.cli.package import package as spacy_package

    from spanloop.plugin.pipe.sharing import write

    meta = made.nlp.meta
    with tempfile.TemporaryDirectory(prefix="spanloop-package-") as scratch:
        pipeline, drafts = Path(scratch) / "pipeline", Path(scratch) / "drafts"
        write(made.nlp, pipeline, strings=made.strings)
        (pipeline / CARD).write_text(made.card, encoding="utf-8")
        drafts.mkdir()
        spacy_package(pipeline, drafts, create_sdist=False, create_wheel=False, silent=True)
        draft = drafts / f"{meta['lang']}_{meta['name']}-{meta['version']}"
        with whole_folder(place) as part:
            _copy(draft, part)
        return Packaged(place, f"{meta['lang']}_{meta['name']}", _wheel(draft, place) if wheel else None)


def _copy(source: Path, target: Path) -> None:
    """Not `shutil.copytree`, which tries every further file on a full disk and raises a list of them all."""
    for path in sorted(source.rglob("*")):
        copied = target / path.relative_to(source)
        if path.is_dir():
            copied.mkdir()
        else:
            shutil.copyfile(path, copied)


def _refuse_taken(place: Path) -> None:
    if place.exists():
        raise RecipeError(f"{place} is there already: give another --version or folder, or delete it first")


def _checked(name: str, version: str | None) -> tuple[str, str | None]:
    """Both as the package bears them. RecipeError for a name that pip or Python does not take, and for a
    version that is none: both become names of folders."""
    chosen = name.replace("-", "_")
    if not (chosen.isascii() and chosen.isidentifier() and chosen[0] != "_" and chosen[-1] != "_"):
        raise RecipeError(
            f"{name!r} cannot be a package's name: give one with --name, of the letters a to z, digits and "
            "_, a letter first"
        )
    try:
        return chosen, None if version is None else str(Version(version))
    except InvalidVersion as error:
        raise RecipeError(
            f"{version!r} is no version of a package (PEP 440): give --version one such as 1.0.0 or 1.1rc1"
        ) from error


def _wheel(draft: Path, place: Path) -> Path:
    """Build the wheel from the draft by pip and put it beside the package: ``spacy package`` would have
    ``python -m build`` fetch tools from a network."""
    dist = draft / "dist"
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "-w", str(dist), str(draft)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise RecipeError(
            f"pip could not build the wheel ({last}); it takes: pip install setuptools wheel. "
            f"The package itself is written: pip install {place}"
        )
    built = next(dist.glob("*.whl"))
    wheel = place / "dist" / built.name
    wheel.parent.mkdir()
    with whole_file(wheel) as part:
        shutil.copyfile(built, part)
    return wheel

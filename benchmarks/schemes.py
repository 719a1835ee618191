"""What it costs to leave the tagging scheme open: strict F1 of models of each scheme, named and not.

    python benchmarks/schemes.py wikigold --sentences 600 --epochs 3

One model a scheme is trained on the first sentences of ``train.jsonl`` and scored on the first ones of
``test.jsonl``, or on the last ones of train where there is no test. ``wrong``: named as the other one of IOB1
and IOB2. ``as IOB1``: of the test sentences in which the model finds something, how many are read as IOB1
where no scheme is named.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from common import arguments, corpus, keep, say

from spanloop.plugin.tagging.schemes import NAMED, Scheme
from spanloop.plugin.training.config import TrainConfig

SCHEMES = [scheme for scheme in NAMED if scheme != "plain"]
OTHER: dict[Scheme, Scheme] = {"IOB1": "IOB2", "IOB2": "IOB1"}


def main() -> None:
    """Print a row a scheme."""
    parser = arguments(__doc__)
    parser.add_argument("corpus", type=corpus("train.jsonl"), help="its name, or a folder with train.jsonl")
    parser.add_argument("--model", default="offline", help="base model (offline)")
    parser.add_argument("--lang", default="en", help="language of the corpus (en)")
    parser.add_argument("--sentences", type=int, default=600, help="to train on (600)")
    parser.add_argument("--test", type=int, default=500, help="to score on (500)")
    parser.add_argument("--epochs", type=int, default=3, help="of each training (3)")
    parser.add_argument("--seed", type=int, default=0, help="of each training (0)")
    parser.add_argument("--schemes", nargs="+", default=SCHEMES, choices=SCHEMES, help="all")
    options = parser.parse_args()
    say("loading torch and the corpus ...")
    import spacy
    from corpora import evaluate, labels_of, read

    from spanloop.plugin.tagging.decode import speaks_iob1
    from spanloop.plugin.training.train import train

    rows = []
    nlp = spacy.blank(options.lang)
    golds = read(nlp, options.corpus / "train.jsonl", options.sentences)
    separate = options.corpus / "test.jsonl"
    test = (
        read(nlp, separate, options.test)
        if separate.is_file()
        else read(nlp, options.corpus / "train.jsonl")[-options.test :]
    )
    labels = labels_of([*golds, *test])
    print(f"{len(golds)} sentences, {options.epochs} epochs, scored on {len(test)}")
    print("scheme   named  not named  wrong  as IOB1")
    for scheme in options.schemes:
        say(f"{scheme}: training ...")
        pipe: Any = nlp.create_pipe("hf_token_classifier", config={"model": options.model})
        pipe.set_labels(labels, scheme=scheme, seed=options.seed)
        with tempfile.TemporaryDirectory() as folder:
            config = TrainConfig(epochs=options.epochs, seed=options.seed)
            train(pipe, golds, config, folder=Path(folder))
        scores = pipe.predict([gold.doc for gold in test])
        figures = []
        for named in (scheme, None, OTHER.get(scheme)):
            pipe.cfg["scheme"] = named
            f1 = evaluate(pipe, test, scores=scores).micro.f1
            figures.append("    -" if named is None and figures[1:] else f"{f1:.3f}")
        pipe.cfg["scheme"] = None
        some = [one for one in scores if pipe.decode(one)]
        iob1 = sum(speaks_iob1(one, scheme=pipe.scheme) for one in some)
        print(f"{scheme:<7}  {'      '.join(figures)}  {iob1}/{len(some)}", flush=True)
        rows.append({"scheme": scheme, "named": figures[0], "not named": figures[1], "wrong": figures[2]})
        rows[-1] |= {"as IOB1": iob1, "of": len(some)}
    keep(options, rows)


if __name__ == "__main__":
    main()

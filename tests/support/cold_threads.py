"""Eight threads that ask a pipeline at once in a process that has loaded nothing yet.

Given a model and a text, it prints what each of them gave."""

from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.getcwd())  # the folder of the tests

from support.threads import at_once


def main() -> None:
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": sys.argv[1]})
    assert "transformers" not in sys.modules

    def ask(_number: int) -> list[tuple[int, int, str]]:
        return [(ent.start_char, ent.end_char, ent.label_) for ent in nlp(sys.argv[2]).ents]

    sys.stdout.write(json.dumps(at_once(ask)) + "\n")


if __name__ == "__main__":
    main()

"""Reads pipelines that another process has saved, and answers a line of JSON with a line of JSON."""

from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.getcwd())  # the folder of the tests

import spacy

from support.conformance.answers import answers


def main() -> None:
    for line in sys.stdin:
        folder, texts = json.loads(line)
        nlp = spacy.load(folder)
        pipe = nlp.get_pipe("hf_token_classifier")
        found = [answers(pipe, [nlp.make_doc(text)])[0] for text in reversed(texts)]
        told = [[one.logprobs.shape, one.logprobs.tolist(), one.spans] for one in reversed(found)]
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

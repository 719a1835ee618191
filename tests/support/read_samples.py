"""A small file of each format that is read and not written, with the label PER."""

from __future__ import annotations

import json

TEXT = "Ann met Bob"
SAMPLES: dict[str, str] = {
    "json": json.dumps(
        [{"id": "a", "text": TEXT, "spans": [[0, 3, "PER"]]}, {"id": "b", "text": "x"}], indent=1
    ),
    "csv": "Sentence #,Word,POS,Tag\n1,Ann,NNP,B-PER\n,met,VBD,O\n2,Bob,NNP,B-PER\n",
    "conll2012": "#begin document (d); part 000\n"
    "d 0 0 Ann NNP * - - - - (PER) *\nd 0 1 met VBD * - - - - * *\n\n"
    "d 0 0 Bob NNP * - - - - (PER) *\n\n#end document\n",
    "conllup": "# global.columns = ID FORM MISC NER\n# sent_id = a\n# text = Ann met\n"
    "1\tAnn\t_\tB-PER\n2\tmet\t_\tO\n\n1\tBob\t_\tB-PER\n",
    "pipes": "Ann|NNP|I-PER met|VBD|O Bob|NNP|I-PER\n\nNobody|NN|O\n",
    "spacy_json": json.dumps(
        [[TEXT, {"entities": [[0, 3, "PER"], [8, 11, "PER"]]}], ["x", {"entities": []}]], indent=1
    ),
    "doccano": json.dumps({"id": 1, "text": TEXT, "label": [[0, 3, "PER"]], "Comments": ["why?"]})
    + "\n"
    + json.dumps(
        {
            "id": 2,
            "text": "Ann",
            "annotations": [{"start_offset": 0, "end_offset": 3, "label": "PER", "user": 1}],
        }
    )
    + "\n",
    "dataturks": json.dumps(
        {
            "content": TEXT,
            "annotation": [{"label": ["PER"], "points": [{"start": 0, "end": 2, "text": "Ann"}]}],
        }
    )
    + "\n",
    "lighttag": json.dumps(
        {
            "examples": [
                {
                    "example_id": "x",
                    "content": TEXT,
                    "metadata": {},
                    "annotations": [
                        {
                            "tag": "PER",
                            "start": 0,
                            "end": 3,
                            "annotated_by": [{"annotator": "ada"}],
                            "correct": None,
                        }
                    ],
                }
            ]
        }
    ),
}
"""By the name of the format."""

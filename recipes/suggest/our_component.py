"""Which component of ours in a pipeline is meant: it may have several, such as one for names and one for
chunks.

What is chosen stands in the pipeline's meta, so that a saved round remembers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spanloop.recipes.errors import RecipeError

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.store.records import Task

FACTORY = "hf_token_classifier"
_MEANT = "spanloop_component"
_TAGS = ("tag", "pos")
# What a pipeline is asked for where nobody says it: its entities, else spans, else tags.
_IN_TURN = (("ents",), ("spans", "chunks"), _TAGS)


def ours(nlp: Language) -> dict[str, HFTokenClassifierPipe]:
    """The components of ours that run in the pipeline, by their names there, in its order."""
    return {name: pipe for name, pipe in nlp.pipeline if nlp.get_pipe_meta(name).factory == FACTORY}  # type: ignore[misc]


def classifier(nlp: Language) -> tuple[str, HFTokenClassifierPipe] | None:
    """The component of ours that is meant, with its name; None where the pipeline has none such. Where nobody
    chose one, it is the last: that of a round stands behind those of the pipeline that it was built on."""
    there = ours(nlp)
    if not there:
        return None
    meant = nlp.meta.get(_MEANT)
    if meant == "":
        return None
    name = meant if meant in there else list(there)[-1]
    return name, there[name]


def mean(nlp: Language, name: str) -> None:
    """Mean this component from now on; an empty name, none of ours. Where there is no other, nothing has to
    be kept, and the pipeline stays what it was."""
    if list(ours(nlp)) != [name]:
        nlp.meta[_MEANT] = name


def choose(
    nlp: Language,
    named: str | None,
    *,
    task: Task | None = None,
    labels: Sequence[str] = (),
    label_map: Mapping[str, str] | None = None,
) -> None:
    """Mean the component that was named; else the one that writes what the task is about and, of several, the
    one that knows most of the labels. A round's pipeline knows which one is meant.

    Args:
        nlp: The pipeline.
        named: The name of a component in it.
        task: That of the project; None: whatever the pipeline is made for, its entities first.
        labels: Those of the project.
        label_map: The new names of its labels.

    Raises:
        RecipeError: No component of ours has that name or is for that task, or several could be meant.
    """
    there = ours(nlp)
    fitting = _fitting(there, task)
    if named is not None:
        possible = there if task is None else fitting
        if named not in possible:
            writes = "" if task is None else f" that writes {task}"
            raise RecipeError(
                f"--component {named}: the pipeline has no component of ours with that name{writes}; it has "
                f"{', '.join(possible) or 'none'}"
            )
        mean(nlp, named)
    elif nlp.meta.get(_MEANT) is None and there:
        mean(nlp, _best(fitting, labels, label_map or {}))


def _fitting(
    there: Mapping[str, HFTokenClassifierPipe], task: Task | None
) -> dict[str, HFTokenClassifierPipe]:
    kinds = _IN_TURN if task is None else (_TAGS,) if task == "tags" else (_IN_TURN[0] + _IN_TURN[1],)
    found: dict[str, HFTokenClassifierPipe] = {}
    for kind in kinds:
        found = found or {name: pipe for name, pipe in there.items() if pipe.cfg["annotate"] in kind}
    return found


def _best(
    fitting: Mapping[str, HFTokenClassifierPipe], labels: Sequence[str], label_map: Mapping[str, str]
) -> str:
    """The only one that knows the most of these labels; empty where none fits."""
    from spanloop.plugin.tagging.label_map import renamed

    if len(fitting) < 2:
        return next(iter(fitting), "")
    shared = {name: len({*renamed(pipe.labels, label_map)} & {*labels}) for name, pipe in fitting.items()}
    best = [name for name, number in shared.items() if number == max(shared.values())]
    if len(best) == 1:
        return best[0]
    told = "; ".join(f"{name} knows {', '.join(fitting[name].labels)}" for name in best)
    raise RecipeError(
        f"several components of this pipeline could be meant: name one with --component ({told})"
    )


def free_name(nlp: Language) -> str:
    """A name for a component of ours that none in the pipeline has."""
    taken, name, number = nlp.component_names, FACTORY, 1
    while name in taken:
        number += 1
        name = f"{FACTORY}_{number}"
    return name

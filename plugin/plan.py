"""How long a training lasts and in what steps, for a round of sixty sentences as for one of sixty
thousand."""

from __future__ import annotations

from dataclasses import dataclass

# Small batches learn more from little text, large ones are faster on much: as many batches an epoch, within
# bounds.
_BATCHES_AN_EPOCH = 100
_SMALLEST, _LARGEST = 256, 1024
# A new head needs some hundred steps, however small the gold is; beyond thirty epochs nothing more comes.
_STEPS = 250
_FEWEST, _MOST = 5, 30
_FAST = 0.6  # of the steps and epochs, for whoever is in a hurry


@dataclass(frozen=True, slots=True)
class Plan:
    """``batch_wordpieces``: padding included. ``epochs``: times that the gold is seen."""

    batch_wordpieces: int
    epochs: int


def plan(
    wordpieces: int, *, batch_wordpieces: int | None = None, epochs: int | None = None, fast: bool = False
) -> Plan:
    """A plan for gold of so many wordpieces; what is given stays as it is. ``fast``: three fifths of the
    epochs."""
    batch = batch_wordpieces or min(max(wordpieces // _BATCHES_AN_EPOCH, _SMALLEST), _LARGEST)
    steps = max(-(-wordpieces // batch), 1)
    usual = min(max(-(-_STEPS // steps), _FEWEST), _MOST)
    return Plan(batch, epochs or (round(_FAST * usual) if fast else usual))

"""How long a training lasts and in what steps, for a round of sixty sentences as for one of sixty
thousand."""

from __future__ import annotations

from dataclasses import dataclass

# Small batches learn more from little text, large ones are faster on much: as many batches an epoch, within
# bounds.
_BATCHES_AN_EPOCH = 100
_SMALLEST, _LARGEST = 256, 512
# Little text is learned best at a high rate, much text at a low one: it falls as the gold grows, from the
# highest (up to 33,000 wordpieces) to the lowest (from 100,000 on).
_HIGHEST_RATE, _LOWEST_RATE = 3e-4, 1e-4
_RATE_TIMES_WORDPIECES = 10.0
# A new head needs some hundred steps, however small the gold is; beyond thirty epochs nothing more comes.
_STEPS = 250
_FEWEST, _MOST = 5, 30
_FAST = 0.6  # of the steps and epochs, for whoever is in a hurry


@dataclass(frozen=True, slots=True)
class Plan:
    """``batch_wordpieces``: padding included. ``epochs``: times that the gold is seen. ``learning_rate``: the
    highest, after the warmup."""

    batch_wordpieces: int
    epochs: int
    learning_rate: float


def plan(
    wordpieces: int,
    *,
    batch_wordpieces: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    fast: bool = False,
) -> Plan:
    """A plan for gold of so many wordpieces; what is given stays as it is. ``fast``: three fifths of the
    epochs."""
    batch = batch_wordpieces or min(max(wordpieces // _BATCHES_AN_EPOCH, _SMALLEST), _LARGEST)
    steps = max(-(-wordpieces // batch), 1)
    usual = min(max(-(-_STEPS // steps), _FEWEST), _MOST)
    rate = min(max(_RATE_TIMES_WORDPIECES / max(wordpieces, 1), _LOWEST_RATE), _HIGHEST_RATE)
    return Plan(batch, epochs or (round(_FAST * usual) if fast else usual), learning_rate or rate)

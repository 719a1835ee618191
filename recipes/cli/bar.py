"""The progress bar of the command line: on stderr, and only for what takes longer than two seconds."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm  # type: ignore[import-untyped]

SILENT_SECONDS = 2.0
SECONDS_BETWEEN_LINES = 10.0  # where stderr is a file: a line now and then, not a flood


def _form(total: int | None, what: str) -> str:
    """What the bar shows; where the recipe estimates the time left by itself, the bar does not."""
    if total is None:
        return "{desc}: {n_fmt}, {elapsed}"
    return "{desc} {percentage:3.0f} % |{bar}|" + ("" if " left" in what else " {elapsed}, {remaining} left")


class Bar:
    """A `Progress` that shows itself; use it with ``with``."""

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None

    def __call__(self, done: int, total: int | None, what: str) -> None:
        bar = self._bar
        if bar is None or bar.total != total or done < bar.n:
            self.close()
            bar = self._bar = tqdm(
                total=total,
                file=sys.stderr,
                delay=SILENT_SECONDS,
                leave=False,
                mininterval=0.2 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES,
                dynamic_ncols=True,
                bar_format=_form(total, what),
            )
        bar.set_description_str(what, refresh=False)
        bar.update(done - bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

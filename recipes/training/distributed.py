"""The same command on several processes (torchrun): the first one owns the round, the others take part in its
training and in nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.training.pipeline import TrainingJob, train_pipeline

# What all processes fail with, the first one tells: torchrun ends the others within this time.
_FIRST_SPEAKS_SECONDS = 3.0


def world() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this is, from 0."""
    return int(os.environ.get("RANK", "0")) if world() > 1 else 0


def hush() -> None:
    """Spare the user what each process's torch remarks on how gradients are shared; before it is imported."""
    if world() > 1:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")


class PeerLost(RecipeError):
    """Another process of this training has ended."""


class Team:
    """The processes of one training, between ``with`` and its end; one process alone makes no fuss."""

    def __init__(self) -> None:
        self._waiting = world() > 1

    def __enter__(self) -> Team:
        if world() > 1:
            import torch

            from spanloop.plugin.model.device import device_of

            cuda = device_of("auto").type == "cuda"
            if cuda:
                torch.cuda.set_device(_own_gpu(torch.cuda.device_count()))
            torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
        return self

    def share(self, job: TrainingJob | None) -> None:
        """Give the others their job; None: there is nothing to train, they may go."""
        if self._waiting:
            from torch.distributed import broadcast_object_list

            self._waiting = False
            with lost_peers_named():
                broadcast_object_list([job], src=0)

    def receive(self) -> TrainingJob | None:
        """Wait for the job, as all but the first do."""
        from torch.distributed import broadcast_object_list

        self._waiting = False
        box: list[TrainingJob | None] = [None]
        with lost_peers_named():
            broadcast_object_list(box, src=0)
        return box[0]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if rank() == 0:
            with suppress(PeerLost):  # who has ended already waits for nothing
                self.share(None)
        if world() > 1 and kind is None:
            from torch.distributed import destroy_process_group

            destroy_process_group()


def _own_gpu(found: int) -> int:
    """The number of the GPU of this process. RecipeError where there are more processes than GPUs."""
    number = int(os.environ["LOCAL_RANK"])
    if number >= found:
        raise RecipeError(
            f"process {number} of this machine (from 0) has no GPU of its own, there are {found}: start one "
            f"process a GPU (torchrun --nproc_per_node {found}), or train on the CPU (--device cpu)"
        )
    return number


@contextmanager
def lost_peers_named() -> Iterator[None]:
    """`PeerLost` in place of the network's own words for it."""
    try:
        yield
    except RuntimeError as error:
        if world() > 1 and any(word in str(error).lower() for word in ("gloo", "nccl", "peer")):
            raise PeerLost("another process of this training has ended: torchrun tells which") from error
        raise


def take_part() -> None:
    """Train with the others, as one that is not the first. Quiet: the first one tells what happens.

    RecipeError for a failure of this process alone; SystemExit where it only follows that of another.
    """
    try:
        with Team() as team:
            job = team.receive()
            if job is not None:
                _train(job)
    except PeerLost as error:
        raise SystemExit(1) from error
    except KeyboardInterrupt as error:
        raise SystemExit(getattr(error, "exit_code", 130)) from error
    except (OSError, RuntimeError, ValueError) as error:
        _let_the_first_speak()
        raise RecipeError(
            f"process {rank()} of {world()} (from 0): {type(error).__name__}: {error}"
        ) from error


def _train(job: TrainingJob) -> None:
    with lost_peers_named():
        train_pipeline(job)


def _let_the_first_speak() -> None:
    try:
        time.sleep(_FIRST_SPEAKS_SECONDS)
    except KeyboardInterrupt as error:  # torchrun: the first one has ended too
        raise SystemExit(1) from error

"""HF Trainer, told what it does not know: batches by wordpiece budget, a loss over tokens, progress to a
callback.

Nothing here prints, reports anywhere or leaves files behind. Imported only where training happens:
transformers' Trainer takes seconds to import.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from spanloop.plugin.model.device import gpus_in_use, no_room
from spanloop.plugin.model.disk import writing
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.neighbours import as_configured, shortest_batch
from spanloop.plugin.model.stacks import no_bars
from spanloop.plugin.training.activations import Activations, record
from spanloop.plugin.training.checkpoint import keep_newest
from spanloop.plugin.training.collate import BudgetBatches, Collator, TrainWindow
from spanloop.plugin.training.divergence import Divergence
from spanloop.plugin.training.loss import TokenLoss
from spanloop.plugin.training.trainable import adapted, frozen, part_head
from spanloop.plugin.training.validation import F1

if TYPE_CHECKING:
    from spanloop.plugin.training.config import Plan, TrainConfig
    from spanloop.plugin.training.validation import InnerSlice

Progress = Callable[[float, str], None]


@dataclass
class Steps(TrainerCallback):
    """Tells the progress, scores the inner slice after each epoch, and keeps a checkpoint now and then.

    What it knows of past epochs lies in the trainer's state, so that it survives a kill.
    """

    progress: Progress | None
    inner: InnerSlice | None
    checkpoint_seconds: float | None
    divergence: Divergence
    first_step: int = 0
    started: float = 0.0
    saved: float = 0.0

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        self.first_step = state.global_step
        self.started = self.saved = time.monotonic()
        if self.inner is not None:
            self.inner.take_up(state)

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        if self.progress is None:
            return
        pace = (time.monotonic() - self.started) / (state.global_step - self.first_step)
        left = pace * (state.max_steps - state.global_step)
        epoch = min(int(state.epoch) + 1, state.num_train_epochs)
        share = state.global_step / state.max_steps
        self.progress(share, f"epoch {epoch} of {state.num_train_epochs}, {_clock(left)} left")

    def on_epoch_end(self, _args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
        when = f"after epoch {round(state.epoch)}"
        self.divergence.check_weights(model, when)  # before a checkpoint keeps them
        if self.inner is not None:
            control.should_training_stop |= self.divergence.scored(when, self.inner)
            state.log_history.append({F1: self.inner.f1[-1], "step": state.global_step})
        if self.checkpoint_seconds is not None and time.monotonic() - self.saved >= self.checkpoint_seconds:
            control.should_save = True
            self.saved = time.monotonic()

    def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            keep_newest(Path(args.output_dir))


class BudgetLoader(DataLoader[TrainWindow]):
    """A loader that HF Trainer can tell the epoch."""

    def set_epoch(self, epoch: int) -> None:
        self.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]


class BudgetTrainer(Trainer):
    """HF Trainer with a loader of its own, which knows how to share batches among processes.

    ``activations``: those of frozen layers, which are then passed over. ``make_ready``: called before each
    batch, ``part_head`` once.
    """

    loader: BudgetLoader
    divergence: Divergence
    warmup: float
    activations: Activations | None = None
    make_ready: Callable[[], None]
    part_head: Callable[[torch.optim.Optimizer], None]

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        """As Trainer's own, with a rate of its own for the head."""
        optimizer = super().create_optimizer(*args, **kwargs)
        self.part_head(optimizer)
        return optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """As Trainer's own, with the warmup as a whole number of steps: transformers 4 and 5 name a share
        differently, and 5 takes a share of 1 for one step."""
        self.args.warmup_steps = math.ceil(num_training_steps * self.warmup)
        return super().create_scheduler(num_training_steps, optimizer)

    def get_train_dataloader(self) -> BudgetLoader:
        return self.loader

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        lower = inputs.pop("lower", None)
        self.make_ready()
        known = self.activations if lower is not None else None
        with nullcontext() if known is None else known.replayed(lower):
            return super().compute_loss(model, inputs, *args, **kwargs)

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        loss = super().training_step(*args, **kwargs)
        self.divergence.check_loss(loss, self.state.global_step)
        return loss

    def autocast_smart_context_manager(self, cache_enabled: bool | None = True) -> Any:
        """As Trainer's own, without the name that torch deprecates."""
        device = self.args.device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.args.bf16, cache_enabled=cache_enabled)


def fit(
    model: Any,
    windows: Sequence[TrainWindow],
    loss: TokenLoss,
    config: TrainConfig,
    plan: Plan,
    *,
    bf16: bool,
    pad_id: int,
    even: bool,
    progress: Progress | None,
    inner: InnerSlice | None,
    folder: Path,
    resume_from: Path | None,
) -> tuple[list[float], int]:
    """Train ``model`` in place. Gives the mean loss of each epoch and the number of optimiser steps.

    ``even``: windows of one length share a batch, others do not. ``resume_from``: a checkpoint of the same
    training in ``folder``. Diverged at the first loss, or at the end of the first epoch, that shows that the
    training leaves the range of numbers.
    """
    divergence = Divergence(plan.learning_rate)
    with _own_randomness(), frozen(model, plan.stays) as lower, adapted(model, config.lora) as learner:
        trainer = BudgetTrainer(
            model=learner,
            args=_arguments(config, plan, bf16, folder, next(model.parameters()).device),
            train_dataset=windows,
            compute_loss_func=loss,
            callbacks=[Steps(progress, inner, config.checkpoint_seconds, divergence)],
        )
        trainer.divergence, trainer.warmup = divergence, config.warmup
        trainer.make_ready = partial(as_configured, model)
        trainer.part_head = partial(part_head, model=model, learner=learner, rate=plan.head_rate)
        trainer.remove_callback(PrinterCallback)
        collate = Collator(pad_id, shortest_batch(model))
        if lower:
            trainer.activations = record(
                learner, lower, windows, bf16=bf16, collate=collate, even=even, folder=folder
            )
        lengths, budget = [len(window) for window in windows], plan.batch_wordpieces
        share = {"rank": trainer.args.process_index, "world": trainer.args.world_size}
        batches = BudgetBatches(lengths, budget=budget, seed=config.random_seed, even=even, **share)
        shown: Any = trainer.activations or windows
        trainer.loader = BudgetLoader(shown, batch_sampler=batches, collate_fn=collate)
        try:
            with writing(folder), no_bars(), _room_named(plan):
                ended = None if inner is None else inner.ended_at(resume_from)
                if ended is None:
                    trainer.train(resume_from_checkpoint=None if resume_from is None else str(resume_from))
                else:
                    trainer.state = ended
        finally:
            # accelerate wraps forward for bf16; the model must leave as it came.
            trainer.accelerator.unwrap_model(learner, keep_fp32_wrapper=False)
            if config.gradient_checkpointing:
                model.gradient_checkpointing_disable()
            model.zero_grad(set_to_none=True)
            model.eval()
    losses = [float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    return losses, int(trainer.state.global_step)


def pays_in_bf16(device: torch.device) -> bool:
    """Whether training in bfloat16 is faster there: on a processor that multiplies it by itself. On a GPU the
    steps wait for their launch, of which autocast has more (`benchmarks/gpu.py`)."""
    if device.type == "cuda":
        return False
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8") if cpuinfo.is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


@dataclass
class OneDevice(TrainingArguments):
    """Trainer's arguments for a model that stays where it is. Left alone, Trainer moves it to the first GPU
    and parts each batch among all of them: here a process has one GPU, and several take several processes.

    ``gpu``: the number of the GPU, None on a CPU.
    """

    gpu: int | None = None

    @cached_property
    def _setup_devices(self) -> torch.device:
        device: torch.device = super()._setup_devices
        if self.gpu is None:
            return device
        self._n_gpu = 1
        torch.cuda.set_device(self.gpu)
        return torch.device("cuda", self.gpu)


def _arguments(config: TrainConfig, plan: Plan, bf16: bool, folder: Path, device: torch.device) -> OneDevice:
    cpu = device.type != "cuda"
    return OneDevice(
        gpu=None if cpu else device.index,
        output_dir=str(folder),
        num_train_epochs=plan.epochs,
        learning_rate=plan.learning_rate,
        gradient_accumulation_steps=config.accumulate,
        gradient_checkpointing=config.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        weight_decay=config.weight_decay,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        seed=config.random_seed,
        bf16=bf16,
        use_cpu=cpu,
        average_tokens_across_devices=True,
        remove_unused_columns=False,
        label_names=["labels"],
        save_strategy="no",  # `Steps` asks for checkpoints
        ddp_backend="gloo" if int(os.environ.get("WORLD_SIZE", "1")) > 1 and cpu else None,
        eval_strategy="no",
        logging_strategy="epoch",
        logging_nan_inf_filter=False,  # it would put another loss in the place of one that is no number
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


@contextmanager
def _room_named(plan: Plan) -> Iterator[None]:
    """ModelError, saying what to try, where the memory of a GPU does not hold a step."""
    try:
        yield
    except RuntimeError as error:
        if not no_room(error):
            raise
        smaller = max(plan.batch_wordpieces // 2, 1)
        raise ModelError(
            f"the memory of the GPU does not hold a batch of {plan.batch_wordpieces} wordpieces in training: "
            f"end what else uses it, or give batch_wordpieces {smaller} with accumulate 2 (the same steps), "
            "gradient_checkpointing, or the device cpu"
        ) from error


@contextmanager
def _own_randomness() -> Iterator[None]:
    """Trainer seeds every global generator; the caller gets theirs back as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=gpus_in_use()):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

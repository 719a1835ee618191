"""One round on its way: train, save, score, decide, store."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spanloop.recipes.near_duplicates.leaks import Leaks
from spanloop.recipes.progress import Progress
from spanloop.recipes.scoring.evaluate import Evaluation, score
from spanloop.recipes.suggest.sources import stored_id
from spanloop.recipes.training.balance import Balance, Balancing, choose
from spanloop.recipes.training.disk import refusals_named
from spanloop.recipes.training.distributed import Team, lost_peers_named, world
from spanloop.recipes.training.input import masked_gold_named
from spanloop.recipes.training.lock import CHECKPOINTS
from spanloop.recipes.training.pipeline import TrainingJob, build_pipeline
from spanloop.recipes.training.report import RoundReport
from spanloop.store import Store
from spanloop.store.files.atomic import whole_folder
from spanloop.store.records import Gold, Model, Round

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.plugin.tagging.gold import Gold as TrainingGold
    from spanloop.plugin.training.config import TrainConfig
    from spanloop.plugin.training.train import TrainReport

Promote = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Training:
    """One round on its way."""

    store: Store
    row: Round
    settings: TrainConfig
    golds: Sequence[Gold]
    held_out: Sequence[Gold]
    leaks: Leaks
    progress: Progress
    team: Team
    balance: Balancing | None = None

    def run(self, start_from: Round | None, promote: Promote) -> RoundReport:
        from spanloop.recipes.convert import score_rows, store_events, training_gold

        begin = time.monotonic()
        store, number = self.store, self.row.number
        job = self._job(start_from)
        self.team.share(job)
        nlp, pipe = build_pipeline(job)
        golds = [training_gold(nlp, gold) for gold in self.golds]
        with masked_gold_named(store):
            settings, balance, done = self._settings(pipe, golds)
            report = self._train(nlp, pipe, golds, settings, done)
        scores = score(store, nlp, self.held_out, round=number, renamed={}, progress=self.progress)
        seconds = time.monotonic() - begin
        promoted, reason = _promotion(store, number, scores, promote, self.held_out, self.progress)
        folder = store.rounds.folder(number)
        model = Model(
            hash=pipe.fingerprint(),
            kind="round",
            name=f"round {number}",
            path=str(folder.relative_to(store.path.parent)),
            round=number,
        )
        with store.write():
            store.rounds.finish(
                number,
                model_id=stored_id(store.models.add(model)),
                scores=score_rows(scores.report, "eval"),
                manifest=_manifest(report, model.hash, seconds, self.leaks)
                | {"confusion": scores.confusion(), "balance": None if balance is None else balance.json()},
                class_weights=report.class_weights,
            )
            for gold, events in zip(self.golds, report.events, strict=True):
                document_id = gold.document.id or 0
                store.ledger.add(
                    store_events(events, document_id=document_id, annotation_id=gold.annotation_id)
                )
            if promoted:
                store.rounds.promote(number)
        store.predictions.prune()
        return RoundReport(
            number=number,
            scores=scores,
            promoted=promoted,
            reason=reason,
            seconds=seconds,
            class_weights=report.class_weights,
            train_documents=report.documents,
            train_spans=report.gold_spans,
            spans_lost=report.gold_spans_lost,
            leaks=self.leaks,
            documents_held_out=report.documents_held_out,
            documents_left_out=report.documents_left_out,
            balance=balance,
            impatient=settings.patience is not None and not report.held_out_f1,
        )

    def _settings(
        self, pipe: HFTokenClassifierPipe, golds: Sequence[TrainingGold]
    ) -> tuple[TrainConfig, Balance | None, float]:
        """The settings to train with; where they are chosen here, how, and which share of the work that was.
        The round keeps what it is trained with."""
        if self.balance is None:
            return self.settings, None, 0.0
        settings, balance, done = choose(
            pipe, golds, self.settings, folder=self._scratch, progress=self._show_training
        )
        self.store.rounds.set_parameters(self.row.number, {**self.row.parameters, **asdict(settings)})
        return settings, balance, done

    def _train(
        self,
        nlp: Language,
        pipe: HFTokenClassifierPipe,
        golds: Sequence[TrainingGold],
        settings: TrainConfig,
        done: float,
    ) -> TrainReport:
        """Train the pipe and save the pipeline; the round's folder appears only when it is whole. ``done``:
        the share of the work that lies behind us."""
        from spanloop.plugin.training.train import train

        def show(share: float, what: str) -> None:
            self._show_training(done + share * (1 - done), what)

        number = self.row.number
        with lost_peers_named(), refusals_named(self._scratch):
            report = train(pipe, golds, settings, progress=show, folder=self._scratch)
        self.progress(0, None, f"save round {number}")
        folder = self.store.rounds.folder(number)
        with whole_folder(folder) as part, refusals_named(folder):
            nlp.to_disk(part)
        shutil.rmtree(self._scratch, ignore_errors=True)
        return report

    def _job(self, start_from: Round | None) -> TrainingJob:
        folder = None if start_from is None else self.store.rounds.folder(start_from.number)
        labels = self.store.labels.names()
        return TrainingJob(self.store.project, labels, folder, self.settings, list(self.golds))

    @property
    def _scratch(self) -> Path:
        """What stays where a training is interrupted: the next one goes on there."""
        return self.store.rounds_dir / CHECKPOINTS

    def _show_training(self, share: float, what: str) -> None:
        self.progress(int(share * 1000), 1000, f"train round {self.row.number}: {what}")


def _manifest(report: TrainReport, model_hash: str, seconds: float, leaks: Leaks) -> dict[str, Any]:
    """What it takes to tell later what this round was."""
    told = asdict(report)
    for kept_elsewhere in ("events", "class_weights", "seconds"):
        told.pop(kept_elsewhere)
    return {
        "model_hash": model_hash,
        "seconds": seconds,
        "train_seconds": report.seconds,
        **told,
        **surroundings(),
        "leaks": leaks.json(),
    }


def surroundings() -> dict[str, Any]:
    """What decides the last digits beside the data and the settings: another number of threads adds in
    another order."""
    import torch

    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "processes": world(),
    }


def _promotion(
    store: Store,
    number: int,
    scores: Evaluation,
    promote: Promote,
    held_out: Sequence[Gold],
    progress: Progress,
) -> tuple[bool, str]:
    """Whether the round becomes the one in use, and the sentence that says why."""
    from spanloop.recipes.scoring.gate import compare
    from spanloop.recipes.suggest.pipelines import label_names, load_round

    if promote != "auto":
        return (
            promote == "yes",
            f"{'promoted' if promote == 'yes' else 'not promoted'}, as asked (--promote {promote})",
        )
    before = store.rounds.promoted()
    if before is None:
        return True, "promoted: it is the first round"
    nlp = load_round(store, before.number)
    older = score(
        store, nlp, held_out, round=before.number, renamed=label_names(store, before), progress=progress
    )
    comparison = compare(scores.report, older.report, seed=store.project.seed)
    if comparison.acceptable:
        return True, f"promoted over round {before.number}: {comparison.text()}"
    use = f"spanloop rounds {store.path} promote {number}"
    return (
        False,
        f"not promoted over round {before.number}: {comparison.text()}; to use it all the same: {use}",
    )

"""One round on its way: train, save, score, decide, store."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spanloop.recipes.near_duplicates.leaks import Leaks
from spanloop.recipes.progress import Progress
from spanloop.recipes.scoring.evaluate import Evaluation, score
from spanloop.recipes.training.balance import Balance, Balancing, choose
from spanloop.recipes.training.distributed import Team, lost_peers_named, world
from spanloop.recipes.training.input import masked_gold_named, training_golds
from spanloop.recipes.training.lock import CHECKPOINTS
from spanloop.recipes.training.pipeline import TrainingJob, build_pipeline
from spanloop.recipes.training.report import RoundReport
from spanloop.store import Store
from spanloop.store.records import Gold, Moment, NewModel, Round

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.plugin.tagging.gold import Gold as TrainingGold
    from spanloop.plugin.training.config import TrainConfig
    from spanloop.plugin.training.train import TrainReport

Promote = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Training:
    """One round on its way; ``moment``: when its gold was read, which may be hours ago at its end."""

    store: Store
    row: Round
    moment: Moment
    settings: TrainConfig
    golds: Sequence[Gold]
    held_out: Sequence[Gold]
    leaks: Leaks
    progress: Progress
    team: Team
    balance: Balancing | None = None

    def run(self, start_from: Round | None, promote: Promote) -> RoundReport:
        from spanloop.plugin.training.divergence import Divergence
        from spanloop.recipes.convert import score_rows, store_events
        from spanloop.recipes.suggest.tokenise import tokenizer_hash

        begin = time.monotonic()
        store, number = self.store, self.row.number
        job = self._job(start_from)
        self.team.share(job)
        nlp, pipe = build_pipeline(job)
        learned, golds = training_golds(nlp, self.golds)
        refused = {gold.document.id for gold in self.golds} - {gold.document.id for gold in learned}
        with masked_gold_named(store), self._cleared_where_diverged():
            settings, balance, done = self._settings(pipe, golds)
            report = self._train(nlp, pipe, golds, settings, done)
        scores = Divergence(report.learning_rate).scored(
            "on the eval documents",
            lambda: score(self.moment, nlp, self.held_out, round=number, labels={}, progress=self.progress),
        )
        seconds = time.monotonic() - begin
        promoted, reason = self._promotion(scores, promote)
        folder = store.rounds.folder(number)
        model = NewModel(
            hash=pipe.fingerprint(),
            kind="round",
            name=f"round {number}",
            path=str(folder.relative_to(store.path.parent)),
            round=number,
        )
        with store.write():
            store.rounds.finish(
                number,
                model_id=store.models.add(model).id,
                scores=score_rows(scores.report, "eval"),
                manifest=_manifest(report, model.hash, seconds, self.leaks)
                | {
                    "documents_refused": len(refused),
                    "confusion": scores.confusion(),
                    "balance": None if balance is None else balance.json(),
                },
                class_weights=report.class_weights,
            )
            store.tokenizations.put(tokenizer_hash(nlp), [(key, None) for key in sorted(refused)])
            for gold, events in zip(learned, report.events, strict=True):
                of_document = store_events(
                    events, document_id=gold.document.id, annotation_id=gold.annotation_id
                )
                store.ledger.add(of_document)
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
            documents_refused=len(refused),
            documents_held_out=report.documents_held_out,
            documents_left_out=report.documents_left_out,
            balance=balance,
            impatient=settings.patience is not None and not report.held_out_f1,
        )

    @contextmanager
    def _cleared_where_diverged(self) -> Iterator[None]:
        """What goes on from where a training left the range of numbers comes to the same end."""
        from spanloop.plugin.training.divergence import Diverged

        try:
            yield
        except Diverged:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise

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
        from spanloop.recipes.suggest.pipelines import write_pipeline

        def show(share: float, what: str) -> None:
            self._show_training(done + share * (1 - done), what)

        number = self.row.number
        folder = self.store.rounds.folder(number)
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            with lost_peers_named():
                report = train(pipe, golds, settings, progress=show, folder=self._scratch)
            self.progress(0, None, f"save round {number}")
            write_pipeline(self.store.project, nlp, part / "pipeline")
            os.replace(part / "pipeline", folder)
            shutil.rmtree(self._scratch, ignore_errors=True)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return report

    def _job(self, start_from: Round | None) -> TrainingJob:
        folder = None if start_from is None else self.store.rounds.folder(start_from.number)
        project, labels = self.moment.project, self.moment.names
        return TrainingJob(project, labels, folder, self.settings, list(self.golds))

    def _promotion(self, scores: Evaluation, promote: Promote) -> tuple[bool, str]:
        """Whether the round becomes the one in use, and the sentence that says why."""
        from spanloop.plugin.model.finite import NotFinite
        from spanloop.recipes.scoring.gate import compare
        from spanloop.recipes.suggest.pipelines import load_round

        if promote != "auto":
            done = "promoted" if promote == "yes" else "not promoted"
            return promote == "yes", f"{done}, as asked (--promote {promote})"
        before = self.store.rounds.promoted()
        if before is None:
            return True, "promoted: it is the first round"
        nlp, labels = load_round(self.store, before.number), before.label_ids
        try:
            older = score(
                self.moment, nlp, self.held_out, round=before.number, labels=labels, progress=self.progress
            )
        except NotFinite:
            return True, f"promoted over round {before.number}, whose model gives scores that are no numbers"
        comparison = compare(scores.report, older.report, seed=self.moment.project.seed)
        if comparison.acceptable:
            return True, f"promoted over round {before.number}: {comparison.text()}"
        use = f"spanloop rounds {self.store.path} promote {self.row.number}"
        return (
            False,
            f"not promoted over round {before.number}: {comparison.text()}; to use it all the same: {use}",
        )

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

"""One round on its way: train, save, score, decide, store."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.active_learning.registry import rounds_looked_at
from spanloop.recipes.errors import FAILURES, line_of
from spanloop.recipes.near_duplicates.leaks import Leaks
from spanloop.recipes.progress import Progress
from spanloop.recipes.report import plain
from spanloop.recipes.scoring.evaluate import Evaluation, score
from spanloop.recipes.suggest.refusal import make_docs
from spanloop.recipes.training.balance import Balance, Balancing, choose
from spanloop.recipes.training.distributed import Team, lost_peers_named
from spanloop.recipes.training.first_suggestions import suggest_for_next
from spanloop.recipes.training.input import masked_gold_named, training_golds
from spanloop.recipes.training.kept import finish, manifest_of, note
from spanloop.recipes.training.pipeline import TrainingJob, build_pipeline
from spanloop.recipes.training.process_control import CHECKPOINTS
from spanloop.recipes.training.report import Beside, RoundReport
from spanloop.store import Store
from spanloop.store.records import Document, Gold, Moment, Round

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.plugin.tagging.gold import Gold as TrainingGold
    from spanloop.plugin.training.config import TrainConfig
    from spanloop.plugin.training.train import TrainReport

Promote = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Training:
    """One round on its way; ``moment``: when its gold was read, which may be hours ago at its end; ``begun``:
    when it was asked for, on the monotonic clock."""

    store: Store
    row: Round
    moment: Moment
    settings: TrainConfig
    golds: Sequence[Gold]
    eval_golds: Sequence[Gold]
    unlabelled: Sequence[Document]
    leaks: Leaks
    progress: Progress
    team: Team
    begun: float
    balance: Balancing | None = None

    def run(self, start_from: Round | None, promote: Promote) -> RoundReport:
        from spanloop.plugin.training.divergence import Divergence
        from spanloop.recipes.suggest.pipelines import pipeline_facts

        begin = time.monotonic()
        job = self._job(start_from)
        self.team.share(job)
        nlp, pipe = build_pipeline(job)
        base_model = None if job.start_from else self._base_model(pipe)
        learned, golds = training_golds(nlp, self.golds)
        with masked_gold_named(self.store), self._cleared_where_diverged():
            settings, balance, done = self._settings(pipe, golds)
            report, files_hash = self._train(nlp, pipe, golds, settings, done)
        scores = Divergence(report.learning_rate).scored("on the eval documents", lambda: self._score(nlp))
        seconds = time.monotonic() - begin
        refused = {gold.document.id for gold in self.golds} - {gold.document.id for gold in learned}
        model_hash = pipe.fingerprint()
        manifest = manifest_of(report, model_hash, seconds, self.leaks, self.unlabelled) | {
            "documents_refused": len(refused),
            "confusion": plain(scores.confusion()),
            "balance": None if balance is None else balance.json(),
            "base_model": base_model,
            "backend": pipe.network.settings().get("backend", "torch"),
            "pipeline": pipeline_facts(nlp, self.row.parameters["made_of"]["nlp"]),
        }
        decided = self._decided(promote)
        with self.store.write():
            finish(self.store, self.row.number, model_hash, scores, manifest, report, files_hash)
            note(self.store, nlp, refused, learned, report)
            if decided is not None and decided[0]:
                self.store.rounds.promote(self.row.number)
        if decided is None:  # only now, since the round is kept whatever comes of it
            decided = self._gate(scores)
            if decided[0]:
                self.store.rounds.promote(self.row.number)
        first = suggest_for_next(self.store, nlp, self.row.number, self.begun) if decided[0] else None
        self.store.predictions.prune(rounds_looked_at(self.store.queue.standing()[0]))
        return RoundReport(
            number=self.row.number,
            folder=self.store.rounds.folder(self.row.number),
            scores=scores,
            promoted=decided[0],
            reason=decided[1],
            seconds=seconds,
            class_weights=report.class_weights,
            train_documents=report.documents,
            train_spans=report.gold_spans,
            spans_lost=report.gold_spans_lost,
            leaks=self.leaks,
            documents_refused=len(refused),
            unknown_labels=Counter(label for gold in learned for label in gold.unknown),
            documents_held_out=report.documents_held_out,
            refit=report.refit,
            unlabelled=self._beside(settings, report),
            documents_left_out=report.documents_left_out,
            balance=balance,
            thresholds=report.thresholds,
            impatient=settings.patience is not None and not report.held_out_f1,
            first_suggestions=first,
        )

    def _base_model(self, pipe: HFTokenClassifierPipe) -> dict[str, str | None]:
        """What the round was trained from; a folder by the name that the project keeps of it."""
        found = pipe.pretrained.origin.json()
        return found if found["commit"] else found | {"name": self.row.parameters["made_of"]["base_model"]}

    def _score(self, nlp: Language) -> Evaluation:
        number = self.row.number
        return score(self.moment, nlp, self.eval_golds, round=number, labels={}, progress=self.progress)

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
        number, folder = len(self.unlabelled), self._scratch
        settings, balance, done = choose(
            pipe, golds, self.settings, unlabelled=number, folder=folder, progress=self._show_training
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
    ) -> tuple[TrainReport, str]:
        """Train the pipe and save the pipeline; the round's folder appears only when it is whole. Gives the
        hash of its files too. ``done``: the share of the work that lies behind us."""
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
                texts = make_docs(nlp, self._texts)
                report = train(pipe, golds, settings, unlabelled=texts, progress=show, folder=self._scratch)
            self.progress(0, None, f"save round {number}")
            write_pipeline(self.moment.project, nlp, part / "pipeline")
            files_hash = self.store.rounds_folder.take_in(part / "pipeline", self.row)
            shutil.rmtree(self._scratch, ignore_errors=True)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return report, files_hash

    def _job(self, start_from: Round | None) -> TrainingJob:
        folder = None if start_from is None else self.store.rounds_folder.sound(start_from)
        project, labels = self.moment.project, self.moment.names
        return TrainingJob(project, labels, folder, self.settings, list(self.golds), self._texts)

    def _beside(self, settings: TrainConfig, report: TrainReport) -> Beside:
        """The text without labels that was learned from, and what was asked for."""
        learned, in_part = report.documents_unlabelled, report.documents_completed
        return Beside(settings.unlabelled, len(self.unlabelled), learned, in_part)

    @property
    def _texts(self) -> list[str]:
        """Those without labels that are learned from."""
        return [document.text for document in self.unlabelled]

    def _decided(self, promote: Promote) -> tuple[bool, str] | None:
        """Whether the round becomes the one in use, and the sentence that says why; None where it has to be
        compared with others first."""
        if promote != "auto":
            done = "promoted" if promote == "yes" else "not promoted"
            return promote == "yes", f"{done}, as asked (--promote {promote})"
        if self.store.rounds.promoted() is None:
            return True, "promoted: it is the first round"
        return None

    def _gate(self, scores: Evaluation) -> tuple[bool, str]:
        """The same after a comparison. Whatever keeps it from being made only keeps the round from being
        promoted."""
        use = f"spanloop rounds {self.store.named} promote {self.row.number}"
        try:
            good, why = self._compared(scores)
        except FAILURES as error:
            return False, f"not promoted, as it could not be compared: {line_of(error)}; to use it: {use}"
        return good, why if good else f"{why}; to use it all the same: {use}"

    def _compared(self, scores: Evaluation) -> tuple[bool, str]:
        from spanloop.recipes.scoring.promotion import held_to_earlier

        before = self.store.rounds.promoted()
        assert before is not None
        verdict = held_to_earlier(
            self.store, scores, before, seed=self.moment.project.seed, score_again=self._score_again
        )
        self.store.rounds.set_best(self.row.number, verdict.best)
        return verdict.good, verdict.reason

    def _score_again(self, row: Round) -> Evaluation:
        """An earlier round on the gold of this one."""
        from spanloop.recipes.suggest.pipelines import load_round

        nlp = load_round(self.store, row.number)
        return score(
            self.moment, nlp, self.eval_golds, round=row.number, labels=row.label_ids, progress=self.progress
        )

    @property
    def _scratch(self) -> Path:
        """What stays where a training is interrupted: the next one goes on there."""
        return self.store.rounds_dir / CHECKPOINTS

    def _show_training(self, share: float, what: str) -> None:
        self.progress(int(share * 1000), 1000, f"train round {self.row.number}: {what}")

"""Everything that the command line does, as functions: what a person runs, one room a subject.

Each function takes the path of a project file and gives back a report: its fields are those of the command's
``--json``, ``.text()`` is what the command prints. What goes wrong is a `RecipeError` with the one line that
the command would print. Importing this loads nothing heavy; a function is loaded when it is first named.

    from spanloop.recipes import TrainConfig, import_files, init, retrain

    init("p.db", labels=["PER", "LOC"])
    import_files("p.db", ["notes.jsonl"])
    report = retrain("p.db", TrainConfig(epochs=3))
    print(report.text())
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spanloop.plugin.training.config import TrainConfig as TrainConfig
    from spanloop.recipes.active_learning.bias import set_unaided_share as set_unaided_share
    from spanloop.recipes.errors import FormatError as FormatError
    from spanloop.recipes.errors import RecipeError as RecipeError
    from spanloop.recipes.files.data_versions import diff_versions as diff_versions
    from spanloop.recipes.files.data_versions import list_versions as list_versions
    from spanloop.recipes.files.data_versions import tag_version as tag_version
    from spanloop.recipes.files.export import export as export
    from spanloop.recipes.files.importing import import_files as import_files
    from spanloop.recipes.files.imports import list_imports as list_imports
    from spanloop.recipes.files.imports import undo_import as undo_import
    from spanloop.recipes.files.looking import look_at_files as look_at_files
    from spanloop.recipes.files.merging import merge_projects as merge_projects
    from spanloop.recipes.files.project_file import export_project as export_project
    from spanloop.recipes.files.project_file import import_project as import_project
    from spanloop.recipes.files.starting import init_from as init_from
    from spanloop.recipes.formats.how_read import HowRead as HowRead
    from spanloop.recipes.near_duplicates.audit import audit_duplicates as audit_duplicates
    from spanloop.recipes.project.annotators import add_annotator as add_annotator
    from spanloop.recipes.project.annotators import annotators as annotators
    from spanloop.recipes.project.annotators import reissue_annotator as reissue_annotator
    from spanloop.recipes.project.annotators import remove_annotator as remove_annotator
    from spanloop.recipes.project.annotators import set_overlap as set_overlap
    from spanloop.recipes.project.backup import backup as backup
    from spanloop.recipes.project.check import check as check
    from spanloop.recipes.project.doctor import doctor as doctor
    from spanloop.recipes.project.init import init as init
    from spanloop.recipes.project.labels import add_label as add_label
    from spanloop.recipes.project.labels import labels as labels
    from spanloop.recipes.project.labels import merge_labels as merge_labels
    from spanloop.recipes.project.labels import rename_label as rename_label
    from spanloop.recipes.project.labels import retire_label as retire_label
    from spanloop.recipes.project.labels import set_label as set_label
    from spanloop.recipes.quality.audit import audit as audit
    from spanloop.recipes.quality.review import review as review
    from spanloop.recipes.quality.triage import triage as triage
    from spanloop.recipes.quality.triage import undo_triage as undo_triage
    from spanloop.recipes.rounds.cancel import cancel as cancel
    from spanloop.recipes.rounds.learning_curve import train_curve as train_curve
    from spanloop.recipes.rounds.optimise import optimise as optimise
    from spanloop.recipes.rounds.package import package as package
    from spanloop.recipes.rounds.prune import prune as prune
    from spanloop.recipes.rounds.report import write_report as write_report
    from spanloop.recipes.rounds.reproduce import reproduce as reproduce
    from spanloop.recipes.rounds.rounds import list_rounds as list_rounds
    from spanloop.recipes.rounds.rounds import promote as promote
    from spanloop.recipes.rounds.rounds import rollback as rollback
    from spanloop.recipes.rounds.status import status as status
    from spanloop.recipes.rounds.watch import watch as watch
    from spanloop.recipes.scoring.evaluate import evaluate as evaluate
    from spanloop.recipes.scoring.evaluate_all import evaluate_all as evaluate_all
    from spanloop.recipes.simulation.simulate import simulate as simulate
    from spanloop.recipes.suggest.choice import Choice as Choice
    from spanloop.recipes.suggest.predict import predict as predict
    from spanloop.recipes.suggest.predict import predict_to_folder as predict_to_folder
    from spanloop.recipes.suggest.prelabel import prelabel as prelabel
    from spanloop.recipes.suggest.settings import project_settings as project_settings
    from spanloop.recipes.suggest.settings import set_project as set_project
    from spanloop.recipes.training.retrain import retrain as retrain
    from spanloop.recipes.web.correct import correct as correct

    __version__: str

# where each of them stands; the imports above say the same to type checkers, and a test holds the two
# together
_PLACES = {
    "TrainConfig": "spanloop.plugin.training.config",
    "FormatError": "spanloop.recipes.errors",
    "RecipeError": "spanloop.recipes.errors",
    "export": "spanloop.recipes.files.export",
    "import_files": "spanloop.recipes.files.importing",
    "list_imports": "spanloop.recipes.files.imports",
    "undo_import": "spanloop.recipes.files.imports",
    "export_project": "spanloop.recipes.files.project_file",
    "import_project": "spanloop.recipes.files.project_file",
    "init_from": "spanloop.recipes.files.starting",
    "HowRead": "spanloop.recipes.formats.how_read",
    "look_at_files": "spanloop.recipes.files.looking",
    "merge_projects": "spanloop.recipes.files.merging",
    "list_versions": "spanloop.recipes.files.data_versions",
    "tag_version": "spanloop.recipes.files.data_versions",
    "diff_versions": "spanloop.recipes.files.data_versions",
    "audit_duplicates": "spanloop.recipes.near_duplicates.audit",
    "add_annotator": "spanloop.recipes.project.annotators",
    "annotators": "spanloop.recipes.project.annotators",
    "reissue_annotator": "spanloop.recipes.project.annotators",
    "remove_annotator": "spanloop.recipes.project.annotators",
    "set_overlap": "spanloop.recipes.project.annotators",
    "set_unaided_share": "spanloop.recipes.active_learning.bias",
    "backup": "spanloop.recipes.project.backup",
    "check": "spanloop.recipes.project.check",
    "doctor": "spanloop.recipes.project.doctor",
    "init": "spanloop.recipes.project.init",
    "add_label": "spanloop.recipes.project.labels",
    "labels": "spanloop.recipes.project.labels",
    "merge_labels": "spanloop.recipes.project.labels",
    "rename_label": "spanloop.recipes.project.labels",
    "retire_label": "spanloop.recipes.project.labels",
    "set_label": "spanloop.recipes.project.labels",
    "audit": "spanloop.recipes.quality.audit",
    "review": "spanloop.recipes.quality.review",
    "triage": "spanloop.recipes.quality.triage",
    "undo_triage": "spanloop.recipes.quality.triage",
    "cancel": "spanloop.recipes.rounds.cancel",
    "train_curve": "spanloop.recipes.rounds.learning_curve",
    "optimise": "spanloop.recipes.rounds.optimise",
    "package": "spanloop.recipes.rounds.package",
    "prune": "spanloop.recipes.rounds.prune",
    "write_report": "spanloop.recipes.rounds.report",
    "reproduce": "spanloop.recipes.rounds.reproduce",
    "list_rounds": "spanloop.recipes.rounds.rounds",
    "promote": "spanloop.recipes.rounds.rounds",
    "rollback": "spanloop.recipes.rounds.rounds",
    "status": "spanloop.recipes.rounds.status",
    "watch": "spanloop.recipes.rounds.watch",
    "evaluate": "spanloop.recipes.scoring.evaluate",
    "evaluate_all": "spanloop.recipes.scoring.evaluate_all",
    "simulate": "spanloop.recipes.simulation.simulate",
    "Choice": "spanloop.recipes.suggest.choice",
    "predict": "spanloop.recipes.suggest.predict",
    "predict_to_folder": "spanloop.recipes.suggest.predict",
    "prelabel": "spanloop.recipes.suggest.prelabel",
    "project_settings": "spanloop.recipes.suggest.settings",
    "set_project": "spanloop.recipes.suggest.settings",
    "retrain": "spanloop.recipes.training.retrain",
    "correct": "spanloop.recipes.web.correct",
}
__all__ = [*sorted(_PLACES, key=str.lower)]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("spanloop")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_PLACES[name]), name)
    if not isinstance(found, type):
        found = import_module("spanloop.recipes.calls.arguments").checked(found)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*globals(), *_PLACES, "__version__"]

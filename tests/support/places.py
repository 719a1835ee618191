"""Where things lie: the checkout, its examples, the real corpora."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SERVE = Path(__file__).with_name("serve.py")


def data_folder() -> Path:
    """Where the real corpora lie: ``SPANLOOP_DATA``, else ``../shared/data`` beside the checkout."""
    return Path(os.environ.get("SPANLOOP_DATA", ROOT.parent / "shared" / "data"))

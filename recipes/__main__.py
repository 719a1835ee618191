"""``python -m spanloop.recipes`` is ``spanloop``."""

from __future__ import annotations

from spanloop.recipes.cli.main import main

if __name__ == "__main__":
    main(prog_name="spanloop")

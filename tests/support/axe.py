"""What axe-core finds on a page that keeps people out: contrast, names of controls, roles."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

SERIOUS = {"serious", "critical"}


def serious(page: Any, within: str | None = None) -> list[str]:
    """Each serious or critical finding on the page, or within what a selector names: the rule, and where."""
    found = Axe().run(page, context=within).response["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]

"""What our recipes ask of Prodigy, as its documentation has it; for tests/support/prodigy_host.py alone."""

from prodigy.core import Arg, recipe
from prodigy.util import set_hashes

__all__ = ["Arg", "recipe", "set_hashes"]

"""What Hugging Face data sets say of their columns: the names that whole numbers stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def names_of_features(features: Any) -> dict[str, list[str]]:
    """The names of the classes of each column.

    Args:
        features: As ``dataset_info.json`` and Parquet files have them (an object, a feature a column), or as
            the viewer's API answers (a list of objects with ``name`` and ``type``).

    Returns:
        The names by column, for those that have such; nothing for anything else.
    """
    if isinstance(features, list):
        named = {
            one["name"]: one.get("type") for one in features if isinstance(one, Mapping) and "name" in one
        }
        return names_of_features(named)
    if not isinstance(features, Mapping):
        return {}
    found = {str(column): _names(feature) for column, feature in features.items()}
    return {column: names for column, names in found.items() if names is not None}


def _names(feature: Any) -> list[str] | None:
    """Of a class, or of a list of classes: ``Sequence``, ``List`` or a list with one feature."""
    if isinstance(feature, list) and len(feature) == 1:
        return _names(feature[0])
    if not isinstance(feature, Mapping):
        return None
    names = feature.get("names")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names
    return _names(feature["feature"]) if "feature" in feature else None


def with_names(record: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The record with names where it has whole numbers for them. ValueError for a number without a name."""
    return {key: _named(value, names[key], key) if key in names else value for key, value in record.items()}


def _named(value: Any, names: Sequence[str], column: str) -> Any:
    if isinstance(value, list):
        return [_named(one, names, column) for one in value]
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    if value == -1:
        return "O"
    if not 0 <= value < len(names):
        raise ValueError(f'"{column}" has {value}, and there are the names 0 to {len(names) - 1}')
    return names[value]

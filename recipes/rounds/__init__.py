"""The rounds of a project: listed, compared, reported, reproduced, packaged, started as answers come in."""

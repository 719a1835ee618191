"""The rounds of a project: listed, compared, reported, made again, handed on, repeated by themselves."""

"""Recipes for people who stay in Prodigy: our queue asks there, the answers land in our store as well."""

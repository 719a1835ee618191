"""Recipes for people who work in Prodigy: it shows the documents of our queue, the store gets its answers."""

"""What a person runs, one room a subject; a recipe is a function, and a command of the same name calls it."""

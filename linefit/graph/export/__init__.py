"""Export: a graph in characters, for terminals and for other programs."""

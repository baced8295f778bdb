"""Steps: the forward and the backward pass one step after the other, as data and as a player."""

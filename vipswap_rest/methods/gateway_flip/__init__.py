"""One application gateway, two backend pools: its routing rules go over from one pool to the other, in one PUT."""

"""One load balancer, two backend pools: its rules go over from one pool to the other, in one PUT."""

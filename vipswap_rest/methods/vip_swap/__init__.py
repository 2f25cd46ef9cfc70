"""The swap: exchanging the public IP addresses of two load balancers' frontends."""

"""Application gateways: `body` is what ARM shows of a PUT, `health` who is up, `traffic` who answers."""

"""ARM itself, whatever resource is asked for: paths, the gate, writes and their operations, errors, throttling."""

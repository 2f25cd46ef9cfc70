"""The command line: one file per verb. The result goes to stdout, everything else to stderr."""

"""Outputs: one module per format; each takes a plan or verdicts and gives text. Prints nothing."""

"""Checks before a write (preflight) and on rows (verify). Runs the rules it is handed; writes nothing."""

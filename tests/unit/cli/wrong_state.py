"""A package whose STATE is no desired state."""

STATE = 17

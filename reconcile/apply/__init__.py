"""Carry out a plan: decides nothing, writes everything, in one transaction."""

"""Measurements of whole processes against a baseline taken in the same run. Not tests: nothing here can fail CI."""

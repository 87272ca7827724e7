"""Whole commands as a test runs them: in this process, with what they wrote to each stream."""

import gc
import json
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import validate

from reconcile.cli.main import main
from tests.facts import CHECKOUT


@dataclass
class Told:
    """What one command gave."""

    code: int
    out: str
    err: str

    def valid(self, schema: str) -> Any:  # noqa: ANN401 - a decoded JSON document
        """Give stdout as JSON that its schema describes."""
        document = json.loads(self.out)
        file = CHECKOUT / "reconcile" / "render" / f"{schema}.schema.json"
        validate(document, json.loads(file.read_text(encoding="utf-8")))
        return document


@dataclass
class Shell:
    """Runs commands in an empty folder."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> Told:
        self.capsys.readouterr()
        code = main(words)
        gc.unfreeze()  # a command that is all of a process lets its imports alone; here many follow each other
        told = self.capsys.readouterr()
        return Told(code, told.out, told.err)

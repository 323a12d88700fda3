"""Runs the command line: `python -m cli`, which `./fleet` does in the project's own environment."""

from cli.app import app

app(prog_name="./fleet")

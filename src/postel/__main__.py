"""`python -m postel`."""

from postel.cli import main

main(prog_name="postel")

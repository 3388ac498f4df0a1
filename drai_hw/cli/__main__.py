"""Allows `python -m drai_hw.cli`, for places without the installed command."""

from drai_hw.cli import main

main()

"""A network file of eight oscillators: everything but place and route takes a second or two."""

TINY = """
schema = 1
[network]
name = "tiny"
oscillators = 8
[learning]
margin = 4.0
[task]
patterns = ["####....", "#.#.#.#."]
flips = 0.125
trials = 4
steps = 32
[circuit]
cycles = 60
trials = 1
"""

"""The ports that a core needs to be put under its bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drai_hw.rtl.registers import BUS_ADDRESS_BITS, BUS_DATA_BITS

CORE_PORTS: Mapping[str, int] = {
    "clk": 1,
    "rst": 1,
    "addr": BUS_ADDRESS_BITS,
    "wdata": BUS_DATA_BITS,
    "we": 1,
    "re": 1,
    "rdata": BUS_DATA_BITS,
    "ack": 1,
    "busy": 1,
    "step_done": 1,
}
"""Width of each port by its name; an address may be wider, its upper bits stay 0."""


def misfit(top: str, width: Callable[[str], int | None]) -> str:
    """Return what is missing or has another width, for a message; empty for a core that fits.

    Parameters
    ----------
    top : str
        Name of the design.
    width : callable
        Returns the width of a port of the design, None or 0 where there is none.
    """
    wrong = []
    for name, bits in CORE_PORTS.items():
        found = width(name)
        if not found:
            wrong.append(f"has no port {name} [{bits} bits]")
        elif found != bits and not (name == "addr" and bits < found <= BUS_DATA_BITS):
            wrong.append(f"has port {name} of {found} bits, which needs {bits}")
    if not wrong:
        return ""
    return (
        f"the design {top} {'; '.join(wrong)}: the ports of the core are needed (`drai-hw rtl` "
        "writes one that has them)"
    )

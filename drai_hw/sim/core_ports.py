"""The ports that a core needs to be put under its bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from drai_hw.rtl.registers import BUS_ADDRESS_BITS, BUS_DATA_BITS
from drai_hw.sim.units.portmap import PortMap

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


def misfit(
    top: str,
    width: Callable[[str], int | None],
    connect: PortMap | None = None,
    lost: Sequence[str] = (),
) -> str:
    """Return what is missing or has another width, for a message; empty for a core that fits.

    Parameters
    ----------
    top : str
        Name of the design.
    width : callable
        Returns the width of a port of the design by our name, None or 0 where there is none.
    connect : PortMap, optional
        Where the design has other names.
    lost : sequence of str
        Inputs of ``[constants]`` that it has not.
    """
    connect = connect or PortMap()
    wrong = []
    for name, bits in CORE_PORTS.items():
        found = width(name)
        theirs = connect.name(name)
        called = theirs + (f" (our {name})" if theirs != name else "")
        if not found:
            wrong.append(f"has no port {called} [{bits} bits]")
        elif found != bits and not (name == "addr" and bits < found <= BUS_DATA_BITS):
            wrong.append(f"has port {called} of {found} bits, which needs {bits}")
    wrong += [f"has no input {name}, which [constants] sets" for name in lost]
    if not wrong:
        return ""
    return (
        f"the design {top} {'; '.join(wrong)}: the ports of the core are needed (`drai-hw rtl` "
        "writes one that has them)"
    )

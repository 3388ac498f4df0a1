"""The core's own logic as modules that stand alone, with the ports of the units under test."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model import prng
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import INCREMENT_EXTRA_BITS, check_unit, unit_ports
from drai_hw.rtl.prng import leaped
from drai_hw.rtl.synapse import Synapse, latency
from drai_hw.rtl.timing import Kind
from drai_hw.rtl.torque import Torque

TORQUE_LATENCY = 7  # stages of the update unit from a finished sum to the increment


class Unit(wiring.Component):
    """Base: a component whose ports are those of `drai_hw.model.unit_ports`.

    Parameters
    ----------
    formats : Formats
        Number formats and features.

    Attributes
    ----------
    latency : int
        Clocks from the inputs to ``valid``; 0 for units with a state.
    """

    unit = ""

    def __init__(self, formats: Formats) -> None:
        self.formats = formats
        members = {
            port.name: (Out if port.output else In)(signed(port.bits) if port.signed else port.bits)
            for port in unit_ports(self.unit, formats)
        }
        super().__init__(members)
        self.latency = self.clocks(formats)

    @staticmethod
    def clocks(formats: Formats) -> int:
        """Return the latency in the formats of a network."""
        return 0


def _later(m: Module, value: Any, clocks: int, name: str, reset_less: bool = True) -> Any:
    for stage in range(clocks):
        register = Signal(value.shape(), name=f"{name}_{stage}", reset_less=reset_less)
        m.d.sync += register.eq(value)
        value = register
    return value


class SynapseUnit(Unit):
    """One pair a clock through `Synapse`; every input belongs to the pair of its clock.

    In a lane threshold and sides of the pass stand still and are used where they are needed; here
    they are delayed to the pair.
    """

    unit = "synapse"

    @staticmethod
    def clocks(formats: Formats) -> int:
        """Return that of `Synapse`."""
        return latency(formats)

    def elaborate(self, platform: Any) -> Module:
        """Build the delays around the synapse."""
        m = Module()
        m.submodules.synapse = inner = Synapse(self.formats)
        delays = {"u_g": 1, "g_plus": 2, "g_minus": 2}
        for port in unit_ports(self.unit, self.formats):
            here, there = getattr(self, port.name), getattr(inner, port.name)
            if port.output:
                m.d.comb += here.eq(there)
            else:
                m.d.comb += there.eq(_later(m, here, delays.get(port.name, 0), port.name))
        return m


class NeuronUnit(Unit):
    """The phase accumulator, one clock; only the phase wraps."""

    unit = "neuron"

    def elaborate(self, platform: Any) -> Module:
        """Build the register."""
        m = Module()
        f = self.formats
        phi = Signal(f.accumulator_bits)
        increment = Signal(signed(f.accumulator_bits + 1))
        m.d.comb += [
            increment.eq(self.omega + self.delta),
            self.phi.eq(phi),
            self.phi_top.eq(phi[f.accumulator_bits - f.phase_bits :]),
        ]
        with m.If(self.load):
            m.d.sync += phi.eq(self.phi_load)
        with m.Elif(self.en):
            m.d.sync += phi.eq(phi + increment)
        return m


class UpdateArithmetic(Unit):
    """The arithmetic of the update unit, one oscillator a clock.

    Latency `TORQUE_LATENCY` clocks; torque saturates at ``+-(2**(A-1) - 1)``, the increment holds
    every sum. Settings are delayed to their oscillator, too.
    """

    unit = "update"

    @staticmethod
    def clocks(formats: Formats) -> int:
        """Return the stages from sum to increment."""
        return TORQUE_LATENCY

    def elaborate(self, platform: Any) -> Module:
        """Build the pipeline."""
        m = Module()
        f = self.formats
        delayed = _Delayed(
            f,
            gain=_later(m, self.gain, 1 if f.centring else 2, "gain"),
            shil=_later(m, self.shil, 2, "shil"),
            dither=_later(m, self.dither, 3, "dither"),
        )
        theta = Cat(C(0, f.accumulator_bits - f.phase_bits), _later(m, self.phi_top, 1, "top"))
        inputs = SimpleNamespace(
            psi=_later(m, self.psi, 1, "psi"), strength=_later(m, self.strength, 1, "strength")
        )
        delta = delayed.torque(m, theta, inputs, _later(m, self.acc, 1, "acc"))
        omega = _later(m, self.omega, 5, "omega")
        drift = delayed.drift(m, omega, _later(m, self.u_dither, 4, "draw"))
        clamp = _later(m, self.clamp, 6, "clamp")
        increment = Signal(signed(f.accumulator_bits + INCREMENT_EXTRA_BITS), reset_less=True)
        m.d.sync += increment.eq(Mux(clamp, 0, drift + delta))
        m.d.comb += [
            self.inc.eq(increment),
            self.delta.eq(_later(m, delta, 1, "delta7")),
            self.valid.eq(_later(m, self.en, TORQUE_LATENCY, "valid", reset_less=False)),
        ]
        return m


class _Delayed(Torque):
    """The arithmetic with settings that are delayed to their oscillator."""

    def __init__(self, formats: Formats, gain: Any, shil: Any, dither: Any) -> None:
        self.formats = formats
        self.gain, self.shil, self.dither = gain, shil, dither
        self.kind, self.centre = C(Kind.COUPLE, 3), C(0, 1)


class PrngUnit(Unit):
    """A random stream as the lanes have it, with a seed to load; one draw a clock."""

    unit = "prng"

    def elaborate(self, platform: Any) -> Module:
        """Build the register."""
        m = Module()
        state = Signal(prng.BITS, init=self.formats.eta_seeds[0])
        with m.If(self.load):
            m.d.sync += state.eq(self.seed)
        with m.Elif(self.step):
            m.d.sync += state.eq(leaped(state, prng.LEAP))
        m.d.comb += self.bits.eq(state)
        return m


COMPONENTS: dict[str, type[Unit]] = {
    unit.unit: unit for unit in (SynapseUnit, NeuronUnit, UpdateArithmetic, PrngUnit)
}


def unit_component(unit: str, formats: Formats) -> Unit:
    """Return a unit as a component that stands alone.

    Parameters
    ----------
    unit : {"synapse", "neuron", "update", "prng"}
        Unit.
    formats : Formats
        Number formats and features.

    Raises
    ------
    SpecError
        There is no such unit, or this network has none.
    """
    check_unit(unit)
    return COMPONENTS[unit](formats)

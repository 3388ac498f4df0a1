"""The host port: decoder of the register map."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model.machine import BUDGET_BITS
from drai_hw.model.numbers import GAIN_BITS, STRENGTH_BITS, Formats
from drai_hw.rtl.counters import EVENTS
from drai_hw.rtl.registers import (
    BUS_ADDRESS_BITS,
    BUS_DATA_BITS,
    MAGIC,
    MAP_VERSION,
    REGISTERS,
    Cfg,
    Command,
    State,
)
from drai_hw.rtl.replica import later
from drai_hw.rtl.sequencer import STEP_BITS
from drai_hw.rtl.timing import address_bits
from drai_hw.rtl.update import input_word, mark_word

PROBABILITY_BITS = 17
# Clocks a weight word takes from the scan chain through the idle synapses to the write port.
COMMIT_WAIT = 6
# Clocks until a fetched weight word is in the scan chain.
FETCH_WAIT = 5


class HostPort(wiring.Component):
    """Serve one bus access at a time.

    ``we`` or ``re`` stand with ``addr`` (and ``wdata``) until the clock behind ``ack``, since they
    come here a clock after they were given to the core; ``rdata`` is valid in the clock of ``ack``.
    An access takes 3 clocks from here, of WEIGHT up to ``COMMIT_WAIT + 4``, and one until the next
    is looked at. While a run is under way only STATUS answers; any other access is acknowledged,
    has no effect, reads 0 and sets ERROR.

    Parameters
    ----------
    formats : Formats
        Widths.
    digest : int
        64-bit identity of the design.
    waits : bool
        Whether weights come and go only when the store no longer says ``weight_wait``. An access
        to WEIGHT that moves a word then takes as long as the memory needs for it.
    """

    def __init__(self, formats: Formats, digest: int, *, waits: bool = False) -> None:
        f = self.formats = formats
        self.waits = waits
        self._digest = digest
        slot, word = address_bits(f.slots), address_bits(f.pair_slots)
        w = signed(f.weight_bits)
        ports: dict = {
            "addr": In(BUS_ADDRESS_BITS),
            "wdata": In(BUS_DATA_BITS),
            "we": In(1),
            "re": In(1),
            "rdata": Out(BUS_DATA_BITS),
            "ack": Out(1),
            "busy": In(1),
            "step_done": In(1),
            "ramp": In(1),
            # Run control.
            "run": Out(1),
            "field": Out(1),
            "couple": Out(1),
            "learn": Out(1),
            **({"edge": Out(1), "fresh": Out(1), "turn": In(1)} if f.edge else {}),
            **({"slot": Out(f.phase_bits)} if f.edge else {}),
            **({"census": Out(1)} if f.census_passes else {}),
            **({"replica": Out(range(f.replicas))} if f.replicas > 1 else {}),
            "steps": Out(STEP_BITS),
            "reseed": Out(1),
            # Registers.
            "gain": Out(GAIN_BITS),
            "shil": Out(STRENGTH_BITS),
            "eta": Out(PROBABILITY_BITS),
            "decay": Out(PROBABILITY_BITS),
            "dither": Out(5),
            "margin": Out(signed(f.acc_bits)),
            "gates": Out(2),
            **({"budget": Out(BUDGET_BITS)} if f.budget else {}),
            **({"shrink": Out(PROBABILITY_BITS)} if f.budget else {}),
            **({"centre": Out(GAIN_BITS)} if f.centring else {}),
            # State memories.
            "index": Out(slot),
            "write_theta": Out(1),
            "write_omega": Out(1),
            "write_inputs": Out(1),
            "theta": In(f.accumulator_bits),
            "omega": In(signed(f.accumulator_bits)),
            "inputs": In(input_word(f)),
            "marks": In(mark_word(f)),
            # Weight scan chain.
            "weight_address": Out(word),
            "weight_fetch": Out(1),
            "weight_shift": Out(1),
            "weight_commit": Out(1),
            "weight": In(w),
            **({"weight_wait": In(1)} if waits else {}),
        }
        ports |= {f"{name}_count": In(32) for name in EVENTS}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        """Build decoder, registers and access state machine."""
        m = Module()
        f = self.formats
        error = Signal()
        data = Signal(BUS_DATA_BITS, reset_less=True)
        lane = Signal(range(f.lanes))
        wait = Signal(range(COMMIT_WAIT + 1))
        writing, reading = Signal(), Signal()  # an access is carried out in this clock
        shil_max, shil_step = Signal(STRENGTH_BITS), Signal(STRENGTH_BITS)
        steps_done = Signal(32)

        stored = {
            "STEPS": self.steps,
            "GAIN": self.gain,
            "SHIL_MAX": shil_max,
            "SHIL_STEP": shil_step,
            "ETA": self.eta,
            "DITHER": self.dither,
            "MARGIN": self.margin,
            "GATES": self.gates,
            "INDEX": self.index,
            "WEIGHT_ADDRESS": self.weight_address,
        }
        if f.decay:
            stored["DECAY"] = self.decay
        if f.budget:
            stored |= {"BUDGET": self.budget, "SHRINK": self.shrink}
        if f.centring:
            stored["CENTRE"] = self.centre
        if f.replicas > 1:
            stored["REPLICA"] = self.replica
        mark = Signal(32)
        m.d.comb += [
            mark[State.THETA : State.THETA + f.accumulator_bits].eq(self.theta),
            mark[State.MARGIN].eq(self.marks.margin),
        ]
        if f.budget:
            m.d.comb += mark[State.OVER].eq(self.marks.over)
        if f.centring:
            m.d.comb += mark[State.LEAN : State.LEAN + 2].eq(self.marks.lean)
        if f.edge:
            m.d.comb += mark[State.LOW].eq(self.marks.low)
        configuration = Signal(32)
        m.d.comb += [
            configuration[Cfg.STRENGTH : Cfg.STRENGTH + STRENGTH_BITS].eq(self.inputs.strength),
            configuration[Cfg.PSI : Cfg.PSI + f.phase_bits].eq(self.inputs.psi),
            configuration[Cfg.CLAMP].eq(self.inputs.clamp),
            configuration[Cfg.ACTIVE].eq(self.inputs.active),
        ]
        readable: dict[str, Any] = stored | {
            "MAGIC": MAGIC,
            "VERSION": MAP_VERSION | f.n << 16,
            "DIGEST0": self._digest & 0xFFFFFFFF,
            "DIGEST1": self._digest >> 32,
            "GEOMETRY": f.lanes | f.pages << 16,
            "STATUS": Cat(self.busy, error),
            "WEIGHT": self.weight,
            "STEPS_DONE": steps_done,
            "SHIL": self.shil,
        }
        if f.edge:
            readable["SLOT"] = self.slot
        readable |= {name.upper(): getattr(self, f"{name}_count") for name in EVENTS}

        # A memory's word takes its clock to here; it joins the answer behind a register.
        words = {"STATE": mark, "OMEGA": self.omega, "INPUT": configuration}
        wanted = {name: Signal(name=f"wanted_{name.lower()}") for name in words}
        joined = [
            Mux(wanted[name], later(m, word, f"seen_{name.lower()}"), 0)
            for name, word in words.items()
        ]
        m.d.sync += [signal.eq(0) for signal in wanted.values()]

        # The address has stood for a clock when an access is carried out: its decoder is no part
        # of that clock's paths.
        at = {}
        for name, register in REGISTERS.items():
            if name == "REPLICA" and f.replicas == 1:
                continue
            at[name] = Signal(name=f"at_{name.lower()}", reset_less=True)
            m.d.sync += at[name].eq(self.addr == register.address)

        def address(name: str) -> int:
            return REGISTERS[name].address

        with m.FSM(name="access"):
            with m.State("REST"):
                with m.If(self.busy), m.If(self.we | self.re):
                    m.d.sync += data.eq(0)
                    with m.If(self.addr == address("STATUS")):
                        m.d.sync += data.eq(Cat(self.busy, error))
                    with m.Else():
                        m.d.sync += error.eq(1)
                    m.next = "ANSWER"
                with m.Elif(self.re & (self.addr == address("WEIGHT")) & (lane == 0)):
                    m.d.sync += wait.eq(FETCH_WAIT)
                    m.next = "FETCH"
                with m.Elif(self.we | self.re):
                    m.next = "DO"
            with m.State("FETCH"):
                m.d.comb += self.weight_fetch.eq(wait == FETCH_WAIT)
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.next = "DO"
                if self.waits:
                    with m.If((wait == 0) & self.weight_wait):
                        m.d.sync += wait.eq(0)
                        m.next = "FETCH"
            with m.State("DO"):
                m.d.comb += [writing.eq(self.we), reading.eq(self.re & ~self.we)]
                m.d.sync += data.eq(0)
                with m.If(reading), m.Switch(self.addr):
                    for name, value in readable.items():
                        with m.Case(address(name)):
                            m.d.sync += data.eq(value)
                    for name, signal in wanted.items():
                        with m.Case(address(name)):
                            m.d.sync += signal.eq(1)
                with m.If(writing & at["WEIGHT"] & (lane == f.lanes - 1)):
                    m.d.sync += wait.eq(COMMIT_WAIT)
                    m.next = "COMMIT"
                with m.Else():
                    m.next = "ANSWER"
            with m.State("COMMIT"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.comb += self.weight_commit.eq(1)
                    m.d.sync += self.weight_address.eq(self.weight_address + 1)
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.ack.eq(1)
                m.next = "FALL"
                if self.waits:
                    with m.If(self.weight_wait):
                        m.d.comb += self.ack.eq(0)
                        m.next = "ANSWER"
            with m.State("FALL"):
                # The strobe that was answered is still on its way here.
                m.next = "REST"
        m.d.comb += self.rdata.eq(reduce(or_, joined, data))

        with m.If(writing):
            for name, target in stored.items():
                with m.If(at[name]):
                    m.d.sync += target.eq(self.wdata)
            with m.If(at["CONTROL"]):
                m.d.comb += [
                    self.run.eq(self._bit(Command.RUN)),
                    self.reseed.eq(self._bit(Command.RESEED)),
                ]
                with m.If(self._bit(Command.RUN) & ~self._bit(Command.RESUME)):
                    m.d.sync += self.shil.eq(0)
                    if f.edge:
                        m.d.sync += self.slot.eq(0)
                if f.edge:
                    m.d.sync += self.fresh.eq(~self._bit(Command.RESUME))
                with m.If(self._bit(Command.CLEAR_ERROR)):
                    m.d.sync += error.eq(0)
            m.d.comb += [
                self.write_theta.eq(at["STATE"]),
                self.write_omega.eq(at["OMEGA"]),
                self.write_inputs.eq(at["INPUT"]),
            ]
        with m.If(writing | reading):
            with m.If(at["STATE"] | at["OMEGA"] | at["INPUT"]):
                m.d.sync += self.index.eq(self.index + 1)
            with m.If(at["WEIGHT"]):
                m.d.comb += self.weight_shift.eq(1)
                m.d.sync += lane.eq(Mux(lane == f.lanes - 1, 0, lane + 1))
                with m.If(reading & (lane == f.lanes - 1)):
                    m.d.sync += self.weight_address.eq(self.weight_address + 1)
            with m.If(writing & at["WEIGHT_ADDRESS"]):
                m.d.sync += lane.eq(0)

        m.d.comb += [
            self.field.eq(self._bit(Command.FIELD)),
            self.couple.eq(self._bit(Command.COUPLE)),
            self.learn.eq(self._bit(Command.LEARN)),
        ]
        if f.edge:
            m.d.comb += self.edge.eq(self._bit(Command.EDGE))
            with m.If(self.turn):
                m.d.sync += self.slot.eq(self.slot + 1)
        if f.census_passes:
            m.d.comb += self.census.eq(self._bit(Command.CENSUS))
        with m.If(self.step_done):
            m.d.sync += steps_done.eq(steps_done + 1)
        with m.If(self.ramp):
            grown = Signal(STRENGTH_BITS + 1)
            m.d.comb += grown.eq(self.shil + shil_step)
            m.d.sync += self.shil.eq(Mux(grown > shil_max, shil_max, grown))
        return m

    def _bit(self, command: Command) -> Any:
        """Return the bit of wdata that stands for a command."""
        return self.wdata[int(command).bit_length() - 1]

"""The oscillator core: lanes, stores, update unit, sequencer and host port put together."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import STRENGTH_BITS, Formats
from drai_hw.model.plan import design_digest
from drai_hw.rtl.counters import EVENTS, EventCounters
from drai_hw.rtl.host import HostPort
from drai_hw.rtl.registers import BUS_ADDRESS_BITS, BUS_DATA_BITS, Cfg
from drai_hw.rtl.replica import lane_groups, later, replicated
from drai_hw.rtl.replica_set import ReplicaSet
from drai_hw.rtl.sdram import SdramStore
from drai_hw.rtl.sequencer import Sequencer
from drai_hw.rtl.stores import Plan, make_store
from drai_hw.rtl.sweep import sweep
from drai_hw.rtl.timing import ENTER_STAGE, PHASE_STAGE, SUM_STAGE, Kind, WideKind


def identity(formats: Formats) -> int:
    """Return the 64 bits of the identity registers: DIGEST0 holds bits 31:0, DIGEST1 63:32.

    They are the first eight bytes of the design's digest, least significant byte first.
    """
    return int.from_bytes(design_digest(formats)[:8], "little")


class Core(wiring.Component):
    """N oscillators, fully connected, with learning: L lanes, M pages.

    With R replicas, R sets of lanes, page store and update unit work on the same weight words in
    the same clocks, each on phases, inputs and dither of its own, without synapses. Clocks and
    weight memory are those of one; register REPLICA says whose state the host accesses.

    Per-step clocks: `drai_hw.rtl.timing.clocks_per_step`. All state is reached through the bus
    (`drai_hw.rtl.registers`); one clock, ``rst`` synchronous and active high.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry, and the number of replicas.
    product : {"mul", "logic"}
        For devices with a DSP block for every lane, or for small ones: lanes multiply in logic,
        and the page store saves its registers. Same bits, same clocks.
    digest : int, optional
        64-bit identity; `identity` of the formats if left out.
    store : StorePlan, SpramPlan or SdramPlan, optional
        Block memories, single-port memories or SDRAM; by default, block memory cut by synthesis.
    """

    def __init__(
        self,
        formats: Formats,
        *,
        product: str = "mul",
        digest: int | None = None,
        store: Plan | None = None,
    ) -> None:
        self.formats = formats
        self.product = product
        self.digest = identity(formats) if digest is None else digest
        self.sets = [ReplicaSet(formats, r, product) for r in range(formats.replicas)]
        self.lanes, self.update = self.sets[0].lanes, self.sets[0].update
        self.groups = lane_groups(formats.lanes)
        self.weights = make_store(formats, store, write_lag=self.lanes[0].write_lag)
        # Whether words may come late, so that passes and the host have to wait for them.
        self.late = isinstance(self.weights, SdramStore)
        super().__init__(
            {
                "addr": In(BUS_ADDRESS_BITS),
                "wdata": In(BUS_DATA_BITS),
                "we": In(1),
                "re": In(1),
                "rdata": Out(BUS_DATA_BITS),
                "ack": Out(1),
                "busy": Out(1),
                "step_done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Wire the parts."""
        m = Module()
        f = self.formats
        m.submodules.sequencer = sequencer = Sequencer(f, settles=self.late)
        m.submodules.host = host = HostPort(f, self.digest, waits=self.late)
        m.submodules.weights = self.weights
        m.submodules.pages = self.sets[0].pages
        m.submodules.update = self.update
        m.submodules.counters = counters = EventCounters(f.lanes)
        for part in self.sets:
            if part.number:
                m.submodules[f"pages{part.suffix}"] = part.pages
                m.submodules[f"update{part.suffix}"] = part.update
            for index, lane in enumerate(part.lanes):
                m.submodules[f"lane{part.suffix}_{index}"] = lane

        # The control record, one copy a stage.
        stages = [sequencer.control]
        for stage in range(1, ENTER_STAGE + 1):
            stages.append(later(m, stages[-1], f"control_{stage}"))

        # Constants of a pass have a clock to spare before its first record acts.
        self._kind = later(m, sequencer.kind, "kind_of_pass")
        self._host(m, host, sequencer, counters)
        for part in self.sets:
            self._rings(m, part, sequencer, stages)
        self._weights(m, host, sequencer, stages)
        for part in self.sets:
            self._update(m, part, host, sequencer, stages)
        for name in EVENTS if f.learns else ():
            m.d.comb += getattr(counters, name).eq(Cat(getattr(x, name) for x in self.lanes))
        return m

    def _host(
        self, m: Module, host: HostPort, sequencer: Sequencer, counters: EventCounters
    ) -> None:
        # The bus comes from the chip's edge: it is taken over before anything is decoded, together
        # with what decides whether the core serves it.
        for name in ("addr", "wdata"):
            m.d.comb += getattr(host, name).eq(later(m, getattr(self, name), f"bus_{name}"))
        for name, value in (("we", self.we), ("re", self.re), ("busy", sequencer.busy)):
            taken = Signal(name=f"bus_{name}")
            m.d.sync += taken.eq(value)
            m.d.comb += getattr(host, name).eq(taken)
        asked = ["run", "steps", "field", "couple"] + ["learn"] * self.formats.learns
        asked += ["edge"] * self.formats.edge + ["census"] * (self.formats.census_passes > 0)
        for name in asked:
            m.d.comb += getattr(sequencer, name).eq(getattr(host, name))
        if self.formats.edge:
            m.d.comb += host.turn.eq(later(m, sequencer.turn, "counted_turn"))
        for name in EVENTS:
            m.d.comb += getattr(host, f"{name}_count").eq(getattr(counters, f"{name}_count"))
        m.d.comb += [
            self.rdata.eq(host.rdata),
            self.ack.eq(host.ack),
            self.busy.eq(sequencer.busy),
            self.step_done.eq(sequencer.step_done),
            host.step_done.eq(later(m, sequencer.step_done, "counted_step")),
            host.ramp.eq(later(m, sequencer.ramp, "counted_ramp")),
            counters.clear.eq(later(m, host.reseed, "clear_counters")),
        ]

    def _rings(self, m: Module, part: ReplicaSet, sequencer: Sequencer, stages: list) -> None:
        """Join the lanes to rings and the rings to the page store."""
        lanes, pages = part.lanes, part.pages
        add = stages[SUM_STAGE]
        for number, group in enumerate(self.groups):
            upper = group.start >= len(lanes) // 2
            name = f"{number}{part.suffix}"
            common = self._common(m, name, upper, sequencer, stages)
            for index in group:
                lane, after = lanes[index], lanes[(index + 1) % len(lanes)]
                m.d.comb += [getattr(lane, name).eq(value) for name, value in common.items()]
                m.d.comb += [
                    lane.page.eq(pages.words.word_select(index, len(pages.words) // len(lanes))),
                    lane.next_word.eq(after.word),
                    # Signs are constants of a pass: a couple pass pulls the pair together.
                    lane.minus_local.eq(0),
                    lane.page_sum.eq(pages.sums.word_select(index, len(pages.sums) // len(lanes))),
                    lane.next_sum.eq(after.passed_sum),
                ]
        entering = later(m, stages[ENTER_STAGE - 1].update, "entering")
        m.d.comb += lanes[-1].next_word.eq(Mux(entering, part.update.word, lanes[0].word))

        # Where sums go back and new words are stored follows from what was loaded and stored last.
        saved, stored = Signal.like(pages.save_page), Signal.like(pages.store_page)
        with m.If(add.load):
            m.d.sync += saved.eq(add.page)
        with m.If(sequencer.start):
            m.d.sync += stored.eq(0)
        with m.Elif(stages[ENTER_STAGE].store):
            m.d.sync += stored.eq(stored + 1)
        ahead = stages[SUM_STAGE - 1]
        m.d.comb += [
            pages.read_page.eq(stages[PHASE_STAGE - pages.latency].page),
            pages.store.eq(stages[ENTER_STAGE - 1].store),
            pages.store_page.eq(stored),
            pages.new_words.eq(Cat(lane.word for lane in lanes)),
            pages.read_sum_page.eq(stages[SUM_STAGE - pages.latency].page),
            pages.save.eq(ahead.load & ahead.save),
            pages.save_page.eq(saved),
            pages.new_sums.eq(Cat(lane.sum for lane in lanes)),
        ]

    def _common(
        self, m: Module, name: str, upper: bool, sequencer: Sequencer, stages: list
    ) -> dict[str, Any]:
        """Return what all lanes of a group get of the control records, in registers of its own."""
        meet, add, enter = (stages[s - 1] for s in (PHASE_STAGE, SUM_STAGE, ENTER_STAGE))
        kind = self._kind
        wanted = {
            "load_local": meet.row,
            "load_rotating": meet.load,
            "shift": meet.slot | enter.update,
            "pair": meet.pair & ~meet.half if upper else meet.pair,
            **self._only_learning("draw", stages[PHASE_STAGE - 2].pair & sequencer.learning),
            "clear_local": add.row,
            "add_local": add.slot,
            "load_sum": add.load,
            "first": add.first,
            "shift_sum": add.slot | add.merge | add.update,
            "merge": add.merge,
            "merge_ahead": stages[SUM_STAGE - 2].merge,
            # Constants of a pass, which the pipeline's draining keeps apart.
            **self._only_learning("learn", sequencer.learning),
            "even": kind == Kind.FIELD,
            "minus_rotating": kind == Kind.COUPLE,
        }
        f = self.formats
        if f.edge or f.census_passes:
            wanted["flat"] = kind > Kind.COUPLE
        if f.budget:
            wanted["absolute"] = kind == WideKind.BUDGET
        if f.edge:
            wanted["edge"] = kind == WideKind.EDGE
        return {key: self._copy(m, value, key, name) for key, value in wanted.items()}

    def _only_learning(self, name: str, value: Any) -> dict[str, Any]:
        return {name: value} if self.formats.learns else {}

    def _copy(self, m: Module, value: Any, name: str, group: int | str) -> Any:
        """Return a lane group's register of a value."""
        return later(m, value, f"{name}_{group}", replica=replicated(self.formats.lanes))

    def _weights(self, m: Module, host: HostPort, sequencer: Sequencer, stages: list) -> None:
        """Feed the synapses with weights, thresholds and draws, and take the weights back."""
        f, store = self.formats, self.weights
        behind = PHASE_STAGE + self.lanes[0].write_lag
        # What the host does with the chain comes a clock later, all of it alike.
        fetch = later(m, host.weight_fetch, "chain_fetch")
        commit = later(m, host.weight_commit, "chain_commit")
        given = Signal(f.weight_bits)
        m.d.comb += given.eq(Mux(host.we, host.wdata, store.word))
        m.d.comb += [
            store.busy.eq(later(m, sequencer.busy, "store_busy")),
            store.start.eq(sequencer.start),
            store.issue.eq(sequencer.control.slot),
            store.learning.eq(sequencer.learning),
            sequencer.ready.eq(store.ready),
            store.read.eq(stages[PHASE_STAGE - store.READ_LATENCY].pair),
            store.write.eq(later(m, stages[behind - 1].pair & sequencer.learning, "write_back")),
            store.new.eq(Cat(lane.weight_out for lane in self.lanes)),
            store.host_address.eq(later(m, host.weight_address, "chain_address")),
            store.host_fetch.eq(fetch),
            store.host_shift.eq(later(m, host.weight_shift, "chain_shift")),
            store.host_weight.eq(later(m, given, "chain_weight")),
            store.host_commit.eq(commit),
            host.weight.eq(store.word[: f.weight_bits].as_signed()),
        ]
        if isinstance(store, SdramStore):
            m.d.comb += [
                store.pair.eq(sequencer.control.pair),
                store.fetching.eq(sequencer.busy & (sequencer.kind != Kind.REFRESH)),
                sequencer.settled.eq(store.settled),
                host.weight_wait.eq(store.host_wait | fetch | commit),
            ]
        settings = self._learning(m, host, sequencer) if f.learns else {}
        for part in self.sets:
            self._weights_of(m, part, settings)

    def _learning(self, m: Module, host: HostPort, sequencer: Sequencer) -> dict[str, Any]:
        """Return what all synapses and their draws get, not changed while a pass goes on."""
        f = self.formats
        reseed = later(m, host.reseed, "reseed")
        passes = sweep(m, f, reseed, sequencer.ramp & sequencer.learning)
        names = ["eta"] + ["decay"] * f.decay + ["shrink"] * f.budget
        return passes | {"reseed": reseed} | {name: self._near(m, host, name) for name in names}

    def _near(self, m: Module, host: HostPort, name: str, suffix: str = "") -> Any:
        """Return a setting of the host in a register of its own, where speed is worth that.

        Settings are constants of a run, or change between passes.
        """
        value = getattr(host, name)
        return later(m, value, f"{name}{suffix}") if self.product == "mul" else value

    def _weights_of(self, m: Module, part: ReplicaSet, settings: dict[str, Any]) -> None:
        """Feed one replica's lanes."""
        f, word = self.formats, self.weights.word
        for number, group in enumerate(self.groups):
            # Not changed while a pass is under way, so a clock more or less does not matter.
            common = settings
            if replicated(f.lanes):
                common = {name: self._copy(m, v, name, number) for name, v in settings.items()}
            for index in group:
                lane = part.lanes[index]
                m.d.comb += [getattr(lane, name).eq(value) for name, value in common.items()]
                m.d.comb += lane.weight.eq(word.word_select(index, f.weight_bits).as_signed())

    def _update(
        self, m: Module, part: ReplicaSet, host: HostPort, sequencer: Sequencer, stages: list
    ) -> None:
        """Lead the sums past the update unit."""
        unit = part.update
        f = self.formats
        names = ["gain", "shil", "dither", "margin", "gates", "reseed"]
        names += ["budget"] * f.budget + ["centre"] * f.centring + ["slot", "fresh"] * f.edge
        for name in names:
            m.d.comb += getattr(unit, name).eq(self._near(m, host, name, part.suffix))
        if part.number == 0:
            for name in ("theta", "omega", "inputs", "marks"):
                m.d.comb += getattr(host, name).eq(self._chosen(name, host))
        word = host.wdata
        inputs = unit.host_inputs
        m.d.comb += [
            unit.busy.eq(later(m, sequencer.busy, f"unit_busy{part.suffix}")),
            unit.start.eq(later(m, sequencer.start, f"unit_start{part.suffix}")),
            unit.kind.eq(self._kind),
            unit.ahead.eq(stages[SUM_STAGE - 1].update),
            unit.valid.eq(stages[SUM_STAGE].update),
            # A merge moves the ring on by one lane: oscillator 0 is then in the last lane.
            unit.sum.eq(part.lanes[-1].sum),
            unit.host_index.eq(host.index),
            unit.host_theta.eq(word),
            unit.host_omega.eq(word),
            inputs.strength.eq(word[Cfg.STRENGTH : Cfg.STRENGTH + STRENGTH_BITS]),
            inputs.psi.eq(word[Cfg.PSI : Cfg.PSI + f.phase_bits]),
            inputs.clamp.eq(word[Cfg.CLAMP]),
            inputs.active.eq(word[Cfg.ACTIVE]),
        ]
        here: Any = host.replica == part.number if f.replicas > 1 else None
        for name in ("theta", "omega", "inputs"):
            write = getattr(host, f"write_{name}")
            write = write if here is None else write & here
            m.d.comb += getattr(unit, f"host_write_{name}").eq(write)

    def _chosen(self, name: str, host: HostPort) -> Any:
        """Return the word of a state memory that the host sees: the chosen replica's."""
        words = [getattr(part.update, name) for part in self.sets]
        if len(words) == 1:
            return words[0]
        return Array(Value.cast(word) for word in words)[host.replica]

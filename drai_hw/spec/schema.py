"""The network file's schema: every key with type, unit, range, default and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from drai_hw.spec import parts
from drai_hw.spec.circuit import Circuit
from drai_hw.spec.section import Section, key

SCHEMA_VERSION = 1
MARGIN_PER_OSCILLATOR = 0.65  # recall of 64 to 128 oscillators suffers below 0.4 of them


if TYPE_CHECKING:
    G: TypeAlias = str
    Gate: TypeAlias = str
    Stabiliser: TypeAlias = str
else:  # one of the names of the parts there are, or a class of the user's own
    _Own = Annotated[str, Field(pattern=parts.IMPORTED)]
    G = Literal[parts.names("g")] | _Own
    Gate = Literal[parts.names("gates")] | _Own
    Stabiliser = Literal[parts.names("stabilisers")] | _Own

Parameters = dict[str, float]
Harmonics = Annotated[tuple[float, ...], Field(max_length=32)]


class Network(Section):
    """What the network is."""

    name: str = key(
        ..., "Name of the design; also the name of its output folder.",
        pattern=r"^[a-z][a-z0-9_-]{0,39}$", example="my-memory",
    )  # fmt: skip
    oscillators: int = key(..., "Number of oscillators N.", ge=2, le=4096, example=35)
    mode: Literal["kuramoto", "edge-align"] = key(
        "kuramoto",
        "Phase dynamics: kuramoto, pulled by f(phase difference); edge-align, square waves that move their edge to the sign of their weighted sum, one slot of 2**phase_bits a step (not in circuits).",
    )
    mask: str | tuple[tuple[int, int], ...] = key(
        "", 'Which pairs are linked: "ring:K", "grid:WIDTH", "random:SHARE", a .npy file of N x N zeros and ones, or pairs of oscillators from 0; empty: all.',
        example="grid:5",
    )  # fmt: skip
    initial_weight: int = key(
        0, "Weight of every pair before learning.", unit="weight LSB", ge=-127, le=127
    )


class Formats(Section):
    """Number formats of twin and RTL."""

    accumulator_bits: int = key(
        16, "A: phase accumulator, one turn is 2**A.", unit="bit", ge=8, le=24
    )
    phase_bits: int = key(
        6, "P: leading phase bits used by coupling and learning.", unit="bit", ge=3, le=10
    )
    table_bits: int = key(6, "B: signed entry of the coupling table.", unit="bit", ge=2, le=8)
    levels: Annotated[int, Field(ge=3, le=255)] | None = key(
        None, "Instead of table_bits: number of table values, odd (5 with phase_bits = 4 is the small profile).",
    )  # fmt: skip
    weight_bits: int = key(
        5, "W: two's complement weight, symmetric range.", unit="bit", ge=2, le=8
    )
    frequency_bits: int = key(
        8, "OB: smoothed frequency of the resonance gate.", unit="bit", ge=4, le=16
    )


class Dynamics(Section):
    """How the phases move."""

    dt_s: float = key(
        1e-6, "Time that one step stands for; frequencies in Hz refer to it.", unit="s", gt=0
    )
    unit: Literal["row-sum", "margin"] = key(
        "row-sum",
        "U, the field in weight LSB that all rates refer to: the largest row sum of |w|; or learning.margin, where that is less, which serves memories of any size and load.",
    )
    coupling: float = key(
        0.8, "dt * kappa * U: the phase advance in one step by a field of U, at most.",
        unit="rad", gt=0, le=1.0,
    )  # fmt: skip
    coupling_table: Literal["sine", "triangle", "square"] = key("sine", "Coupling function f.")
    coupling_sine: Harmonics = key(
        (), "Float model: a_1, a_2, ... of f(psi) = sum_k a_k sin(k psi) + b_k cos(k psi), in place of coupling_table, as `drai-hw extract` finds it in a circuit. Twin and RTL keep coupling_table.",
        example=[1.0],
    )  # fmt: skip
    coupling_cosine: Harmonics = key(
        (), "Float model: b_0, b_1, ... of the same; both empty: coupling_table.",
        example=[0.26, -0.26],
    )  # fmt: skip
    dither: int | None = key(
        5, "Random phase step of +-2**dither LSB; absent: none.", unit="log2 LSB", ge=0, le=21
    )
    noise: float = key(0.0, "Phase noise D of the float model, in units of kappa * U.", ge=0, le=10)
    frequencies: tuple[float, ...] = key(
        (), "Detuning of each oscillator, in units of kappa * U; empty: all equal.",
        example=[-0.25, 0.25],
    )  # fmt: skip


class Learning(Section):
    """How connections learn, locally."""

    rule: Literal["presentation", "window"] = key(
        "presentation",
        "presentation: load a pattern as phases and learn once; window: pull the phases by inputs, then learn in each step of a window.",
    )
    g: G = key(
        "xor",
        'Learning function of the phase difference; xor is 1 - 2|d|/pi; "module:Class" is one of your own.',
    )
    g_parameters: Parameters | None = key(
        None, "Parameters of g: width_rad and offset of gaussian, beta and theta of sigmoid; absent: their defaults.",
        example={"width_rad": 0.5, "offset": 0.25},
    )  # fmt: skip
    eta: float = key(
        0.25, "Probability that a pair with open gates is updated by one LSB.", ge=0, le=1
    )
    decay: float = key(
        0.0, "Rate of decay: expected share of a weight lost in a learning pass.", ge=0, le=1
    )
    gates: tuple[Gate, ...] = key(
        ("margin",), "A pair learns only while all listed gates are open. Twin and RTL have margin and resonance.",
    )  # fmt: skip
    gate_parameters: dict[str, Parameters] | None = key(
        None, "Parameters of gates, by gate; absent: their defaults.", example={"lock": {"threshold": 0.9}},
    )  # fmt: skip
    stabilisers: tuple[Stabiliser, ...] = key(
        (), "What is done to the weights after each window, in this order. Twin and RTL have row-budget and row-centring.",
        example=["mean-subtraction"],
    )  # fmt: skip
    stabiliser_parameters: dict[str, Parameters] | None = key(
        None, "Parameters of stabilisers, by stabiliser; absent: their defaults.",
        example={"top-k": {"k": 8}},
    )  # fmt: skip
    window: Annotated[int, Field(ge=1, le=65536)] | None = key(
        None, "T of the window rule; absent: 2**(phase_bits - 1), a whole sweep of the twin's threshold.",
        unit="step", example=32,
    )  # fmt: skip
    settle_steps: int = key(
        24, "Steps for which the inputs pull before a window.", unit="step", ge=0, le=1000000
    )
    input_strength: float = key(
        0.5, "F: pull of the inputs of the window rule, in units of kappa * U.",
        ge=0, le=10,
    )  # fmt: skip
    recurrence: float = key(
        0.0, "Share of the coupling that is in force during the window rule.", ge=0, le=1
    )
    margin: Annotated[float, Field(ge=0, le=100000)] | None = key(
        None, "An oscillator counts as held while its field reaches this; absent: 0.65 for each oscillator.",
        unit="weight LSB", example=24.0,
    )  # fmt: skip
    theta_r: int = key(
        8, "Half-width of the resonance gate in LSB of the smoothed frequency.", ge=1, le=4096
    )
    presentations: int = key(
        400,
        "At most so many presentations of each pattern; ends sooner when all are held.",
        ge=0,
        le=100000,
    )


class Shil(Section):
    """Second harmonic that makes phases binary; ramped during recall."""

    strength: float = key(0.1, "Final k_s, in units of kappa * U.", ge=0, le=1.5)
    ramp_steps: int = key(48, "Steps over which k_s grows from 0.", unit="step", ge=1, le=1000000)


class Task(Section):
    """What the network is asked to do."""

    kind: Literal["recall", "lock", "solve"] = key(
        "recall",
        "recall: store patterns, restore corrupted copies; lock: settle and measure the phase offset; solve: Ising and max-cut of graph files (drai-hw solve).",
    )
    patterns: str | tuple[str, ...] | tuple[tuple[int, ...], ...] = key(
        "", 'Patterns: "letters:ACXTH" (5x7 font), "digits:0,1,4" (8x8), "random:5", a .npy or .txt file, or rows of -1/+1.',
        example="letters:ACXTH",
    )  # fmt: skip
    flips: float = key(0.1, "Share of pixels flipped in a corrupted copy.", ge=0, le=1)
    trials: int = key(20, "Recalls in all, patterns in turn.", ge=1, le=1000000)
    steps: int = key(64, "Steps of one recall (or of settling).", unit="step", ge=1, le=1000000)
    jitter_rad: float = key(
        0.1, "Start phases are off 0 or pi by up to this; exactly 0 or pi would be a deadlock.",
        unit="rad", ge=0, le=1.5,
    )  # fmt: skip
    seed: int = key(
        1, "Seed of corruption, jitter and of the core's random streams.", ge=0, le=2**31 - 1
    )
    width: int | None = key(None, "Pixels in a row, for pictures of the patterns.", ge=1, le=1024)


class Solve(Section):
    """How a graph is solved. F is the field of a node, sqrt(mean over nodes of sum_j w_ij^2)."""

    coupling: float = key(
        0.2, "Phase advance that a torque of F makes in one step, at most.", unit="rad", gt=0, le=4
    )
    temperature_start: float = key(
        0.3, "Temperature at the start: variance of the dither over twice the coupling, in units of F.",
        gt=0, le=10,
    )  # fmt: skip
    temperature_end: float = key(
        0.08, "Temperature at the end, reached geometrically.", gt=0, le=10
    )
    shil: float = key(
        0.5, "Second harmonic k_s at the end, in units of F; it grows from 0 stage by stage.",
        ge=0, le=10,
    )  # fmt: skip
    stages: int = key(
        40, "Stages of a run: the host sets gain, dither and second harmonic anew before each.",
        ge=1, le=1000,
    )  # fmt: skip
    replicas: int = key(32, "Starts that run side by side; the best is the result.", ge=1, le=4096)


class Board(Section):
    """The FPGA board."""

    name: str = key(
        "ulx3s-85f", "Board: a name, a folder with board.toml, or module:PlatformClass."
    )
    lanes: int | None = key(None, "L, even; absent: chosen for the board.", ge=2, le=256)
    pages: int | None = key(None, "M; absent: the least that holds N.", ge=1, le=512)
    replicas: int = key(
        1, "Sets of lanes that share each weight fetched, for solving many starts at once.",
        ge=1, le=64,
    )  # fmt: skip
    clock_hz: float | None = key(
        None,
        "System clock, made by the device's PLL; absent: the board file's.",
        unit="Hz",
        ge=1e6,
        le=5e8,
    )
    baud: int = key(115200, "Rate of the host link.", unit="Bd", ge=1200, le=12_000_000)


class Spec(Section):
    """One network: the file from which all machines are made."""

    schema_version: Literal[1] = Field(1, alias="schema", description="Version of this schema.")
    network: Network
    formats: Formats = Formats()
    dynamics: Dynamics = Dynamics()
    learning: Learning = Learning()
    shil: Shil = Shil()
    task: Task = Task()
    solve: Solve = Solve()
    circuit: Circuit = Circuit()
    board: Board = Board()

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )

    @property
    def margin_lsb(self) -> float:
        """Field at which an oscillator counts as held, in weight LSB."""
        given = self.learning.margin
        return MARGIN_PER_OSCILLATOR * self.network.oscillators if given is None else given

    def unit_lsb(self, row_sum: float) -> float:
        """Return U, the field all rates refer to, in weight LSB, from the largest row sum of |w|."""
        if self.dynamics.unit == "margin":
            return min(self.margin_lsb, row_sum)  # no field is larger than the row sum
        return row_sum

    def in_row_sums(self, row_sum: float) -> Spec:
        """Return the same network with its rates in units of the largest row sum of |w|."""
        if self.dynamics.unit == "row-sum" or row_sum <= 0:
            return self
        share = self.unit_lsb(row_sum) / row_sum
        d, rule, shil = self.dynamics, self.learning, self.shil
        changed = {
            "dynamics": d.model_copy(
                update={
                    "unit": "row-sum",
                    "coupling": d.coupling / share,
                    "noise": d.noise * share,
                    "frequencies": tuple(f * share for f in d.frequencies),
                }
            ),
            "learning": rule.model_copy(update={"input_strength": rule.input_strength * share}),
            "shil": shil.model_copy(update={"strength": shil.strength * share}),
        }
        return self.model_copy(update=changed)

    @model_validator(mode="after")
    def _check_across(self) -> Spec:
        n = self.network.oscillators
        given = len(self.dynamics.frequencies)
        if given not in (0, n):
            raise ValueError(
                f"dynamics.frequencies has {given} values; needs {n}, one an oscillator, or none"
            )
        w_max = 2 ** (self.formats.weight_bits - 1) - 1
        if abs(self.network.initial_weight) > w_max:
            raise ValueError(
                f"network.initial_weight = {self.network.initial_weight}: formats.weight_bits = "
                f"{self.formats.weight_bits} holds -{w_max} to {w_max} LSB"
            )
        if (
            self.dynamics.dither is not None
            and self.dynamics.dither > self.formats.accumulator_bits - 3
        ):
            raise ValueError(
                f"dynamics.dither = {self.dynamics.dither}: at most accumulator_bits - 3 = "
                f"{self.formats.accumulator_bits - 3} (log2 LSB), an eighth of a turn"
            )
        if self.dynamics.unit == "margin" and self.margin_lsb <= 0:
            raise ValueError(
                'dynamics.unit = "margin" with learning.margin = 0: rates would refer to no field; '
                "needs a margin above 0 weight LSB, or leave it out"
            )
        if self.board.replicas > 1 and self.task.kind != "solve":
            raise ValueError(
                f"board.replicas = {self.board.replicas} with task.kind = {self.task.kind!r}: "
                "replicas share their weights and cannot learn; needs board.replicas = 1, or "
                "task.kind = 'solve'"
            )
        if self.task.kind == "recall" and not self.task.patterns:
            raise ValueError(
                'task.patterns is empty; a recall needs patterns, e.g. "letters:ACXTH"'
            )
        return self

"""The network file's table of the analogue circuit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator, model_validator

from drai_hw.spec.presets import with_preset
from drai_hw.spec.section import Section, key


class Circuit(Section):
    """The analogue circuit made of the learned weights."""

    preset: Literal["board", "ghz"] = key(
        "board", "Values of f0_hz, q, capacitance_f and amplitude_v that are not given: board, the defaults below; ghz, tanks on a chip: 1e9 Hz, 10, 5e-12 F, 0.6 V.",
    )  # fmt: skip
    kind: Literal["lc", "ring"] = key(
        "lc", "lc: differential LC tanks; ring: CMOS ring oscillators."
    )
    rho: float = key(
        0.3, "Largest row sum of the coupling rates, relative to the tank's half bandwidth omega0/2Q.",
        gt=0, le=1.5,
    )  # fmt: skip
    f0_hz: float = key(1e6, "Resonance frequency of a tank.", unit="Hz", ge=1.0, le=1e11)
    q: float = key(15.9, "Quality factor of a tank.", ge=2, le=1000)
    capacitance_f: float = key(
        253.3e-12, "Capacitance from each side to ground.", unit="F", gt=0, le=1
    )
    amplitude_v: float = key(
        1.0, "Peak voltage between the two sides of a tank.", unit="V", gt=0, le=100
    )
    core: Literal["behavioural", "cross-coupled"] = key(
        "behavioural", "What makes up for a tank's loss: behavioural, a cubic conductance; cross-coupled, a pair of level-1 transistors with a mirrored tail current, fed by core_vdd_v.",
    )  # fmt: skip
    core_vdd_v: float = key(1.8, "Supply of cross-coupled cores.", unit="V", gt=1, le=100)
    damping: Literal["none", "trimmed", "ideal"] = key(
        "none", "How the damping by the coupling resistors is made up for."
    )
    coupling: Literal["resistive", "capacitive", "series-rc", "parallel-rc"] = key(
        "resistive",
        "What couples a pair: resistors, capacitors (a lag of -90 degrees), or both in series or side by side, whose admittance has the phase coupling_rad.",
    )
    coupling_rad: float = key(
        0.0, "Phase of the admittance of 'series-rc' and 'parallel-rc'; the lag is less by it.",
        unit="rad", ge=0, lt=1.5707,
    )  # fmt: skip
    branch_parasitic_f: float = key(
        0.0, "Capacitance of the wires at either end of a coupling branch of tanks; their mean is a "
        "part of capacitance_f.", unit="F", ge=0, lt=1,
    )  # fmt: skip
    mismatch: float = key(
        0.0, "Relative standard deviation of each side's capacitor of a tank, of each node's load of a ring; drawn from task.seed.",
        ge=0, le=0.2,
    )  # fmt: skip
    tuning_bits: int = key(
        0, "Bits of the switched capacitors that tune an oscillator, 2 to 12; a calibration finds their codes; 0: none.",
        unit="bit", ge=0, le=12,
    )  # fmt: skip
    tuning_range: float = key(
        0.024, "Reach of tuning_bits to either side of the nominal frequency, relative.",
        gt=0, lt=0.5,
    )  # fmt: skip
    ring_topology: Literal["pseudo-differential", "single-ended"] = key(
        "pseudo-differential",
        "pseudo-differential: each ring is two chains of inverters held in antiphase by latches; single-ended: one chain, half the transistors and power.",
    )
    ring_stages: int = key(
        5, "Inverters of each chain of a ring, odd: 3, 5, 7 and so on.", ge=3, le=99
    )
    ring_vdd_v: float = key(1.8, "Supply of rings.", unit="V", gt=0.9, le=100)
    ring_load_f: float = key(
        10e-15, "Capacitance at each inverter of a ring; sets its frequency.", unit="F", gt=0, le=1
    )
    ring_width: float = key(
        1.0, "Width of a ring's transistors relative to the set's, 1 um and 3 um: power and frequency grow with it.",
        gt=0, le=1e6,
    )  # fmt: skip
    ring_latch: float = key(
        0.3, "Width of the latches between the two chains, relative to the stages.", gt=0, le=2
    )
    ring_skew: float = key(
        1.0, "Width of a ring's p-type transistors on top of that; below 1 rings lock to a current at twice their frequency.",
        gt=0, le=10,
    )  # fmt: skip
    cycles: int = key(300, "Simulated time of one recall.", unit="cycle", ge=20, le=100000)
    points_per_cycle: int = key(40, "Largest time step is a cycle over this.", ge=20, le=1000)
    jitter_rad: float = key(
        0.1, "Seeded deviation of the start phases from 0 or pi.", unit="rad", ge=0, le=1.5
    )
    trials: int = key(3, "Recalls simulated by a build.", ge=1, le=1000)

    @field_validator("tuning_bits")
    @classmethod
    def _two_or_none(cls, bits: int) -> int:
        if bits == 1:
            raise ValueError(
                "circuit.tuning_bits = 1: needs 0 (no bank) or 2 to 12 bit; one bit has no code "
                "above the nominal one"
            )
        return bits

    @field_validator("ring_stages")
    @classmethod
    def _odd(cls, stages: int) -> int:
        if stages % 2 == 0:
            raise ValueError(
                f"circuit.ring_stages = {stages}: needs an odd number from 3 to 99; an even ring "
                "latches instead of oscillating"
            )
        return stages

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, data: Any) -> Any:
        """Put the preset's values where none is given."""
        return with_preset(data)

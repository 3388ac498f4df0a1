"""The parts of the page, each a run of its own that is kept as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from drai_hw.spice.drawn import Rings
from drai_hw.spice.kept_parts import Part
from drai_hw.spice.spread.circuits import SORTS, RingSort
from drai_hw.spice.surroundings.buffer import Load, buffer, loaded
from drai_hw.spice.surroundings.noise import noisy_recall, ring_diffusion, tank_diffusion
from drai_hw.spice.surroundings.pushing import WAYS, hits, pushing, ring_relative
from drai_hw.spice.transistors import GF180MCU, LEVEL1, models_folder

FACTORS = (1e4, 1e6, 1e8)
RING_DENSITY = 1e-20
STRENGTHS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)
NOISE_SEEDS, SUPPLY_SEEDS = 5, 4
DIES = {"ring-level1": 8, "ring-gf180mcu": 2, "tank": 8}
SHARES = {"ring-level1": (0.0, 0.005, 0.02, 0.1), "tank": (0.0, 0.3)}
LOADS = {
    "ring-level1": (Load(0.5e-15), Load(1e-15), Load(2e-15), Load(0.0, 100e3), Load(0.0, 25e3)),
    "tank": (Load(2.5e-12), Load(10e-12), Load(0.0, 100e3), Load(0.0, 25e3), Load(10e-12, 50e3)),
}


def _diffusions() -> Part:
    found = [tank_diffusion(factor) for factor in FACTORS]
    found.append(ring_diffusion(RING_DENSITY))
    return {
        "rows": [asdict(each) | {"per_cycle_rad": each.per_cycle_rad} for each in found],
        "thermal_dbc_per_hz": found[0].density_dbc_per_hz(10e3) - 10.0 * 4.0,
        "thermal_constant": found[0].closed / found[0].over_thermal,  # type: ignore[operator]
    }


def _noise(strength: float) -> Part:
    found = [noisy_recall(strength, seed) for seed in range(NOISE_SEEDS)]
    return {"strength": strength, "runs": [asdict(each) for each in found]}


def _pushing(name: str) -> Part:
    sort = SORTS[name]
    found = pushing(sort, DIES[name])
    part = asdict(found) | {"mean": found.mean, "deviation": found.deviation}
    if isinstance(sort, RingSort) and not sort.rings.transistors.technology:
        part["closed"] = ring_relative(sort.rings.supply_v)
    return part


def _supply(name: str, way: str, share: float) -> Part:
    found = hits(SORTS[name], way, share, SUPPLY_SEEDS)
    return {"circuit": name, "way": way, "share": share, "hits": found, "of": SUPPLY_SEEDS}


def _loads(name: str) -> Part:
    return {"rows": [asdict(loaded(SORTS[name], load)) for load in LOADS[name]]}


def _buffer(rings: Rings) -> Part:
    return asdict(buffer(RingSort(rings)))


def makers() -> dict[str, Callable[[], Part]]:
    """Return what makes each part, by its name."""

    def guarded(make: Callable[[], Part]) -> Callable[[], Part]:
        def run() -> Part:
            models_folder()
            return make()

        return run

    found: dict[str, Callable[[], Part]] = {"diffusion": _diffusions}
    for strength in STRENGTHS:
        found[f"noise-{strength:g}"] = partial(_noise, strength)
    for name in DIES:
        make = partial(_pushing, name)
        found[f"pushing-{name}"] = guarded(make) if name == "ring-gf180mcu" else make
    for name, shares in SHARES.items():
        for way in WAYS:
            for share in shares:
                found[f"supply-{name}-{way}-{share:g}"] = partial(_supply, name, way, share)
    for name in LOADS:
        found[f"load-{name}"] = partial(_loads, name)
    found["buffer-level1"] = partial(_buffer, Rings(LEVEL1, points_per_cycle=100))
    found["buffer-gf180mcu"] = guarded(partial(_buffer, Rings(GF180MCU, points_per_cycle=100)))
    return found

"""Fits the area model to packed cores.

Run as ``python -m drai_hw.boards.calibrate``: packs the cores below that `area.json` does not hold
yet (20 s to 2 min each; ``--again`` packs all), fits the model and writes the file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import lsq_linear

from drai_hw.boards.area import POINTS_FILE, features
from drai_hw.boards.boardfile import load_board
from drai_hw.boards.fit import weight_plan
from drai_hw.boards.packing import pack
from drai_hw.boards.stores import plan_weights
from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.model.numbers import Formats
from drai_hw.rtl.core import Core
from drai_hw.rtl.top import Top

SMALL = {"phase_bits": 4, "levels": 5}
PRIOR_WEIGHT = 0.02
"""How much a relative change of a coefficient costs, against the relative error of a point."""

# Rough sizes of the parts: where few points tell, the fit stays near them.
_PRIOR: dict[str, dict[str, float]] = {
    "lut": {
        "core": 2400,
        "lane": 100,
        "logic_lane": 20,
        "sum_bit": 8,
        "weight_bit": 3,
        "product_bit": 5,
        "table_bit": 2.5,
        "resonance": 60,
        "decay": 110,
        "edge": 23,
        "budget": 45,
        "centring": 63,
        "mask": 4,
        "ram": 6,
        "register": 1.8,
        "bank_bit": 1,
        "spram": 5,
    },
    "ff": {
        "core": 1300,
        "lane": 60,
        "logic_lane": 5,
        "sum_bit": 5,
        "weight_bit": 2,
        "product_bit": 0.5,
        "table_bit": 0.1,
        "resonance": 40,
        "decay": 70,
        "edge": 12,
        "budget": 15,
        "centring": 46,
        "mask": 0.1,
        "ram": 0.1,
        "register": 1,
        "bank_bit": 0.5,
        "spram": 5,
    },
}


def _cores() -> dict[str, list[tuple[str, Formats]]]:
    """Return the cores that are packed: board and product of each."""

    def core(lanes: int, pages: int, n: int | None = None, **more: Any) -> Formats:
        return Formats(n=n or lanes * pages, lanes=lanes, pages=pages, **more)

    wide = {"phase_bits": 8, "table_bits": 8}
    return {
        "ulx3s-85f": [
            *(("mul", core(*shape)) for shape in ((4, 2, 7), (12, 3, 35), (16, 8), (8, 25))),
            *(("mul", core(*shape)) for shape in ((32, 8), (32, 16), (16, 36))),
            *(
                ("mul", core(12, 3, 35, **more))
                for more in ({"resonance": True}, {"decay": True}, SMALL, {"weight_bits": 8}, wide)
            ),
            ("logic", core(12, 3, 35)),
        ],
        "icebreaker": [
            *(("logic", core(*shape)) for shape in ((4, 2, 7), (8, 5, 35), (8, 12), (6, 10))),
            *(
                ("logic", core(8, 5, 35, **more))
                for more in ({"resonance": True}, {"decay": True}, SMALL)
            ),
            ("logic", core(4, 10, weight_bits=8)),
            ("logic", core(6, 6, **wide)),
            # So few pages that their memories become registers.
            *(("logic", core(*shape)) for shape in ((8, 3), (6, 2), (10, 2))),
            ("mul", core(4, 5)),
        ],
        "tang-nano-9k": [
            *(("logic", core(*shape)) for shape in ((4, 2, 7), (12, 3, 35), (8, 16), (8, 40))),
            ("logic", core(12, 16)),
            *(
                ("logic", core(8, 16, **more))
                for more in ({"resonance": True}, {"decay": True}, SMALL, {"weight_bits": 8})
            ),
            ("logic", core(6, 8, **wide)),
            ("mul", core(8, 16)),
        ],
    }


def fit(points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Fit the area model of every family.

    Least squares of relative errors, with coefficients that are not negative and, by
    `PRIOR_WEIGHT`, near the rough sizes where the points say little.

    Parameters
    ----------
    points : sequence of dict
        ``board``, ``product``, ``formats`` and ``packed`` of each core.

    Returns
    -------
    dict
        For each family ``lut`` and ``ff`` with a coefficient a feature, and ``spread``: the
        largest relative error of each over the points.
    """
    models: dict[str, Any] = {}
    for name in dict.fromkeys(point["board"] for point in points):
        board = load_board(name)
        rows = []
        for point in (p for p in points if p["board"] == name):
            formats = Formats(**point["formats"])
            plan = plan_weights(formats, board.device)
            rows.append((features(formats, board.family, point["product"], plan), point["packed"]))
        model: dict[str, Any] = {"spread": {}}
        for resource in ("lut", "ff"):
            names = list(_PRIOR[resource])
            prior = np.array([_PRIOR[resource][n] for n in names])
            counts = np.array([packed[resource] for _, packed in rows], dtype=float)
            shares = np.array([[found[n] for n in names] for found, _ in rows]) / counts[:, None]
            # Scaled by the prior, every unknown is about 1.
            system = np.vstack([shares * prior, PRIOR_WEIGHT * np.eye(len(names))])
            wanted = np.concatenate([np.ones(len(rows)), np.full(len(names), PRIOR_WEIGHT)])
            scales = lsq_linear(system, wanted, bounds=(0, 20)).x
            fitted = (scales * prior).tolist()
            model[resource] = {n: round(c, 3) for n, c in zip(names, fitted, strict=True)}
            model["spread"][resource] = round(float(abs(shares * prior @ scales - 1).max()), 3)
        models[board.family] = model
    return models


def _key(point: dict[str, Any]) -> str:
    return json.dumps([point["board"], point["product"], point["formats"]], sort_keys=True)


def _plain(formats: Formats) -> dict[str, Any]:
    """Return what differs from the defaults, so that a new format leaves the points as they are."""
    bare = asdict(Formats(n=formats.n, lanes=formats.lanes, pages=formats.pages))
    always = ("n", "lanes", "pages")
    told = asdict(formats)
    return {name: told[name] for name in told if name in always or told[name] != bare[name]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; status 2 when a tool fails."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.boards.calibrate", description=__doc__)
    parser.add_argument("--again", action="store_true", help="pack all cores anew")
    again = parser.parse_args(arguments).again
    file = Path(__file__).with_name(POINTS_FILE)
    known: dict[str, dict[str, Any]] = {}
    if file.exists() and not again:
        known = {_key(point): point for point in json.loads(file.read_text())["points"]}
    points = []
    try:
        for name, cores in _cores().items():
            board = load_board(name)
            for product, formats in cores:
                point = {"board": name, "product": product, "formats": _plain(formats)}
                if _key(point) not in known:
                    plan = weight_plan(formats, board)
                    top = Top(Core(formats, product=product, store=plan), 25e6, 115200)
                    top.clock_hz = board.plan_clock().output_hz  # the area does not depend on it
                    with tempfile.TemporaryDirectory() as folder:
                        known[_key(point)] = point | {"packed": pack(top, board, folder)}
                points.append(known[_key(point)])
                packed = points[-1]["packed"]
                print(
                    f"{name}: {formats.lanes} x {formats.pages}, {product}: {packed['lut']} LUT, "
                    f"{packed['ff']} FF",
                    file=sys.stderr,
                )
    except DraiError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write(file, points)
    return 0


def write(file: Path, points: Sequence[dict[str, Any]]) -> None:
    """Write points and the models fitted to them, the file as a whole."""
    known = {"models": fit(points), "points": list(points)}
    write_whole(file, json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())

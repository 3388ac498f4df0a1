"""`drai-hw crossbar`: exact currents of a crossbar with resistive lines."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import clean_stdout, json_option, json_text, out_option, seed_option
from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from drai_hw.spice.crossbar import Crossbar, Solution

RESULT_FILE, CURRENTS_FILE, NETLIST_FILE = "crossbar.json", "currents.npy", "crossbar.cir"
CONDUCTANCES_FILE, PICTURE_FILE = "conductances.npy", "ir-drop.svg"
NGSPICE_SIDE = 64
AGREES = 1e-9
ROUNDS = 50

_SHARE = click.FloatRange(0, 1)
_POSITIVE = click.FloatRange(0, min_open=True)


@click.command("crossbar")
@click.argument("conductances", metavar="G.npy")
@click.argument("voltages", metavar="V.npy")
@click.option(
    "--wire-ohm", type=click.FloatRange(0), required=True, metavar="R",
    help="Resistance of a wire segment between two crossings, ohm; 0 is allowed.",
)  # fmt: skip
@click.option(
    "--bit-ohm", type=click.FloatRange(0), metavar="R",
    help="The same for bit lines, if they differ from word lines.  [default: --wire-ohm]",
)  # fmt: skip
@click.option(
    "--map", "range_s", type=float, nargs=2, metavar="LOW HIGH",
    help="G.npy holds signed weights: make pairs of devices of LOW to HIGH siemens of them; "
    "currents are then differences of pairs.",
)  # fmt: skip
@click.option(
    "--calibrate", is_flag=True,
    help="With --map: correct the pairs for what the lines take away.",
)  # fmt: skip
@click.option(
    "--program-sigma", type=click.FloatRange(0), default=0.0, metavar="S",
    help="Relative scatter of programmed conductances (log-normal).",
)  # fmt: skip
@click.option("--open", "open_share", type=_SHARE, default=0.0, metavar="P",
              help="Share of devices that are open.")  # fmt: skip
@click.option("--stuck-off", "off_share", type=_SHARE, default=0.0, metavar="P",
              help="Share stuck at the smallest conductance.")  # fmt: skip
@click.option("--stuck-on", "on_share", type=_SHARE, default=0.0, metavar="P",
              help="Share stuck at the largest conductance.")  # fmt: skip
@click.option(
    "--drift", type=(_POSITIVE, float), metavar="SECONDS NU",
    help="Age: conductances times SECONDS^-NU (1 s after programming counts as new).",
)  # fmt: skip
@click.option("--read-sigma", type=click.FloatRange(0), default=0.0, metavar="S",
              help="Relative noise of a read, drawn once for all inputs.")  # fmt: skip
@click.option("--dac-bits", type=click.IntRange(1, 32), metavar="N",
              help="Steps of the voltages; full scale is their largest.")  # fmt: skip
@click.option("--adc-bits", type=click.IntRange(1, 32), metavar="N",
              help="Steps of the currents; full scale is their largest.")  # fmt: skip
@click.option("--read-s", type=_POSITIVE, default=1e-7, show_default=True, metavar="T",
              help="Length of a read, for the energy.")  # fmt: skip
@click.option("--netlist", is_flag=True,
              help=f"Also write {NETLIST_FILE}, a netlist with the first input.")  # fmt: skip
@click.option(
    "--ngspice", is_flag=True,
    help=f"Also run it; exit status 1 if it differs by more than {AGREES:g} of the largest "
    f"current. Up to {NGSPICE_SIDE} x {NGSPICE_SIDE}.",
)  # fmt: skip
@click.option("--picture", is_flag=True, help=f"Also draw {PICTURE_FILE}, a map of the drops.")
@out_option(f"Directory of {CURRENTS_FILE} and {RESULT_FILE}.", default="build/<G>/")
@seed_option
@json_option
def command(conductances: str, voltages: str, output: str | None, as_json: bool,
            **options: Any) -> int:  # fmt: skip
    """
    Solve a crossbar exactly, with the resistance of its lines.

    G.npy holds m x n conductances in siemens (0 is open), V.npy m voltages or m x p for p inputs.
    Word lines are driven from the left, bit lines held at 0 V at the bottom. The currents of the
    bit lines, n or p x n ampere, go to a file.
    """
    with clean_stdout() as say:
        folder = Path(output) if output else Path("build") / Path(conductances).stem
        if folder.exists() and not folder.is_dir():
            raise SpecError(f"output {str(folder)!r} is a file; -o needs a directory here")
        result, agrees, files = _solve(conductances, voltages, folder, options)
        text = json_text(result)
        from drai_hw.files import write_together

        write_together(files | {folder / RESULT_FILE: text + "\n"})
        say(text if as_json else _line(result))
    if not agrees:
        click.echo(
            f"drai-hw: error: ngspice differs by {result['ngspice_difference']:.3g} of the largest "
            f"current; needed is {AGREES:g}: please report this with the two files",
            err=True,
        )
    return 0 if agrees else 1


def _solve(
    conductances: str, voltages: str, folder: Path, options: dict[str, Any]
) -> tuple[dict[str, Any], bool, dict[Path, str | bytes]]:
    """Return the result, whether ngspice agrees, and the files to write."""
    import numpy as np

    from drai_hw.spice.crossbar import Crossbar, differential, quantised, scattered, with_faults
    from drai_hw.spice.crossbar.effects import drifted

    given, inputs = _load(conductances, "conductances"), _load(voltages, "voltages")
    rng = np.random.default_rng(options["seed"] or 0)
    ohms = (options["wire_ohm"], options["bit_ohm"])
    given, facts = _mapped(given, ohms, options)
    g = scattered(given, rng, options["program_sigma"])
    faulty = tuple(options[f"{kind}_share"] for kind in ("open", "off", "on"))
    if any(faulty):
        g, kinds = with_faults(
            g, rng, open_share=faulty[0], off_share=faulty[1], on_share=faulty[2],
            range_s=options["range_s"] or (float(given.min()), float(given.max())),
        )  # fmt: skip
        facts["faulty"] = int((kinds > 0).sum())
    if options["drift"]:
        g = drifted(g, rng, after_s=options["drift"][0], exponent=options["drift"][1])
    g = scattered(g, rng, options["read_sigma"])
    if options["dac_bits"]:
        inputs = quantised(inputs, options["dac_bits"], float(np.abs(inputs).max()) or 1.0)
    started = time.perf_counter()
    array = Crossbar(g, *ohms)
    solution = array.solve(inputs)
    currents = solution.currents_a
    seconds = time.perf_counter() - started
    if options["range_s"]:
        currents = differential(currents)
    if options["adc_bits"]:
        currents = quantised(currents, options["adc_bits"], float(np.abs(currents).max()) or 1.0)
    files: dict[Path, str | bytes] = {folder / CURRENTS_FILE: _saved(currents)}
    result = {"currents": str(folder / CURRENTS_FILE), **_facts(solution, options["read_s"])}
    result |= {"method": array.method, "seconds": seconds, **facts}
    if options["picture"]:
        from drai_hw.report.drops import drop_map_svg

        title = f"{g.shape[0]} x {g.shape[1]}, wire {options['wire_ohm']:g} ohm"
        files[folder / PICTURE_FILE] = drop_map_svg(solution.drop_v, title)
        result["picture"] = str(folder / PICTURE_FILE)
    if g is not given or options["range_s"]:
        files[folder / CONDUCTANCES_FILE] = _saved(g)
        result["conductances"] = str(folder / CONDUCTANCES_FILE)
    if options["netlist"] or options["ngspice"]:
        from drai_hw.spice.crossbar.export import netlist

        files[folder / NETLIST_FILE] = netlist(
            array, solution.input_v[0], command="drai-hw crossbar --netlist"
        )
        result["netlist"] = str(folder / NETLIST_FILE)
    return result, _ngspice_agrees(array, solution, options, result), files


def _load(path: str, what: str) -> Any:
    import numpy as np

    from drai_hw.files import given_array, unreadable

    needs = "an array of numbers saved by numpy.save"
    values = given_array(Path(path), what, needs)
    if values.dtype.kind not in "iufb":
        raise unreadable(Path(path), what, f"values of type {values.dtype}", needs)
    return np.asarray(values, dtype=float)


def _saved(values: Any) -> bytes:
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def _mapped(
    given: Any, ohms: tuple[float, float | None], options: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the conductances, and what mapping them did."""
    from drai_hw.spice.crossbar import map_weights

    if not options["range_s"]:
        if options["calibrate"]:
            raise SpecError("--calibrate goes with --map LOW HIGH, which says what devices can do")
        return given, {}
    low, high = options["range_s"]
    mapped = map_weights(
        given, low, high, word_ohm=ohms[0], bit_ohm=ohms[1],
        rounds=ROUNDS if options["calibrate"] else 0,
    )  # fmt: skip
    return mapped.conductance_s, {
        "siemens_per_weight": mapped.siemens_per_weight,
        "weight_error_rms": mapped.error_rms,
        "weight_error_max": mapped.error_max,
        "calibration_rounds": mapped.rounds,
    }


def _facts(solution: Solution, read_s: float) -> dict[str, Any]:
    import numpy as np

    ideal = solution.input_v @ solution.array.conductance_s
    found = np.atleast_2d(solution.currents_a)
    loss = np.abs(ideal - found)[np.abs(ideal) > 0] / np.abs(ideal)[np.abs(ideal) > 0]
    power = np.atleast_1d(solution.power_w)
    device = np.atleast_1d(solution.device_power_w)
    k, i, j = solution.worst_drop_at
    return {
        "rows": solution.word_v.shape[1],
        "columns": solution.word_v.shape[2],
        "inputs": solution.word_v.shape[0],
        "residual": solution.residual,
        "worst_ir_drop_v": solution.worst_drop_v,
        "worst_ir_drop_at": {"input": k, "row": i, "column": j},
        "worst_column_loss": float(loss.max()) if loss.size else 0.0,
        "read_power_w": float(power.mean()),
        "device_power_w": float(device.mean()),
        "wire_power_w": float((power - device).mean()),
        "read_s": read_s,
        "read_energy_j": float(power.mean()) * read_s,
        "read_energy_max_j": float(power.max()) * read_s,
    }


def _ngspice_agrees(
    array: Crossbar, solution: Solution, options: dict[str, Any], result: dict[str, Any]
) -> bool:
    """Run the netlist, if asked; return whether ngspice agrees."""
    import numpy as np

    from drai_hw.spice.crossbar.export import ngspice_currents

    if not options["ngspice"]:
        return True
    if max(array.conductance_s.shape) > NGSPICE_SIDE:
        raise SpecError(
            f"--ngspice with {array.conductance_s.shape[0]} x {array.conductance_s.shape[1]}: "
            f"needed is at most {NGSPICE_SIDE} x {NGSPICE_SIDE}, its solver takes minutes beyond; "
            "--netlist writes the file for a simulator of your own"
        )
    found = ngspice_currents(array, solution.input_v[0])
    mine = np.atleast_2d(solution.currents_a)[0]
    largest = float(np.abs(mine).max())
    difference = float(np.abs(found - mine).max()) / (largest or 1.0)
    result["ngspice_difference"] = difference
    return difference <= AGREES


def _line(result: dict[str, Any]) -> str:
    at = result["worst_ir_drop_at"]
    lines = [
        f"{result['rows']} x {result['columns']}, {result['inputs']} input(s), solved by "
        f"{result['method']} in {result['seconds']:.3g} s, residual {result['residual']:.1e}",
        f"largest IR drop {result['worst_ir_drop_v']:.4g} V at row {at['row']}, column "
        f"{at['column']}; worst column off by {100 * result['worst_column_loss']:.3g} %",
        f"read power {result['read_power_w']:.4g} W ({result['wire_power_w']:.3g} W in the lines), "
        f"energy {result['read_energy_j']:.4g} J in {result['read_s']:g} s",
    ]
    if "weight_error_rms" in result:
        lines.append(
            f"weights mapped with an error of {result['weight_error_rms']:.2g} rms, "
            f"{result['weight_error_max']:.2g} largest (of the largest weight)"
        )
    if "ngspice_difference" in result:
        lines.append(f"ngspice differs by {result['ngspice_difference']:.1e}")
    if "picture" in result:
        lines.append(result["picture"])
    return "\n".join([*lines, result["currents"]])

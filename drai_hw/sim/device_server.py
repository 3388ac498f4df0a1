"""Process that compiles emitted Verilog and runs it with `device_bench`, for `SimulatedLink`."""

from __future__ import annotations

import sys
from pathlib import Path

from cocotb_tools.runner import get_runner

BENCH_TOP = "device"


def main(folder: str) -> None:
    """Compile and run ``drai_top.v`` and ``device.v`` of a folder; the bench reads its environment.

    Parameters
    ----------
    folder : str
        Holds the sources; the simulator's files go into ``build`` there.
    """
    runner = get_runner("icarus")
    here = Path(folder)
    runner.build(
        sources=[here / "drai_top.v", here / "device.v"],
        hdl_toplevel=BENCH_TOP,
        build_dir=here / "build",
        always=True,
        timescale=("1ns", "1ps"),
    )
    runner.test(
        hdl_toplevel=BENCH_TOP,
        test_module="drai_hw.sim.device_bench",
        build_dir=here / "build",
        test_dir=here / "build",
        results_xml=str(here / "results.xml"),
    )


if __name__ == "__main__":
    main(sys.argv[1])

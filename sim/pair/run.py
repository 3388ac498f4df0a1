"""Run bench_pair.py: exit status 0 if the RTL is equal to its twin, else 1.

Made by: drai-hw sim pair --bench DIR
Generated files belong to whoever generated them: use, change and license this one as you like.

python run.py [--waves] [FOLDER of drai_core.v; default ../../rtl/pair]
"""

import sys
from pathlib import Path

from drai_hw.sim.designs import main

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.exit(main(HERE, "bench_pair", HERE.parents[1] / "rtl" / "pair"))

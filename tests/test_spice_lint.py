"""Files in the style of other simulators: diagnosed with their place, mended, run in ngspice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from drai_hw.cli import run
from drai_hw.errors import SpecError
from drai_hw.spice.lint import disturb, limits, lint, ngspice_says
from drai_hw.spice.memristors import LIBRARIES, MODELS, library

LTSPICE_IF = """* thresholds, LTspice
.SUBCKT MEM TE BE XSV PARAMS: Vp=0.65 Vn=0.56 Ap=4k An=4k x0=0.11
.func G(V) = IF(V <= Vp, IF(V >= -Vn, 0, -An*(exp(-V)-exp(Vn))), Ap*(exp(V)-exp(Vp)))
Cx XSV 0 {1}
.ic V(XSV) = x0
Gx 0 XSV value={G(V(TE,BE))}
Gm TE BE value={0.17*V(XSV)*sinh(0.05*V(TE,BE))}
.ENDS MEM
"""
LTSPICE_STP = """* window with a step
.SUBCKT memristor Plus Minus PARAMS:
+ Ron=100 Roff=1K x0=.076 D=16N uv=40F p=7
Gx 0 x value={ I(Emem)*uv*Ron/D**2*f(V(x),I(Emem),p)}
Cx x 0 1 IC={x0}
Raux x 0 1T
Emem plus aux value={-I(Emem)*V(x)*(Roff-Ron)}
Roff aux minus {Roff}
.func f(x,i,p)={1-(x-stp(-i))**(2*p)}
.ENDS memristor
"""
LTSPICE_SDT = """.subckt m1 p n params: r0=1k k=10
Bm p n I=V(p,n)/(r0*(1+V(x)))
Bx 0 x I=k*V(p,n)
Cx x 0 1
Rx x 0 1G
Eflux flux 0 value={SDT(V(p,n))}
Echarge charge 0 value={SDT(I(Bm), 0.5)}
.ends m1
"""
PARENTHESIS = """.subckt mss p n params: Ron=500 Roff=1500 Voff=0.27 Von=0.27 TAU=0.0001 T=298.5
.func G(x) = x/Ron+(1-x)/Roff
.func F(v,x) = (1/TAU)*((1/(1+exp(-(v-Von)*echarge/(boltz*T)))*(1-x)
+ -(1-(1/(1+exp(-(v+Voff)/0.026))))*x)
Cx x 0 1
Bx 0 x I=F(V(p,n),V(x))
Bm p n I=V(p,n)*G(V(x))
Rx x 0 1T
.ends mss
"""
NO_ENDS = """.subckt one a b
R1 a b 1k
.subckt two a b
R1 a b 2k
"""
COMMAS = """.subckt two a b params: r=1k, s=2k
R1 a b {r+s}
.ends
"""
CHARACTERS = """.subckt rc a b params: r=1k
* Ω in a comment does not matter
R1 a c {r}
C1 c b 1µ
B1 a b I=1e−6*V(a,b)
.ends
"""
EXTRAS = """.subckt lump a b
C1 a b 1n Rser=0.5 Rpar=1G
B1 a b I=V(a,b)*1u tripdv=0.1 tripdt=1n
L1 a b 1u Rser={2*3}
B2 a b I=1u*V(a,b) ic=0
.ends
"""
PSPICE_SWITCH = """.subckt sw a b c
S1 a b c 0 smod
.model smod VSWITCH(Ron=1 Roff=1Meg Von=0.6 Voff=0.4)
E1 d 0 value={TABLE(V(a),0,0,1,2)}
Rd d 0 1k
.ends
"""
HSPICE_EOM = """.subckt ram te be x0=0.5
gm te be cur='v(te,be)*(1e-3*x0) ' $ linear
bq te be i=limit(v(te,be),-1,1)*1e-6
.eom
"""
SCHEMATIC = """* exported from a schematic
V1 in 0 SINE(0 1 1k)
R1 in out 1k noiseless
C1 out 0 1u
B1 x 0 V=hypot(V(in),V(out))
.tran 0 2m 0 1u
.step param r list 1k 2k
.backanno
.end
"""
OPERATORS = """.subckt gate a b params: vt=0.5
B1 a b I=((V(a)>vt) & (V(a)<2*vt)) ? max(1u*V(a),2u*V(a),0) : 0
B2 a b I=(~(V(a)>vt) | (V(b)>vt)) ? 1u*int(V(a)) : square(V(a))*1u
B3 a b I=fabs(V(a,b))*pwrs(V(a,b),0.5)*1u*temp
.ends
"""
EXTRA_BRACKET = """.subckt e a b
B1 a b I=1u*(V(a,b)+0.1))
.ends
.ends
"""

# line and what stands at the column, for each finding
MENDED = {
    "LTspice if": (LTSPICE_IF, [(3, "IF(V <="), (3, "IF(V >=")]),
    "LTspice stp": (LTSPICE_STP, [(9, "stp(")]),
    "LTspice sdt": (LTSPICE_SDT, [(6, "SDT(V"), (7, "SDT(I")]),
    "parenthesis": (PARENTHESIS, [(3, "((1/(1+exp(-(v-Von)"), (3, "echarge"), (3, "boltz")]),
    "no ends": (NO_ENDS, [(1, ".subckt one"), (3, ".subckt two")]),
    "commas": (COMMAS, [(1, ", s=2k")]),
    "characters": (CHARACTERS, [(4, "µ"), (5, "−6")]),
    "LTspice extras": (EXTRAS, [(2, "Rser"), (2, "Rpar"), (3, "tripdv"), (3, "tripdt"),
                                (4, "Rser"), (5, "ic=0")]),
    "PSpice switch": (PSPICE_SWITCH, [(3, "VSWITCH"), (4, "TABLE")]),
    "HSPICE eom": (HSPICE_EOM, [(4, ".eom")]),
    "schematic": (SCHEMATIC, [(2, "SINE"), (3, "noiseless"), (5, "hypot"), (6, "0 2m"),
                              (7, ".step"), (8, ".backanno")]),
    "operators": (OPERATORS, [(2, "& (V"), (2, "max(1u"), (3, "~(V"), (3, "| (V"), (3, "int("),
                              (3, "square("), (4, "fabs("), (4, "pwrs("), (4, "temp")]),
    "extra bracket": (EXTRA_BRACKET, [(2, ")"), (4, ".ends")]),
}  # fmt: skip
# ngspice takes these as they are, and does something else than they mean
SILENT = {"extra bracket", "characters"}


@pytest.mark.parametrize("name", MENDED)
def test_a_file_of_another_dialect_is_diagnosed_mended_and_then_runs(name):
    text, places = MENDED[name]
    report = lint(text)
    found = [(d.line, text.splitlines()[d.line - 1][d.column - 1 :]) for d in report.diagnoses]
    assert len(found) == len(places), report.diagnoses
    for (line, rest), (wanted, fragment) in zip(found, places, strict=True):
        assert line == wanted
        assert rest.startswith(fragment)
    assert report.open == ()
    if name not in SILENT:
        assert ngspice_says(text) != "", "ngspice would have taken it: nothing to mend"
    assert ngspice_says(report.text) == "", report.text
    assert lint(report.text).diagnoses == ()  # once is enough


def test_what_is_mended_does_what_was_meant():
    """0.1 V over 1 kohm a pin; the values of the expressions by hand."""
    from drai_hw.spice.point import operating_point

    text = """t
V1 a 0 0.75
V2 b 0 -0.25
B1 o1 0 V=if(V(a)>0.5,if(V(b)>0,1,2),3)
B2 o2 0 V=int(-2.7)+round(0.6)+mod(7.5,2)+frac(1.25)
B3 o3 0 V=pwrs(V(b),0.5)+hypot(3,4)+sign(V(b))
B4 o4 0 V=table(V(a),0,0,1,2)+buf(V(a))+inv(V(a))+max(V(a),V(b),0.8)
.save v(o1) v(o2) v(o3) v(o4)
.op
.end
"""
    report = lint(text)
    assert report.open == ()
    found = operating_point(report.text)
    assert found["v(o1)"] == pytest.approx(2)
    assert found["v(o2)"] == pytest.approx(-2 + 1 + 1.5 + 0.25)
    assert found["v(o3)"] == pytest.approx(-0.5 + 5 - 1)
    assert found["v(o4)"] == pytest.approx(1.5 + 1 + 0 + 0.8)


def test_an_integral_that_was_mended_integrates():
    from drai_hw.spice.engine import simulate

    text = """t
V1 a 0 2
B1 o 0 V=sdt(V(a))
.save v(o)
.tran 1u 1m 0 1u uic
.end
"""
    waves = simulate(lint(text).text, stop_s=1e-3, expected_points=1000, vectors=1)
    assert waves.data[-1, 0] == pytest.approx(2e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ("B1 a b I=V(a)*ronn", (3, 15), "'ronn' is no parameter.*did you mean 'ron'"),
        ("B1 a b I=snih(V(a))", (3, 10), "no function snih.*did you mean sinh"),
        ("B1 a b I=delay(V(a),1n)", (3, 10), "no function delay.*transmission line"),
        ("B1 a b I=V(a)%2", (3, 14), "ngspice has no '%'"),
        ("B1 a b I=if(V(a),1)", (3, 10), "number of arguments"),
        ("B1 a b I=2*V(a)}", (3, 16), "'}' closes nothing"),
        ("X1 a b othr", (3, 8), "no .subckt 'othr' in this file; did you mean 'other'"),
        ("D1 a b dmod", (3, 8), "no .model 'dmod' in this file; add it"),
        (".include none.lib", (3, 10), "file 'none.lib' is not there"),
        (".hdl 'x.va'", (3, 1), "Verilog-A: compile it"),
        ("A1 a 0 0 0 b 0 0 0 BUF", (3, 1), "A elements of LTspice"),
        ("R1 a b 1k☃", (3, 10), "no ASCII character"),
        (".func q(x)={sdt(x)}", (3, 13), "cannot be put here"),
    ],
)  # fmt: skip
def test_what_only_the_author_can_mend_is_named_with_its_place(line, place, message):
    text = f".subckt other a b params: ron=1k\nR2 a b {{ron}}\n{line}\n.ends\n"
    report = lint(text)
    assert len(report.diagnoses) == len(report.open) == 1
    (found,) = report.open
    assert (found.line, found.column) == place
    assert re.search(message, found.message)


@pytest.mark.parametrize("name", LIBRARIES)
def test_our_own_libraries_need_nothing(name):
    text = library(LIBRARIES[name])
    report = lint(text)
    assert report.diagnoses == ()
    assert report.text == text
    assert ngspice_says(text) == ""


def test_lines_that_need_nothing_stay_as_they_are():
    text = """* title
.subckt a p n  params:  r=1k ; comment
R1 p n
* between
+ {r}
B1 p n I=stp(V(p))
.ends
"""
    mended = lint(text).text.splitlines()
    assert mended[:2] == text.splitlines()[:2]
    assert "B1 p n I=u(V(p))" in mended


ELECTRICAL = """.subckt cell a b
C1 a x 1n
C2 x b 1n
R1 a y 1k
B1 a b I=V(a,z)
V1 a m 0
L1 a m 1u
.ends
"""


def test_electrical_rules_name_the_node_and_the_element():
    report = lint(ELECTRICAL)
    said = [(d.line, d.column, d.message) for d in report.open]
    assert [(line, column) for line, column, _ in said] == [(2, 6), (4, 6), (5, 14), (7, 1)]
    for (_, _, message), fragment in zip(
        said,
        ("'x' has no path for direct current", "'y' is connected to nothing else",
         "'z' is used in an expression, and no element", "L1 closes a loop of sources or"),
        strict=True,
    ):  # fmt: skip
        assert fragment in message
    assert {d.rule for d in report.diagnoses} == {"electrical"}


@pytest.mark.parametrize(
    ("line", "better"),
    [("C2 x b 1n", "C2 x b 1n\nRx x 0 1e12"), ("R1 a y 1k", "R1 a y 1k\nR2 y b 1k"),
     ("B1 a b I=V(a,z)", "B1 a b I=V(a,b)"), ("L1 a m 1u", "L1 a m2 1u\nRs m2 m 1")],
)  # fmt: skip
def test_each_electrical_fault_goes_when_it_is_put_right(line, better):
    assert line in ELECTRICAL
    assert len(lint(ELECTRICAL.replace(line, better)).open) == 3


def test_what_conducts_is_no_electrical_fault():
    text = """t
.global vdd
V1 vdd 0 1
M1 d g 0 0 nm
Rg g 0 1k
Rd vdd d 1k
B1 c 0 I=V(c)/1k
G1 e 0 e 0 1m
C1 c e 1n
X1 f h cell
C2 f h 1n
.model nm nmos
.subckt cell a b
Ra a b 1
.ends
.op
.end
"""
    assert lint(text).diagnoses == ()
    assert ngspice_says(text) == ""


@pytest.mark.parametrize(
    "design", ["pair/pair-lc.cir", "pair/pair-ring.cir", "letters/letters-lc.cir"]
)
def test_our_own_netlists_need_nothing(design, repository):
    assert lint((repository / "spice" / design).read_text()).diagnoses == ()


# The command
def test_the_command_writes_a_mended_file_and_says_what_is_left(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Path("bad.sub").write_text(LTSPICE_STP)
    assert run(["lint", "bad.sub", "--json"]) == 1
    found = json.loads(capfd.readouterr().out)
    assert (found["line_count"], found["mended"], found["open"]) == (10, 1, 0)
    assert found["diagnoses"][0] == {
        "line": 9, "column": 22, "rule": "function", "mended": True,
        "message": "ngspice has no function stp(); written as u(-i)",
    }  # fmt: skip
    assert "stp" in found["ngspice"]["given"]
    assert found["ngspice"]["mended"] == ""
    assert run(["lint", "bad.sub", "-o", "good.sub"]) == 0
    text = capfd.readouterr().out
    assert "bad.sub:9:22: ngspice has no function stp(); written as u(-i)" in text
    assert "good.sub" in text
    assert run(["lint", "good.sub"]) == 0
    assert "nothing to mend; ngspice takes it" in capfd.readouterr().out


def test_the_command_fails_while_something_is_left(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Path("bad.sub").write_bytes(b".subckt q a b\nB1 a b I=V(a)*nope\nC1 a b 1\xb5\n.ends\n")
    assert run(["lint", "bad.sub", "-o", "good.sub"]) == 1
    text = capfd.readouterr().out
    assert "bad.sub:2:15: 'nope' is no parameter" in text
    assert "1u" in Path("good.sub").read_text()


def test_a_file_that_is_none_is_refused(capfd):
    assert run(["lint", "nowhere.sub"]) == 2
    assert "cannot read netlist 'nowhere.sub'" in capfd.readouterr().err


INLINE = """\
an anti-phase pair sees the sum of both amplitudes
.include {library}
va a 0 sin(0 {peak} 1k)
vb b 0 sin(0 -{peak} 1k)
x1 a b yakopcic x0=0.5 {more}
x2 a 0 yakopcic
.save v(a)
.tran 10u 1m 0 10u
.end
"""


def inline(folder: Path, peak: float, more: str = "") -> list[str]:
    (folder / "y.lib").write_text(library([MODELS["yakopcic"]]))
    text = INLINE.format(library="y.lib", peak=peak, more=more)
    return [each.message for each in disturb(text, folder)]


def test_a_memristor_that_must_keep_its_state_is_named_with_its_voltage(tmp_path: Path) -> None:
    """0.8 of 0.56 V are 0.448 V: two amplitudes of 0.22 V are below, two of 0.23 V are not."""
    assert inline(tmp_path, 0.22) == []
    (said,) = inline(tmp_path, 0.23)
    assert re.match(
        r"x1 sees 0\.4[56]\d* V at .*: to keep its state yakopcic needs less than", said
    )
    assert "0.448 V (0.8 of its lower threshold)" in said
    # a device of one's own: its threshold is that of its parameters
    assert inline(tmp_path, 0.23, "vn=700m vp=.7") == []
    assert len(inline(tmp_path, 0.46, "vn=2")) == 2


def test_voltages_are_not_judged_where_there_is_nothing_to_judge(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="needed is one at least whose state is to be kept"):
        disturb("title\nr1 a 0 1\n.tran 1n 1u\n.end\n")
    with pytest.raises(SpecError, match=r"no \.tran line in the netlist"):
        disturb("title\nx1 a 0 vteam\n.end\n")
    with pytest.raises(SpecError, match=r"x1: vn = '\{q\}'; needed is a number"):
        inline(tmp_path, 0.1, "vn={q}")


def test_the_command_runs_the_rule_only_when_asked(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Path("y.lib").write_text(library([MODELS["yakopcic"]]))
    Path("bad.cir").write_text(INLINE.format(library="y.lib", peak=0.3, more=""))
    assert run(["lint", "bad.cir", "--keep-state"]) == 1
    assert re.search(r"bad\.cir:5:1: x1 sees 0\.(?:6|599)\d* V", capfd.readouterr().out)
    assert run(["lint", "bad.cir", "--no-run"]) == 0
    assert run(["lint", "bad.cir", "--keep-state", "--no-run"]) == 2
    assert "needed is a run, to see voltages" in capfd.readouterr().err


LIMITED = """\
a divider, a charged capacitor, a transistor, a two-pin subcircuit
*limit R* {resistors}
*limit C1 {capacitor}
v1 in 0 pulse(0 10 1m 1u 1u 1 2)
R1 in mid 1k
Rmid mid 0 3k
C1 in 0 1u ic=0
M1 in in 0 0 nch w=10u l=1u
Xd in 0 load
.subckt load a b
R1 a b 500
.ends
.model nch nmos(level=1 vto=1 kp=20u)
{more}
.save v(in)
.tran 10u 3m 0 1u uic
.end
"""


def limited(resistors: str, capacitor: str = "v_max=11", more: str = "*") -> list[str]:
    text = LIMITED.format(resistors=resistors, capacitor=capacitor, more=more)
    return [f"{each.line}:{each.column} {each.message}" for each in limits(text)]


def test_devices_beyond_their_limits_are_named_with_value_time_and_line() -> None:
    """10 V on 1k and 3k: 2.5 V, 2.5 mA, 6.25 mW and 7.5 V, 18.75 mW, for two of three ms."""
    assert limited("v_max=7.51 i_max=2.51m p_max=19m p_mean_max=12.6m") == []
    (said,) = limited("v_max=7.49")
    assert re.match(r"6:1 Rmid has 7\.5 V at 0\.001\d* s: v_max of line 2 is 7\.49 V", said)
    first, second = limited("i_max=2.49m")
    assert re.match(r"5:1 R1 has 0\.0025 A at 0\.001\d* s: i_max of line 2 is 0\.00249 A", first)
    assert second.startswith("6:1 Rmid has 0.0025 A")
    (said,) = limited("p_max=18.7m")
    assert said.startswith("6:1 Rmid has 0.01875 W at 0.001")
    (said,) = limited("p_mean_max=12.4m")
    assert "Rmid has 0.0125 W over the run: p_mean_max of line 2 is 0.0124 W" in said
    # a resistor inside of a subcircuit is not the one outside: 20 mA, 0.2 W
    assert limited("i_max=2.6m", more="*limit xd i_max=20.1m p_max=0.201") == []
    current, power = limited("i_max=2.6m", more="*limit xd i_max=19.9m p_max=0.199")
    assert current.startswith("9:1 Xd has 0.02 A")
    assert power.startswith("9:1 Xd has 0.2 W")


def test_currents_of_capacitors_and_of_all_pins_of_transistors_are_seen() -> None:
    """1 uF at 10 V in 1 us: 10 A; 10 V on gate and drain: 20u/2 * 10 * 81 = 8.1 mA and 81 mW."""
    (said,) = limited("v_max=9", "i_max=9.9")
    assert re.match(r"7:1 C1 has (9\.9|10)[\d.]* A at 0\.001\d* s: i_max of line 3", said)
    assert limited("v_max=9", "i_max=10.2") == []
    current, power = limited("v_max=9", more="*limit m1 v_max=10.1 i_max=8m p_max=80m")
    assert current.startswith("8:1 M1 has 0.0081 A")
    assert power.startswith("8:1 M1 has 0.081 W")
    assert limited("v_max=9", more="*limit m1 v_max=10.1 i_max=8.2m p_max=82m") == []


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"resistors": ""}, r"line 2, \*limit R\*: needed is one at least of v_max, i_max, p_max"),
        ({"resistors": "v=3"}, r"line 2, \*limit R\*: 'v=3'; needed is one of v_max, i_max"),
        ({"resistors": "v_max=low"}, "'v_max=low'; needed is a number above 0 V"),
        ({"resistors": "p_max=-1"}, "'p_max=-1'; needed is a number above 0 W"),
        ({"resistors": "v_max=9", "more": "*limit Q7 v_max=1"},
         r"line 14, \*limit q7: no device of that name stands outside of subcircuits"),
        ({"resistors": "v_max=9", "more": "*limit a1 v_max=1\na1 in mid some"},
         r"line 14, \*limit a1: a device of kind 'A' has no pins that are known here"),
    ],
)  # fmt: skip
def test_limits_that_cannot_be_judged_are_refused(keys: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        limited(**keys)


def test_limits_need_a_transient_and_a_declaration() -> None:
    with pytest.raises(SpecError, match=r"no limit in the netlist: needed is a comment line like"):
        limits("title\n* limit of R1\nr1 a 0 1\n.tran 1n 1u\n.end\n")
    with pytest.raises(SpecError, match=r"no \.tran line in the netlist"):
        limits("title\n*limit r1 v_max=1\nr1 a 0 1\n.end\n")


def test_the_command_judges_limits_only_when_asked(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    text = LIMITED.format(resistors="v_max=7", capacitor="v_max=11", more="*")
    Path("hot.cir").write_text(text)
    assert run(["lint", "hot.cir", "--limits"]) == 1
    assert "hot.cir:6:1: Rmid has 7.5 V at 0.001" in capfd.readouterr().out
    assert run(["lint", "hot.cir"]) == 0
    assert run(["lint", "hot.cir", "--limits", "--no-run"]) == 2
    assert "--limits with --no-run: needed is a run" in capfd.readouterr().err
    assert Path("hot.cir").read_text() == text

"""The models and their published parameter sets."""

from __future__ import annotations

from drai_hw.spice.memristors.model import Model, Parameter, Values

_HP = (
    Parameter("ron", 100.0, "ohm", "resistance at x = 1"),
    Parameter("roff", 16e3, "ohm", "resistance at x = 0"),
    Parameter("d", 10e-9, "m", "thickness"),
    Parameter("uv", 1e-14, "m^2/(V s)", "mobility of the dopants"),
)
_X0 = Parameter("x0", 0.3, "1", "state at the start")
_HP_CURRENT = "v/(ron*x+roff*(1-x))"
_HP_STATE = "doped share of the thickness; 1 is the lowest resistance"
_BIOLEK = "Z. Biolek, D. Biolek, V. Biolkova, Radioengineering 18 (2009) 210"
_STRUKOV = "D. B. Strukov et al., Nature 453 (2008) 80"
_POWER = Parameter("pw", 1.0, "1", "exponent of the window, 1 or more")


def _hp(name: str, title: str, source: str, window: str, *more: Parameter) -> Model:
    rate = f"uv*ron/(d*d)*i*({window})"
    return Model(name, title, f"{source}; parameters of {_BIOLEK}", _HP_STATE,
                 (*_HP, *more, _X0), _HP_CURRENT, rate)  # fmt: skip


HP_LINEAR = _hp("hp_linear", "linear ion drift, no window", _STRUKOV, "1")
HP_JOGLEKAR = _hp(
    "hp_joglekar", "linear ion drift, window of Joglekar and Wolf",
    "Y. N. Joglekar, S. J. Wolf, Eur. J. Phys. 30 (2009) 661", "1-pow((2*x-1)*(2*x-1),pw)", _POWER,
)  # fmt: skip
HP_BIOLEK = _hp(
    "hp_biolek", "linear ion drift, window of Biolek", _BIOLEK,
    "1-pow((x-u(-i))*(x-u(-i)),pw)", _POWER,
)  # fmt: skip
HP_PRODROMAKIS = _hp(
    "hp_prodromakis", "linear ion drift, window of Prodromakis",
    "T. Prodromakis et al., IEEE Trans. Electron Devices 58 (2011) 3099",
    "j*(1-pow((x-0.5)*(x-0.5)+0.75,pw))", _POWER, Parameter("j", 1.0, "1", "height of the window"),
)  # fmt: skip


def _vteam_threshold(p: Values) -> float:
    return min(p["voff"], -p["von"])


VTEAM = Model(
    "vteam",
    "voltage threshold adaptive memristor, linear resistance",
    "S. Kvatinsky et al., IEEE Trans. Circuits Syst. II 62 (2015) 786; parameters: defaults of "
    "MemTorch's VTEAM (C. Lammie et al., Neurocomputing 485 (2022) 124)",
    "w/d; 0 is the lowest resistance",
    (
        Parameter("ron", 50.0, "ohm", "resistance at x = 0"),
        Parameter("roff", 1e3, "ohm", "resistance at x = 1"),
        Parameter("d", 3e-9, "m", "length that w can travel"),
        Parameter("kon", -10.0, "m/s", "speed of switching on, < 0"),
        Parameter("koff", 5e-4, "m/s", "speed of switching off, > 0"),
        Parameter("aon", 3.0, "1", "exponent of switching on"),
        Parameter("aoff", 1.0, "1", "exponent of switching off"),
        Parameter("von", -0.2, "V", "threshold of switching on, < 0"),
        Parameter("voff", 0.02, "V", "threshold of switching off, > 0"),
        Parameter("x0", 0.0, "1", "state at the start"),
    ),
    "v/(ron+(roff-ron)*x)",
    "koff/d*pow(max(0,v/voff-1),aoff)+kon/d*pow(max(0,v/von-1),aon)",
    _vteam_threshold,
)


def _yakopcic_threshold(p: Values) -> float:
    return min(p["vp"], p["vn"])


YAKOPCIC = Model(
    "yakopcic",
    "hyperbolic sine current, exponential thresholds",
    "C. Yakopcic et al., IEEE Electron Device Lett. 32 (2011) 1436; parameters of the first set in "
    "github.com/knowm/memristor-models-4-all",
    "state variable; 1 is the highest conductance",
    (
        Parameter("a1", 0.17, "A", "current scale, v >= 0"),
        Parameter("a2", 0.17, "A", "current scale, v < 0"),
        Parameter("b", 0.05, "1/V", "slope of the hyperbolic sine"),
        Parameter("vp", 0.65, "V", "positive threshold"),
        Parameter("vn", 0.56, "V", "negative threshold, without sign"),
        Parameter("ap", 4000.0, "1/s", "speed above vp"),
        Parameter("an", 4000.0, "1/s", "speed below -vn"),
        Parameter("xp", 0.3, "1", "motion slows above this state, 0 <= xp < 1"),
        Parameter("xn", 0.5, "1", "motion slows below 1 - xn, 0 <= xn < 1"),
        Parameter("alphap", 1.0, "1", "how fast it slows going up"),
        Parameter("alphan", 5.0, "1", "how fast it slows going down"),
        Parameter("eta", 1.0, "1", "+1: a positive voltage raises x; -1: lowers it"),
        Parameter("x0", 0.11, "1", "state at the start"),
    ),
    "(a1*u(v)+a2*u(-v))*x*sinh(b*max(-40,min(40,v)))",
    # above: eta v >= 0 raises x, slowed by the window of xp; below: likewise
    "eta*("
    "(ap*max(0,exp(min(40,v))-exp(vp))-an*max(0,exp(min(40,-v))-exp(vn)))"
    "*(u(eta*v)*(1-u(x-xp)+u(x-xp)*exp(-alphap*(x-xp))*((xp-x)/(1-xp)+1))"
    "+u(-eta*v)*(1-u(1-xn-x)+u(1-xn-x)*exp(alphan*(x+xn-1))*x/(1-xn))))",
    _yakopcic_threshold,
)


def _stanford_threshold(p: Values) -> float:
    return p["fmin"] * p["tox"] / p["gamma0"]


STANFORD_PKU = Model(
    "stanford_pku",
    "filament with a gap, self-heating",
    "Z. Jiang et al., SISPAD 2014, 41, and nanohub.org/publications/19 (model 1.0.0); parameters: "
    "defaults of MemTorch's Stanford_PKU; gap range from its Ron, Roff",
    "(gap - gmin)/(gmax - gmin); 0 is the lowest resistance",
    (
        Parameter("i0", 1e-3, "A", "current scale"),
        Parameter("g0", 0.25e-9, "m", "gap that lowers the current by e"),
        Parameter("v0", 0.25, "V", "slope of the hyperbolic sine"),
        Parameter("vel0", 10.0, "m/s", "speed scale of the gap"),
        Parameter("ea", 0.6, "eV", "activation energy"),
        Parameter("a0", 0.25e-9, "m", "hopping distance"),
        Parameter("gamma0", 16.0, "1", "local enhancement of the field"),
        Parameter("beta", 0.8, "1", "its loss with the cube of the gap in nm"),
        Parameter("rth", 2.1e3, "K/W", "thermal resistance"),
        Parameter("tox", 12e-9, "m", "oxide thickness"),
        Parameter("fmin", 1.4e9, "V/m", "enhanced field below which nothing moves"),
        Parameter("tamb", 298.0, "K", "ambient temperature"),
        Parameter("heat", 1000.0, "K", "self-heating is limited to this"),
        Parameter("gmin", 0.2e-9, "m", "smallest gap"),
        Parameter("gmax", 1.7e-9, "m", "largest gap"),
        Parameter("x0", 1.0, "1", "state at the start"),
    ),
    "i0*exp(-(gmin+(gmax-gmin)*x)/g0)*sinh(max(-60,min(60,v/v0)))",
    "-vel0/(gmax-gmin)"
    # k = 8.617333262e-5 eV/K; the power v i is never negative
    "*exp(-ea/(8.617333262e-5*(tamb+min(heat,v*i*rth))))"
    "*sinh(max(-60,min(60,(gamma0-beta*pow((gmin+(gmax-gmin)*x)/1e-9,3))*a0*v"
    "/(tox*8.617333262e-5*(tamb+min(heat,v*i*rth))))))"
    # a step of 1 % width: on a sharp one, a rising voltage would switch the motion on and off
    "*(0.5+0.5*tanh(100*(max(v,-v)*(gamma0-beta*pow((gmin+(gmax-gmin)*x)/1e-9,3))/(tox*fmin)-1)))",
    _stanford_threshold,
)


def _mss_threshold(p: Values) -> float:
    return min(p["von"], p["voff"])


MEAN_MSS = Model(
    "mean_mss",
    "mean metastable switch",
    "T. W. Molter, M. A. Nugent, CNNA 2016; parameters of github.com/knowm/memristor-models-4-all",
    "share of switches that are on; 1 is the lowest resistance",
    (
        Parameter("ron", 500.0, "ohm", "resistance at x = 1"),
        Parameter("roff", 1500.0, "ohm", "resistance at x = 0"),
        Parameter("von", 0.27, "V", "half of the switches turn on, positive"),
        Parameter("voff", 0.27, "V", "half turn off at -voff"),
        Parameter("tau", 1e-4, "s", "time scale"),
        Parameter("tabs", 298.5, "K", "temperature"),
        Parameter("x0", 0.5, "1", "state at the start"),
    ),
    "v*(x/ron+(1-x)/roff)",
    # 1/(1 + exp(-z)) as (1 + tanh(z/2))/2, which cannot overflow; kT/q = 8.617333262e-5 T
    "(0.5+0.5*tanh((v-von)/(2*8.617333262e-5*tabs)))/tau*(1-x)"
    "-(0.5-0.5*tanh((v+voff)/(2*8.617333262e-5*tabs)))/tau*x",
    _mss_threshold,
)

LIBRARIES = {
    "hp.lib": (HP_LINEAR, HP_JOGLEKAR, HP_BIOLEK, HP_PRODROMAKIS),
    "vteam.lib": (VTEAM,),
    "yakopcic.lib": (YAKOPCIC,),
    "stanford_pku.lib": (STANFORD_PKU,),
    "mean_mss.lib": (MEAN_MSS,),
}
"""Files of spice/models and the models in them."""

MODELS = {model.name: model for models in LIBRARIES.values() for model in models}

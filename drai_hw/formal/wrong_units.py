"""Units written by hand: right ones, and what goes wrong in them, each with the rule it breaks."""

from __future__ import annotations

from typing import NamedTuple

from drai_hw.model.numbers import Formats

# Wide enough that every mistake shows, with each feature that a mistake is about.
FORMATS = Formats(n=15, lanes=16, pages=1, resonance=True, theta_r=8, decay=True)

SYNAPSE = """
module my_synapse #(parameter THETA_R = 1) (
    input clk, input rst, input en,
    input [5:0] phi_i, input [5:0] phi_j,
    input signed [7:0] om_i, input signed [7:0] om_j,
    input gate_i, input gate_j, input act_i, input act_j,
    input [4:0] u_g, input r_eta, input r_decay, input [3:0] u_decay,
    input signed [4:0] w_in,
    output reg signed [4:0] w_out, output reg valid
);
    wire [5:0] d = phi_j - phi_i;
    wire [5:0] distance = d[5] ? -d : d;
    wire near = distance <= {1'b0, u_g};
    wire signed [8:0] apart = om_i - om_j;
    wire resonant = apart < THETA_R && apart > -THETA_R;
    wire unheld = !(gate_i && gate_j);
    wire both = act_i && act_j;
    wire learns = both && unheld && resonant && r_eta;
    reg signed [4:0] w1, w2;
    reg [4:0] size;
    always @* begin
        w1 = w_in;
        if (learns) begin
            if (near) w1 = (w_in == 15) ? w_in : w_in + 1;
            else w1 = (w_in == -15) ? w_in : w_in - 1;
        end
        size = w1 < 0 ? -w1 : w1;
        w2 = w1;
        if (both && r_decay && size > {1'b0, u_decay}) w2 = w1 < 0 ? w1 + 1 : w1 - 1;
    end
    always @(posedge clk) begin
        w_out <= w2;
        valid <= en && !rst;
    end
endmodule
"""

UPDATE = """
module my_update (
    input clk, input rst, input en,
    input signed [13:0] acc, input [5:0] phi_top, input signed [15:0] omega,
    input [5:0] psi, input [11:0] strength, input clamp, input [1:0] u_dither,
    input [15:0] gain, input [11:0] shil, input [4:0] dither,
    output reg signed [15:0] delta, output reg signed [17:0] inc, output reg valid
);
    function signed [5:0] table_of(input [5:0] k);
        reg [5:0] half;
        reg [4:0] size;
        begin
            half = k[5] ? -k : k;
            case (half > 16 ? 6'd32 - half : half)
@TABLE@
                default: size = 0;
            endcase
            table_of = k[5] ? -$signed({1'b0, size}) : $signed({1'b0, size});
        end
    endfunction
    wire [5:0] turned = psi - phi_top;
    wire [5:0] twice = {phi_top[4:0], 1'b0};
    wire signed [39:0] pull = $signed({1'b0, strength}) * table_of(turned);
    wire signed [39:0] split = $signed({1'b0, shil}) * table_of(twice);
    wire signed [39:0] product = $signed({1'b0, gain}) * acc;
    wire signed [39:0] x = product + ((pull - split) <<< @SX@);
    wire signed [39:0] rounded = (x + (40'sd1 <<< (@SH@ - 1))) >>> @SH@;
    wire signed [15:0] limited = rounded > 32767 ? 16'sd32767
        : rounded < -32767 ? -16'sd32767 : rounded[15:0];
    wire signed [17:0] amplitude = dither == 0 ? 18'sd0 : 18'sd1 <<< (dither - 1);
    wire signed [17:0] kick = u_dither == 1 ? amplitude : u_dither == 2 ? -amplitude : 18'sd0;
    always @(posedge clk) begin
        delta <= limited;
        inc <= clamp ? 18'sd0 : omega + limited + kick;
        valid <= en && !rst;
    end
endmodule
"""

NEURON = """
module my_neuron (
    input clk, input rst, input en, input load, input [15:0] phi_load,
    input signed [15:0] omega, input signed [15:0] delta,
    output reg [15:0] phi, output [5:0] phi_top
);
    assign phi_top = phi[15:10];
    always @(posedge clk)
        if (rst) phi <= 0;
        else if (load) phi <= phi_load;
        else if (en) phi <= phi + omega + delta;
endmodule
"""

PRNG = """
module my_prng (
    input clk, input rst, input load, input [30:0] seed, input step, output reg [30:0] bits
);
    reg [30:0] next;
    integer k;
    always @* begin
        next = bits;
        for (k = 0; k < 23; k = k + 1)
            next = {next[29:0], next[30] ^ next[29] ^ next[27] ^ next[23]};
    end
    always @(posedge clk)
        if (rst) bits <= 31'd@SEED@;
        else if (load) bits <= seed;
        else if (step) bits <= next;
endmodule
"""


def right(unit: str) -> str:
    """Return a unit that is right, for `FORMATS`."""
    f = FORMATS
    text = {"synapse": SYNAPSE, "update": UPDATE, "neuron": NEURON, "prng": PRNG}[unit]
    table = "\n".join(f"                {k}: size = {f.coupling[k]};" for k in range(1, 17))
    for name, value in (("TABLE", table), ("SX", f.strength_shift), ("SH", f.shift),
                        ("SEED", f.eta_seeds[0])):  # fmt: skip
        text = text.replace(f"@{name}@", str(value))
    return text


class Wrong(NamedTuple):
    """A change that makes a unit wrong.

    Attributes
    ----------
    name, unit : str
        What is wrong, and in which unit.
    old, new : str
        Its Verilog, right and wrong.
    rule, words : str
        Rule that the bench has to name, and part of its sentence.
    """

    name: str
    unit: str
    old: str
    new: str
    rule: str
    words: str

    def text(self) -> str:
        """Return the wrong unit."""
        shift = str(FORMATS.shift)
        old, new = (text.replace("@SH@", shift) for text in (self.old, self.new))
        found = right(self.unit)
        assert found.count(old) == 1, self.name
        return found.replace(old, new)


WRONG = [
    Wrong("tie at the threshold", "synapse", "distance <= {1'b0, u_g}", "distance < {1'b0, u_g}",
          "threshold", "|d| < u_g"),
    Wrong("g turned round", "synapse", "wire near = distance <= {1'b0, u_g}",
          "wire near = distance > {1'b0, u_g}", "sign of g", "other way round"),
    Wrong("sign at exactly pi", "synapse", "distance <= {1'b0, u_g}",
          "$signed(distance) <= $signed({1'b0, u_g})", "distance", "exactly pi"),
    Wrong("distance without modulo", "synapse", "d[5] ? -d : d",
          "phi_j > phi_i ? phi_j - phi_i : phi_i - phi_j", "distance", "modulo"),
    Wrong("complement without carry", "synapse", "d[5] ? -d : d", "d[5] ? ~d : d",
          "distance", "without adding 1"),
    Wrong("saturation that wraps", "synapse", "(w_in == 15) ? w_in : w_in + 1", "w_in + 1",
          "saturation", ""),
    Wrong("asymmetric saturation", "synapse", "w_in == -15", "w_in == -16",
          "saturation", "symmetric"),
    Wrong("decay before update", "synapse", """        w1 = w_in;
        if (learns) begin
            if (near) w1 = (w_in == 15) ? w_in : w_in + 1;
            else w1 = (w_in == -15) ? w_in : w_in - 1;
        end
        size = w1 < 0 ? -w1 : w1;
        w2 = w1;
        if (both && r_decay && size > {1'b0, u_decay}) w2 = w1 < 0 ? w1 + 1 : w1 - 1;
""", """        size = w_in < 0 ? -w_in : w_in;
        w1 = w_in;
        if (both && r_decay && size > {1'b0, u_decay}) w1 = w_in < 0 ? w_in + 1 : w_in - 1;
        w2 = w1;
        if (learns) begin
            if (near) w2 = (w1 == 15) ? w1 : w1 + 1;
            else w2 = (w1 == -15) ? w1 : w1 - 1;
        end
""", "order", "decay comes before the update"),
    Wrong("decay of the old weight", "synapse", "size = w1 < 0 ? -w1 : w1;",
          "size = w_in < 0 ? -w_in : w_in;", "order", ""),
    Wrong("tie of the decay", "synapse", "size > {1'b0, u_decay}",
          "size != 0 && size >= {1'b0, u_decay}", "decay", ">="),
    Wrong("decay behind the gates", "synapse", "if (both && r_decay",
          "if (both && unheld && resonant && r_decay", "decay", "open gates"),
    Wrong("random bits reversed", "synapse", "size > {1'b0, u_decay}",
          "size > {1'b0, u_decay[0], u_decay[1], u_decay[2], u_decay[3]}",
          "order of random bits", "other end"),
    Wrong("margin gate needs both", "synapse", "!(gate_i && gate_j)", "!(gate_i || gate_j)",
          "margin gate", "neither"),
    Wrong("resonance window closed", "synapse", "apart < THETA_R && apart > -THETA_R",
          "apart <= THETA_R && apart >= -THETA_R", "resonance gate", "<="),
    Wrong("frequency difference wraps", "synapse", "wire signed [8:0] apart",
          "wire signed [7:0] apart", "resonance gate", "OB + 1"),
    Wrong("activity of one", "synapse", "act_i && act_j", "act_i || act_j", "activity",
          "one active"),
    Wrong("stale phase", "synapse", "    wire [5:0] d = phi_j - phi_i;",
          "    reg [5:0] old;\n    always @(posedge clk) old <= phi_j;\n"
          "    wire [5:0] d = old - phi_i;", "stale input", "phi_j"),
    Wrong("reset without effect", "synapse", "valid <= en && !rst", "valid <= en", "reset",
          "clears nothing"),
    Wrong("truncated", "update", "(x + (40'sd1 <<< (@SH@ - 1))) >>> @SH@", "x >>> @SH@",
          "rounding", "truncates"),
    Wrong("rounded towards zero", "update", "(x + (40'sd1 <<< (@SH@ - 1))) >>> @SH@",
          "(x < 0 ? -((-x) >>> @SH@) : x >>> @SH@)", "rounding", "towards 0"),
    Wrong("torque that wraps", "update", "rounded > 32767 ? 16'sd32767\n"
          "        : rounded < -32767 ? -16'sd32767 : rounded[15:0]", "rounded[15:0]",
          "saturation", "wraps"),
    Wrong("first harmonic", "update", "{phi_top[4:0], 1'b0}", "phi_top", "second harmonic",
          "T[2 top]"),
    Wrong("dither of code three", "update", "u_dither == 2 ?", "u_dither[1] ?", "dither", "code 3"),
    Wrong("clamp of the torque only", "update", "clamp ? 18'sd0 : omega + limited + kick",
          "omega + kick + (clamp ? 18'sd0 : limited)", "clamp", "torque only"),
    Wrong("load after enable", "neuron", "else if (load) phi <= phi_load;\n"
          "        else if (en) phi <= phi + omega + delta;",
          "else if (en) phi <= phi + omega + delta;\n        else if (load) phi <= phi_load;",
          "load", "en wins"),
    Wrong("reset forgets a bit", "neuron", "if (rst) phi <= 0;", "if (rst) phi <= phi & 16'h0020;",
          "reset", "bit 5"),
    Wrong("shifted once too often", "prng", "k < 23", "k < 24", "order of random bits",
          "once too often"),
    Wrong("a lag is missing", "prng", " ^ next[27]", "", "feedback", "lag 28"),
]  # fmt: skip

PROOF_RULES = {
    "tie at the threshold": "threshold: |d| = u_g is near",
    "g turned round": "sign of g at equal phases",
    "sign at exactly pi": "sign of g at exactly half a turn",
    "distance without modulo": "threshold: |d| = u_g is near",
    "complement without carry": "sign of g at exactly half a turn",
    "saturation that wraps": "saturation at the largest weight",
    "asymmetric saturation": "saturation at the smallest weight",
    "decay before update": "order: the decay sees the weight after the update",
    "decay of the old weight": "order: the decay sees the weight after the update",
    "tie of the decay": "decay: none where |w| = u_decay",
    "decay behind the gates": "decay: a step towards 0",
    "random bits reversed": "decay: none where |w| = u_decay",
    "margin gate needs both": "margin gate: open while only one is held",
    "resonance window closed": "resonance gate: closed at a difference of exactly theta_r",
    "frequency difference wraps": "resonance gate: closed beyond theta_r",
    "activity of one": "a pair with an inactive oscillator keeps its weight",
    "stale phase": "sign of g at equal phases",
    "reset without effect": "a reset clears what is under way",
    "truncated": "rounding: half goes up",
    "rounded towards zero": "rounding: half goes up",
    "torque that wraps": "saturation of the torque",
    "first harmonic": "second harmonic - k_s T[2 top]",
    "dither of code three": "dither adds or subtracts 2**(dither - 1)",
    "clamp of the torque only": "clamp: the increment is 0",
    "load after enable": "load: takes phi_load and wins over en",
    "reset forgets a bit": "a reset sets the start value",
    "shifted once too often": "a step shifts 23 times",
    "a lag is missing": "a step shifts 23 times",
}
"""The first rule that a proof names of each."""

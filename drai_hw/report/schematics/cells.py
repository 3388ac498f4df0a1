"""The cells of the circuits as schematics; their names are those of the netlists."""

from __future__ import annotations

from drai_hw.report.schematics.pen import Sheet


def tank() -> Sheet:
    """Draw an oscillator of `drai_hw.spice.lc` with its behavioural core."""
    s = Sheet(470, 290, "LC tank with a behavioural core")
    s.wire((150, 30), (150, 180))
    s.wire((290, 30), (290, 180))
    s.inductor("Lt0", (150, 40), (290, 40))
    s.resistor("Rloss0", (150, 90), (290, 90))
    s.source("Bcore0", (150, 145), (290, 145))
    s.text((220, 176), "i = g3 v³ − g1 v", "middle", "#666")
    s.wire((40, 180), (150, 180))
    s.wire((290, 180), (400, 180))
    for x, name in ((40, "Rbp0"), (110, "Cp0"), (330, "Cn0"), (400, "Rbn0")):
        (s.resistor if name[0] == "R" else s.capacitor)(name, (x, 180), (x, 260))
        s.ground((x, 260))
    s.dot(
        (150, 40), (150, 90), (150, 145), (290, 40), (290, 90), (290, 145), (110, 180), (330, 180)
    )
    s.net((150, 30), "p0", -22, 0)
    s.net((290, 30), "n0", 8, 0)
    return s


def cross_coupled() -> Sheet:
    """Draw the tank of `drai_hw.spice.drawn_tanks`: a pair with a mirrored tail current."""
    s = Sheet(480, 420, "LC tank with a cross-coupled pair and a mirrored tail current")
    s.wire((150, 40), (380, 40))
    s.supply((210, 40), "vdd")
    s.dot((210, 40), (270, 40))
    s.inductor("Lp0", (150, 40), (150, 110))
    s.inductor("Ln0", (270, 40), (270, 110))
    s.wire((150, 110), (150, 236))
    s.wire((270, 110), (270, 236))
    s.resistor("Rloss0", (150, 140), (270, 140))
    s.net((150, 110), "p0", -16, 2)
    s.net((270, 110), "n0", 10, 2)
    s.wire((110, 165), (150, 165))
    s.capacitor("Cp0", (110, 165), (110, 215))
    s.ground((110, 215))
    s.wire((270, 165), (310, 165))
    s.capacitor("Cn0", (310, 165), (310, 215))
    s.ground((310, 215))
    drain, gate, left = s.nmos("Mp0", (150, 260), flip=True)
    s.wire((150, 236), drain)
    s.wire(gate, (190, 260), (230, 200), (270, 200))
    other, gate, right = s.nmos("Mn0", (270, 260))
    s.wire((270, 236), other)
    s.wire(gate, (230, 260), (190, 200), (150, 200))
    s.dot((150, 140), (270, 140), (150, 165), (270, 165), (150, 200), (270, 200))
    s.wire(left, (150, 310), (270, 310), right)
    s.net((240, 310), "tail0", 4, -5)
    s.resistor("Rref0", (380, 40), (380, 130))
    s.wire((380, 130), (380, 330))
    s.wire((210, 310), (210, 330))
    drain, gate, source = s.nmos("Mtail0", (210, 354), flip=True)
    s.ground(source)
    _, other, down = s.nmos("Mref0", (380, 354))
    s.ground(down)
    s.wire(gate, other)
    s.wire((330, 354), (330, 310), (380, 310))
    s.dot((210, 310), (330, 354), (380, 310))
    s.net((380, 300), "ref0", 6, 0)
    s.wire((70, 310), (150, 310))
    s.dot((150, 310))
    s.capacitor("Ctail0", (70, 310), (70, 375))
    s.ground((70, 375))
    return s


def couplings() -> Sheet:
    """Draw a positive and a negative weight between tanks."""
    s = Sheet(620, 190, "Couplings of tanks: straight for a weight above 0, crossed below")
    for x, crossed in ((20, False), (330, True)):
        i = 2 if crossed else 0
        left, right = x + 60, x + 210
        s.box(f"tank{i}", (x, 40), (60, 100), f"tank {i}", p=(left, 60), n=(left, 120))
        s.box(
            f"tank{i + 1}", (right, 40), (60, 100), f"tank {i + 1}", p=(right, 60), n=(right, 120)
        )
        s.net((left, 60), f"p{i}", 4)
        s.net((left, 120), f"n{i}", 4, 15)
        s.net((right, 60), f"p{i + 1}", -4, -6, "end")
        s.net((right, 120), f"n{i + 1}", -4, 15, "end")
        ends = ("n", "p") if crossed else ("p", "n")
        for y, end, side in ((60, ends[0], "p"), (120, ends[1], "n")):
            s.resistor(f"Rw{i}_{i + 1}_{side}{end}", (left, y), (left + 95, y))
        if crossed:
            s.wire((left + 95, 60), (left + 115, 60), (right - 15, 120), (right, 120))
            s.wire((left + 95, 120), (left + 115, 120), (right - 15, 60), (right, 60))
        else:
            s.wire((left + 95, 60), (right, 60))
            s.wire((left + 95, 120), (right, 120))
        s.text((x + 135, 175), "w < 0" if crossed else "w > 0", "middle")
    return s


def ring() -> Sheet:
    """Draw a pseudo-differential ring of three stages: two chains and their latches."""
    s = Sheet(620, 310, "Pseudo-differential ring of three stages with latches")
    for side, y, far in (("p", 70, 30), ("n", 230, 270)):
        for k in range(3):
            x = 50 + 180 * k
            s.inverter(f"{side}0_{k}", (x, y), (x + 80, y))
            s.wire((x + 80, y), (x + 180, y))
            s.net((x + 100, y), f"{side}0_{k}", -8, -8 if side == "p" else 18)
        s.wire((590, y), (590, far), (50, far), (50, y))
    for k in range(3):
        x = 150 + 180 * k
        for tag, dx, a, b in (("ln", -20, 70, 230), ("lp", 34, 230, 70)):
            s.dot((x + dx, 70), (x + dx, 230))
            s.inverter(f"{tag}0_{k}", (x + dx, a), (x + dx, b))
    s.text((310, 300), "each triangle: two transistors; each node: a load of ring_load_f to ground",
           "middle", "#666")  # fmt: skip
    return s


def single_ended() -> Sheet:
    """Draw two single-ended rings of three stages and a negative weight between them."""
    s = Sheet(620, 310, "Two single-ended rings of three stages, coupled by a negative weight")
    for i, y, far in ((0, 70, 30), (1, 230, 270)):
        for k in range(3):
            x = 50 + 180 * k
            s.inverter(f"p{i}_{k}", (x, y), (x + 80, y))
            s.wire((x + 80, y), (x + 180, y))
            s.net((x + 100, y), f"p{i}_{k}", -8, 18 if i else -8)
        s.wire((590, y), (590, far), (50, far), (50, y))
    for x, across, ends in ((150, 330, "pn"), (330, 150, "np")):
        s.dot((x, 70), (x, 230))
        s.resistor(f"Rw0_1_{ends}", (x, 70), (x, 140))
        s.wire((x, 140), (across, 220), (across, 230))
    s.text((310, 300), "p is the first stage, n the second; w > 0 joins first to first, second to "
           "second", "middle", "#666")  # fmt: skip
    return s


def memristor_branch() -> Sheet:
    """Draw a branch of `drai_hw.spice.memristive`: read switches, device, write switches."""
    s = Sheet(560, 200, "One branch of a memristor pair with its read and write switches")
    s.switch("Sr", (50, 60), (170, 60), "cr")
    s.memristor("xm", (210, 60), (350, 60))
    s.switch("Sq", (390, 60), (510, 60), "cr")
    s.wire((170, 60), (210, 60))
    s.wire((350, 60), (390, 60))
    s.dot((190, 60), (370, 60))
    s.switch("Sw", (190, 60), (190, 160), "cw")
    s.switch("Sv", (370, 60), (370, 160), "cw")
    s.net((50, 60), "one", -4, -8, "end")
    s.net((510, 60), "other", 4, -8)
    s.net((190, 60), "a", -4, -8, "end")
    s.net((370, 60), "b", 4, -8)
    s.net((190, 160), "wl", 0, 18, "middle")
    s.net((370, 160), "bl", 0, 18, "middle")
    return s


def memristor_pair() -> Sheet:
    """Draw how the four branches of a weight lie between two tanks."""
    s = Sheet(500, 290, "The four branches of a weight between two tanks: G+ straight, G- crossed")
    s.box("tank0", (20, 30), (60, 220), "tank 0", p=(80, 60), n=(80, 220))
    s.box("tank1", (420, 30), (60, 220), "tank 1", p=(420, 60), n=(420, 220))
    s.net((80, 60), "p0", 4)
    s.net((80, 220), "n0", 4, 16)
    s.net((420, 60), "p1", -4, -6, "end")
    s.net((420, 220), "n1", -4, 16, "end")
    for name, a, b, y in (("s0", 60, 60, 60), ("c0", 60, 220, 110), ("c1", 220, 60, 170),
                          ("s1", 220, 220, 220)):  # fmt: skip
        s.memristor(name, (180, y), (260, y))
        near, far = (110 + 20 * (y in (110, 170)), 390)
        if a == y:
            s.wire((80, a), (180, y))
        else:
            s.wire((near, a), (near, y), (180, y))
            s.dot((near, a))
        if b == y:
            s.wire((260, y), (420, b))
        else:
            x = far - (60 if name == "c0" else 30)
            s.wire((260, y), (x, y), (x, b))
            s.dot((x, b))
    words = "w = (G+ − G−)/2C; each memristor here is a branch with its switches"
    s.text((250, 278), words, "middle", "#666")
    return s


def crossbar() -> Sheet:
    """Draw a crossbar of two by two with the resistance of its lines."""
    s = Sheet(440, 450, "Crossbar of two word lines and two bit lines with line resistance")
    for i in range(2):
        y = 50 + 190 * i
        s.net((40, y), f"in{i}", -6, -8)
        for j in range(2):
            x = 130 + 190 * j
            bit = x + 60
            s.resistor(f"rw{i}_{j}", (x - 90, y), (x, y))
            if j:
                s.wire((x - 190, y), (x - 90, y))
            s.memristor(f"rd{i}_{j}", (x, y), (x, y + 90))
            s.wire((x, y + 90), (bit, y + 90))
            s.resistor(f"rb{i}_{j}", (bit, y + 90), (bit, y + 165))
            if not i:
                # crosses the next word line without joining it
                s.wire((bit, y + 165), (bit, y + 280))
            s.dot((x, y), (bit, y + 90))
            s.net((bit, y + 90), f"b{i}_{j}", 8, 2)
            s.net((x, y), f"w{i}_{j}", -6, -8)
    for j in range(2):
        s.net((190 + 190 * j, 405), f"out{j}", 8, 4)
        s.text((190 + 190 * j, 428), "0 V", "middle", "#666")
    return s


def synapse() -> Sheet:
    """Draw the blocks of `drai_hw.spice.learning`; the names of lines are those of its nodes."""
    s = Sheet(860, 380, "Learning synapse: detectors, gate, pulses, memristor, read amplifiers")
    s.box("tank0", (20, 50), (70, 40), "tank 0", out=(90, 70))
    s.box("tank1", (20, 130), (70, 40), "tank 1", out=(90, 150))
    s.box("q", (150, 210), (90, 50), "84° late", tank0=(150, 235), q=(240, 235))
    s.box("c", (290, 50), (110, 60), "product and\nlow-pass", tank0=(290, 70), tank1=(290, 95),
          c=(400, 80))  # fmt: skip
    s.box("s", (290, 190), (110, 60), "product and\nlow-pass", tank1=(290, 205), q=(290, 235),
          s=(400, 220))  # fmt: skip
    s.box("gate", (470, 190), (110, 60), "resonance\ngate", c=(500, 190), s=(470, 220),
          gate=(580, 220))  # fmt: skip
    s.box("ramp", (470, 290), (110, 50), "ramp, enable", ramp=(580, 305), enable=(580, 325))
    s.box("write", (640, 50), (90, 60), "pulse\ndriver", c=(640, 80), gate=(655, 110),
          ramp=(680, 110), enable=(705, 110), wm=(730, 80))  # fmt: skip
    s.box("device", (780, 50), (70, 60), "memristor", wm=(780, 80), xm=(815, 50))
    s.box("read", (150, 320), (160, 40), "read amplifiers", tank0=(150, 332), tank1=(150, 350),
          xm=(310, 340))  # fmt: skip
    s.net((90, 70), "tank0", 4, -8)
    s.net((90, 150), "tank1", 4, 18)
    s.arrow((90, 70), (290, 70))
    s.arrow((90, 150), (260, 150), (260, 95), (290, 95))
    s.arrow((260, 150), (260, 205), (290, 205))
    s.arrow((130, 70), (130, 235), (150, 235))
    s.arrow((240, 235), (290, 235))
    s.net((240, 235), "q", 8, 16)
    s.arrow((400, 80), (640, 80))
    s.net((400, 80), "c", 8)
    s.arrow((500, 80), (500, 190))
    s.arrow((400, 220), (470, 220))
    s.net((400, 220), "s", 8)
    s.arrow((580, 220), (655, 220), (655, 110))
    s.net((580, 220), "gate", 8)
    s.arrow((580, 305), (680, 305), (680, 110))
    s.net((580, 305), "ramp", 8)
    s.arrow((580, 325), (705, 325), (705, 110))
    s.net((580, 325), "enable", 8, 16)
    s.arrow((730, 80), (780, 80))
    s.net((730, 80), "wm", 8)
    s.wire((130, 235), (130, 332), (150, 332))
    s.wire((110, 150), (110, 350), (150, 350))
    s.arrow(
        (815, 50), (815, 20), (840, 20), (855, 20), (855, 368), (340, 368), (340, 340), (310, 340)
    )
    s.net((815, 20), "xm", -6, -6)
    s.dot((130, 70), (260, 150), (500, 80), (130, 235), (110, 150))
    return s

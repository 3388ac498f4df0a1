"""A second, scalar implementation of the numbers page: loops and Python integers, no arrays."""

from __future__ import annotations

from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats

STRIDES = {4: 3, 8: 5, 16: 9, 32: 19, 64: 39, 128: 79, 256: 159, 512: 317}  # odd, near T / 1.618


class NaiveTwin:
    """The core's arithmetic pair by pair in the order of the half-ring."""

    def __init__(self, f: Formats, settings: Settings) -> None:
        self.f, self.s = f, settings
        slots = f.lanes * f.pages
        self.theta = [0] * slots
        self.ema = [0] * slots
        self.held = [k >= f.n for k in range(slots)]
        self.omega = [0] * slots
        self.psi = [0] * slots
        self.strength = [0] * slots
        self.clamp = [False] * slots
        self.active = [k < f.n for k in range(slots)]
        self.w: dict[frozenset[int], int] = {}
        self.eta = list(f.eta_seeds)
        self.fade = list(f.decay_seeds)
        self.dith = f.dither_seed
        self.toss = f.census_seed
        self.over = [False] * slots
        self.lean = [0] * slots
        self.sign = [0] * slots
        self.slot = 0
        self.missing: set[frozenset[int]] = set()
        self.n = self.at = self.shil = 0
        self.events = [0, 0, 0, 0]

    def pairs(self):
        """Yield the lanes' pairs slot by slot; None where a lane idles."""
        L, M = self.f.lanes, self.f.pages
        for a in range(M):
            for b in range(a + 1, M):
                for k in range(L):
                    yield [(a * L + x, b * L + (x + k) % L) for x in range(L)]
            for k in range(1, L // 2 + 1):
                idle = range(L // 2, L) if 2 * k == L else ()
                yield [None if x in idle else (a * L + x, a * L + (x + k) % L) for x in range(L)]

    def census(self) -> None:
        """Count the weights of every row, then their magnitudes."""
        f, s = self.f, self.s
        row, size = [0] * len(self.theta), [0] * len(self.theta)
        for slot in self.pairs():
            for pair in filter(None, slot):
                if all(self.active[k] for k in pair):
                    w = self.w.get(frozenset(pair), 0)
                    for k in pair:
                        row[k] += w
                        size[k] += abs(w)
        if f.budget:
            self.over = [a and x >= s.budget for a, x in zip(self.active, size, strict=True)]
        if f.centring:
            scale = 2 ** (13 + len(f"{f.n - 1:b}"))
            for k, total in enumerate(row):
                rounded = (s.centre * total + self.toss % scale) // scale
                self.lean[k] = max(-1, min(1, rounded))
                self.toss = shifts(self.toss, 23)

    def align(self) -> None:
        """Do one slot of edge alignment."""
        f = self.f
        size, fraction = 1 << f.phase_bits, 1 << (f.accumulator_bits - f.phase_bits)
        high = [(t // fraction + self.slot) % size < size // 2 for t in self.theta]
        for k in range(len(self.theta)):
            total = 0
            for other in range(len(self.theta)):
                if other != k and self.active[k] and self.active[other]:
                    w = self.w.get(frozenset((k, other)), 0)
                    total += w if high[other] else -w
            rises = self.sign[k] < 0 < total and self.active[k] and not self.clamp[k]
            if rises and self.theta[k] // fraction != -self.slot % size:
                self.theta[k] = -self.slot % size * fraction
            if total:
                self.sign[k] = 1 if total > 0 else -1
        self.slot = (self.slot + 1) % size

    def step(self, field: bool, learn: bool, census: bool = False, edge: bool = False) -> None:
        """Do one step."""
        f, s = self.f, self.s
        size = 1 << f.phase_bits
        top = [t >> (f.accumulator_bits - f.phase_bits) for t in self.theta]
        if field:
            h = [0] * len(top)
            for slot in self.pairs():
                for pair in filter(None, slot):
                    i, j = pair
                    if self.active[i] and self.active[j]:
                        value = f.coupling[(top[j] - top[i] + size // 4) % size]
                        for k in pair:
                            h[k] += self.w.get(frozenset(pair), 0) * value
            self.held = [
                not act or value >= s.margin for act, value in zip(self.active, h, strict=True)
            ]
        if census:
            self.census()
        if edge:
            self.align()
            return
        torque = [0] * len(top)
        this = f.passes[self.at]
        for slot in self.pairs():
            for lane, pair in enumerate(slot):
                if pair is not None:
                    i, j = pair
                    key = frozenset(pair)
                    old = self.w.get(key, 0)
                    d = (top[j] - top[i]) % size
                    if self.active[i] and self.active[j]:
                        torque[i] += old * f.coupling[d]
                        torque[j] -= old * f.coupling[d]
                        if learn and key not in self.missing:
                            self.w[key] = self.learned(lane, i, j, min(d, size - d), old, this)
                if learn:
                    self.eta[lane] = shifts(self.eta[lane], 23)
                    self.fade[lane] = shifts(self.fade[lane], 23)
        if learn:
            self.n += 1
            window = len(f.passes)
            if all(up and down for _, up, down in f.passes):
                self.at = self.n % window
            else:
                self.at = (self.at + STRIDES[window] + (self.n % window == 0)) % window
        turn, limit = 1 << f.accumulator_bits, (1 << (f.accumulator_bits - 1)) - 1
        for k, act in enumerate(top):
            x = s.gain * torque[k]
            extra = self.strength[k] * f.coupling[(self.psi[k] - act) % size]
            extra -= self.shil * f.coupling[2 * act % size]
            x += extra * 2**f.strength_shift
            delta = max(-limit, min(limit, (x + 2 ** (f.shift - 1)) // 2**f.shift))
            dither = (0, 1, -1, 0)[self.dith % 4] * 2 ** (s.dither - 1) if s.dither else 0
            self.dith = shifts(self.dith, 23)
            inc = 0 if self.clamp[k] else self.omega[k] + delta + dither
            self.theta[k] = (self.theta[k] + inc) % turn
            if f.resonance:
                most = (1 << (f.frequency_bits - 1)) - 1
                q = max(-most, min(most, inc // 2 ** (f.accumulator_bits - 1 - f.frequency_bits)))
                self.ema[k] += (16 * q - self.ema[k]) // 16
        self.shil = min(self.shil + s.shil_step, s.shil_max)

    def learned(self, lane: int, i: int, j: int, distance: int, old: int, this: tuple) -> int:
        """Return a pair's new weight and count the events."""
        f, s = self.f, self.s
        threshold, up, down = this
        gate = not (s.gates & 1 and self.held[i] and self.held[j])
        if f.resonance and s.gates & 2:
            gate &= abs(self.ema[i] // 16 - self.ema[j] // 16) < f.theta_r
        event = gate and self.eta[lane] % 65536 < s.eta
        new = old
        if distance <= threshold:
            event = event and up
            new += bool(event)
        else:
            event = event and down
            new -= bool(event)
        new = max(-f.w_max, min(f.w_max, new))
        over = f.budget and (self.over[i] or self.over[j])
        low = self.fade[lane] % 65536
        if (f.decay and low < s.decay) or (over and low < s.shrink):
            compare = self.fade[lane] // 65536 % (f.w_max + 1)
            if abs(new) > compare:
                new += -1 if new > 0 else 1
        if f.centring and s.centre:
            lean = self.lean[i] + self.lean[j]
            if self.eta[lane] // 65536 % 4 < abs(lean):
                new += -1 if lean > 0 else 1
                new = max(-f.w_max, min(f.w_max, new))
        for k, happened in enumerate((True, gate, event, new != old)):
            self.events[k] += bool(happened)
        return new


def shifts(state: int, count: int) -> int:
    """Shift the LFSR with lags 31, 30, 28, 24 bit by bit."""
    for _ in range(count):
        new = sum(state >> (lag - 1) & 1 for lag in (31, 30, 28, 24)) % 2
        state = (2 * state + new) % 2**31
    return state

"""What real devices and converters do to a crossbar: faults, programming error, drift, steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.spice.settings import Floats

Generator = np.random.Generator
GOOD, OPEN, STUCK_OFF, STUCK_ON = range(4)


def with_faults(
    conductance_s: Floats,
    rng: Generator,
    *,
    open_share: float = 0.0,
    off_share: float = 0.0,
    on_share: float = 0.0,
    range_s: tuple[float, float] | None = None,
) -> tuple[Floats, NDArray[np.int8]]:
    """
    Return the conductances with devices that are open or stuck, and which ones.

    Parameters
    ----------
    conductance_s : ndarray, shape (m, n)
        Devices in siemens.
    rng : Generator
        Draws one number for each device.
    open_share, off_share, on_share : float
        Probability of each fault; their sum is at most 1.
    range_s : tuple of float, optional
        Conductance of a device stuck off and stuck on, siemens; smallest and largest of the array
        if not given.

    Returns
    -------
    tuple of ndarray
        Conductances, and for each device 0 (good), 1 (open), 2 (stuck off) or 3 (stuck on).
    """
    shares = (open_share, off_share, on_share)
    if min(shares) < 0 or sum(shares) > 1:
        raise SpecError(
            f"shares of faulty devices {shares}; needed are 0 or more, at most 1 in all"
        )
    off_s, on_s = range_s or (float(conductance_s.min()), float(conductance_s.max()))
    draw = rng.random(conductance_s.shape)
    kind = np.zeros(conductance_s.shape, np.int8)
    edge = 0.0
    for fault, share in zip((OPEN, STUCK_OFF, STUCK_ON), shares, strict=True):
        kind[(draw >= edge) & (draw < edge + share)] = fault
        edge += share
    values = np.select(
        [kind == OPEN, kind == STUCK_OFF, kind == STUCK_ON], [0.0, off_s, on_s], conductance_s
    )
    return values, kind


def scattered(conductance_s: Floats, rng: Generator, sigma: float) -> Floats:
    """
    Return conductances that scatter about the wanted ones: an error of programming, or of a read.

    Parameters
    ----------
    conductance_s : ndarray
        Wanted, siemens.
    rng : Generator
        Draws one number for each device.
    sigma : float
        Standard deviation of the logarithm, >= 0: the relative error while it is small. The mean
        stays (log-normal).
    """
    if sigma < 0:
        raise SpecError(f"scatter sigma = {sigma:g}; needed is 0 or more (relative)")
    return conductance_s * np.exp(sigma * rng.standard_normal(conductance_s.shape) - 0.5 * sigma**2)


def drifted(
    conductance_s: Floats,
    rng: Generator,
    *,
    after_s: float,
    exponent: float,
    exponent_sigma: float = 0.0,
    since_s: float = 1.0,
) -> Floats:
    """
    Return conductances after a time: G (t / t0)^-nu, nu different for each device.

    Parameters
    ----------
    conductance_s : ndarray
        At ``since_s`` after programming, siemens.
    rng : Generator
        Draws one number for each device.
    after_s, since_s : float
        Times after programming in seconds, ``after_s >= since_s > 0``.
    exponent, exponent_sigma : float
        Mean of nu and its standard deviation from device to device; negative draws count as 0.

    References
    ----------
    Power law of phase-change memory: D. Ielmini, A. L. Lacaita, D. Mantegazza, IEEE Trans. Electron
    Devices 54 (2007) 308. Other devices follow other laws.
    """
    if not 0 < since_s <= after_s:
        raise SpecError(
            f"drift from {since_s:g} s to {after_s:g} s; needed are times > 0, the second not less"
        )
    drawn = exponent + exponent_sigma * rng.standard_normal(conductance_s.shape)
    return np.asarray(conductance_s * (after_s / since_s) ** -np.maximum(drawn, 0.0))


def quantised(values: Floats, bits: int, full_scale: float) -> Floats:
    """
    Return values as a converter sees them: rounded to equal steps, clipped at full scale.

    Parameters
    ----------
    values : ndarray
        Volt or ampere.
    bits : int
        1 to 32. Where values of both signs occur, 2^(bits - 1) - 1 steps (at least one) on either
        side of 0; else 2^bits - 1 steps from 0 to full scale.
    full_scale : float
        Largest magnitude that the converter takes, > 0.
    """
    if not 1 <= bits <= 32:
        raise SpecError(f"converter of {bits} bits; needed are 1 to 32")
    if not full_scale > 0:
        raise SpecError(f"converter's full scale = {full_scale:g}; needed is more than 0")
    signed = bool((values < 0).any())
    steps = max(1, 2 ** (bits - 1) - 1) if signed else 2**bits - 1
    lowest = -steps if signed else 0
    return np.clip(np.rint(values / full_scale * steps), lowest, steps) * (full_scale / steps)

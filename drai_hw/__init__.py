"""Hardware co-design for oscillator networks that learn (Dynamic Resonance AI)."""

__version__ = "0.1.0"

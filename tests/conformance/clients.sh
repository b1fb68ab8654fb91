# shellcheck shell=bash
# How clients that we did not write are installed: for the conformance suite and for the peers of the benchmarks.
# To be sourced. CLIENTS is the folder that they are installed into, once; afterwards nothing is fetched.

die() {
  echo "$*" >&2
  exit 1
}

# environment NAME REQUIREMENT...: a virtual environment that has them; made again only when they change.
environment() {
  local folder=$CLIENTS/$1 stamp
  shift
  stamp="$(python3 --version) $*"
  if [[ $(cat "$folder/.requirements" 2>/dev/null) != "$stamp" ]]; then
    rm -rf "$folder"
    python3 -m venv "$folder" || die "python3 needs its venv module (Debian: python3-venv)"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$stamp" >"$folder/.requirements"
  fi
}

# go_program FOLDER NAME: the program of a Go module, with the versions that the module asks for.
go_program() {
  command -v go >/dev/null || die "go is missing: one of the clients is a Go module"
  (cd "$1" && GOFLAGS=-mod=readonly go build -trimpath -o "$CLIENTS/$2" .)
}

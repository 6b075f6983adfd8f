#!/usr/bin/env bash
# Installs Debian's Java 17, which Spark runs on.
# Where that cannot be done it says so and fails; the tests of Spark are then skipped, with the reason.
set -euo pipefail
if command -v java >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "no apt-get here: install Java 17 or later by hand" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless >/dev/null

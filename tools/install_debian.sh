#!/usr/bin/env bash
# Installs what some tests need from Debian: chromium (the report), postgres (fauxpay load), java
# (Spark), faketime (object stores that refuse a wrong clock).
# Where that cannot be done it says so and fails; the tests are then skipped, with the reason.
#   tools/install_debian.sh chromium
set -euo pipefail
case "${1:-}" in
  chromium)
    packages=(chromium chromium-driver)
    is_there() { command -v chromium && command -v chromedriver; } ;;
  postgres)
    packages=(postgresql)
    is_there() { compgen -G '/usr/lib/postgresql/*/bin/initdb'; } ;;
  java)
    packages=(openjdk-17-jre-headless)
    is_there() { command -v java; } ;;
  faketime)
    packages=(faketime)
    is_there() { command -v faketime; } ;;
  *)
    echo "expected chromium, postgres, java or faketime; got '${1:-}'" >&2
    exit 2 ;;
esac
if is_there >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "no apt-get here: install ${packages[*]} by hand" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null

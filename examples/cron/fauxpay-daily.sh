#!/bin/sh
# Makes one UTC day of payments: yesterday, or the day that is given. For cron; see README.md.
#
# Safe to run twice, late, or for any day: the same day is the same bytes, and what is there is
# found. One instance at a time (flock, which the kernel frees even after a kill). Exit codes of
# fauxpay are handed on (docs/exit-codes.md); those that a second try can mend are tried again.
set -eu

day="${1:-$(date -u -d yesterday +%F)}" # GNU date; elsewhere give the day
command="${PAYMENTS_COMMAND:-fauxpay}"
out="${PAYMENTS_OUT:-/var/lib/fauxpay}"
log="${PAYMENTS_LOG:-$out/log/fauxpay-daily.log}"
lock="${PAYMENTS_LOCK:-$out/fauxpay-daily.lock}"
tries="${PAYMENTS_TRIES:-3}"
pause="${PAYMENTS_PAUSE_SECONDS:-60}"
busy=75 # EX_TEMPFAIL of sysexits.h: another instance is at work; not an exit code of fauxpay

mkdir -p "$out" "$(dirname "$log")" "$(dirname "$lock")"
exec 9>"$lock"
if ! flock -n 9; then
  echo "fauxpay-daily: another instance holds $lock; $day was not made" >&2
  exit "$busy"
fi

try=1
while :; do
  code=0
  # The log is opened by each run (>>), so logrotate may move it at any time.
  # shellcheck disable=SC2086 # PAYMENTS_ARGUMENTS is a list of words on purpose.
  "$command" generate --logical-date "$day" --out "$out" --json --log-format json \
    ${PAYMENTS_ARGUMENTS:-} >>"$log" 2>>"$log" 9>&- || code=$?
  case "$code" in
  0) exit 0 ;;
  1 | 6 | 9) # a full disk, a killed worker: worth another try
    [ "$try" -lt "$tries" ] || break
    try=$((try + 1))
    sleep "$pause"
    ;;
  *) break ;; # config, contract, gate, conflict, missing extra, interrupted: a person must look
  esac
done
echo "fauxpay-daily: $day failed with exit code $code after $try of $tries tries; see $log" >&2
exit "$code"

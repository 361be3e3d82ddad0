#!/usr/bin/env bash
# N processes of D virtual CPU devices each, on this machine, as one run:
#
#     launch/local_multiprocess.sh [--dry-run] N D --config=... --workdir=...
#
# What follows N and D goes to jaxrec.main. Process 0 writes to this terminal,
# the others to files in LOGS (default: a new temporary directory, named when
# something fails). SIGTERM and Ctrl-C are passed on to all. Exit code: 0 if all
# ended well, 2 if one names a mistake of the user's, else the first other one.
# PYTHON and PORT may be set.
set -euo pipefail

dry_run=
if [[ ${1-} == --dry-run ]]; then dry_run=1 && shift; fi
if [[ ! ${1-} =~ ^[1-9][0-9]*$ || ! ${2-} =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: $0 [--dry-run] N D --config=... --workdir=..." >&2
  exit 2
fi
n=$1 d=$2
shift 2

python=${PYTHON:-python}
port=${PORT:-$((20000 + RANDOM % 12000))} # Below the ports that clients get.
command=("$python" -m jaxrec.main "$@")
export JAX_PLATFORMS=cpu
export XLA_FLAGS="${XLA_FLAGS-} --xla_force_host_platform_device_count=$d"
export JAX_COORDINATOR_ADDRESS=localhost:$port JAX_NUM_PROCESSES=$n

if [[ $dry_run ]]; then
  for ((i = 0; i < n; i++)); do
    printf '%s ' JAX_PLATFORMS=cpu "XLA_FLAGS=${XLA_FLAGS@Q}" \
      "JAX_COORDINATOR_ADDRESS=$JAX_COORDINATOR_ADDRESS" \
      "JAX_NUM_PROCESSES=$n" "JAX_PROCESS_ID=$i" "${command[@]@Q}"
    echo '&'
  done
  exit 0
fi

logs=${LOGS:-$(mktemp -d)}
mkdir -p "$logs"
pids=()
again=
trap 'again=1; kill -TERM "${pids[@]}" 2>/dev/null || true' TERM INT
for ((i = 0; i < n; i++)); do
  if ((i == 0)); then
    JAX_PROCESS_ID=0 "${command[@]}" &
  else
    JAX_PROCESS_ID=$i "${command[@]}" >"$logs/$i.log" 2>&1 &
  fi
  pids+=($!)
  echo $! >"$logs/$i.pid"
done
# Processes that lost one of theirs end by themselves, within a minute. A wait
# that a signal interrupts is taken up again.
code=0
for ((i = 0; i < n; i++)); do
  again=1
  while [[ $again ]]; do
    again='' rc=0
    wait "${pids[i]}" || rc=$?
  done
  if ((rc != 0)); then
    echo "process $i ended with code $rc: $logs/$i.log" >&2
    if ((code == 0 || rc == 2)); then code=$rc; fi
  fi
done
if ((code != 0 && code != 2)); then
  echo 'the same command goes on from the last checkpoint' >&2
fi
exit "$code"

#!/usr/bin/env bash
# A run on a Cloud TPU VM, of one host or many:
#
#     export NAME=news ZONE=us-west4-a
#     launch/tpu_vm.sh [--dry-run] COMMAND [ARGUMENTS]
#
#     create         makes the TPU
#     install        copies the last commit to all workers and installs it
#     run --config=... --workdir=...   trains on all workers; again: resumes
#     stop           SIGTERM to all workers' processes: they save and end
#     status         the TPU's state
#     delete         deletes the TPU and its disks
#     up --config=... --workdir=...    create, install and run, made anew after
#                    each preemption, until the results are there
#
# The workdir has to be an absolute path that all workers see and that outlives
# the TPU: a mounted Filestore or bucket. SETUP is the place to mount it:
#
#     SETUP='sudo mkdir -p /mnt/r && sudo mount 10.0.0.2:/share /mnt/r'
#
# Ctrl-C or SIGTERM here does what `stop` does and waits for the end. --dry-run
# prints what would run, to be pasted into a shell, and runs nothing.
set -euo pipefail

dry_run=
if [[ ${1-} == --dry-run ]]; then dry_run=1 && shift; fi
command=${1-}
shift || true
if [[ ! $command =~ ^(create|install|run|stop|status|delete|up)$ ]]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi

: "${NAME:?the name of the TPU}" "${ZONE:?its zone, e.g. us-west4-a}"
type=${TYPE:-v5litepod-16}             # gcloud: --accelerator-type
version=${VERSION:-v2-alpha-tpuv5-lite} # The image that goes with the type.
spot=${SPOT:-1}                        # 0: not to be preempted, and dearer.
setup=${SETUP:-true}                   # On every worker, before it installs.
retry_seconds=${RETRY_SECONDS:-60}
tar=${TMPDIR:-/tmp}/jaxrec-$NAME.tar.gz

# Prints a command as one would type it, and runs it.
exec 3>&2
if [[ $dry_run ]]; then exec 3>&1; fi
x() {
  local word
  for word in "$@"; do
    if [[ $word =~ [^a-zA-Z0-9_./:=,@%+-] && $word != *\'* ]]; then
      word="'$word'"
    else
      printf -v word %q "$word"
    fi
    printf '%s ' "$word"
  done >&3
  echo >&3
  if [[ ! $dry_run ]]; then "$@"; fi
}

tpu() { # VERB ARGUMENTS...
  x gcloud compute tpus tpu-vm "$1" "$NAME" "--zone=$ZONE" "${@:2}"
}

on() { # WORKER COMMAND
  tpu ssh "--worker=$1" "--command=$2"
}

create() {
  local options=("--accelerator-type=$type" "--version=$version")
  if [[ $spot == 1 ]]; then options+=(--spot); fi
  tpu create "${options[@]}"
}

# Ends a worker's process, if there is one: it has 5 minutes to save.
end=$(
  cat <<'END'
p=$(cat jaxrec.pid 2>/dev/null)
if grep -qs jaxrec.main "/proc/$p/cmdline"; then
  kill -TERM "$p"
  timeout 300 tail -f -s 0.2 --pid="$p" /dev/null || kill -KILL "$p"
fi
END
)

# The images' Python may be older than 3.11: uv brings one.
install() {
  x git -C "$(dirname "$0")/.." archive --format=tar.gz -o "$tar" HEAD &&
    x gcloud compute tpus tpu-vm scp "$tar" "$NAME:jaxrec.tar.gz" \
      "--zone=$ZONE" --worker=all &&
    on all "$end
set -e
$setup
mkdir -p jaxrec
tar -xzf jaxrec.tar.gz -C jaxrec
export PIP_BREAK_SYSTEM_PACKAGES=1
python3 -m pip install -q --user uv
python3 -m uv venv -q --clear --python 3.12 venv
cd jaxrec
python3 -m uv pip install -q --python ../venv/bin/python \
-c constraints.txt -e \".[demo,tpu]\""
}

# ssh passes no signals on, and a process may outlive the connection that
# started it: so each leaves its pid, and is ended before the next.
run() {
  local args pid rc=0
  printf -v args ' %q' "$@"
  trap 'stopped=1; on all "$end" || true' INT TERM
  on all "$end
echo \$\$ >jaxrec.pid
cd jaxrec
exec ../venv/bin/python -m jaxrec.main --distributed$args" &
  pid=$!
  wait "$pid" || rc=$?
  if [[ $stopped ]]; then # That was the signal: now for the processes.
    rc=0
    wait "$pid" || rc=$?
  fi
  trap - INT TERM
  return "$rc"
}
stopped=

state() { tpu describe '--format=value(state)'; }

up() {
  local rc now results
  printf -v results %q "$workdir/results.json"
  while true; do
    now=$(state) || now=
    if [[ $now && $now != READY ]]; then tpu delete --quiet || true; fi
    rc=0
    if [[ $now != READY ]]; then create || rc=75; fi # No capacity, for now.
    if ((rc == 0)); then install || rc=$?; fi
    if ((rc == 0)); then run "$@" || rc=$?; fi
    if [[ $stopped ]] || ((rc == 2)); then return "$rc"; fi # 2: a mistake.
    if ((rc == 0)) && on 0 "test -e $results"; then return; fi
    sleep "$retry_seconds"
  done
}

workdir=
for arg in "$@"; do
  if [[ $arg == --workdir=* ]]; then workdir=${arg#*=}; fi
done
if [[ $command =~ ^(run|up)$ && $workdir != /* ]]; then
  echo "$0 $command: --workdir=/ABSOLUTE/SHARED/DIR is missing" >&2
  exit 2
fi

case $command in
  create | install) "$command" ;;
  run | up) "$command" "$@" ;;
  stop) on all "$end" ;;
  status) state ;;
  delete) tpu delete --quiet ;;
esac

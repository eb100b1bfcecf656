#!/usr/bin/env bash
# The smoke campaign on a Slurm of one node, this one: `workflow/try-slurm.sh FOLDER`, as root, where slurm-wlm and munge are installed
# (Debian: apt-get install slurm-wlm munge). Starts munged, slurmctld and slurmd with files below FOLDER, ends them again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ $# -ge 1 ] || { echo "usage: $0 FOLDER [options of npm run table1]" >&2; exit 2; }
mkdir -p "$1" && folder=$(cd "$1" && pwd)
shift
for name in munged slurmctld slurmd sbatch; do
  command -v "$name" >/dev/null || { echo "$name is not installed: apt-get install slurm-wlm munge" >&2; exit 3; }
done

conf=/etc/slurm/slurm.conf
[ ! -e "$conf" ] || { echo "$conf: this machine has a Slurm already; use npm run table1 -- --profile slurm" >&2; exit 4; }
slurm=$folder/slurm
mkdir -p "$slurm/state" "$slurm/spool" "$slurm/munge"
node=$(hostname -s)
cores=$(nproc)
chmod 700 "$slurm/munge"
[ -f "$slurm/munge/key" ] || (umask 077 && head -c 128 /dev/urandom >"$slurm/munge/key")
pids=()
# Ends what was started here, and nothing else.
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -f "$conf"
}
trap finish EXIT
mkdir -p /etc/slurm
# Jobs do not inherit SLURM_CONF.
cat >"$conf" <<CONF
ClusterName=try
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$slurm/munge/socket
CredType=cred/munge
SlurmctldPort=6827
SlurmdPort=6828
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=$node NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$(awk '/MemTotal/ { print int($2 / 1100) }' /proc/meminfo) State=UNKNOWN
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF

# No accounting here, so squeue tells what became of a job, and soon.
mkdir -p "$slurm/profile"
{
  cat "$here/workflow/profiles/slurm/config.yaml"
  printf 'slurm-status-command: squeue\nslurm-no-account: true\nslurm-init-seconds-before-status-checks: 3\nseconds-between-status-checks: 3\n'
} >"$slurm/profile/config.yaml"

munged --foreground --force --socket="$slurm/munge/socket" --key-file="$slurm/munge/key" --pid-file="$slurm/munge/pid" \
  --log-file="$slurm/munge/log" --seed-file="$slurm/munge/seed" --num-threads=2 2>"$slurm/munge.err" & pids+=($!)
for _ in $(seq 50); do [ -S "$slurm/munge/socket" ] && break; sleep 0.2; done
slurmctld -D -c 2>"$slurm/slurmctld.err" & pids+=($!)
slurmd -D -c 2>"$slurm/slurmd.err" & pids+=($!)
for _ in $(seq 100); do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.3; done
sinfo -h -o %T | grep -q idle || { echo "Slurm did not start; see $slurm/*.err and *.log" >&2; exit 1; }
echo "Slurm $(sinfo --version | cut -d' ' -f2) on $node, $cores processors"

cd "$here"
node src/run/bin.js table1 --config smoke --profile "$slurm/profile" --cores "$cores" --out "$folder/table1" "$@"

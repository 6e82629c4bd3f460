#!/bin/bash
# A Slurm of one node on the loopback, without systemd; as root, on Debian. What is missing is installed.
#
#     one_node.sh install
#     one_node.sh start|stop FOLDER [accounting]
#
# FOLDER holds all that it writes, but for links in /etc/slurm: from SLURM_CONF, the plugin's srun would not know.
set -euo pipefail
what=$1 folder=${2:-} accounting=${3:-}
daemons="slurmd slurmctld slurmdbd mariadbd munged"

ended() { for _ in $(seq 200); do kill -0 "$1" 2> /dev/null || return 0; sleep 0.1; done; }

if [ "$what" = stop ]; then
    for daemon in $daemons; do
        pid=$(cat "$folder/$daemon.pid" 2> /dev/null) || continue
        kill "$pid" 2> /dev/null && ended "$pid" || true
    done
    for link in /etc/slurm/*.conf; do
        case $(readlink "$link") in "$folder"/*) rm "$link" ;; esac
    done
    exit 0
fi

needed="slurmctld slurmd squeue munged slurmdbd mariadbd"
packages="slurmctld slurmd slurm-client munge slurmdbd mariadb-server"
# shellcheck disable=SC2086
if ! command -v $needed > /dev/null || [ "$(command -v $needed | wc -l)" != "$(wc -w <<< "$needed")" ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 \
        --no-install-recommends $packages > /dev/null
fi
if [ "$what" = install ]; then exit 0; fi
if [ -e /etc/slurm/slurm.conf ]; then
    echo "/etc/slurm/slurm.conf is there: this machine belongs to a cluster, or another of these is running." >&2
    exit 1
fi
mkdir -p "$folder"/{state,spool,log} /etc/slurm
chmod 755 "$folder"
host=$(hostname -s)
(umask 077; head -c 1024 /dev/urandom > "$folder/munge.key")
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
    --log-file="$folder/log/munged.log" --seed-file="$folder/munge.seed"

storage="AccountingStorageType=accounting_storage/none"
if [ -n "$accounting" ]; then
    export MYSQL_UNIX_PORT=$folder/mysql.socket
    mariadb-install-db --no-defaults --datadir="$folder/mysql" --user=root --auth-root-authentication-method=normal \
        --skip-test-db > "$folder/log/install-db.log" 2>&1
    setsid mariadbd --no-defaults --datadir="$folder/mysql" --user=root --skip-networking --socket="$MYSQL_UNIX_PORT" \
        --pid-file="$folder/mariadbd.pid" --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 \
        > "$folder/log/mariadbd.log" 2>&1 < /dev/null &
    for _ in $(seq 300); do
        mariadb-admin --no-defaults -S "$MYSQL_UNIX_PORT" -u root ping > /dev/null 2>&1 && break
        sleep 0.1
    done
    (umask 077; cat > "$folder/slurmdbd.conf" << CONF
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=16819
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
LogFile=$folder/log/slurmdbd.log
PidFile=$folder/slurmdbd.pid
CONF
    )
    ln -s "$folder/slurmdbd.conf" /etc/slurm/
    slurmdbd
    for _ in $(seq 300); do grep -q 'slurmdbd version .* started' "$folder/log/slurmdbd.log" && break; sleep 0.1; done
    storage="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=16819
AccountingStoragePass=$folder/munge.socket"
fi

cat > "$folder/slurm.conf" << CONF
ClusterName=trial
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthInfo=socket=$folder/munge.socket,cred_expire=30
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
$storage
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
ReturnToService=2
KillWait=10
MinJobAge=3600
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=1 RealMemory=$(free -m | awk '/^Mem:/ {print $2-500}') Gres=gpu:1
PartitionName=main Nodes=$host Default=YES
CONF
echo "Name=gpu File=/dev/null" > "$folder/gres.conf" # A GPU that is only counted.
echo "CgroupAutomount=no" > "$folder/cgroup.conf"
ln -s "$folder"/{slurm,gres,cgroup}.conf /etc/slurm/
if [ -n "$accounting" ]; then
    sacctmgr -i add cluster trial > /dev/null 2>&1 || true
    sacctmgr -i add account science > /dev/null
    sacctmgr -i add user root account=science > /dev/null || true
fi
slurmctld -c
slurmd -N "$host"
for _ in $(seq 300); do sinfo -h -o %T 2> /dev/null | grep -qx idle && exit 0; sleep 0.1; done
echo "Slurm does not start; see $folder/log." >&2
exit 1

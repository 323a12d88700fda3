#!/bin/sh
# Brings replicas home when a region of the fleet is back.
#
# Karmada moves replicas away from a member that fails, and leaves them where they are when it is Ready again. This waits
# for members that turn Ready and has Karmada place anew, by a WorkloadRebalancer, every workload with divided replicas
# that is older than that moment, has none there, and has not been placed anew since. So there is nothing to remember:
# whenever it is started it finds what is left to do, and where nothing has failed that is nothing.
#
# Needs kubectl, and KUBECONFIG for Karmada's API. COME_HOME_SECONDS is the time between two looks.

set -u
export LC_ALL=C

interval="${COME_HOME_SECONDS:-10}"
settled="" # lines `<member> <Ready since>` for which nothing is left to do
sleeping=""

ask() { kubectl --request-timeout=30s "$@"; }

# Lines `<member> <Ready since>` of the members that can be given work.
ready_members() {
    ready='.status.conditions[?(@.type=="Ready")]'
    members="{.metadata.name} {$ready.status} {$ready.lastTransitionTime} {.spec.taints[*].effect}"
    all="$(ask get clusters.cluster.karmada.io -o jsonpath="{range .items[*]}$members{\"\\n\"}{end}")" || return
    printf '%s\n' "$all" | awk '$2 == "True" && !/ (NoSchedule|NoExecute)( |$)/ { print $1, $3 }'
}

# Lines of the workloads with divided replicas, in the form that `left_to_do` takes.
divided_workloads() {
    divided='?(@.spec.placement.replicaScheduling.replicaSchedulingType=="Divided")'
    workload='{.metadata.namespace}|{.spec.resource.apiVersion}|{.spec.resource.kind}|{.spec.resource.name}'
    times='{.metadata.creationTimestamp}|{.spec.rescheduleTriggeredAt}'
    places='{range .spec.clusters[*]}{.name},{end}|{range .spec.gracefulEvictionTasks[*]}{.fromCluster},{end}'
    ask get resourcebindings.work.karmada.io --all-namespaces \
        -o jsonpath="{range .items[$divided]}$workload|{.spec.replicas}|$times|$places{\"\\n\"}{end}"
}

# Names of the WorkloadRebalancers that Karmada has not worked off: till then their workloads look as if left to do.
unfinished() {
    each='{.metadata.name}={.status.finishTime}{"\n"}'
    all="$(ask get workloadrebalancers.apps.karmada.io -l fleet/come-home -o jsonpath="{range .items[*]}$each{end}")" ||
        return
    printf '%s\n' "$all" | sed -n 's/=$//p'
}

# What is left to do for the members on standard input, of the workloads in $1: `open <member>` for each of which it is
# something, and `move <workload>` for each workload to be placed anew. One that is still on its way out of a member has
# to wait: Karmada does not yet let it in there again.
left_to_do() {
    WORKLOADS="$1" awk '
        { since[$1] = $2 }
        END {
            count = split(ENVIRON["WORKLOADS"], lines, "\n")
            for (at = 1; at <= count; at++) {
                split(lines[at], field, "|")
                replicas = field[5]; created = field[6]; placed = field[7]; on = "," field[8]; leaving = "," field[9]
                move = 0
                for (member in since) {
                    if (index(leaving, "," member ",")) open[member]
                    else if (replicas > 0 && created < since[member] && placed < since[member] &&
                             !index(on, "," member ",")) { open[member]; move = 1 }
                }
                if (move) print "move", field[1] "|" field[2] "|" field[3] "|" field[4]
            }
            for (member in open) print "open", member
        }'
}

# One WorkloadRebalancer for every 500 of the workloads on standard input: with many more it could not be stored.
rebalancers() {
    awk -F'|' '
        NR % 500 == 1 {
            print "---\napiVersion: apps.karmada.io/v1alpha1\nkind: WorkloadRebalancer"
            print "metadata:\n  generateName: come-home-\n  labels: {fleet/come-home: \"\"}"
            print "spec:\n  ttlSecondsAfterFinished: 3600\n  workloads:"
        }
        { print "  - {namespace: \"" $1 "\", apiVersion: \"" $2 "\", kind: \"" $3 "\", name: \"" $4 "\"}" }'
}

look() {
    members="$(ready_members)" || return
    new="$(printf '%s\n' "$members" | SETTLED="$settled" awk 'NF && !index("\n" ENVIRON["SETTLED"] "\n", "\n" $0 "\n")')"
    [ -n "$new" ] || return 0
    waiting="$(unfinished)" || return
    [ -z "$waiting" ] || return 0
    workloads="$(divided_workloads)" || return
    todo="$(printf '%s\n' "$new" | left_to_do "$workloads")"
    settled="$(printf '%s\n' "$members" | TODO="$todo" awk '!index("\n" ENVIRON["TODO"] "\n", "\nopen " $1 "\n")')"
    moves="$(printf '%s\n' "$todo" | sed -n 's/^move //p')"
    [ -n "$moves" ] || return 0
    back="$(printf '%s\n' "$todo" | sed -n 's/^open //p' | tr '\n' ' ')"
    echo "$(date -u +%FT%TZ) back: ${back}- workloads placed anew: $(printf '%s\n' "$moves" | grep -c .)"
    printf '%s\n' "$moves" | rebalancers | ask create -f - >/dev/null
}

trap '[ -z "$sleeping" ] || kill "$sleeping" 2>/dev/null; exit 0' INT TERM
while :; do
    look || echo "$(date -u +%FT%TZ) Karmada did not do as asked; the next look is in $interval seconds" >&2
    sleep "$interval" &
    sleeping=$!
    wait "$sleeping"
    sleeping=""
done

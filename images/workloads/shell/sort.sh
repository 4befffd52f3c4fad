#!/bin/sh
# Workload: sorts generated lines by text and by number, merges and counts.
n=$((5600 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1; t=/tmp/sort.$$
/workloads/text keys $n > $t
{ sort $t; sort -n -r $t; sort -u -k2 $t | uniq -c; } | md5sum | cut -d' ' -f1
rm -f $t

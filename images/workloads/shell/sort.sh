#!/bin/sh
# Workload: sorts generated lines by text and by number, merges and counts.
n=$((4000 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1; t=/tmp/sort.$$
seq 1 $n | awk '{ x = (x * 1103 + $1 * 12345 + 17) % 65536; print x, "line" $1 }' > $t
{ sort $t; sort -n -r $t; sort -u -k2 $t | uniq -c; } | md5sum | cut -d' ' -f1
rm -f $t

#!/bin/sh
# Workload: compresses generated text, expands it again, compares.
n=$((6000 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1; t=/tmp/gzip.$$
seq 1 $n | awk '{ print $1 * $1, "quick brown fox", $1 % 97 }' > $t
gzip -c $t > $t.gz && gunzip -c $t.gz | cmp - $t || exit 1
tail -c +11 $t.gz | md5sum | cut -d' ' -f1
rm -f $t $t.gz

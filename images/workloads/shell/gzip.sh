#!/bin/sh
# Workload: compresses generated text, expands it again, compares.
n=$((20000 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1; t=/tmp/gzip.$$
/workloads/text prose $n > $t
gzip -c $t > $t.gz && gunzip -c $t.gz | cmp - $t || exit 1
tail -c +11 $t.gz | md5sum | cut -d' ' -f1
rm -f $t $t.gz

#!/bin/sh
# Benchmark: sorting lines by text, by number and by a field.
n=$((4000 * ${1:-100} / 100)); t=/tmp/sh_sort.$$
seq 1 $n | awk '{ x = (x * 1103 + $1 * 12345 + 17) % 65536; print x, "key" x % 1000 }' > $t
{ sort $t; sort -n $t; sort -r -k2 $t; } | md5sum | cut -d' ' -f1
rm -f $t

#!/bin/sh
# Benchmark: regular expressions over generated text.
n=$((3000 * ${1:-100} / 100)); t=/tmp/sh_grep.$$
seq 1 $n | awk '{ x = (x * 1103 + $1 * 12345 + 17) % 65536; print $1, "key" x % 100, "value" x }' > $t
{ grep -E '^[0-9]+ key[1-5]?7 ' $t; grep -c '3.*5.*7' $t; grep -v -F key4 $t; grep -o 'e[0-9]*8' $t; } | md5sum | cut -d' ' -f1
rm -f $t

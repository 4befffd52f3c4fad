#!/bin/sh
# Benchmark: expansion, three times, of text that is compressed once.
n=$((8000 * ${1:-100} / 100)); t=/tmp/sh_gunzip.$$
seq 1 $n | sed 's/$/ some text that repeats/;s/5/five/' | gzip -1 > $t
{ gunzip -c $t; gunzip -c $t; gunzip -c $t; gunzip -c $t; } | md5sum | cut -d' ' -f1
rm -f $t

#!/bin/sh
# Workload: three digests of generated text.
n=$((40000 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1; t=/tmp/sha.$$
seq 1 $n > $t
{ sha1sum < $t; sha256sum < $t; sha512sum < $t; } | md5sum | cut -d' ' -f1
rm -f $t

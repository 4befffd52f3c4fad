#!/bin/sh
# Benchmark: sed scripts with substitutions over groups, the hold space and addresses.
n=$((2500 * ${1:-100} / 100))
seq 1 $n | sed -e 's/\([0-9]\)\([0-9]\)/\2-\1/g' -e '/7/{h;d}' -e '/9$/{G;s/\n/+/}' | sed -n -e '/-/p' | md5sum | cut -d' ' -f1

#!/bin/sh
# Benchmark: a program started from the shell, again and again.
n=$((250 * ${1:-100} / 100)); i=0; good=0
while [ $i -lt $n ]; do /bin/true && good=$((good + 1)); i=$((i + 1)); done
echo $good

#!/bin/sh
# Workload: arithmetic and tests in the shell itself, no process started.
n=$((4000 * ${1:-100} / 100)); i=0; sum=7
while [ $i -lt $n ]; do
  sum=$(((sum * 31 + i) % 1000003)); i=$((i + 1))
  case $((sum % 3)) in 0) sum=$((sum + 1)) ;; 1) sum=$((sum ^ 5)) ;; esac
done
echo $sum

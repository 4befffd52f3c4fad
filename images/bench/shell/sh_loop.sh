#!/bin/sh
# Benchmark: arithmetic, tests and parameter expansion in the shell itself.
n=$((6000 * ${1:-100} / 100)); i=0; sum=1; word=abcdefgh
while [ $i -lt $n ]; do
  sum=$(((sum * 33 + i) % 1000003))
  if [ $((sum % 2)) -eq 0 ]; then word=${word#?}x; else word=y${word%?}; fi
  case $word in *xy*) sum=$((sum + 3)) ;; y*) sum=$((sum + 1)) ;; esac
  i=$((i + 1))
done
echo "$sum-$word"

#!/bin/sh
# Benchmark: pipelines of three programs.
n=$((50 * ${1:-100} / 100)); i=0; sum=0
while [ $i -lt $n ]; do
  sum=$((sum + $(echo "some words $i" | /bin/cat | /bin/wc -c))); i=$((i + 1))
done
echo $sum

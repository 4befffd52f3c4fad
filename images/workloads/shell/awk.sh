#!/bin/sh
# Workload: an awk program: associative arrays, string functions, a sieve; whole numbers only.
n=$((3000 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1
awk -v n=$n 'BEGIN {
  for (i = 2; i <= n; i++) if (!composite[i]) { primes++; for (j = i * i; j <= n; j += i) composite[j] = 1 }
  for (i = 1; i <= n; i++) { word = substr("abcdefghij", i % 7 + 1, 3) i % 50; count[word]++; total += length(word) }
  for (i = 0; i < 50; i++) for (k = 1; k <= 7; k++) sum += count[substr("abcdefghij", k, 3) i] * (i + k)
  print primes "-" total "-" sum }'

#!/bin/sh
# Benchmark: awk: fields, associative arrays, string functions; whole numbers only.
n=$((4000 * ${1:-100} / 100))
seq 1 $n | awk '{ x = (x * 1103 + $1 * 12345 + 17) % 65536; print x, "word" x % 211, $1 }' | awk '
{ count[$2] += $1; total += length($2); if ($3 % 3 == 0) last = toupper(substr($2, 2, 4)) last; if (length(last) > 40) last = "" }
END { for (i = 0; i < 211; i++) sum = (sum * 31 + count["word" i]) % 1000003; print sum "-" total "-" last }'

#!/bin/sh
# Benchmark: a tree of small files made, walked and removed.
n=$((12 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1; t=/tmp/sh_find.$$; i=0
while [ $i -lt $n ]; do
  mkdir -p $t/$i/a/b $t/$i/c
  for name in one two three four; do echo "$i $name" > $t/$i/a/$name; echo $name > $t/$i/a/b/$name; done
  i=$((i + 1))
done
{ find $t -type f -name 't*'; find $t -type d; find $t -type f -exec cat {} +; } | sed "s,$t,," | sort | md5sum | cut -d' ' -f1
rm -rf $t

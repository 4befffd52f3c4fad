#!/bin/sh
# Workload: searches generated text with fixed strings and regular expressions.
n=$((10000 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1; t=/tmp/grep.$$
/workloads/text fields $n > $t
{ grep -c key7 $t; grep -E '^[0-9]*5 .*value[1-3]+' $t; grep -v -F 9 $t | wc -l; grep -E -o '(key|value)[0-9]*0$' $t; } |
  md5sum | cut -d' ' -f1
rm -f $t

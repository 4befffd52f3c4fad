#!/bin/sh
# Benchmark: command substitution with built-in commands: a subshell each.
n=$((250 * ${1:-100} / 100)); i=0; text=start
while [ $i -lt $n ]; do text=$(echo "$text" | { read -r x; echo "${x#?}$((i % 7))"; }); i=$((i + 1)); done
echo "$text"

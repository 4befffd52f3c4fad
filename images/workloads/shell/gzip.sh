#!/bin/sh
# Workload: compresses generated text and expands it again, through pipes.
n=$((100000 * ${1:-100} / 100)); [ $n -gt 0 ] || n=1
/workloads/text prose $n | gzip -c | gunzip -c | md5sum | cut -d' ' -f1

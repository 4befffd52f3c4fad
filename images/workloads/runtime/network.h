/* The user network as our workloads use it: our own address is 10.0.2.15 on eth0, the gateway with all services 10.0.2.2.
   Each part of the workload `net` is a function that folds what it has seen into a checksum and says on the console how
   much it did. */
#ifndef PREVIRT_NETWORK_H
#define PREVIRT_NETWORK_H

#include "runtime.h"

/* Sets the address and brings eth0 up. Returns 0, or the status to end with: STATUS_SKIPPED, with a line that says why. */
int network_start(const char *program);

/* ICMP echo. All parts return 0, or 1 when something has gone wrong. */
int network_echo(uint32_t *checksum, uint32_t count);
/* Requests and answers of 64 bytes over one connection to the echo service, one at a time. */
int network_request_response(uint32_t *checksum, uint32_t transactions);
/* Sends so many blocks of 64 KiB to the file server, which answers their count and CRC-32. */
int network_stream_up(uint32_t *checksum, uint32_t blocks);
/* Fetches so many blocks of 64 KiB from the file server. */
int network_stream_down(uint32_t *checksum, uint32_t blocks);

#endif

/* Workload: a stream of 4 MiB to the file server. Part of the workload net, by itself. */
#include "runtime/network.h"

int run(void)
{
  uint32_t checksum = FOLD_START;
  int status = network_start("net-up");
  if (status)
    return status;
  return network_stream_up(&checksum, scaled(64)) ? 1 : report(checksum);
}

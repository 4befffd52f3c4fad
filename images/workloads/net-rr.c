/* Workload: requests and answers of 64 bytes over one connection, one at a time. Part of the workload net, by itself. */
#include "runtime/network.h"

int run(void)
{
  uint32_t checksum = FOLD_START;
  int status = network_start("net-rr");
  if (status)
    return status;
  return network_request_response(&checksum, scaled(2000)) ? 1 : report(checksum);
}

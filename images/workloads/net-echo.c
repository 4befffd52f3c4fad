/* Workload: ICMP echo with the gateway. Part of the workload net, by itself: all of it that QEMU's user network has. */
#include "runtime/network.h"

int run(void)
{
  uint32_t checksum = FOLD_START;
  int status = network_start("net-echo");
  if (status)
    return status;
  return network_echo(&checksum, scaled(20)) ? 1 : report(checksum);
}

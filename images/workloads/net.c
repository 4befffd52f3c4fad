/* Workload: the network: ICMP echo, requests and answers over TCP, a stream up and a stream down, all with the gateway of
   the user network. Each part is a workload of its own, too: net-rr, net-up, net-down. Skipped where the kernel has no
   sockets or no eth0. */
#include "runtime/network.h"

int run(void)
{
  uint32_t checksum = FOLD_START;
  int status = network_start("net");
  if (status)
    return status;
  if (network_echo(&checksum, scaled(20)) || network_request_response(&checksum, scaled(200)) ||
      network_stream_up(&checksum, scaled(16)) || network_stream_down(&checksum, scaled(16)))
    return 1;
  return report(checksum);
}

/* Workload: the network: ICMP echo to the gateway of a user-mode network (10.0.2.2), our own address being
   10.0.2.15 on eth0. Skipped where the kernel has no sockets or no eth0. */
#include "runtime/runtime.h"

enum { SOCKET = 1, SENDTO = 11, RECVFROM = 12, AF_INET = 2, SOCK_DGRAM = 2, SOCK_RAW = 3, IPPROTO_ICMP = 1 };
enum { SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914, SIOCSIFADDR = 0x8916, SIOCSIFNETMASK = 0x891c, IFF_UP = 1 };

struct address {
  uint16_t family, port;
  uint8_t ip[4], zero[8];
};
struct interface_request {
  char name[16];
  union {
    struct address address;
    uint16_t flags;
    uint8_t bytes[16];
  } value;
};

static long socket_call(int operation, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{
  uint32_t arguments[6] = {a, b, c, d, e, f};
  return call2(SYS_socketcall, operation, arguments);
}

static uint16_t internet_checksum(const uint8_t *from, uint32_t bytes)
{
  uint32_t sum = 0;
  for (uint32_t i = 0; i < bytes; i += 2)
    sum += (uint32_t)from[i] | (uint32_t)from[i + 1] << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static int set_address(long fd, unsigned request, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
  struct interface_request r = {"eth0", {.address = {AF_INET, 0, {a, b, c, d}, {0}}}};
  return call3(SYS_ioctl, fd, request, &r) == 0;
}

int run(void)
{
  uint8_t packet[64], answer[256];
  uint32_t checksum = FOLD_START, wanted = scaled(20);
  struct interface_request flags = {"eth0", {.bytes = {0}}};
  struct address gateway = {AF_INET, 0, {10, 0, 2, 2}, {0}};
  long control = socket_call(SOCKET, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
  if (control < 0 || call3(SYS_ioctl, control, SIOCGIFFLAGS, &flags) != 0)
    return STATUS_SKIPPED;
  set_address(control, SIOCSIFADDR, 10, 0, 2, 15);
  set_address(control, SIOCSIFNETMASK, 255, 255, 255, 0);
  flags.value.flags |= IFF_UP;
  if (call3(SYS_ioctl, control, SIOCSIFFLAGS, &flags) != 0)
    return 1;
  long raw = socket_call(SOCKET, AF_INET, SOCK_RAW, IPPROTO_ICMP, 0, 0, 0);
  if (raw < 0)
    return 1;
  call1(SYS_alarm, 20); /* ends the program when answers stay away */
  for (uint32_t n = 0; n < wanted; n++) {
    memset(packet, 0, sizeof packet);
    packet[0] = 8; /* echo request */
    packet[4] = 'p';
    packet[6] = (uint8_t)n;
    for (uint32_t i = 8; i < sizeof packet; i++)
      packet[i] = (uint8_t)(n * 3 + i);
    uint16_t sum = internet_checksum(packet, sizeof packet);
    memcpy(packet + 2, &sum, 2);
    if (socket_call(SENDTO, (uint32_t)raw, (uint32_t)packet, sizeof packet, 0, (uint32_t)&gateway, sizeof gateway) < 0)
      return 1;
    for (;;) { /* 20 bytes of IP header, then the echo reply of this number */
      long got = socket_call(RECVFROM, (uint32_t)raw, (uint32_t)answer, sizeof answer, 0, 0, 0);
      if (got >= 84 && answer[20] == 0 && answer[24] == 'p' && answer[26] == (uint8_t)n)
        break;
    }
    checksum = fold_bytes(checksum, answer + 28, 56);
  }
  return report(checksum);
}

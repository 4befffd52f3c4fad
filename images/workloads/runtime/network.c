/* Sockets by socketcall, and the parts of the workload `net`. */
#include "network.h"

enum { SOCKET = 1, CONNECT = 3, SENDTO = 11, RECVFROM = 12, AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3 };
enum { SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914, SIOCSIFADDR = 0x8916, SIOCSIFNETMASK = 0x891c, IFF_UP = 1 };
enum { IPPROTO_ICMP = 1, ICMP_BYTES = 64, REQUEST_BYTES = 64, BLOCK_BYTES = 65536, PORT_ECHO = 7, PORT_HTTP = 80 };
#define MSG_WAITALL 0x100
#define PATIENCE_SECONDS 60

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

static uint8_t block[BLOCK_BYTES];

static long socket_call(int operation, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{
  uint32_t arguments[6] = {a, b, c, d, e, f};
  return call2(SYS_socketcall, operation, arguments);
}

static int set_address(long fd, unsigned request, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
  struct interface_request r = {"eth0", {.address = {AF_INET, 0, {a, b, c, d}, {0}}}};
  return call3(SYS_ioctl, fd, request, &r) == 0;
}

static void say(const char *text) { write_bytes(2, text, strlen(text)); }

static void say_number(uint32_t value)
{
  char digits[11], *at = digits + sizeof digits - 1;
  *at = 0;
  do
    *--at = (char)('0' + value % 10);
  while (value /= 10);
  say(at);
}

static void say_done(const char *what, uint32_t count, const char *unit, uint32_t bytes)
{
  say("net: ");
  say(what);
  say(" ");
  say_number(count);
  say(unit);
  say_number(bytes);
  say(" bytes\n");
}

int network_start(const char *program)
{
  struct interface_request flags = {"eth0", {.bytes = {0}}};
  long control = socket_call(SOCKET, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
  if (control < 0 || call3(SYS_ioctl, control, SIOCGIFFLAGS, &flags) != 0) {
    say(program);
    say(control < 0 ? ": skipped, the kernel has no sockets\n" : ": skipped, there is no eth0\n");
    return STATUS_SKIPPED;
  }
  set_address(control, SIOCSIFADDR, 10, 0, 2, 15);
  set_address(control, SIOCSIFNETMASK, 255, 255, 255, 0);
  flags.value.flags |= IFF_UP;
  if (call3(SYS_ioctl, control, SIOCSIFFLAGS, &flags) != 0)
    return 1;
  call1(SYS_alarm, PATIENCE_SECONDS); /* ends the program when answers stay away */
  close_file((int)control);
  return 0;
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

int network_echo(uint32_t *checksum, uint32_t count)
{
  uint8_t packet[ICMP_BYTES], answer[256];
  struct address gateway = {AF_INET, 0, {10, 0, 2, 2}, {0}};
  long raw = socket_call(SOCKET, AF_INET, SOCK_RAW, IPPROTO_ICMP, 0, 0, 0);
  if (raw < 0)
    return 1;
  for (uint32_t n = 0; n < count; n++) {
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
    *checksum = fold_bytes(*checksum, answer + 28, 56);
  }
  close_file((int)raw);
  say_done("echo", count, " packets ", count * ICMP_BYTES);
  return 0;
}

/* A connection to a port of the gateway; negative when there is none. */
static int connect_to(uint16_t port)
{
  struct address gateway = {AF_INET, (uint16_t)(port << 8 | port >> 8), {10, 0, 2, 2}, {0}};
  long fd = socket_call(SOCKET, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
  if (fd < 0 || socket_call(CONNECT, (uint32_t)fd, (uint32_t)&gateway, sizeof gateway, 0, 0, 0) < 0)
    return -1;
  return (int)fd;
}

static int write_all(int fd, const void *from, uint32_t bytes)
{
  for (uint32_t done = 0; done < bytes;) {
    long put = write_bytes(fd, (const uint8_t *)from + done, bytes - done);
    if (put <= 0)
      return 0;
    done += (uint32_t)put;
  }
  return 1;
}

/* Reads until `bytes` have come or the stream has ended; how many that were. */
static uint32_t read_all(int fd, void *to, uint32_t bytes)
{
  uint32_t done = 0;
  while (done < bytes) {
    long got = socket_call(RECVFROM, (uint32_t)fd, (uint32_t)to + done, bytes - done, MSG_WAITALL, 0, 0);
    if (got <= 0)
      break;
    done += (uint32_t)got;
  }
  return done;
}

static void fill(uint32_t seed, uint8_t *to, uint32_t bytes)
{
  for (uint32_t i = 0; i < bytes; i += 4) {
    uint32_t word = next_random(&seed);
    memcpy(to + i, &word, 4);
  }
}

int network_request_response(uint32_t *checksum, uint32_t transactions)
{
  uint8_t request[REQUEST_BYTES], answer[REQUEST_BYTES];
  int fd = connect_to(PORT_ECHO);
  if (fd < 0)
    return 1;
  for (uint32_t n = 0; n < transactions; n++) {
    fill(n + 1, request, sizeof request);
    if (!write_all(fd, request, sizeof request) || read_all(fd, answer, sizeof answer) != sizeof answer)
      return 1;
    if (memcmp(request, answer, sizeof request))
      return 1;
    *checksum = fold_bytes(*checksum, answer, sizeof answer);
  }
  close_file(fd);
  say_done("request-response", transactions, " transactions ", 2 * transactions * REQUEST_BYTES);
  return 0;
}

/* Reads the head of an answer and what has come behind it; the bytes of that are at the start of `to`. */
static int32_t read_head(int fd, uint8_t *to, uint32_t room)
{
  uint32_t length = 0;
  for (;;) {
    long got = read_bytes(fd, to + length, room - length);
    if (got <= 0)
      return -1;
    length += (uint32_t)got;
    for (uint32_t i = 0; i + 4 <= length; i++)
      if (!memcmp(to + i, "\r\n\r\n", 4)) {
        memmove(to, to + i + 4, length - i - 4);
        return (int32_t)(length - i - 4);
      }
  }
}

static int ask(int fd, const char *before, uint32_t number, const char *after)
{
  char text[96], digits[11], *at = digits + sizeof digits - 1;
  size_t length = strlen(before);
  *at = 0;
  do
    *--at = (char)('0' + number % 10);
  while (number /= 10);
  memcpy(text, before, length);
  memcpy(text + length, at, strlen(at));
  length += strlen(at);
  memcpy(text + length, after, strlen(after));
  return write_all(fd, text, (uint32_t)(length + strlen(after)));
}

int network_stream_up(uint32_t *checksum, uint32_t blocks)
{
  int fd = connect_to(PORT_HTTP);
  if (fd < 0 || !ask(fd, "POST /crc32 HTTP/1.1\r\nContent-Length: ", blocks * BLOCK_BYTES, "\r\n\r\n"))
    return 1;
  fill(41, block, sizeof block);
  for (uint32_t n = 0; n < blocks; n++)
    if (!write_all(fd, block, sizeof block))
      return 1;
  int32_t length = read_head(fd, block, sizeof block);
  if (length < 0)
    return 1;
  length += (int32_t)read_all(fd, block + length, sizeof block - (uint32_t)length);
  close_file(fd);
  *checksum = fold_bytes(*checksum, block, (size_t)length);
  say_done("stream up", blocks, " blocks ", blocks * BLOCK_BYTES);
  return 0;
}

int network_stream_down(uint32_t *checksum, uint32_t blocks)
{
  int fd = connect_to(PORT_HTTP);
  if (fd < 0 || !ask(fd, "GET /random/", blocks * BLOCK_BYTES, " HTTP/1.1\r\n\r\n"))
    return 1;
  int32_t have = read_head(fd, block, sizeof block);
  if (have < 0)
    return 1;
  for (uint32_t n = 0; n < blocks; n++) {
    if (have + read_all(fd, block + have, sizeof block - (uint32_t)have) != sizeof block)
      return 1;
    for (uint32_t i = 0; i < sizeof block; i += 4) {
      uint32_t word;
      memcpy(&word, block + i, 4);
      *checksum = fold(*checksum, word);
    }
    have = 0;
  }
  close_file(fd);
  say_done("stream down", blocks, " blocks ", blocks * BLOCK_BYTES);
  return 0;
}

/* NE2000 with a DP8390 (data sheet TL/F/8582): twin of src/devices/ne2000-dp8390.ts and dp8390-filter.ts. Its wire is the
 * back end's network: what it sends goes there at once, and what has come waits there until the ring has room.
 */
#include "backend.h"
#include "devices.h"

#define STOP 0x01
#define START 0x02
#define TRANSMIT 0x04
#define ABORT_DMA 0x20
#define RECEIVED 0x01
#define TRANSMITTED 0x02
#define REMOTE_DONE 0x40
#define RESET 0x80
#define WORD_TRANSFER 0x01
#define LOOPBACK 0x06
#define ACCEPT_BROADCAST 0x04
#define ACCEPT_MULTICAST 0x08
#define PROMISCUOUS 0x10
#define MONITOR 0x20
#define STATUS_INTACT 0x01
#define STATUS_GROUP 0x20
#define RAM_BASE 0x4000
#define RAM_BYTES 0x4000
#define HEADER_BYTES 4
#define CRC_BYTES 4
#define SHORTEST_FRAME 60
#define GROUP_FRAMES 8
#define IRQ 9

static struct {
    uint8_t command, started, page_start, page_stop, boundary, current, transmit_page, transmit_status;
    uint8_t interrupt_status, interrupt_mask, receive_configuration, transmit_configuration, data_configuration;
    uint8_t receive_status, address[6], multicast[8];
    uint16_t transmit_bytes, remote_address, remote_bytes;
    uint8_t ram[RAM_BYTES];
} chip;
static uint8_t prom[32], present, line;

int ne2000_present(void) { return present; }

static void update(void) {
    uint8_t level = (chip.interrupt_status & chip.interrupt_mask) != 0;
    if (level != line) pic_line(IRQ, line = level);
}

static void copy(uint8_t *to, const uint8_t *from, uint32_t bytes) {
    uint32_t words = bytes / 4, rest = bytes & 3;
    asm volatile("rep movsl\n\tmovl %3, %%ecx\n\trep movsb" : "+S"(from), "+D"(to), "+c"(words) : "r"(rest) : "memory");
}

static void clear(void *at, uint32_t bytes) { asm volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(0) : "memory"); }

void ne2000_reset(void) {
    const uint8_t *station = backend_net_station();
    present = station != 0;
    if (!present) return;
    clear(&chip, sizeof chip);
    chip.command = STOP | ABORT_DMA;
    chip.interrupt_status = RESET;
    for (uint32_t i = 0; i < 32; i++) prom[i] = i < 12 ? station[i / 2] : i < 28 ? 0 : 0x57;
    update();
}

/* ---- Reception */

static uint32_t multicast_hash(const uint8_t *address) {
    uint32_t crc = 0xFFFFFFFF;
    for (uint32_t i = 0; i < 6; i++)
        for (uint32_t bit = 0; bit < 8; bit++) {
            uint32_t carry = crc >> 31 ^ (address[i] >> bit & 1);
            crc = crc << 1 ^ (carry ? 0x04C11DB7 : 0);
        }
    return crc >> 26;
}

static int accepts(const uint8_t *frame, uint32_t bytes) {
    uint32_t broadcast = 0, own = 0;
    if (bytes < 6) return 0;
    if (chip.receive_configuration & PROMISCUOUS) return 1;
    for (uint32_t i = 0; i < 6; i++) broadcast += frame[i] == 0xFF, own += frame[i] == chip.address[i];
    if (broadcast == 6) return (chip.receive_configuration & ACCEPT_BROADCAST) != 0;
    if (frame[0] & 1) {
        uint32_t hash = multicast_hash(frame);
        return chip.receive_configuration & ACCEPT_MULTICAST && chip.multicast[hash >> 3] >> (hash & 7) & 1;
    }
    return own == 6;
}

static uint32_t padded(uint32_t bytes) { return bytes < SHORTEST_FRAME ? SHORTEST_FRAME : bytes; }
static uint32_t pages_for(uint32_t bytes) { return (padded(bytes) + HEADER_BYTES + CRC_BYTES + 255) / 256; }

static int32_t free_pages(void) {
    if (chip.current < chip.boundary) return chip.boundary - chip.current;
    return chip.page_stop - chip.page_start - (chip.current - chip.boundary);
}

/* The driver has not dealt with the last group: its status is set, and without an interrupt its frames are there. */
static int group_pending(void) {
    if (!(chip.interrupt_status & RECEIVED)) return 0;
    uint32_t next = chip.boundary + 1 >= chip.page_stop ? chip.page_start : chip.boundary + 1u;
    return chip.interrupt_mask & RECEIVED || next != chip.current;
}

/* Writes into the ring from `address` on; what lies outside of the memory is lost. Returns where it ends. */
static uint32_t put(uint32_t address, const uint8_t *from, uint32_t bytes) {
    while (bytes) {
        uint32_t stop = chip.page_stop * 256u, room = address < stop ? stop - address : bytes;
        uint32_t count = room < bytes ? room : bytes;
        if (address >= RAM_BASE && address + count <= RAM_BASE + RAM_BYTES) copy(chip.ram + address - RAM_BASE, from, count);
        else
            for (uint32_t i = 0; i < count; i++)
                if (address + i >= RAM_BASE && address + i < RAM_BASE + RAM_BYTES) chip.ram[address + i - RAM_BASE] = from[i];
        address += count, from += count, bytes -= count;
        if (address == stop) address = chip.page_start * 256u;
    }
    return address;
}

static void store(const uint8_t *frame, uint32_t bytes) {
    static const uint8_t padding[SHORTEST_FRAME];
    int32_t next = (int32_t)(chip.current + pages_for(bytes));
    uint32_t count = padded(bytes) + CRC_BYTES;
    if (next >= chip.page_stop) next -= chip.page_stop - chip.page_start;
    chip.receive_status = STATUS_INTACT | (frame[0] & 1 ? STATUS_GROUP : 0);
    const uint8_t header[HEADER_BYTES] = {chip.receive_status, (uint8_t)next, (uint8_t)count, (uint8_t)(count >> 8)};
    uint32_t address = put(chip.current * 256u, header, HEADER_BYTES);
    address = put(address, frame, bytes);
    put(address, padding, padded(bytes) - bytes);
    chip.current = (uint8_t)next;
    chip.interrupt_status |= RECEIVED;
}

void ne2000_receive(void) {
    int hears = chip.started && !(chip.transmit_configuration & LOOPBACK) && !(chip.receive_configuration & MONITOR);
    uint32_t left = GROUP_FRAMES, bytes;
    const uint8_t *frame;
    if (hears && group_pending()) return update();
    while ((frame = backend_net_next(&bytes))) {
        int wanted = hears && accepts(frame, bytes);
        if (wanted && (!left || (int32_t)pages_for(bytes) >= free_pages())) break;
        if (wanted) store(frame, bytes), left--;
        backend_net_drop();
    }
    update();
}

/* ---- Remote DMA */

static uint32_t unit(void) { return chip.data_configuration & WORD_TRANSFER ? 2 : 1; }

static void step(uint32_t bytes) {
    chip.remote_address = (uint16_t)(chip.remote_address + bytes);
    if (chip.remote_address == chip.page_stop * 256u) chip.remote_address = (uint16_t)(chip.page_start * 256u);
    chip.remote_bytes = (uint16_t)(chip.remote_bytes > bytes ? chip.remote_bytes - bytes : 0);
    if (!chip.remote_bytes) chip.interrupt_status |= REMOTE_DONE;
}

static uint32_t read_remote(void) {
    uint32_t address = chip.remote_address, value = 0xFF;
    if (address < sizeof prom) value = prom[address];
    else if (address >= RAM_BASE && address < RAM_BASE + RAM_BYTES) value = chip.ram[address - RAM_BASE];
    step(1);
    return value;
}

static void write_remote(uint32_t value) {
    uint32_t address = chip.remote_address;
    if (address >= RAM_BASE && address < RAM_BASE + RAM_BYTES) chip.ram[address - RAM_BASE] = (uint8_t)value;
    step(1);
}

uint32_t ne2000_bulk(uint32_t offset, int in, uint32_t size, uint32_t count, uint8_t **at) {
    uint32_t address = chip.remote_address, stop = chip.page_stop * 256u, bytes = chip.remote_bytes;
    (void)in;
    if (offset < 0x10 || offset > 0x17 || size != unit() || address < RAM_BASE || address >= RAM_BASE + RAM_BYTES) return 0;
    if (bytes > RAM_BASE + RAM_BYTES - address) bytes = RAM_BASE + RAM_BYTES - address;
    if (address < stop && bytes > stop - address) bytes = stop - address;
    *at = chip.ram + address - RAM_BASE;
    return bytes / size < count ? bytes / size : count;
}

void ne2000_moved(uint32_t bytes) {
    step(bytes);
    update();
}

/* ---- Registers */

static void reset_chip(void) {
    chip.command = STOP | ABORT_DMA;
    chip.started = 0;
    chip.interrupt_status = RESET;
    update();
}

static uint32_t read_register(uint32_t offset) {
    if (offset == 0) return chip.command;
    switch (chip.command >> 6) {
    case 0:
        switch (offset) {
        case 1: case 8: return chip.remote_address & 0xFF;
        case 2: case 9: return chip.remote_address >> 8;
        case 3: return chip.boundary;
        case 4: return chip.transmit_status;
        case 7: return chip.interrupt_status;
        case 10: case 11: return 0xFF;
        case 12: return chip.receive_status;
        default: return 0;
        }
    case 1: return offset <= 6 ? chip.address[offset - 1] : offset == 7 ? chip.current : chip.multicast[offset - 8];
    case 2:
        switch (offset) {
        case 1: return chip.page_start;
        case 2: return chip.page_stop;
        case 4: return chip.transmit_page;
        case 12: return chip.receive_configuration | 0xC0;
        case 13: return chip.transmit_configuration | 0xE0;
        case 14: return chip.data_configuration | 0x80;
        case 15: return chip.interrupt_mask | 0x80;
        default: return 0xFF;
        }
    default: return 0xFF;
    }
}

uint32_t ne2000_read(uint32_t offset, uint32_t size) {
    uint32_t value;
    if (offset < 0x10) {
        value = read_register(offset);
        return size == 1 ? value : value | (offset < 0x0F ? read_register(offset + 1) : 0xFF) << 8;
    }
    if (offset >= 0x18) {
        reset_chip();
        return size == 1 ? 0xFF : 0xFFFF;
    }
    value = read_remote();
    if (size == 2 || unit() == 2) value |= read_remote() << 8;
    update();
    return size == 1 ? value & 0xFF : value;
}

static void transmit(void) {
    uint32_t start = chip.transmit_page * 256u, bytes = chip.transmit_bytes;
    if (start >= RAM_BASE && start + bytes <= RAM_BASE + RAM_BYTES && bytes && !(chip.transmit_configuration & LOOPBACK))
        backend_net_send(chip.ram + start - RAM_BASE, bytes);
    chip.command &= (uint8_t)~TRANSMIT;
    chip.transmit_status = STATUS_INTACT;
    chip.interrupt_status |= TRANSMITTED;
}

static void write_command(uint8_t value) {
    uint32_t remote = value >> 3 & 7;
    chip.command = value;
    if (value & STOP) {
        chip.started = 0;
        chip.interrupt_status |= RESET;
        chip.command &= (uint8_t)~TRANSMIT;
        return;
    }
    if (value & START) {
        chip.started = 1;
        chip.interrupt_status &= (uint8_t)~RESET;
    }
    if ((remote == 1 || remote == 2) && !chip.remote_bytes) chip.interrupt_status |= REMOTE_DONE;
    if (value & TRANSMIT) transmit();
    ne2000_receive();
}

static void set_low(uint16_t *word, uint8_t value) { *word = (uint16_t)((*word & 0xFF00) | value); }
static void set_high(uint16_t *word, uint8_t value) { *word = (uint16_t)((*word & 0xFF) | value << 8); }

static void write_page0(uint32_t offset, uint8_t value) {
    switch (offset) {
    case 1: chip.page_start = value; break;
    case 2: chip.page_stop = value; break;
    case 3: chip.boundary = value, ne2000_receive(); break;
    case 4: chip.transmit_page = value; break;
    case 5: set_low(&chip.transmit_bytes, value); break;
    case 6: set_high(&chip.transmit_bytes, value); break;
    case 7: chip.interrupt_status &= (uint8_t)~(value & ~RESET), ne2000_receive(); break;
    case 8: set_low(&chip.remote_address, value); break;
    case 9: set_high(&chip.remote_address, value); break;
    case 10: set_low(&chip.remote_bytes, value); break;
    case 11: set_high(&chip.remote_bytes, value); break;
    case 12: chip.receive_configuration = value & 0x3F; break;
    case 13: chip.transmit_configuration = value & 0x1F, ne2000_receive(); break;
    case 14: chip.data_configuration = value & 0x7F; break;
    default: chip.interrupt_mask = value & 0x7F, ne2000_receive();
    }
}

static void write_register(uint32_t offset, uint8_t value) {
    uint32_t page = chip.command >> 6;
    if (offset == 0) write_command(value);
    else if (page == 0) write_page0(offset, value);
    else if (page == 1 && offset <= 6) chip.address[offset - 1] = value;
    else if (page == 1 && offset == 7) chip.current = value;
    else if (page == 1) chip.multicast[offset - 8] = value;
}

void ne2000_write(uint32_t offset, uint32_t size, uint32_t value) {
    if (offset < 0x10) {
        write_register(offset, (uint8_t)value);
        if (size == 2 && offset < 0x0F) write_register(offset + 1, (uint8_t)(value >> 8));
    } else if (offset < 0x18) {
        write_remote(value);
        if (size == 2 || unit() == 2) write_remote(value >> 8);
    }
    update();
}

/* One ATA disk on the primary IDE channel, programmed I/O only (ATA/ATAPI-4 sections 7 to 9): twin of
 * src/devices/ide-ata.ts. Sectors come from and go to the back end (backend_block), a whole command at a time: what is
 * written is on its way before the command ends, FLUSH CACHE ends when it is durable. While the back end has no answer
 * yet, BSY is set.
 */
#include "backend.h"
#include "devices.h"
#include "ata-identify.h"

#define STATUS_ERROR 0x01
#define STATUS_DATA 0x08
#define STATUS_SEEK 0x10
#define STATUS_READY 0x40
#define STATUS_BUSY 0x80
#define ERROR_ABORTED 0x04
#define ERROR_ID_NOT_FOUND 0x10
#define ERROR_UNCORRECTABLE 0x40
#define DIAGNOSTIC_PASSED 0x01
#define DEVICE_LBA 0x40
#define DEVICE_1 0x10
#define CONTROL_NO_INTERRUPT 0x02
#define CONTROL_RESET 0x04
#define IDE_INPUT 14
#define SECTOR 512u
#define MAXIMUM_SECTORS 0x0FFFFFFFu
#define NO_SECTOR 0xFFFFFFFFu

uint8_t block_buffer[BLOCK_SECTORS * SECTOR] __attribute__((aligned(4096)));

static struct {
    uint8_t features, count, lba[3], device, status, error, control, interrupt, writing;
    uint32_t multiple;
    struct ata_geometry geometry;
    /* The transfer under way: sectors of a DRQ block; addresses; sectors left, the DRQ block included; the first sector that
     * could not be read. Then the DRQ block in block_buffer. */
    uint32_t block, first, next, remaining, bad, position, end;
} d;

/* The operation of the back end that serves the command. */
static struct {
    uint32_t operation, sector, at, left, step;
    uint8_t running, abandoned;
} job;

static uint32_t total, addressable;

static struct ata_geometry default_geometry(void) {
    uint32_t cylinders = total / (16 * 63);
    return (struct ata_geometry){cylinders < 1 ? 1 : cylinders > 16383 ? 16383 : cylinders, 16, 63};
}

/* Registers as after power-on; a PC's BIOS has set the MULTIPLE commands up. */
static void initialise(void) {
    uint32_t control = d.control;
    for (uint32_t i = 0; i < sizeof d; i++) ((uint8_t *)&d)[i] = 0;
    d.control = (uint8_t)control;
    d.count = d.lba[0] = d.error = DIAGNOSTIC_PASSED;
    d.status = STATUS_READY | STATUS_SEEK;
    d.geometry = default_geometry();
    d.multiple = ATA_MULTIPLE;
    d.bad = NO_SECTOR;
}

static void update(void) {
    pic_line(IDE_INPUT, d.interrupt && !(d.control & CONTROL_NO_INTERRUPT) && !(d.device & DEVICE_1));
}

void ide_reset(void) {
    total = backend_block_sectors();
    addressable = total < MAXIMUM_SECTORS ? total : MAXIMUM_SECTORS;
    d.control = 0;
    initialise();
}

int ide_present(void) { return total != 0; }

static void complete(void) { d.interrupt = 1; }

static void fail(uint8_t error) {
    d.error = error;
    d.status = STATUS_READY | STATUS_SEEK | STATUS_ERROR;
    d.remaining = 0;
    d.interrupt = 1;
}

/* The first sector that the registers name, or NO_SECTOR when not all of `sectors` are on the disk. */
static uint32_t address(uint32_t sectors) {
    uint32_t head = d.device & 15, first;
    if (d.device & DEVICE_LBA) {
        first = head << 24 | (uint32_t)d.lba[2] << 16 | (uint32_t)d.lba[1] << 8 | d.lba[0];
    } else {
        if (!d.lba[0] || d.lba[0] > d.geometry.sectors || head >= d.geometry.heads) return NO_SECTOR;
        uint32_t cylinder = d.lba[1] | (uint32_t)d.lba[2] << 8;
        first = (cylinder * d.geometry.heads + head) * d.geometry.sectors + d.lba[0] - 1;
    }
    return first + sectors <= addressable ? first : NO_SECTOR;
}

static void set_address(uint32_t sector) {
    uint32_t kept = d.device & 0xF0;
    if (d.device & DEVICE_LBA) {
        for (uint32_t i = 0; i < 3; i++) d.lba[i] = (uint8_t)(sector >> 8 * i);
        d.device = (uint8_t)(kept | sector >> 24);
        return;
    }
    uint32_t track = sector / d.geometry.sectors, cylinder = track / d.geometry.heads;
    d.lba[0] = (uint8_t)(sector % d.geometry.sectors + 1);
    d.lba[1] = (uint8_t)cylinder, d.lba[2] = (uint8_t)(cylinder >> 8);
    d.device = (uint8_t)(kept | track % d.geometry.heads);
}

/* Gets the next DRQ block ready. */
static void open_block(void) {
    uint32_t sectors = d.block < d.remaining ? d.block : d.remaining;
    if (d.bad < d.next + sectors) {
        fail(ERROR_UNCORRECTABLE);
        set_address(d.bad);
        return;
    }
    d.position = d.end;
    d.end += sectors * SECTOR;
    d.status = STATUS_READY | STATUS_SEEK | STATUS_DATA;
    d.interrupt = 1;
}

static void ended(int failed) {
    d.status = STATUS_READY | STATUS_SEEK;
    if (job.operation == BLOCK_READ) {
        d.bad = failed ? job.sector : NO_SECTOR;
        open_block();
    } else if (failed) {
        fail(ERROR_UNCORRECTABLE);
        set_address(job.sector);
    } else {
        complete();
    }
}

/* Goes on after a result. A transfer that has failed is done again sector by sector, up to the one that cannot be. */
static int carry_on(int result) {
    for (;;) {
        if (result == BLOCK_PENDING) return result;
        if (result == BLOCK_FAILED) {
            if (job.operation == BLOCK_FLUSH || job.step == 1) return result;
            job.step = 1;
        } else {
            job.sector += job.step;
            job.at += job.step;
            job.left -= job.step;
            if (!job.left) return result;
        }
        result = backend_block(job.operation, job.sector, job.at, job.step);
    }
}

static void begin(uint32_t operation, uint32_t sector, uint32_t count) {
    job.operation = operation, job.sector = sector, job.at = 0, job.left = job.step = count;
    int result = carry_on(backend_block(operation, sector, 0, count));
    job.running = result == BLOCK_PENDING;
    if (job.running) d.status = STATUS_BUSY;
    else ended(result);
}

void ide_answered(void) {
    if (!job.running) return;
    int result = carry_on(backend_block_result());
    if (result == BLOCK_PENDING) return;
    job.running = 0;
    if (!job.abandoned) ended(result);
    job.abandoned = 0;
    update();
}

static void start(int writing, uint32_t block) {
    uint32_t sectors = d.count ? d.count : 256, first = address(sectors);
    if (first == NO_SECTOR) {
        fail(ERROR_ID_NOT_FOUND);
        return;
    }
    d.writing = (uint8_t)writing, d.block = block, d.first = d.next = first, d.remaining = sectors;
    d.bad = NO_SECTOR, d.end = 0;
    if (!writing) {
        begin(BLOCK_READ, first, sectors);
        return;
    }
    open_block();
    d.interrupt = 0; /* the first block is asked for by DRQ alone */
}

/* The host has moved the last byte of a DRQ block. */
static void close_block(void) {
    uint32_t sectors = d.block < d.remaining ? d.block : d.remaining;
    d.status = STATUS_READY | STATUS_SEEK;
    d.next += sectors;
    d.remaining -= sectors;
    if (d.remaining) open_block();
    else if (d.writing) begin(BLOCK_WRITE, d.first, d.next - d.first);
    update();
}

static void identify(void) {
    struct ata_geometry standard = default_geometry();
    ata_identify(total, addressable, &standard, &d.geometry, d.multiple);
    d.writing = 0, d.block = d.remaining = 1, d.next = d.end = 0, d.bad = NO_SECTOR;
    open_block();
}

static void set_geometry(void) {
    uint32_t heads = (d.device & 15) + 1u, sectors = d.count;
    if (!sectors || sectors > 63) {
        fail(ERROR_ABORTED);
        return;
    }
    uint32_t cylinders = total / (heads * sectors);
    d.geometry = (struct ata_geometry){cylinders < 0xFFFF ? cylinders : 0xFFFF, heads, sectors};
    complete();
}

static void set_multiple(void) {
    int accepted = d.count <= ATA_MULTIPLE && !(d.count & (d.count - 1));
    d.multiple = accepted ? d.count : 0;
    if (accepted) complete();
    else fail(ERROR_ABORTED);
}

static void set_features(void) {
    uint32_t mode = d.count;
    int accepted = 0;
    switch (d.features) {
    case 0x03: accepted = (mode <= 1 || (mode & 0xF8) == 0x08) && (mode & 7) <= 4; break;
    case 0x02: case 0x82: case 0x55: case 0xAA: case 0x66: case 0xCC: accepted = 1; break;
    }
    if (accepted) complete();
    else fail(ERROR_ABORTED);
}

static void execute(uint8_t command) {
    if (d.device & DEVICE_1 && command != 0x90) return;
    d.interrupt = d.error = 0;
    d.status = STATUS_READY | STATUS_SEEK;
    d.remaining = 0;
    switch (command) {
    case 0x20: case 0x21: start(0, 1); break;
    case 0x30: case 0x31: start(1, 1); break;
    case 0xC4: case 0xC5:
        if (!d.multiple) fail(ERROR_ABORTED);
        else start(command == 0xC5, d.multiple);
        break;
    case 0x40: case 0x41: case 0x70:
        if (address(command == 0x70 ? 1 : d.count ? d.count : 256) == NO_SECTOR) fail(ERROR_ID_NOT_FOUND);
        else complete();
        break;
    case 0x90:
        initialise();
        complete();
        break;
    case 0x91: set_geometry(); break;
    case 0xC6: set_multiple(); break;
    case 0xEC: identify(); break;
    case 0xEF: set_features(); break;
    case 0xE7: begin(BLOCK_FLUSH, 0, 0); break;
    case 0x98: case 0xE5:
        d.count = 0xFF;
        complete();
        break;
    case 0xF8:
        set_address(addressable - 1);
        complete();
        break;
    /* Recalibrate, and the power commands and their older codes. */
    case 0x10: case 0x11: case 0x12: case 0x13: case 0x14: case 0x15: case 0x16: case 0x17:
    case 0x18: case 0x19: case 0x1A: case 0x1B: case 0x1C: case 0x1D: case 0x1E: case 0x1F:
    case 0x94: case 0x95: case 0x96: case 0x97: case 0x99: case 0xE0: case 0xE1: case 0xE2: case 0xE3: case 0xE6:
        complete();
        break;
    default: fail(ERROR_ABORTED);
    }
}

static uint32_t status(void) {
    if (d.device & DEVICE_1) return 0;
    return d.control & CONTROL_RESET || job.running ? STATUS_BUSY : d.status;
}

/* Whether a DRQ block is open in this direction. */
static int is_open(int writing) { return (status() & (STATUS_DATA | STATUS_BUSY)) == STATUS_DATA && d.writing == writing; }

uint32_t ide_read_data(uint32_t size) {
    uint32_t value = 0;
    if (!is_open(0)) return size == 4 ? 0xFFFFFFFF : (1u << 8 * size) - 1;
    for (uint32_t i = 0; i < size && d.position + i < d.end; i++) value |= (uint32_t)block_buffer[d.position + i] << 8 * i;
    d.position += size;
    if (d.position >= d.end) close_block();
    return value;
}

void ide_write_data(uint32_t size, uint32_t value) {
    if (!is_open(1)) return;
    for (uint32_t i = 0; i < size && d.position + i < d.end; i++) block_buffer[d.position + i] = (uint8_t)(value >> 8 * i);
    d.position += size;
    if (d.position >= d.end) close_block();
}

uint32_t ide_bulk(int in, uint32_t size, uint32_t count, uint8_t **at) {
    uint32_t units = is_open(!in) ? (d.end - d.position) / size : 0;
    *at = block_buffer + d.position;
    return units < count ? units : count;
}

void ide_moved(uint32_t bytes) {
    d.position += bytes;
    if (d.position >= d.end) close_block();
}

uint32_t ide_read(uint16_t port) {
    uint32_t value;
    if (port == 0x3F6) return status();
    switch (port & 7) {
    case 0: return ide_read_data(1);
    case 1: return d.error;
    case 2: return d.count;
    case 6: return d.device | 0xA0u;
    case 7:
        value = status();
        d.interrupt = 0;
        update();
        return value;
    default: return d.lba[(port & 7) - 3];
    }
}

static void write_control(uint8_t value) {
    int was_reset = d.control & CONTROL_RESET;
    d.control = value;
    if (was_reset && !(value & CONTROL_RESET)) {
        struct ata_geometry geometry = d.geometry;
        uint32_t multiple = d.multiple;
        initialise();
        d.geometry = geometry;
        d.multiple = multiple;
        job.abandoned = job.running;
    }
    if (value & CONTROL_RESET) d.interrupt = 0;
    update();
}

void ide_write(uint16_t port, uint8_t value) {
    if (port == 0x3F6) {
        write_control(value);
        return;
    }
    if ((port & 7) == 0) {
        ide_write_data(1, value);
        return;
    }
    if (d.control & CONTROL_RESET || job.running) return;
    switch (port & 7) {
    case 1: d.features = value; break;
    case 2: d.count = value; break;
    case 6: d.device = value & 0x5F; break;
    case 7: execute(value); break;
    default: d.lba[(port & 7) - 3] = value;
    }
    update();
}

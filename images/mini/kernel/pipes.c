/* Pipes: a ring of one page between two descriptors; readers and writers wait for each other. */
#include "kernel.h"
#include "machine.h"

#define PIPE_COUNT 16
#define PIPE_BYTES 4096

struct pipe {
    int readers, writers;
    uint32_t head, tail;
    char *data;
};

static struct pipe pipes[PIPE_COUNT];

static int free_descriptor(void) {
    for (int i = 0; i < DESCRIPTOR_COUNT; i++)
        if (!current->descriptors[i]) return i;
    return -1;
}

static int add_descriptor(struct pipe *pipe, int writable) {
    int descriptor = free_descriptor();
    if (descriptor < 0) return -1;
    current->descriptors[descriptor] = pipe;
    current->writable_descriptors[descriptor] = (uint8_t)writable;
    if (writable) {
        pipe->writers++;
    } else {
        pipe->readers++;
    }
    return descriptor;
}

/* Descriptors of pipes are numbered from 3 on; 0 to 2 are the console. */
int pipe_create(int *descriptors) {
    for (int i = 0; i < PIPE_COUNT; i++) {
        struct pipe *pipe = &pipes[i];
        if (pipe->readers || pipe->writers) continue;
        if (!pipe->data) pipe->data = linear_address(allocate_frame());
        pipe->head = pipe->tail = 0;
        int reader = add_descriptor(pipe, 0);
        int writer = reader < 0 ? -1 : add_descriptor(pipe, 1);
        if (writer < 0) {
            if (reader >= 0) descriptor_close(current, reader);
            return -1;
        }
        descriptors[0] = reader + 3;
        descriptors[1] = writer + 3;
        return 0;
    }
    return -1;
}

static struct pipe *find_pipe(int descriptor, int writable) {
    int index = descriptor - 3;
    if (index < 0 || index >= DESCRIPTOR_COUNT || current->writable_descriptors[index] != writable) return 0;
    return current->descriptors[index];
}

int pipe_read(int descriptor, char *to, uint32_t count) {
    struct pipe *pipe = find_pipe(descriptor, 0);
    uint32_t done = 0;
    if (!pipe) return -1;
    uint32_t flags = save_and_disable_interrupts();
    while (pipe->head == pipe->tail && pipe->writers) wait_on(pipe);
    while (done < count && pipe->head != pipe->tail) to[done++] = pipe->data[pipe->tail++ % PIPE_BYTES];
    wake(pipe);
    write_flags(flags);
    return (int)done;
}

int pipe_write(int descriptor, const char *from, uint32_t count) {
    struct pipe *pipe = find_pipe(descriptor, 1);
    uint32_t done = 0;
    if (!pipe) return -1;
    uint32_t flags = save_and_disable_interrupts();
    while (done < count && pipe->readers) {
        while (done < count && pipe->head - pipe->tail < PIPE_BYTES) pipe->data[pipe->head++ % PIPE_BYTES] = from[done++];
        wake(pipe);
        if (done < count && pipe->readers) wait_on(pipe);
    }
    write_flags(flags);
    return (int)done;
}

/* `descriptor` counts from 0 here. */
int descriptor_close(struct process *process, int descriptor) {
    if (descriptor < 0 || descriptor >= DESCRIPTOR_COUNT || !process->descriptors[descriptor]) return -1;
    struct pipe *pipe = process->descriptors[descriptor];
    process->descriptors[descriptor] = 0;
    if (process->writable_descriptors[descriptor]) {
        pipe->writers--;
    } else {
        pipe->readers--;
    }
    wake(pipe);
    return 0;
}

void descriptors_share(struct process *child) {
    memcpy(child->descriptors, current->descriptors, sizeof child->descriptors);
    memcpy(child->writable_descriptors, current->writable_descriptors, sizeof child->writable_descriptors);
    for (int i = 0; i < DESCRIPTOR_COUNT; i++) {
        if (!child->descriptors[i]) continue;
        if (child->writable_descriptors[i]) {
            child->descriptors[i]->writers++;
        } else {
            child->descriptors[i]->readers++;
        }
    }
}

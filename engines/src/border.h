/* What crosses the border, in one area. Operations that are answered with nothing wait in it, and cross together
   with the next question or with the end of the call: a crossing costs more than most operations. */
#ifndef BORDER_H
#define BORDER_H

#include "host.h"
#include "wire.h"

#define HEAD_BYTES 4u /* in front of each request: its size and its operation, 16 bits each, lowest byte first */
#define WAITING_BYTES (AREA_BYTES - IO_BYTES - HEAD_BYTES)
#define NOTHING 0 /* the operation of a crossing that only brings what waits */
#define EMIT 4
#define CTX 11

/* SET, EMIT, TRANSFER, BURN, APPROVE, TRANSFER_FROM, RIGHTS */
#define WITHOUT_ANSWER (1u << 2 | 1u << 4 | 1u << 5 | 1u << 21 | 1u << 22 | 1u << 23 | 1u << 26)

static uint8_t io[AREA_BYTES] __attribute__((aligned(16)));
static uint32_t waiting; /* bytes of io that hold requests which wait */
static uint8_t context[CONTEXT_BYTES]; /* what the call began with; the answer to CTX */
static uint32_t context_size;

EXPORT(io_ptr) uint8_t *io_ptr(void) { return io; }

/* A new request behind those that wait. It does not exist before `send` or `leave`. */
static Writer new_request(void) {
    uint8_t *at = io + waiting + HEAD_BYTES;
    return (Writer){at, at + IO_BYTES};
}

static uint32_t request_size(const Writer *w) { return (uint32_t)(w->at - io) - waiting - HEAD_BYTES; }

/* Cross with a request; return the size of the answer, which starts where io does: 0 for nil. */
static int32_t send(int32_t op, uint32_t size) {
    uint32_t before = waiting;
    waiting = 0;
    return host((int32_t)((uint32_t)op | before << 8), size);
}

/* Let a request wait. */
static void leave(int32_t op, uint32_t size) {
    uint8_t *head = io + waiting;
    head[0] = (uint8_t)size, head[1] = (uint8_t)(size >> 8), head[2] = (uint8_t)op, head[3] = 0;
    waiting += HEAD_BYTES + size;
    if (waiting > WAITING_BYTES) send(NOTHING, 0);
}

/* Return the size of the answer, or 0 where there is none, now or later. */
static int32_t request(int32_t op, const Writer *w) {
    uint32_t size = request_size(w);
    if (op < 0 || op > 31 || !(WITHOUT_ANSWER >> op & 1)) return send(op, size);
    leave(op, size);
    return 0;
}

/* A value that ends the call is written behind what waits. */
static Writer new_end(void) { return (Writer){io + waiting, io + waiting + VALUE_BYTES}; }

static int32_t end_of(const Writer *w) { return (int32_t)((uint32_t)(w->at - io) - waiting | waiting << 16); }

/* Keep the next value of a call for `ctx`; return -1 when it is too large. */
static int take_context(Reader *r) {
    size_t size = (size_t)(r->end - r->at);
    if (size > sizeof context) return -1;
    memcpy(context, r->at, size);
    context_size = (uint32_t)size;
    return 0;
}

/* Pass the next value, whatever is inside of it; return -1 for bytes that are no value. */
static int skip(Reader *r) {
    Item item;
    for (uint32_t left = 1; left; left--) {
        if (take(r, &item)) return -1;
        left += item.kind == LIST ? item.size : item.kind == MAP ? 2 * item.size : 0;
    }
    return 0;
}

/* Go to the value of a field of the context; return -1 where there is none. */
static int find_context(Reader *r, const char *name, size_t size) {
    Item map, key;
    *r = (Reader){context, context + context_size};
    if (take(r, &map) || map.kind != MAP) return -1;
    for (uint32_t i = 0; i < map.size; i++) {
        if (take(r, &key) || key.kind != TEXT) return -1;
        if (key.size == size && !memcmp(key.data, name, size)) return 0;
        if (skip(r)) return -1;
    }
    return -1;
}

#endif

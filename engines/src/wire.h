/* Canonical values as bytes: MessagePack in its shortest forms, keys of maps ascending by their bytes.
   The same as chaosnet/contracts/values.py; what the host sends is canonical, so reading only checks bounds. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum { NIL, FALSE, TRUE, INT, TEXT, BYTES, LIST, MAP } Kind;

/* writing: each put_ returns 0, or -1 when the area is full */

typedef struct {
    uint8_t *at, *end;
} Writer;

static int put_raw(Writer *w, const void *from, size_t size) {
    if ((size_t)(w->end - w->at) < size) return -1;
    memcpy(w->at, from, size);
    w->at += size;
    return 0;
}

static int put_number(Writer *w, uint8_t code, uint64_t number, int size) {
    if (w->end - w->at < size + 1) return -1;
    *w->at++ = code;
    while (size--) *w->at++ = (uint8_t)(number >> (8 * size));
    return 0;
}

static int put_int(Writer *w, int64_t number) {
    if (number >= -32 && number < 128) return put_number(w, (uint8_t)number, 0, 0);
    int is_negative = number < 0;
    uint64_t magnitude = is_negative ? (uint64_t)~number << 1 : (uint64_t)number;
    int log = magnitude < 0x100 ? 0 : magnitude < 0x10000 ? 1 : magnitude < 0x100000000 ? 2 : 3;
    return put_number(w, (is_negative ? 0xd0 : 0xcc) + log, (uint64_t)number, 1 << log);
}

/* The head of text, bytes, a list or a map of `size` bytes, items or entries. */
static int put_head(Writer *w, Kind kind, uint32_t size) {
    static const struct {
        uint8_t fix, fix_max, code; /* code: of 8 bits, or of 16 for lists and maps */
    } heads[] = {[TEXT] = {0xa0, 31, 0xd9}, [BYTES] = {0, 0, 0xc4}, [LIST] = {0x90, 15, 0xdc}, [MAP] = {0x80, 15, 0xde}};
    uint8_t code = heads[kind].code;
    if (heads[kind].fix && size <= heads[kind].fix_max) return put_number(w, heads[kind].fix | (uint8_t)size, 0, 0);
    if (kind == TEXT || kind == BYTES) {
        if (size < 0x100) return put_number(w, code, size, 1);
        code++;
    }
    if (size < 0x10000) return put_number(w, code, size, 2);
    return put_number(w, code + 1, size, 4);
}

static int put_kind(Writer *w, Kind kind) {
    return put_number(w, kind == NIL ? 0xc0 : kind == FALSE ? 0xc2 : 0xc3, 0, 0);
}

static int put_block(Writer *w, Kind kind, const void *from, size_t size) {
    return put_head(w, kind, (uint32_t)size) ? -1 : put_raw(w, from, size);
}

/* reading */

typedef struct {
    const uint8_t *at, *end;
} Reader;

typedef struct {
    Kind kind;
    int64_t number; /* INT */
    const uint8_t *data; /* TEXT, BYTES */
    uint32_t size; /* of the data, or items of a LIST, or entries of a MAP */
} Item;

static uint64_t take_number(Reader *r, uint32_t size) {
    uint64_t number = 0;
    if ((size_t)(r->end - r->at) < size) {
        r->at = NULL;
        return 0;
    }
    while (size--) number = number << 8 | *r->at++;
    return number;
}

static int take_size(Reader *r, Item *item, Kind kind, uint32_t size) {
    if (!r->at) return -1;
    item->kind = kind;
    item->size = size;
    if (kind == LIST || kind == MAP) return 0;
    item->data = r->at;
    if ((size_t)(r->end - r->at) < size) return -1;
    r->at += size;
    return 0;
}

/* Read the next scalar whole, or the head of a list or map; return -1 for bytes that are no value. */
static int take(Reader *r, Item *item) {
    if (r->at >= r->end) return -1;
    uint8_t code = *r->at++;
    item->kind = INT;
    if (code < 0x80 || code >= 0xe0) return item->number = (int8_t)code, 0;
    if (code < 0x90) return take_size(r, item, MAP, code & 15u);
    if (code < 0xa0) return take_size(r, item, LIST, code & 15u);
    if (code < 0xc0) return take_size(r, item, TEXT, code & 31u);
    if (code >= 0xcc && code <= 0xcf) {
        item->number = (int64_t)take_number(r, 1u << (code - 0xcc));
    } else if (code >= 0xd0 && code <= 0xd3) {
        uint32_t size = 1u << (code - 0xd0), shift = 64 - 8 * size;
        item->number = (int64_t)(take_number(r, size) << shift) >> shift;
    } else {
        switch (code) {
        case 0xc0: item->kind = NIL; return 0;
        case 0xc2: item->kind = FALSE; return 0;
        case 0xc3: item->kind = TRUE; return 0;
        case 0xc4: case 0xc5: return take_size(r, item, BYTES, (uint32_t)take_number(r, 1u << (code - 0xc4)));
        case 0xd9: case 0xda: return take_size(r, item, TEXT, (uint32_t)take_number(r, 1u << (code - 0xd9)));
        case 0xdc: return take_size(r, item, LIST, (uint32_t)take_number(r, 2));
        case 0xde: return take_size(r, item, MAP, (uint32_t)take_number(r, 2));
        default: return -1;
        }
    }
    return r->at ? 0 : -1;
}

/* keys of a map, to be sorted */

typedef struct {
    const char *text;
    uint32_t size;
    uint32_t value; /* where the caller finds it */
} Key;

static int is_after(const Key *a, const Key *b) {
    int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
    return order ? order > 0 : a->size > b->size;
}

/* Shell's sort: short, without recursion, and good enough for the few thousand keys that 16 KiB can hold. */
static void sort_keys(Key *keys, uint32_t count) {
    static const uint32_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (uint32_t i = gaps[g]; i < count; i++) {
            Key key = keys[i];
            uint32_t j = i;
            for (; j >= gaps[g] && is_after(&keys[j - gaps[g]], &key); j -= gaps[g]) keys[j] = keys[j - gaps[g]];
            keys[j] = key;
        }
}

/* text */

/* Return the length of the valid character at `at`, or 0. */
static uint32_t character(const uint8_t *at, const uint8_t *end) {
    uint8_t first = *at;
    if (first < 0x80) return 1;
    uint32_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || (size_t)(end - at) < size) return 0;
    for (uint32_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f)) return 0; /* overlong, surrogate */
    if ((first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f)) return 0; /* overlong, too large */
    return size;
}

static int is_utf8(const void *text, size_t size) {
    const uint8_t *at = text, *end = at + size;
    while (at < end) {
        for (uint64_t word; end - at >= 8; at += 8) { /* eight characters of ASCII at once */
            memcpy(&word, at, 8);
            if (word & 0x8080808080808080u) break;
        }
        if (at == end) break;
        uint32_t step = character(at, end);
        if (!step) return 0;
        at += step;
    }
    return 1;
}

/* Copy at most `room` bytes of text, cut between characters, with `?` for what is none; return the length. */
static uint32_t copy_text(char *to, uint32_t room, const char *from, size_t size) {
    const uint8_t *at = (const uint8_t *)from, *end = at + size;
    uint32_t used = 0;
    while (at < end) {
        uint32_t step = character(at, end);
        if (used + (step ? step : 1) > room) break;
        if (step) memcpy(to + used, at, step);
        else to[used] = '?';
        used += step ? step : 1;
        at += step ? step : 1;
    }
    return used;
}

#endif

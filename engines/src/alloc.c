/* Memory of the guest: deterministic, bounded, and never NULL.

   Blocks come in size classes (multiples of 16 up to 512, then four steps to each doubling) with a free list
   each, above a mark that only rises. The same requests always give the same addresses. When the fixed memory
   is used up the host ends the frame: a script cannot catch that and go on with half a structure. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "host.h"

#define SMALL_MAX 512u
#define CLASSES 128
#define HEAD 8u /* class and size of a block, in front of it */

extern unsigned char __heap_base;

typedef struct Block {
    uint32_t kind;
    uint32_t size; /* with the head */
    struct Block *next; /* in a free block; else the first bytes of its content */
} Block;

static Block *free_blocks[CLASSES];
static uintptr_t high; /* first address that was never used */
static uintptr_t limit = MEMORY_BYTES;

/* Where the host reads how far the heap ever reached; also called first, to set it. */
EXPORT(vm_high) uintptr_t *vm_high(void) {
    if (high == 0) high = ((uintptr_t)&__heap_base + 15u) & ~(uintptr_t)15;
    return &high;
}

static void out_of_memory(void) {
    host(HOST_OUT_OF_MEMORY, 0);
    __builtin_trap();
}

/* Return the class of a block of `size` bytes and round the size up to that of its class. */
static uint32_t class_of(uint32_t *size) {
    if (*size <= SMALL_MAX) {
        uint32_t kind = (*size + 15u) / 16u;
        *size = kind * 16u;
        return kind;
    }
    uint32_t log = 31u - (uint32_t)__builtin_clz(*size - 1u); /* 2^log < size <= 2^(log + 1) */
    uint32_t step = 1u << (log - 2u);
    uint32_t steps = (*size - 1u - (1u << log)) / step + 1u; /* 1 to 4 */
    *size = (1u << log) + steps * step;
    return SMALL_MAX / 16u + (log - 9u) * 4u + steps;
}

static Block *reuse(uint32_t kind) {
    Block *block = free_blocks[kind];
    if (block) free_blocks[kind] = block->next;
    return block;
}

/* A source lies at the far end of the memory while it is read, so that the image does not grow by it. */
char *take_source_room(uint32_t size) {
    if (size > limit - *vm_high()) out_of_memory();
    limit = MEMORY_BYTES - size;
    return (char *)limit;
}

void clear_source_room(void) {
    memset((char *)limit, 0, MEMORY_BYTES - limit);
    limit = MEMORY_BYTES;
}

void *malloc(size_t wanted) {
    if (wanted > MEMORY_BYTES) out_of_memory();
    uint32_t size = (uint32_t)wanted + HEAD;
    uint32_t kind = class_of(&size);
    Block *block = reuse(kind);
    if (!block) {
        uintptr_t at = *vm_high();
        if (size <= limit - at) {
            high = at + size;
            block = (Block *)at;
            if (size > SMALL_MAX) memset(block, 0, size); /* pays in fuel for what restoring it will cost */
            block->kind = kind;
            block->size = size;
        } else {
            for (kind++; !block && kind < CLASSES; kind++) block = reuse(kind);
            if (!block) out_of_memory();
        }
    }
    return (char *)block + HEAD;
}

void free(void *content) {
    if (!content) return;
    Block *block = (Block *)((char *)content - HEAD);
    block->next = free_blocks[block->kind];
    free_blocks[block->kind] = block;
}

size_t malloc_usable_size(void *content) {
    return content ? ((Block *)((char *)content - HEAD))->size - HEAD : 0;
}

void *calloc(size_t count, size_t size) {
    if (size && count > MEMORY_BYTES / size) out_of_memory();
    void *content = malloc(count * size);
    memset(content, 0, count * size);
    return content;
}

void *realloc(void *content, size_t wanted) {
    if (!content) return malloc(wanted);
    size_t has = malloc_usable_size(content);
    if (wanted <= has && wanted > has / 2) return content;
    void *moved = malloc(wanted);
    memcpy(moved, content, has < wanted ? has : wanted);
    free(content);
    return moved;
}

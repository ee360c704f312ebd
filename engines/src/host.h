/* The border of both engines: one import, a few exports, one area for what crosses it. */
#ifndef HOST_H
#define HOST_H

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

#ifndef MEMORY_BYTES
#define MEMORY_BYTES (24u << 20) /* fixed: the linker is told the same */
#endif

/* Asks the host. In the area of `io_ptr` lie requests that had waited, their bytes in op >> 8, then after a head
   `size` bytes of a canonical value for the operation op & 255; the answer is put where the area starts.
   Returns its length; 0 bytes mean nil. Does not return when the frame ends. No address crosses the border. */
__attribute__((import_module("env"), import_name("host"))) int32_t host(int32_t op, uint32_t size);

char *take_source_room(uint32_t size);
void clear_source_room(void);

#define HOST_OUT_OF_MEMORY (-1)

#define IO_BYTES (20u * 1024u) /* a value of 16 KiB and its envelope */
#define AREA_BYTES (24u * 1024u) /* and before it what waits */
#define CONTEXT_BYTES (4u * 1024u)
#define VALUE_BYTES (16u * 1024u)
#define VALUE_DEPTH 16
#define TEXT_BYTES 256u

#endif

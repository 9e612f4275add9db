/* A trace of allocations: 32-bit words in the machine's order. The first word of an operation is `slot << TRACE_SHIFT | kind`;
 * the size in bytes follows, except after TRACE_FREE. A slot names one block at a time: an allocation fills an empty slot, a
 * free empties it. Slots are numbered from 0 on, and the one emptied last is filled first. */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stdint.h>

enum { TRACE_FREE, TRACE_OBJECT, TRACE_COLLECTED, TRACE_MEM, TRACE_RESIZE_OBJECT, TRACE_RESIZE_MEM };

enum { TRACE_SHIFT = 3, TRACE_KINDS = 1 << TRACE_SHIFT };

#endif

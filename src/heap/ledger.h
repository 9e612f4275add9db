/* The ledger: the debug build's list of all blocks that the three domains have handed out.
 *
 * Invariant: under KRAIT_DEBUG a block is in the ledger from the moment its caller gets it until the
 * caller gives it back, under the address that the caller knows.
 *
 * In other builds the functions are empty and cost nothing.
 */
#ifndef KR_HEAP_LEDGER_H
#define KR_HEAP_LEDGER_H

#include <stddef.h>
#include <stdint.h>

enum { KR_LEDGER_CALLERS = 12 };

typedef struct {
    void *block; /* NULL: the entry is free */
    size_t size; /* bytes requested */
    uint64_t serial;  /* counts allocations from 1 on */
    uint8_t domain;   /* PyMemAllocatorDomain */
    uint8_t object;   /* for the readers of the ledger: begins with the header of a live object */
    uint8_t held;     /* for the report at exit: data of another library refers to it */
    int64_t internal; /* for the report at exit: references from other objects */
    void *callers[KR_LEDGER_CALLERS]; /* return addresses of the functions that asked for it, innermost first */
} KrLedgerEntry;

#ifdef KRAIT_DEBUG
void kr_ledger_add(void *block, size_t size, int domain);
void kr_ledger_remove(void *block);
/* Returns the entry of a block that begins at the address, or NULL. */
KrLedgerEntry *kr_ledger_find(const void *block);
/* Returns the entries, *room of them, some of which are free; they stay valid while nothing is allocated. */
KrLedgerEntry *kr_ledger_entries(size_t *room);
#else
static inline void kr_ledger_add(void *block, size_t size, int domain) {}
static inline void kr_ledger_remove(void *block) {}
#endif

#endif

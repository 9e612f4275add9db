/* The debug build's list of blocks in use: a hash table with linear probing, outside the heap that it describes. */
#include <Python.h>

#include "heap/ledger.h"

#ifdef KRAIT_DEBUG

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL_ROOM = 1 << 16, STACK_REACH = 1 << 18 /* bytes of stack in which callers' frames are looked for */ };

static struct {
    pthread_mutex_t mutex; /* the raw domain needs no interpreter lock */
    KrLedgerEntry *entries;
    size_t mask; /* room - 1 */
    size_t count;
    uint64_t serial;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static size_t home(const void *block) {
    uint64_t bits = (uintptr_t)block >> 3;
    return (size_t)(bits * 0x9E3779B97F4A7C15u >> 20) & state.mask;
}

static size_t find(const void *block) {
    size_t at = home(block);
    while (state.entries[at].block != NULL && state.entries[at].block != block) at = (at + 1) & state.mask;
    return at;
}

/* Doubles the table. Returns 0 if memory is out: then the new block stays unknown. */
static int grow(void) {
    size_t old_room = state.entries == NULL ? 0 : state.mask + 1, room = old_room == 0 ? INITIAL_ROOM : old_room * 2;
    KrLedgerEntry *old = state.entries, *entries = calloc(room, sizeof *entries);
    if (entries == NULL) return 0;
    state.entries = entries;
    state.mask = room - 1;
    for (size_t i = 0; i < old_room; i++)
        if (old[i].block != NULL) entries[find(old[i].block)] = old[i];
    free(old);
    return 1;
}

/* Follows the frame pointers. Code without them ends the walk, or leads it to a wrong address on the stack. */
static void read_callers(void **callers) {
    uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t start = (uintptr_t)frame;
    for (int i = -2; i < KR_LEDGER_CALLERS; i++) {
        uintptr_t *next = (uintptr_t *)frame[0];
        if (i >= 0) callers[i] = (void *)frame[1];
        if (next <= frame || (uintptr_t)next - start > STACK_REACH || (uintptr_t)next % sizeof(void *) != 0) return;
        frame = next;
    }
}

void kr_ledger_add(void *block, size_t size, int domain) {
    if (block == NULL) return;
    pthread_mutex_lock(&state.mutex);
    if (state.entries != NULL ? state.count * 2 <= state.mask || grow() : grow()) {
        KrLedgerEntry *entry = &state.entries[find(block)];
        if (entry->block == NULL) state.count++;
        *entry = (KrLedgerEntry){.block = block, .size = size, .serial = ++state.serial, .domain = (uint8_t)domain};
        read_callers(entry->callers);
    }
    pthread_mutex_unlock(&state.mutex);
}

void kr_ledger_remove(void *block) {
    if (block == NULL || state.entries == NULL) return;
    pthread_mutex_lock(&state.mutex);
    size_t hole = find(block);
    if (state.entries[hole].block != NULL) {
        state.count--;
        for (size_t at = (hole + 1) & state.mask; state.entries[at].block != NULL; at = (at + 1) & state.mask) {
            size_t distance = (at - home(state.entries[at].block)) & state.mask;
            if (distance < ((at - hole) & state.mask)) continue;
            state.entries[hole] = state.entries[at];
            hole = at;
        }
        state.entries[hole].block = NULL;
    }
    pthread_mutex_unlock(&state.mutex);
}

KrLedgerEntry *kr_ledger_find(const void *block) {
    if (state.entries == NULL) return NULL;
    KrLedgerEntry *entry = &state.entries[find(block)];
    return entry->block == NULL ? NULL : entry;
}

KrLedgerEntry *kr_ledger_entries(size_t *room) {
    *room = state.entries == NULL ? 0 : state.mask + 1;
    return state.entries;
}

#endif

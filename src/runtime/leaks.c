/* Reading the debug build's ledger: which blocks are objects, how many references there are, what is left at exit. */
#include <Python.h>

#include "runtime/leaks.h"

#ifdef KRAIT_DEBUG

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "heap/heap.h"
#include "object/type.h"

enum {
    REFERENCES_MAX = 1 << 28, /* more than an object has: the block is something else */
    TYPES_SHOWN = 40,
    DETAILS_SHOWN = 12, /* of objects, and of other blocks; the variable KRAITLEAKS sets another number */
};

/* ---- Which blocks are objects ---- */

static int compare_pointers(const void *a, const void *b) {
    uintptr_t left = *(const uintptr_t *)a, right = *(const uintptr_t *)b;
    return (left > right) - (left < right);
}

/* Sets `object` in the entries of all live objects: blocks that begin with a small positive count and a pointer to a type. */
static void find_objects(void) {
    size_t room, static_count = 0;
    KrLedgerEntry *entries = kr_ledger_entries(&room);
    PyTypeObject **list = kr_type_static_list();
    while (list[static_count] != NULL) static_count++;
    PyTypeObject **sorted = malloc((static_count + 1) * sizeof *sorted);
    if (sorted == NULL) return;
    memcpy(sorted, list, static_count * sizeof *sorted);
    qsort(sorted, static_count, sizeof *sorted, compare_pointers);
    for (size_t i = 0; i < room; i++) entries[i].object = entries[i].held = entries[i].internal = 0;
    for (int changed = 1, first = 1; changed; first = 0) {
        changed = 0;
        for (size_t i = 0; i < room; i++) {
            KrLedgerEntry *entry = &entries[i];
            if (entry->block == NULL || entry->object || entry->domain == PYMEM_DOMAIN_RAW) continue;
            if (entry->size < sizeof(PyObject)) continue;
            PyObject *object = entry->block;
            if (Py_REFCNT(object) <= 0 || Py_REFCNT(object) > REFERENCES_MAX) continue;
            PyTypeObject *type = Py_TYPE(object);
            if (first && bsearch(&type, sorted, static_count, sizeof *sorted, compare_pointers) != NULL) {
                entry->object = 1;
                changed = 1;
                continue;
            }
            KrLedgerEntry *owner = kr_ledger_find(type);
            if (owner != NULL && owner->object && PyType_Check((PyObject *)type)) {
                entry->object = 1;
                changed = 1;
            }
        }
    }
    free(sorted);
}

Py_ssize_t kr_leaks_total_references(void) {
    size_t room;
    KrLedgerEntry *entries = kr_ledger_entries(&room);
    Py_ssize_t total = Py_REFCNT(Py_None) + Py_REFCNT(Py_True) + Py_REFCNT(Py_False) + Py_REFCNT(Py_Ellipsis) +
                       Py_REFCNT(Py_NotImplemented);
    for (PyTypeObject **at = kr_type_static_list(); *at != NULL; at++) total += Py_REFCNT(*at);
    find_objects();
    for (size_t i = 0; i < room; i++)
        if (entries[i].object) total += Py_REFCNT(entries[i].block);
    return total;
}

/* ---- What other libraries' data refers to ---- */

typedef struct {
    KrLedgerEntry **items;
    size_t count;
    size_t room;
} Pending;

/* Marks the blocks that words of a piece of memory refer to. */
static void hold_words(const void *start, size_t size, Pending *pending) {
    const uintptr_t *words = start;
    for (size_t i = 0; i < size / sizeof *words; i++) {
        KrLedgerEntry *entry = kr_ledger_find((void *)words[i]);
        if (entry == NULL || entry->held || words[i] == 0) continue;
        if (pending->count == pending->room) {
            size_t room = pending->room == 0 ? 1024 : pending->room * 2;
            KrLedgerEntry **items = realloc(pending->items, room * sizeof *items);
            if (items == NULL) return;
            pending->items = items;
            pending->room = room;
        }
        entry->held = 1;
        pending->items[pending->count++] = entry;
    }
}

static int hold_library(struct dl_phdr_info *info, size_t size, void *pending) {
    if (info->dlpi_name == NULL || *info->dlpi_name == '\0') return 0; /* the program itself */
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W)) continue;
        uintptr_t start = (info->dlpi_addr + segment->p_vaddr + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
        hold_words((void *)start, info->dlpi_addr + segment->p_vaddr + segment->p_memsz - start, pending);
    }
    return 0;
}

/* Types that a library of CPython's makes and loses: _testcapi makes one only to derive another from it. */
static const char *const lost_types[] = {"_testcapi.HeapCType"};

static void hold_lost_types(Pending *pending) {
    size_t room;
    KrLedgerEntry *entries = kr_ledger_entries(&room);
    for (size_t i = 0; i < room; i++) {
        if (!entries[i].object || !PyType_Check(entries[i].block)) continue;
        const char *name = ((PyTypeObject *)entries[i].block)->tp_name;
        for (size_t j = 0; j < sizeof lost_types / sizeof *lost_types; j++)
            if (strcmp(name, lost_types[j]) == 0) hold_words(&entries[i].block, sizeof entries[i].block, pending);
    }
}

static void find_held(void) {
    Pending pending = {0};
    hold_lost_types(&pending);
    dl_iterate_phdr(hold_library, &pending);
    while (pending.count > 0) {
        KrLedgerEntry *entry = pending.items[--pending.count];
        hold_words(entry->block, entry->size, &pending);
    }
    free(pending.items);
}

/* ---- The report ---- */

static int visit_internal(PyObject *object, void *argument) {
    KrLedgerEntry *entry = kr_ledger_find(object);
    if (entry != NULL) entry->internal++;
    return 0;
}

/* True for objects that hold no references, of the types that other objects hold most. */
static int is_atom(PyObject *object) {
    return PyUnicode_CheckExact(object) || PyBytes_CheckExact(object) || PyLong_CheckExact(object) || PyFloat_CheckExact(object);
}

static void count_internal(KrLedgerEntry *entries, size_t room) {
    for (size_t i = 0; i < room; i++) {
        if (!entries[i].object) continue;
        PyObject *object = entries[i].block;
        PyTypeObject *type = Py_TYPE(object);
        KrLedgerEntry *owner = kr_ledger_find(type);
        if (type->tp_flags & Py_TPFLAGS_HAVE_GC && type->tp_traverse != NULL) {
            type->tp_traverse(object, visit_internal, NULL);
        } else if (!is_atom(object)) { /* nothing tells what it refers to: any word may be a reference */
            for (size_t word = 1; word < entries[i].size / sizeof(void *); word++) visit_internal(((PyObject **)object)[word], NULL);
        } else if (owner != NULL) {
            owner->internal++;
        }
    }
}

static void print_callers(const KrLedgerEntry *entry) {
    fprintf(stderr, "      allocated by");
    for (int i = 0; i < KR_LEDGER_CALLERS && entry->callers[i] != NULL; i++) {
        Dl_info info;
        struct link_map *map;
        if (dladdr1(entry->callers[i], &info, (void **)&map, RTLD_DL_LINKMAP) == 0) break;
        const char *name = strrchr(info.dli_fname, '/');
        fprintf(stderr, " %s+0x%zx", name == NULL ? info.dli_fname : name + 1, (size_t)entry->callers[i] - map->l_addr);
    }
    fputc('\n', stderr);
}

static void print_text(PyObject *text) {
    if (!PyUnicode_Check(text) || !PyUnicode_IS_COMPACT_ASCII(text)) return;
    fprintf(stderr, " '%.60s'", (const char *)PyUnicode_1BYTE_DATA(text));
}

/* A line about an object, with what tells it apart from others of its type. */
static void print_object(const KrLedgerEntry *entry) {
    PyObject *object = entry->block;
    fprintf(stderr, "   %s at %p, allocation %llu, %zd references, %lld of them from other such objects:",
            Py_TYPE(object)->tp_name, (void *)object, (unsigned long long)entry->serial, Py_REFCNT(object),
            (long long)entry->internal);
    if (PyType_Check(object)) fprintf(stderr, " %s", ((PyTypeObject *)object)->tp_name);
    if (PyFunction_Check(object)) print_text(((PyFunctionObject *)object)->func_qualname);
    if (PyCode_Check(object)) print_text(((PyCodeObject *)object)->co_qualname);
    if (PyCFunction_Check(object)) fprintf(stderr, " %s", ((PyCFunctionObject *)object)->m_ml->ml_name);
    if (PyUnicode_CheckExact(object)) print_text(object);
    fputc('\n', stderr);
    print_callers(entry);
}

typedef struct {
    const PyTypeObject *type;
    size_t count;
    size_t untracked; /* collected objects that the collector does not look at */
} TypeCount;

static int compare_counts(const void *a, const void *b) {
    size_t left = ((const TypeCount *)a)->count, right = ((const TypeCount *)b)->count;
    return (left < right) - (left > right);
}

static void print_types(const KrLedgerEntry *entries, size_t room, size_t objects) {
    TypeCount *counts = calloc(objects, sizeof *counts);
    size_t types = 0;
    if (counts == NULL) return;
    for (size_t i = 0; i < room; i++) {
        if (!entries[i].object || entries[i].held) continue;
        const PyTypeObject *type = Py_TYPE(entries[i].block);
        size_t at = 0;
        while (at < types && counts[at].type != type) at++;
        if (at == types) types++;
        counts[at].type = type;
        counts[at].count++;
        if (PyObject_IS_GC(entries[i].block) && !PyObject_GC_IsTracked(entries[i].block)) counts[at].untracked++;
    }
    qsort(counts, types, sizeof *counts, compare_counts);
    for (size_t i = 0; i < types && i < TYPES_SHOWN; i++) {
        fprintf(stderr, "   %6zu %s", counts[i].count, counts[i].type->tp_name);
        if (counts[i].untracked > 0) fprintf(stderr, ", %zu of them untracked", counts[i].untracked);
        fputc('\n', stderr);
    }
    free(counts);
}

static int compare_serials(const void *a, const void *b) {
    uint64_t left = (*(KrLedgerEntry *const *)a)->serial, right = (*(KrLedgerEntry *const *)b)->serial;
    return (left > right) - (left < right);
}

static int is_root(const KrLedgerEntry *entry) { return Py_REFCNT(entry->block) > entry->internal; }

/* True if nothing is left but tuples that refer to each other. Tuples cannot be changed, so nothing can break such a cycle,
 * which only the C API or hostile marshalled data make. */
static int are_tuple_cycles(const KrLedgerEntry *entries, size_t room) {
    for (size_t i = 0; i < room; i++) {
        if (entries[i].block == NULL || entries[i].held) continue;
        if (!entries[i].object || !PyTuple_CheckExact(entries[i].block) || is_root(&entries[i])) return 0;
    }
    return 1;
}

void kr_leaks_report(void) {
    size_t room, objects = 0, blocks = 0, bytes = 0, shown = DETAILS_SHOWN, roots = 0;
    KrLedgerEntry *entries = kr_ledger_entries(&room);
    find_objects();
    find_held();
    for (size_t i = 0; i < room; i++) {
        if (entries[i].block == NULL || entries[i].held) continue;
        bytes += entries[i].size;
        if (entries[i].object)
            objects++;
        else
            blocks++;
    }
    if (objects + blocks == 0) return;
    count_internal(entries, room);
    if (are_tuple_cycles(entries, room)) return;
    const char *wanted = getenv("KRAITLEAKS");
    if (wanted != NULL) shown = strtoul(wanted, NULL, 10);
    fprintf(stderr, "krait: %zu objects and %zu other blocks (%zu bytes) are still in use at exit\n", objects, blocks, bytes);
    if (objects > 0) print_types(entries, room, objects);
    KrLedgerEntry **left = malloc((objects + blocks) * sizeof *left);
    if (left == NULL) return;
    size_t count = 0;
    for (size_t i = 0; i < room; i++)
        if (entries[i].block != NULL && !entries[i].held) left[count++] = &entries[i];
    qsort(left, count, sizeof *left, compare_serials);
    /* atoms come last: they are held by what came before */
    for (size_t i = 0; i < 2 * count && roots < shown; i++) {
        const KrLedgerEntry *entry = left[i % count];
        if (!entry->object || !is_root(entry) || is_atom(entry->block) != (i >= count)) continue;
        if (roots++ == 0) fprintf(stderr, "objects that something else than an object refers to:\n");
        print_object(entry);
    }
    size_t others = 0;
    for (size_t i = 0; i < count && others < shown; i++) {
        if (left[i]->object) continue;
        if (others++ == 0) fprintf(stderr, "blocks:\n");
        fprintf(stderr, "   %zu bytes of domain %d at %p, allocation %llu\n", left[i]->size, left[i]->domain, left[i]->block,
                (unsigned long long)left[i]->serial);
        print_callers(left[i]);
    }
    free(left);
}

#endif

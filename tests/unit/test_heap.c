/* What the allocator promises, one thing at a time; test_heap_model.c checks long random traces. */
#include <Python.h>

#include "heap/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void zero_bytes_have_an_address(void **unused) {
    void *a = PyObject_Malloc(0), *b = PyObject_Malloc(0);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    PyObject_Free(a);
    PyObject_Free(b);
    PyObject_Free(NULL);
    PyMem_Free(NULL);
}

static void calloc_clears_and_checks_overflow(void **unused) {
    for (size_t size = 1; size < 2000; size += 37) {
        unsigned char *memory = PyMem_Malloc(size);
        memset(memory, 0xFF, size);
        PyMem_Free(memory);
        memory = PyMem_Calloc(1, size);
        for (size_t i = 0; i < size; i++) assert_int_equal(memory[i], 0);
        PyMem_Free(memory);
    }
    assert_null(PyMem_Calloc((size_t)1 << 62, 4));
    assert_null(PyObject_Calloc(SIZE_MAX, SIZE_MAX));
    assert_null(PyMem_Malloc((size_t)PY_SSIZE_T_MAX + 1));
}

static void owners_are_known(void **unused) {
    char local;
    void *small = PyObject_Malloc(100), *large = PyObject_Malloc(5000), *system = PyMem_RawMalloc(100);
    assert_int_equal(kr_heap_owner(&local), KR_OWNER_NONE);
    assert_int_equal(kr_heap_owner(NULL), KR_OWNER_NONE);
    assert_int_equal(kr_heap_owner(small), KR_OWNER_PLAIN);
    assert_int_equal(kr_heap_owner(large), KR_OWNER_NONE);
    assert_int_equal(kr_heap_owner(system), KR_OWNER_NONE);
    assert_int_equal(kr_heap_block_size(small), 112);
    PyObject_Free(small);
    PyObject_Free(large);
    PyMem_RawFree(system);
}

static void free_arenas_go_back(void **unused) {
    enum { COUNT = 100000 };
    static void *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) blocks[i] = PyObject_Malloc(96);
    size_t peak = kr_heap_bytes_reserved();
    for (int i = 0; i < COUNT; i++) PyObject_Free(blocks[i]);
    kr_heap_trim();
    assert_true(kr_heap_bytes_reserved() <= peak - (size_t)COUNT * 96 + 3 * (size_t)KR_ARENA_SIZE);
}

static void the_limit_holds(void **unused) {
    enum { COUNT = 1000 };
    static void *blocks[COUNT];
    size_t limit = kr_heap_bytes_reserved() + 1000000;
    int count = 0;
    kr_heap_set_limit(limit);
    while (count < COUNT && (blocks[count] = PyMem_Malloc(10000)) != NULL) count++;
    assert_true(count > 50 && count < 101);
    assert_true(kr_heap_bytes_reserved() <= limit);
    kr_heap_set_limit(0);
    assert_non_null(blocks[count] = PyMem_Malloc(10000));
    for (; count >= 0; count--) PyMem_Free(blocks[count]);
}

static void planned_failures_happen(void **unused) {
    kr_heap_fail_between(3, 5);
    for (int i = 1; i <= 6; i++) {
        void *block = i % 2 ? PyObject_Malloc(10) : PyMem_RawMalloc(10);
        assert_int_equal(block == NULL, i == 3 || i == 4);
        if (i % 2)
            PyObject_Free(block);
        else
            PyMem_RawFree(block);
    }
    assert_int_equal(kr_heap_fail_count(), 6);
    kr_heap_fail_between(0, 0);
    void *block = PyObject_Malloc(10);
    assert_non_null(block);
    PyObject_Free(block);
}

static int hook_calls;
static PyMemAllocatorEx hooked;

static void *hook_malloc(void *context, size_t size) {
    hook_calls++;
    return hooked.malloc(hooked.ctx, size);
}
static void *hook_calloc(void *context, size_t count, size_t size) {
    hook_calls++;
    return hooked.calloc(hooked.ctx, count, size);
}
static void *hook_realloc(void *context, void *memory, size_t size) {
    hook_calls++;
    return hooked.realloc(hooked.ctx, memory, size);
}
static void hook_free(void *context, void *memory) {
    hook_calls++;
    hooked.free(hooked.ctx, memory);
}

static void hooks_see_every_call(void **unused) {
    void *old = PyObject_Malloc(50);
    PyMemAllocatorEx hook = {NULL, hook_malloc, hook_calloc, hook_realloc, hook_free};
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &hooked);
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &hook);
    void *block = PyObject_Malloc(50);
    block = PyObject_Realloc(block, 300);
    PyObject_Free(block);
    PyObject_Free(PyObject_Calloc(3, 3));
    PyObject_Free(old);
    assert_int_equal(hook_calls, 6);
    PyMem_Free(PyMem_Malloc(10));
    assert_int_equal(hook_calls, 6);
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &hooked);
    PyObject_Free(PyObject_Malloc(10));
    assert_int_equal(hook_calls, 6);
}

/* Fills two pools of every class: no two slots share a flag, all flags lie before the first slot and lead to their slots. */
static void flags_and_slots_lead_to_each_other(void **unused) {
    enum { COUNT = 2 * KR_POOL_SIZE / KR_COLLECTED_LEAST };
    static void *slots[COUNT];
    for (size_t size = 1; size <= KR_SMALL_LIMIT; size += KR_GRANULE) {
        for (int i = 0; i < COUNT; i++) {
            slots[i] = kr_heap_alloc_collected_slow(size);
            assert_non_null(slots[i]);
            uint8_t *flag = kr_pool_flag(slots[i]);
            size_t place = (size_t)(flag - (uint8_t *)kr_pool_of(slots[i]));
            assert_true(place >= KR_POOL_RECORD_SIZE && place < KR_COLLECTED_START);
            assert_int_equal(*flag, 0);
            *flag = 0xFF;
            assert_ptr_equal(kr_pool_flagged(flag), slots[i]);
        }
        for (int i = 0; i < COUNT; i++) kr_heap_free_collected_slow(slots[i]);
    }
}

static void collected_blocks_begin_without_flags(void **unused) {
    enum { COUNT = 3000 };
    static unsigned char *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = kr_heap_alloc_collected_slow(32 + (size_t)i % 600);
        assert_non_null(blocks[i]);
        int pooled = (kr_heap_owner(blocks[i]) & KR_OWNER_COLLECTED) != 0;
        assert_int_equal(pooled, 32 + i % 600 <= KR_SMALL_LIMIT);
        uint8_t *flag = pooled ? kr_pool_flag(blocks[i]) : blocks[i] - 1;
        assert_int_equal(*flag, 0);
        *flag = 0xFF;
    }
    for (int i = 0; i < COUNT; i++) kr_heap_free_collected_slow(blocks[i]);
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = kr_heap_alloc_collected_slow(100);
        assert_int_equal(*kr_pool_flag(blocks[i]), 0);
    }
    for (int i = 0; i < COUNT; i++) kr_heap_free_collected_slow(blocks[i]);
}

static void unknown_allocators_are_refused(void **unused) {
    PyMemAllocatorName name;
    assert_int_equal(_PyMem_GetAllocatorName("no_such", &name), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bytes_have_an_address),
        cmocka_unit_test(calloc_clears_and_checks_overflow),
        cmocka_unit_test(owners_are_known),
        cmocka_unit_test(free_arenas_go_back),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(planned_failures_happen),
        cmocka_unit_test(hooks_see_every_call),
        cmocka_unit_test(flags_and_slots_lead_to_each_other),
        cmocka_unit_test(collected_blocks_begin_without_flags),
        cmocka_unit_test(unknown_allocators_are_refused),
    };
    if (_PyMem_SetupAllocators(PYMEM_ALLOCATOR_PYMALLOC) < 0) return 1; /* the sanitizer build would do without pools */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

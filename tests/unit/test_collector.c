/* The cycle collector against a model: random graphs, of which exactly the unreachable part must go. */
#include <Python.h>

#include "collector/collector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#include <cmocka.h>

enum { EDGES = 4, ROOTS = 2000, ROUNDS = 60, STEPS = 3000, SAVED = 1000 };

typedef struct Node {
    PyObject_HEAD
    PyObject *edges[EDGES];
    PyObject *weak_references;
    int seen;
    int resurrects; /* the finalizer puts the node into `saved` */
    int finalized;
} Node;

static struct {
    uint32_t seed;
    long alive;
    Node *roots[ROOTS];
    Node *saved[SAVED];
    int saved_count;
    PyTypeObject *small, *large;
} state = {.seed = 1};

static uint32_t random_below(uint32_t limit) {
    state.seed = state.seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)(state.seed >> 4) * limit) >> 28);
}

static int node_traverse(Node *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < EDGES; i++) Py_VISIT(self->edges[i]);
    return 0;
}

static int node_clear(Node *self) {
    for (int i = 0; i < EDGES; i++) Py_CLEAR(self->edges[i]);
    return 0;
}

static void node_dealloc(Node *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weak_references != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    node_clear(self);
    state.alive--;
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static void node_finalize(Node *self) {
    assert_int_equal(self->finalized++, 0);
    if (self->resurrects && state.saved_count < SAVED) state.saved[state.saved_count++] = (Node *)Py_NewRef(self);
}

static PyMemberDef node_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weak_references), READONLY},
    {NULL},
};

static PyTypeObject *make_type(const char *name, size_t size) {
    PyType_Slot slots[] = {
        {Py_tp_traverse, node_traverse},
        {Py_tp_clear, node_clear},
        {Py_tp_dealloc, node_dealloc},
        {Py_tp_finalize, node_finalize},
        {Py_tp_members, node_members},
        {0, NULL},
    };
    PyType_Spec spec = {name, (int)size, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    assert_non_null(type);
    return type;
}

static Node *make_node(void) {
    Node *node = PyObject_GC_New(Node, random_below(20) ? state.small : state.large);
    assert_non_null(node);
    for (int i = 0; i < EDGES; i++) node->edges[i] = NULL;
    node->weak_references = NULL;
    node->seen = node->finalized = 0;
    node->resurrects = random_below(50) == 0;
    state.alive++;
    PyObject_GC_Track(node);
    return node;
}

/* Counts the nodes that can be reached, marking them with `mark`. */
static long count_reachable(int mark) {
    static Node *pending[200000];
    long count = 0;
    for (int i = 0; i < ROOTS + state.saved_count; i++) {
        Node *root = i < ROOTS ? state.roots[i] : state.saved[i - ROOTS];
        if (root == NULL || root->seen == mark) continue;
        root->seen = mark;
        pending[count++] = root;
    }
    for (long done = 0; done < count; done++) {
        for (int i = 0; i < EDGES; i++) {
            Node *node = (Node *)pending[done]->edges[i];
            if (node == NULL || node->seen == mark) continue;
            node->seen = mark;
            pending[count++] = node;
        }
    }
    return count;
}

static void change_graph(void) {
    for (int step = 0; step < STEPS; step++) {
        uint32_t at = random_below(ROOTS), other = random_below(ROOTS), edge = random_below(EDGES);
        switch (random_below(5)) {
            case 0: Py_XSETREF(state.roots[at], make_node()); break;
            case 1: Py_CLEAR(state.roots[at]); break;
            default:
                if (state.roots[at] != NULL && state.roots[other] != NULL)
                    Py_XSETREF(state.roots[at]->edges[edge], Py_NewRef(state.roots[other]));
        }
    }
}

static void exactly_the_unreachable_goes(void **unused) {
    PyGC_Disable();
    for (int round = 1; round <= ROUNDS; round++) {
        change_graph();
        int generation = (int)random_below(3);
        kr_gc_collect(generation);
        long reachable = count_reachable(round);
        if (generation == 2)
            assert_int_equal(state.alive, reachable);
        else
            assert_true(state.alive >= reachable);
        if (random_below(8) == 0)
            while (state.saved_count > 0) Py_DECREF(state.saved[--state.saved_count]);
        if (random_below(8) == 0) {
            kr_gc_freeze();
            assert_int_equal(kr_gc_generation_size(2), 0);
            assert_true(kr_gc_generation_size(KR_GC_PERMANENT) >= reachable);
            kr_gc_unfreeze();
        }
    }
    for (int i = 0; i < ROOTS; i++) Py_CLEAR(state.roots[i]);
    do {
        while (state.saved_count > 0) Py_DECREF(state.saved[--state.saved_count]);
        kr_gc_collect(2);
    } while (state.saved_count > 0);
    assert_int_equal(state.alive, 0);
    PyGC_Enable();
}

static void survivors_grow_old(void **unused) {
    kr_gc_collect(2);
    Node *node = make_node();
    assert_int_equal((*kr_gc_flags(node) & KR_GC_GENERATION) >> KR_GC_GENERATION_SHIFT, 0);
    for (int generation = 1; generation <= 3; generation++) {
        kr_gc_collect(generation - 1);
        int expected = generation < 2 ? generation : 2;
        assert_int_equal((*kr_gc_flags(node) & KR_GC_GENERATION) >> KR_GC_GENERATION_SHIFT, expected);
    }
    PyObject_GC_UnTrack(node);
    PyObject_GC_Track(node);
    assert_int_equal((*kr_gc_flags(node) & KR_GC_GENERATION) >> KR_GC_GENERATION_SHIFT, 0);
    Py_DECREF(node);
}

static void tracking_is_idempotent(void **unused) {
    Node *node = make_node();
    assert_true(PyObject_GC_IsTracked((PyObject *)node));
    PyObject_GC_Track(node);
    PyObject_GC_UnTrack(node);
    PyObject_GC_UnTrack(node);
    assert_false(PyObject_GC_IsTracked((PyObject *)node));
    PyObject_GC_Track(node);
    Py_DECREF(node);
}

static void allocation_starts_collections(void **unused) {
    kr_gc_collect(2);
    Py_ssize_t before = kr_gc.stats[0].collections;
    long alive = state.alive;
    for (int i = 0; i < 5000; i++) {
        Node *node = make_node();
        node->resurrects = 0;
        node->edges[0] = Py_NewRef(node);
        Py_DECREF(node);
    }
    assert_true(kr_gc.stats[0].collections >= before + 4);
    assert_true(state.alive - alive <= 1500);
    kr_gc_collect(2);
    assert_int_equal(state.alive, alive);
}

static void weak_references_die_with_their_cycle(void **unused) {
    Node *node = make_node();
    node->resurrects = 0;
    PyObject *reference = PyWeakref_NewRef((PyObject *)node, NULL);
    assert_non_null(reference);
    node->edges[0] = (PyObject *)node;
    assert_ptr_equal(PyWeakref_GetObject(reference), node);
    kr_gc_collect(2);
    assert_ptr_equal(PyWeakref_GetObject(reference), Py_None);
    Py_DECREF(reference);
}

static int start(void **unused) {
    Py_InitializeEx(0);
    state.small = make_type("test.Node", sizeof(Node));
    state.large = make_type("test.LargeNode", 900);
    return 0;
}

static int stop(void **unused) {
    Py_CLEAR(state.small);
    Py_CLEAR(state.large);
    return Py_FinalizeEx();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_unreachable_goes),
        cmocka_unit_test(survivors_grow_old),
        cmocka_unit_test(tracking_is_idempotent),
        cmocka_unit_test(allocation_starts_collections),
        cmocka_unit_test(weak_references_die_with_their_cycle),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* The subject of a search, and the matcher for characters of each width. */
#include <Python.h>
#include <wchar.h>

#include "modules/_sre/sre.h"

enum {
    LOCAL_CHOICES = 24,
    LOCAL_TRAIL = 24,
    TICKS_MASK = 0xFFF, /* signals are looked after once in 4096 steps */
};

/* What failing does when it comes to a choice. */
enum {
    RESUME,        /* go on at the node */
    SHRINK,        /* a REPEAT_ONE: match less, at least up to `extra` */
    EXTEND,        /* a MIN_REPEAT_ONE: match more, at most up to `extra` */
    ONE_MORE,      /* a MIN_LOOP: one more iteration */
    BARRIER,       /* the start of a group that matches on its own: fail; `extra` is the barrier around it */
    BARRIER_GO_ON, /* same, but go on at the node's target */
};

struct Choice {
    const Node *node;
    const void *ptr;
    uintptr_t extra;
    uint32_t trail; /* height of the trail */
    uint32_t kind;
};

struct TrailEntry {
    uint32_t slot;
    uintptr_t value; /* the slot's old value */
};

/* Doubles a stack which is `used` items high and full: from the C stack it moves to the heap. */
static Choice *grow_choices(MatchState *state, Choice *choices, Py_ssize_t used) {
    size_t capacity = (size_t)used * 2;
    Choice *grown = PyMem_Realloc(state->choices, capacity * sizeof(Choice));
    if (grown == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (state->choices == NULL) memcpy(grown, choices, (size_t)used * sizeof(Choice));
    state->choices = grown;
    state->choice_capacity = capacity;
    return grown;
}

static TrailEntry *grow_trail(MatchState *state, TrailEntry *trail, Py_ssize_t used) {
    size_t capacity = (size_t)used * 2;
    TrailEntry *grown = capacity < UINT32_MAX ? PyMem_Realloc(state->trail, capacity * sizeof(TrailEntry)) : NULL;
    if (grown == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (state->trail == NULL) memcpy(grown, trail, (size_t)used * sizeof(TrailEntry));
    state->trail = grown;
    state->trail_capacity = capacity;
    return grown;
}

static void reset_slots(MatchState *state) {
    memset(state->slots, 0, (2 * (size_t)state->program->groups + 1) * sizeof(uintptr_t));
    state->slots_used = false;
}

#define CHAR Py_UCS1
#define CHAR_BYTES 1
#define NAME(x) x##_ucs1
#include "modules/_sre/matcher_width.h"
#undef CHAR
#undef CHAR_BYTES
#undef NAME

#define CHAR Py_UCS2
#define CHAR_BYTES 2
#define NAME(x) x##_ucs2
#include "modules/_sre/matcher_width.h"
#undef CHAR
#undef CHAR_BYTES
#undef NAME

#define CHAR Py_UCS4
#define CHAR_BYTES 4
#define NAME(x) x##_ucs4
#include "modules/_sre/matcher_width.h"
#undef CHAR
#undef CHAR_BYTES
#undef NAME

const char *kr_sre_get_string(PyObject *string, Py_ssize_t *length, bool *is_bytes, int *width, Py_buffer *view) {
    view->obj = NULL;
    if (PyUnicode_Check(string)) {
        if (PyUnicode_READY(string) < 0) return NULL;
        *length = PyUnicode_GET_LENGTH(string);
        *is_bytes = false;
        *width = PyUnicode_KIND(string);
        return PyUnicode_DATA(string);
    }
    *is_bytes = true;
    *width = 1;
    if (PyBytes_CheckExact(string)) {
        *length = PyBytes_GET_SIZE(string);
        return PyBytes_AS_STRING(string);
    }
    if (PyObject_GetBuffer(string, view, PyBUF_SIMPLE) < 0) {
        PyErr_Format(PyExc_TypeError, "expected string or bytes-like object, got '%.200s'", Py_TYPE(string)->tp_name);
        return NULL;
    }
    *length = view->len;
    if (view->buf == NULL) {
        PyErr_SetString(PyExc_ValueError, "Buffer is NULL");
        PyBuffer_Release(view);
        view->obj = NULL;
        return NULL;
    }
    return view->buf;
}

static Py_ssize_t clamp(Py_ssize_t index, Py_ssize_t length) { return index < 0 ? 0 : index > length ? length : index; }

int kr_sre_state_init(MatchState *state, PatternObject *pattern, PyObject *string, Py_ssize_t start, Py_ssize_t end) {
    const Program *program = &pattern->program;
    Py_ssize_t length;
    state->buffer.obj = NULL;
    state->slots = NULL;
    state->choices = NULL;
    state->trail = NULL;
    state->string = NULL;
    const char *data = kr_sre_get_string(string, &length, &state->is_bytes, &state->width, &state->buffer);
    if (data == NULL) return -1;
    if (state->is_bytes ? pattern->is_bytes == 0 : pattern->is_bytes > 0) {
        PyErr_SetString(PyExc_TypeError, state->is_bytes ? "cannot use a string pattern on a bytes-like object"
                                                         : "cannot use a bytes pattern on a string-like object");
        goto error;
    }
    if (program->slots <= Py_ARRAY_LENGTH(state->inline_slots)) {
        state->slots = state->inline_slots;
        memset(state->slots, 0, program->slots * sizeof(uintptr_t));
    } else if ((state->slots = PyMem_Calloc(program->slots, sizeof(uintptr_t))) == NULL) {
        PyErr_NoMemory();
        goto error;
    }
    state->program = program;
    state->pos = clamp(start, length);
    state->endpos = clamp(end, length);
    state->beginning = data;
    state->start = state->ptr = data + state->pos * state->width;
    state->end = data + state->endpos * state->width;
    state->match_all = state->must_advance = state->slots_used = false;
    state->ticks = 0;
    state->string = Py_NewRef(string);
    return 0;
error:
    if (state->buffer.obj != NULL) PyBuffer_Release(&state->buffer);
    return -1;
}

void kr_sre_state_finish(MatchState *state) {
    if (state->buffer.obj != NULL) PyBuffer_Release(&state->buffer);
    Py_CLEAR(state->string);
    if (state->slots != state->inline_slots) PyMem_Free(state->slots);
    PyMem_Free(state->choices);
    PyMem_Free(state->trail);
    state->slots = NULL;
    state->choices = NULL;
    state->trail = NULL;
}

int kr_sre_match(MatchState *state) {
    if (state->start > state->end) return 0;
    if (state->slots_used) reset_slots(state);
    switch (state->width) {
    case 1:
        return match_ucs1(state, (const Py_UCS1 *)state->start);
    case 2:
        return match_ucs2(state, (const Py_UCS2 *)state->start);
    default:
        return match_ucs4(state, (const Py_UCS4 *)state->start);
    }
}

int kr_sre_search(MatchState *state) {
    switch (state->width) {
    case 1:
        return search_ucs1(state);
    case 2:
        return search_ucs2(state);
    default:
        return search_ucs4(state);
    }
}

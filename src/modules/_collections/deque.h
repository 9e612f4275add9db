/* collections.deque and its iterators, as types for the module to offer. */
#ifndef KR_MODULES_COLLECTIONS_DEQUE_H
#define KR_MODULES_COLLECTIONS_DEQUE_H

#include <Python.h>

extern PyTypeObject kr_deque_type;
extern PyTypeObject kr_deque_iterator_type;
extern PyTypeObject kr_deque_reverse_iterator_type;

#endif

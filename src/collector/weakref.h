/* Weak references: see weakrefobject.h for the interface.
 *
 * Invariant: the weak references to an object form a list, headed by the word at its type's tp_weaklistoffset. A plain
 * reference of the exact type without callback, if there is one, comes first; a plain proxy without callback follows it.
 * So each object has at most one of either, which new requests share.
 */
#ifndef KR_COLLECTOR_WEAKREF_H
#define KR_COLLECTOR_WEAKREF_H

#include <Python.h>

#endif

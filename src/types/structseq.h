/* Struct sequences, beyond structseq.h.
 *
 * Invariant: an object has room for n_fields items; ob_size is n_sequence_fields, so that as a tuple it shows only those.
 * Items are NULL only while the object is being filled. tp_members lists the named fields, visible ones first.
 */
#ifndef KR_TYPES_STRUCTSEQ_H
#define KR_TYPES_STRUCTSEQ_H

#include <Python.h>

/* PyStructSequence_NewType with further type flags. */
PyAPI_FUNC(PyTypeObject *) _PyStructSequence_NewType(PyStructSequence_Desc *desc, unsigned long tp_flags);
/* PyStructSequence_InitType2 with further type flags. */
PyAPI_FUNC(int) _PyStructSequence_InitType(PyTypeObject *type, PyStructSequence_Desc *desc, unsigned long tp_flags);

/* Releases what _PyStructSequence_InitType made for static types; at shutdown, after the types let go of it. */
void kr_structseq_finalize(void);

#endif

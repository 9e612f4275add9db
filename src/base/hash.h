/* The process's hash secret, and hashes of bytes and addresses.
 *
 * Invariant: the secret is set once, before the first string is hashed; afterwards it never changes, because cached
 * hashes depend on it. Until it is set the key is zero (as with PYTHONHASHSEED=0).
 *
 * The functions themselves (_Py_HashBytes, _Py_HashPointer, PyHash_GetFuncDef) are declared in pyhash.h.
 */
#ifndef KR_BASE_HASH_H
#define KR_BASE_HASH_H

#include <Python.h>

/* Fills _Py_HashSecret. With `use_seed` it derives the key from `seed` as PYTHONHASHSEED=seed does (0 gives the zero
 * key); otherwise from the system's random source. Returns 0, or -1 with errno if that source fails. */
int kr_hash_secret_set(int use_seed, unsigned int seed);

#endif

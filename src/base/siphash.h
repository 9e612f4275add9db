/* SipHash-1-3: a keyed hash of byte strings that resists crafted collisions.
 *
 * One compression round for each eight-byte word, three finalisation rounds (Aumasson and Bernstein's SipHash with
 * c = 1, d = 3). The result depends only on the two key words and the bytes, never on alignment.
 */
#ifndef KR_BASE_SIPHASH_H
#define KR_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t kr_siphash13(uint64_t key0, uint64_t key1, const void *bytes, size_t length);

#endif

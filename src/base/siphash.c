/* SipHash-1-3, little-endian words, as published by Aumasson and Bernstein. */
#include <Python.h>

#include "base/siphash.h"

#include <string.h>

typedef struct {
    uint64_t v0, v1, v2, v3;
} SipState;

static inline uint64_t rotate_left(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

static inline void sip_round(SipState *s) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = rotate_left(s->v2, 32);
}

static inline uint64_t load_word(const unsigned char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t load_half(const unsigned char *p) {
    uint32_t half;
    memcpy(&half, p, sizeof half);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    half = __builtin_bswap32(half);
#endif
    return half;
}

/* Returns the last `length` % 8 bytes, which begin at `p`, of `length` bytes. Parts that overlap take the place of a branch for
 * each length, which would be mispredicted. */
static inline uint64_t load_tail(const unsigned char *p, size_t length) {
    unsigned count = length & 7;
    if (length >= 8) return load_word(p + count - 8) >> 1 >> (63 - 8 * count);
    if (count >= 4) return load_half(p) | load_half(p + count - 4) << 8 * (count - 4);
    if (count == 0) return 0;
    return p[0] | (uint64_t)p[count / 2] << 8 * (count / 2) | (uint64_t)p[count - 1] << 8 * (count - 1);
}

uint64_t kr_siphash13(uint64_t key0, uint64_t key1, const void *bytes, size_t length) {
    /* The constants spell "somepseudorandomlygeneratedbytes". */
    SipState s = {
        key0 ^ 0x736f6d6570736575u,
        key1 ^ 0x646f72616e646f6du,
        key0 ^ 0x6c7967656e657261u,
        key1 ^ 0x7465646279746573u,
    };
    const unsigned char *p = bytes;
    const unsigned char *last = p + (length & ~(size_t)7);
    for (; p != last; p += 8) {
        uint64_t word = load_word(p);
        s.v3 ^= word;
        sip_round(&s);
        s.v0 ^= word;
    }
    uint64_t word = (uint64_t)length << 56 | load_tail(p, length);
    s.v3 ^= word;
    sip_round(&s);
    s.v0 ^= word;
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Copying bytes that may be none: memcpy must not be given a null pointer even if there is nothing to copy. */
#ifndef KR_BASE_BYTES_COPY_H
#define KR_BASE_BYTES_COPY_H

#include <string.h>

static inline void kr_copy_bytes(void *to, const void *from, size_t count) {
    if (count != 0) memcpy(to, from, count);
}

#endif

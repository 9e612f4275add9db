/* The C library's mathematical functions, found at their first call.
 *
 * Loading libm costs every start a quarter of a megabyte and some time, for the sake of programs that compute. Here its
 * functions have definitions that the executable links with; each looks up the library's own at the first call and passes
 * everything on to it, so values and errno are the library's.
 */
#include <complex.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <gnu/lib-names.h>

#include "base/libm.h"

void *kr_libm_load(void) {
    static void *library;
    if (library == NULL) library = dlopen(LIBM_SO, RTLD_LAZY | RTLD_GLOBAL);
    return library;
}

static void *find(const char *name) {
    void *library = kr_libm_load(), *function = library == NULL ? NULL : dlsym(library, name);
    if (function == NULL) {
        fprintf(stderr, "krait: %s\n", dlerror());
        abort();
    }
    return function;
}

#define PASS_ON(type, name, parameters, ...)                                     \
    type name parameters {                                                       \
        static type(*function) parameters;                                       \
        if (__builtin_expect(function == NULL, 0)) function = find(#name);       \
        return function(__VA_ARGS__);                                            \
    }

#define REAL(name) PASS_ON(double, name, (double x), x)
#define REAL_2(name) PASS_ON(double, name, (double x, double y), x, y)
#define COMPLEX(name) PASS_ON(double complex, name, (double complex z), z)

REAL(acos)
REAL(acosh)
REAL(asin)
REAL(asinh)
REAL(atan)
REAL(atanh)
REAL(cbrt)
REAL(ceil)
REAL(cos)
REAL(cosh)
REAL(erf)
REAL(erfc)
REAL(exp)
REAL(exp2)
REAL(expm1)
REAL(floor)
REAL(log)
REAL(log10)
REAL(log1p)
REAL(log2)
REAL(nearbyint)
REAL(rint)
REAL(round)
REAL(sin)
REAL(sinh)
REAL(sqrt)
REAL(tan)
REAL(tanh)
REAL(tgamma)
REAL(trunc)

REAL_2(atan2)
REAL_2(fmod)
REAL_2(hypot)
REAL_2(nextafter)
REAL_2(pow)
REAL_2(remainder)

COMPLEX(cacos)
COMPLEX(cacosh)
COMPLEX(casin)
COMPLEX(casinh)
COMPLEX(catan)
COMPLEX(catanh)
COMPLEX(ccos)
COMPLEX(ccosh)
COMPLEX(cexp)
COMPLEX(clog)
COMPLEX(csin)
COMPLEX(csinh)
COMPLEX(csqrt)
COMPLEX(ctan)
COMPLEX(ctanh)

PASS_ON(double, fma, (double x, double y, double z), x, y, z)
PASS_ON(double, lgamma_r, (double x, int *sign), x, sign)
PASS_ON(void, sincos, (double x, double *sine, double *cosine), x, sine, cosine)

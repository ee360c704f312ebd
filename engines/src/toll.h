/* Fuel for nothing, and hardly any time: pays for what takes the processor far longer than the few operators that
   are counted. Numbers so small that they have lost digits (subnormal) are slow to multiply and divide. */
#ifndef TOLL_H
#define TOLL_H

#include <stdint.h>

#define TOLL_TEXT(operators) #operators
/* An operator is fuel; one whose result is dropped becomes no code. */
#define TOLL(operators) __asm__ volatile(".rept " TOLL_TEXT(operators) "\n i32.const 0\n drop\n .endr")

static __attribute__((noinline)) void toll_tiny(void) { TOLL(440); }

static inline int is_tiny(double x) {
    union { double number; uint64_t bits; } u = {x};
    return (u.bits << 1) - 1 < ((uint64_t)1 << 53) - 1;
}

static inline double paid(double x, double y, double result) {
    if (is_tiny(x) | is_tiny(y) | is_tiny(result)) toll_tiny();
    return result;
}

static inline double paid_mul(double x, double y) { return paid(x, y, x * y); }
static inline double paid_div(double x, double y) { return paid(x, y, x / y); }

/* pow() takes long for its operators whatever its numbers. */
static inline void toll_power(void) { TOLL(740); }
#define paid_pow(x, y) (toll_power(), paid(x, y, pow(x, y)))

/* So do functions that reduce large numbers first. */
static inline double paid_function(double x, double result) {
    TOLL(120);
    return paid(x, x, result);
}

#endif

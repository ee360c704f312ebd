/* Lua 5.4 as one piece: what a contract may not have is left out here, at the source. */
#ifndef LUA_SOURCES_H
#define LUA_SOURCES_H

#include "lprefix.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LUA_CORE
#define LUA_LIB
#define lvm_c
#define ltable_c

/* Raising an error or yielding costs the host far more time than the few operators it takes: pay for it. */
void burn_fuel(void);
#define LUAI_THROW(L, c) (burn_fuel(), longjmp((c)->b, 1))
#define LUAI_TRY(L, c, a) if (setjmp((c)->b) == 0) { a }
#define luai_jmpbuf jmp_buf

#define LUAI_MAXCCALLS 100          /* ends recursion in C long before the stack does */
#define luai_makeseed(L) 0x43484153u /* hashes of strings, and so the order of pairs, are the same everywhere */
#define l_randomizePivot() 0x9e3779b9u /* table.sort: else from the clock */

#include "luaconf.h"

/* No addresses in texts: a program must not depend on where its values lie. */
#undef lua_pointer2str
#define lua_pointer2str(buffer, size, pointer) l_sprintf(buffer, size, "%s", "hidden")
/* A stack of 1,000,000 values would not fit twice, as growing it needs: recursion ends with an error instead. */
#undef LUAI_MAXSTACK
#define LUAI_MAXSTACK 100000

/* Arithmetic as it is, paid for by the time it takes. */
#include "llimits.h"
#include "toll.h"
#undef luai_nummul
#undef luai_numdiv
#undef luai_numpow
#define luai_nummul(L, a, b) paid_mul(a, b)
#define luai_numdiv(L, a, b) paid_div(a, b)
#define luai_numpow(L, a, b) ((b) == 2 ? paid_mul(a, a) : paid_pow(a, b))
static inline double paid_sqrt(double x) { return paid(x, x, sqrt(x)); }
#define PAID(name) static inline double paid_##name(double x) { return paid_function(x, name(x)); }
PAID(exp) PAID(log) PAID(log2) PAID(log10) PAID(sin) PAID(cos) PAID(tan) PAID(asin) PAID(acos)
static inline double paid_atan2(double y, double x) { return paid(y, x, atan2(y, x)); }
#define sqrt paid_sqrt
#define exp paid_exp
#define log paid_log
#define log2 paid_log2
#define log10 paid_log10
#define sin paid_sin
#define cos paid_cos
#define tan paid_tan
#define asin paid_asin
#define acos paid_acos
#define atan2 paid_atan2

#undef lua_getlocaledecpoint
#define lua_getlocaledecpoint() '.'

#undef LUAI_FUNC
#undef LUAI_DDEC
#undef LUAI_DDEF
#define LUAI_FUNC static
#define LUAI_DDEC(def)
#define LUAI_DDEF static

#include "lzio.c"
#include "lctype.c"
#include "lopcodes.c"
#include "lmem.c"
#include "lundump.c"
#include "ldump.c"
#include "lstate.c"

/* No finalizers and no weak tables: when memory is collected never shows. */
#pragma push_macro("gfasttm")
#undef gfasttm
#define gfasttm(g, table, event) ((const TValue *)NULL)
#include "lgc.c"
#pragma pop_macro("gfasttm")

#include "llex.c"
#include "lcode.c"
#include "lparser.c"
#include "ldebug.c"
#include "lfunc.c"
#include "lobject.c"
#include "ltm.c"
#include "lstring.c"
#include "ltable.c"
#include "ldo.c"
#include "lvm.c"
#include "lapi.c"
#include "lauxlib.c"
#include "lbaselib.c"
#include "lcorolib.c"
#include "lmathlib.c"
#define lua_topointer(L, index) NULL /* string.format("%p") */
#include "lstrlib.c"
#undef lua_topointer
#include "ltablib.c"
#include "lutf8lib.c"

#endif

/* What the engines' sources name but a contract never has: files, clocks, processes. Nothing here is reached by
   a script; the functions exist so that the module has no other import than env.host. */

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <wchar.h>

_Thread_local int errno;

_Noreturn void abort(void) { __builtin_trap(); }
char *strerror(int number) { return "error"; }

/* no files */
#undef stdin
#undef stdout
#undef stderr
char __stderr_FILE; /* named by a refusal of %Lf that is never reached */
FILE *const stdin = NULL, *const stdout = NULL, *const stderr = NULL;
FILE *fopen(const char *restrict name, const char *restrict mode) { return NULL; }
FILE *freopen(const char *restrict name, const char *restrict mode, FILE *restrict file) { return NULL; }
int fclose(FILE *file) { return EOF; }
int fflush(FILE *file) { return 0; }
int feof(FILE *file) { return 1; }
int ferror(FILE *file) { return 0; }
int getc(FILE *file) { return EOF; }
int ungetc(int character, FILE *file) { return EOF; }
size_t fread(void *restrict to, size_t size, size_t count, FILE *restrict file) { return 0; }
int wctomb(char *to, wchar_t character) { return -1; }
int fputc(int character, FILE *file) { return EOF; }
int fputs(const char *restrict text, FILE *restrict file) { return EOF; }
int printf(const char *restrict format, ...) { return -1; }
int fprintf(FILE *restrict file, const char *restrict format, ...) { return -1; }

/* no clock */
time_t time(time_t *now) {
    if (now) *now = 0;
    return 0;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    memset(now, 0, sizeof *now);
    return 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    memset(now, 0, sizeof *now);
    return 0;
}
struct tm *localtime_r(const time_t *restrict when, struct tm *restrict parts) {
    memset(parts, 0, sizeof *parts);
    return parts;
}

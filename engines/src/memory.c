/* Memory and text functions as plain loops: every byte they touch is metered, and no bulk instruction is used,
   whose price in fuel differs between versions of the runtime. Compiled with -fno-builtin. */

#include <stddef.h>
#include <stdint.h>

typedef uint64_t __attribute__((may_alias, aligned(1))) Word;
#define WORD sizeof(Word)

static void copy_up(unsigned char *to, const unsigned char *from, size_t size) {
    for (; size >= 4 * WORD; size -= 4 * WORD, to += 4 * WORD, from += 4 * WORD) {
        Word a = ((const Word *)from)[0], b = ((const Word *)from)[1];
        Word c = ((const Word *)from)[2], d = ((const Word *)from)[3];
        ((Word *)to)[0] = a;
        ((Word *)to)[1] = b;
        ((Word *)to)[2] = c;
        ((Word *)to)[3] = d;
    }
    for (; size >= WORD; size -= WORD, to += WORD, from += WORD) *(Word *)to = *(const Word *)from;
    while (size--) *to++ = *from++;
}

/* Overlapping areas are allowed in memcpy too: nothing below is `restrict`, so both may share one loop. */
void *memcpy(void *to, const void *from, size_t size) {
    copy_up(to, from, size);
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    if ((uintptr_t)to - (uintptr_t)from >= size) {
        copy_up(to, from, size);
        return to;
    }
    unsigned char *a = (unsigned char *)to + size;
    const unsigned char *b = (const unsigned char *)from + size;
    for (; size >= WORD; size -= WORD) {
        a -= WORD;
        b -= WORD;
        Word word = *(const Word *)b;
        *(Word *)a = word;
    }
    while (size--) *--a = *--b;
    return to;
}

void *memset(void *area, int byte, size_t size) {
    unsigned char *at = area;
    Word word = 0x0101010101010101ull * (unsigned char)byte;
    for (; size >= 4 * WORD; size -= 4 * WORD, at += 4 * WORD) {
        ((Word *)at)[0] = word;
        ((Word *)at)[1] = word;
        ((Word *)at)[2] = word;
        ((Word *)at)[3] = word;
    }
    for (; size >= WORD; size -= WORD, at += WORD) *(Word *)at = word;
    while (size--) *at++ = (unsigned char)byte;
    return area;
}

int memcmp(const void *left, const void *right, size_t size) {
    const unsigned char *a = left, *b = right;
    for (; size >= WORD && *(const Word *)a == *(const Word *)b; size -= WORD, a += WORD, b += WORD) {}
    for (; size; size--, a++, b++)
        if (*a != *b) return *a - *b;
    return 0;
}

void *memchr(const void *area, int byte, size_t size) {
    const unsigned char *at = area;
    for (; size; size--, at++)
        if (*at == (unsigned char)byte) return (void *)at;
    return NULL;
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t size) {
    const char *end = memchr(text, 0, size);
    return end ? (size_t)(end - text) : size;
}

int strcmp(const char *left, const char *right) {
    while (*left && *left == *right) left++, right++;
    return (unsigned char)*left - (unsigned char)*right;
}

int strcoll(const char *left, const char *right) { return strcmp(left, right); }

int strncmp(const char *left, const char *right, size_t size) {
    for (; size && *left && *left == *right; size--) left++, right++;
    return size ? (unsigned char)*left - (unsigned char)*right : 0;
}

char *strcpy(char *to, const char *from) { return memcpy(to, from, strlen(from) + 1); }

char *strchr(const char *text, int byte) { return memchr(text, byte, strlen(text) + 1); }

char *strrchr(const char *text, int byte) {
    for (const char *at = text + strlen(text);; at--) {
        if (*at == (char)byte) return (char *)at;
        if (at == text) return NULL;
    }
}

char *strstr(const char *text, const char *part) {
    size_t size = strlen(part);
    if (!size) return (char *)text;
    for (; (text = strchr(text, *part)) != NULL; text++) {
        if (!strncmp(text, part, size)) return (char *)text;
        if (!*text) break;
    }
    return NULL;
}

size_t strspn(const char *text, const char *set) {
    size_t count = 0;
    while (text[count] && strchr(set, text[count])) count++;
    return count;
}

char *strpbrk(const char *text, const char *set) {
    for (; *text; text++)
        if (strchr(set, *text)) return (char *)text;
    return NULL;
}

/* About 4,000 fuel for nothing: what makes an operation that is slow for its fuel as dear as it is. */
void burn_fuel(void) {
    static unsigned char burnt[1 << 10];
    for (int i = 0; i < 8; i++) memset(burnt, 0, sizeof burnt);
}

/* Kinds of characters: ASCII only, there are no locales. */

int isdigit(int c) { return c >= '0' && c <= '9'; }
int islower(int c) { return c >= 'a' && c <= 'z'; }
int isupper(int c) { return c >= 'A' && c <= 'Z'; }
int isalpha(int c) { return islower(c) || isupper(c); }
int isalnum(int c) { return isalpha(c) || isdigit(c); }
int isgraph(int c) { return c > ' ' && c < 0x7f; }
int isprint(int c) { return c >= ' ' && c < 0x7f; }
int iscntrl(int c) { return (c >= 0 && c < ' ') || c == 0x7f; }
int ispunct(int c) { return isgraph(c) && !isalnum(c); }
int isspace(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
int isxdigit(int c) { return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
int tolower(int c) { return isupper(c) ? c + ('a' - 'A') : c; }
int toupper(int c) { return islower(c) ? c - ('a' - 'A') : c; }

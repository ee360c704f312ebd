/* The JavaScript engine: runs a prelude and a contract, and carries values between them and the host.

   The prelude is an expression: a function of the natives (below) that returns dispatch(method), which returns the
   object whose `run` is the method. Clocks, randomness and weak references are never installed. */

#include <stdlib.h>
#include <string.h>

#include "quickjs.h"

#include "border.h"

#define ARGUMENTS_MAX 64

static char *source;
static JSRuntime *runtime;
static JSContext *js;
static JSValue dispatch;
static JSValue plain; /* Object.prototype: what plain objects have */
static JSValue length_of; /* getter of the length of typed arrays, whatever a contract does to prototypes */
static JSValue unmap; /* function of the prelude: a Map as a plain object */
static JSValue unhandled; /* why the first promise failed that nobody has looked at */
static int unhandled_count;
static int is_running; /* inside vm_call: only then the host may be asked */
static int is_writing; /* a getter of the value at work must not write into the same area */
static int revert_size = -1;
static char revert_text[TEXT_BYTES];

size_t malloc_usable_size(void *content);

/* values to bytes: 0, or -1 with an exception pending */

static int refuse(const char *text) {
    JS_ThrowTypeError(js, "%s", text);
    return -1;
}

static int room(int failed) { return failed ? refuse("too_large: the value has more than 16 KiB") : 0; }

static int write_value(Writer *w, JSValueConst value, int depth);

static int write_text(Writer *w, JSValueConst value) {
    size_t size;
    const char *text = JS_ToCStringLen(js, &size, value);
    if (!text) return -1;
    int result = is_utf8(text, size) ? room(put_block(w, TEXT, text, size)) : refuse("bad_value: text with half a character");
    JS_FreeCString(js, text);
    return result;
}

static int write_bigint(Writer *w, JSValueConst value) {
    int64_t number;
    if (JS_ToBigInt64(js, &number, value)) return -1;
    JSValue again = JS_NewBigInt64(js, number);
    int fits = JS_IsStrictEqual(js, again, value);
    JS_FreeValue(js, again);
    return fits ? room(put_int(w, number)) : refuse("bad_value: an integer has more than 64 bits");
}

static int write_list(Writer *w, JSValueConst value, int depth) {
    int64_t count;
    if (JS_GetLength(js, value, &count)) return -1;
    if (count > VALUE_BYTES) return room(-1);
    if (room(put_head(w, LIST, (uint32_t)count))) return -1;
    for (uint32_t i = 0; i < count; i++) {
        JSValue item = JS_GetPropertyUint32(js, value, i);
        int result = JS_IsException(item) ? -1 : write_value(w, item, depth - 1);
        JS_FreeValue(js, item);
        if (result) return -1;
    }
    return 0;
}

static int write_entries(Writer *w, JSValueConst value, int depth, JSPropertyEnum *names, Key *keys, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        size_t size;
        keys[i].text = JS_AtomToCStringLen(js, &size, names[i].atom);
        if (!keys[i].text) return -1;
        keys[i].size = (uint32_t)size;
        keys[i].value = i;
        if (!is_utf8(keys[i].text, size)) return refuse("bad_value: a key with half a character");
    }
    sort_keys(keys, count);
    if (room(put_head(w, MAP, count))) return -1;
    for (uint32_t i = 0; i < count; i++) {
        if (room(put_block(w, TEXT, keys[i].text, keys[i].size))) return -1;
        JSValue item = JS_GetProperty(js, value, names[keys[i].value].atom);
        int result = JS_IsException(item) ? -1 : write_value(w, item, depth - 1);
        JS_FreeValue(js, item);
        if (result) return -1;
    }
    return 0;
}

static int write_map(Writer *w, JSValueConst value, int depth) {
    JSPropertyEnum *names;
    uint32_t count;
    if (JS_GetOwnPropertyNames(js, &names, &count, value, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY)) return -1;
    Key *keys = calloc(count + 1, sizeof(Key));
    int result = count > VALUE_BYTES ? room(-1) : write_entries(w, value, depth, names, keys, count);
    for (uint32_t i = 0; i < count; i++)
        if (keys[i].text) JS_FreeCString(js, keys[i].text);
    free(keys);
    JS_FreePropertyEnum(js, names, count);
    return result;
}

/* The content of a Uint8Array, or NULL with an exception pending. What JS_GetUint8Array says of the length is out of
   date where the buffer was resized: following it would read what lies behind. */
static const uint8_t *bytes_of(JSValueConst value, size_t *size) {
    const uint8_t *content = JS_GetUint8Array(js, size, value);
    JSValue length = content ? JS_Call(js, length_of, value, 0, NULL) : JS_EXCEPTION;
    int64_t count;
    if (JS_IsException(length) || JS_ToInt64(js, &count, length)) return NULL;
    *size = (size_t)count;
    return content;
}

static int write_object(Writer *w, JSValueConst value, int depth) {
    if (JS_GetTypedArrayType(value) == JS_TYPED_ARRAY_UINT8) {
        size_t size;
        const uint8_t *content = bytes_of(value, &size);
        return content ? room(put_block(w, BYTES, content, size)) : -1;
    }
    if (!depth) return refuse("bad_value: lists and maps nest at most 16 deep");
    if (JS_IsArray(value)) return write_list(w, value, depth);
    if (JS_IsMap(value)) {
        JSValue object = JS_Call(js, unmap, JS_UNDEFINED, 1, &value);
        int result = JS_IsException(object) ? -1 : write_map(w, object, depth);
        JS_FreeValue(js, object);
        return result;
    }
    JSValue parent = JS_IsFunction(js, value) ? JS_UNDEFINED : JS_GetPrototype(js, value);
    int is_plain = JS_IsNull(parent) || JS_IsStrictEqual(js, parent, plain);
    JS_FreeValue(js, parent);
    if (!is_plain) return refuse("bad_value: only plain objects, Map, arrays and Uint8Array cross the border");
    return write_map(w, value, depth);
}

static int write_value(Writer *w, JSValueConst value, int depth) {
    if (JS_IsUndefined(value) || JS_IsNull(value)) return room(put_kind(w, NIL));
    if (JS_IsBool(value)) return room(put_kind(w, JS_VALUE_GET_BOOL(value) ? TRUE : FALSE));
    if (JS_IsBigInt(value)) return write_bigint(w, value);
    if (JS_IsString(value)) return write_text(w, value);
    if (JS_IsNumber(value)) return refuse("bad_value: a Number cannot cross the border; integers are BigInt, as in 1n");
    if (JS_IsObject(value)) return write_object(w, value, depth);
    return refuse("bad_value: a symbol cannot cross the border");
}

/* bytes to values */

static JSValue read_value(Reader *r);

static JSValue read_list(Reader *r, uint32_t count) {
    JSValue list = JS_NewArray(js);
    for (uint32_t i = 0; i < count && !JS_IsException(list); i++) {
        JSValue item = read_value(r);
        if (JS_IsException(item) || JS_DefinePropertyValueUint32(js, list, i, item, JS_PROP_C_W_E) < 0) {
            JS_FreeValue(js, list);
            return JS_EXCEPTION;
        }
    }
    return list;
}

/* Maps have no prototype: a key that is not there is undefined, whatever its name. */
static JSValue read_map(Reader *r, uint32_t count) {
    JSValue map = JS_NewObjectProto(js, JS_NULL);
    for (uint32_t i = 0; i < count && !JS_IsException(map); i++) {
        Item key;
        JSValue item = take(r, &key) || key.kind != TEXT ? JS_ThrowTypeError(js, "bad_value: a key is no text") : read_value(r);
        JSAtom atom = JS_IsException(item) ? JS_ATOM_NULL : JS_NewAtomLen(js, (const char *)key.data, key.size);
        int failed = JS_IsException(item) || JS_DefinePropertyValue(js, map, atom, item, JS_PROP_C_W_E) < 0;
        JS_FreeAtom(js, atom);
        if (failed) {
            JS_FreeValue(js, map);
            return JS_EXCEPTION;
        }
    }
    return map;
}

static JSValue read_value(Reader *r) {
    Item item;
    if (take(r, &item)) return JS_ThrowTypeError(js, "bad_value: the host's answer is no value");
    switch (item.kind) {
    case NIL: return JS_NULL;
    case FALSE: case TRUE: return JS_NewBool(js, item.kind == TRUE);
    case INT: return JS_NewBigInt64(js, item.number);
    case TEXT: return JS_NewStringLen(js, (const char *)item.data, item.size);
    case BYTES: return JS_NewUint8ArrayCopy(js, item.data, item.size);
    case LIST: return read_list(r, item.size);
    case MAP: return read_map(r, item.size);
    }
    return JS_UNDEFINED;
}

/* natives for the prelude */

static int check_running(void) {
    return is_running ? 0 : refuse("not while the contract loads: call this from a method");
}

static JSValue ask(int32_t op, Writer *w) {
    if (check_running()) return JS_EXCEPTION;
    int32_t size = request(op, w);
    if (size <= 0) return JS_NULL;
    Reader r = {io, io + size};
    return read_value(&r);
}

static int check_not_writing(void) {
    return is_writing ? refuse("bad_value: a getter cannot ask the host while its value crosses the border") : 0;
}

/* Write values one after the other. Getters, proxies and iterators of the contract run meanwhile: they may do
   anything but cross the border themselves. */
static int write_values(Writer *w, int count, JSValueConst *values, int depth) {
    is_writing = 1;
    int result = 0;
    for (int i = 0; i < count && !result; i++) result = write_value(w, values[i], depth);
    is_writing = 0;
    return result;
}

/* host(op, ...): the list of arguments is what the host gets. */
static JSValue native_host(JSContext *c, JSValueConst self, int count, JSValueConst *arguments) {
    Writer w = new_request();
    int32_t op;
    if (check_not_writing() || JS_ToInt32(js, &op, arguments[0])) return JS_EXCEPTION;
    put_head(&w, LIST, (uint32_t)count - 1);
    return write_values(&w, count - 1, arguments + 1, VALUE_DEPTH) ? JS_EXCEPTION : ask(op, &w);
}

/* put(value, ...): store a value under the key that the other arguments make. */
static JSValue native_put(JSContext *c, JSValueConst self, int count, JSValueConst *arguments) {
    Writer w = new_request();
    if (check_not_writing()) return JS_EXCEPTION;
    put_head(&w, LIST, 2);
    put_head(&w, LIST, (uint32_t)count - 1);
    if (write_values(&w, count - 1, arguments + 1, 1) || write_values(&w, 1, arguments, VALUE_DEPTH)) return JS_EXCEPTION;
    return ask(2, &w);
}

/* ctx(name): a field of what the call began with, or null. */
static JSValue native_ctx(JSContext *c, JSValueConst self, int count, JSValueConst *arguments) {
    if (check_running()) return JS_EXCEPTION;
    if (!context_size) {
        if (check_not_writing()) return JS_EXCEPTION;
        Writer w = new_request();
        put_head(&w, LIST, 0);
        Reader answer = {io, io + request(CTX, &w)};
        if (take_context(&answer)) return JS_ThrowTypeError(js, "ctx is too large");
    }
    size_t size;
    const char *name = JS_ToCStringLen(js, &size, arguments[0]);
    if (!name) return JS_EXCEPTION;
    Reader r;
    JSValue found = find_context(&r, name, size) ? JS_NULL : read_value(&r);
    JS_FreeCString(js, name);
    return found;
}

/* revert(text): the call ends so, even where the error that this throws is caught. */
static JSValue native_revert(JSContext *c, JSValueConst self, int count, JSValueConst *arguments) {
    size_t size;
    const char *text = JS_ToCStringLen(js, &size, arguments[0]);
    if (!text) return JS_EXCEPTION;
    if (revert_size < 0) revert_size = (int)copy_text(revert_text, TEXT_BYTES, text, size);
    JS_FreeCString(js, text);
    return JS_ThrowPlainError(js, "reverted");
}

/* utf8(text): its bytes. */
static JSValue native_utf8(JSContext *c, JSValueConst self, int count, JSValueConst *arguments) {
    size_t size;
    const char *text = JS_ToCStringLen(js, &size, arguments[0]);
    if (!text) return JS_EXCEPTION;
    JSValue content = is_utf8(text, size) ? JS_NewUint8ArrayCopy(js, (const uint8_t *)text, size) : JS_NULL;
    JS_FreeCString(js, text);
    return content;
}

/* text(bytes): the text, or null when they are no UTF-8. */
static JSValue native_text(JSContext *c, JSValueConst self, int count, JSValueConst *arguments) {
    size_t size;
    const uint8_t *content = bytes_of(arguments[0], &size);
    if (!content) return JS_EXCEPTION;
    return is_utf8(content, size) ? JS_NewStringLen(js, (const char *)content, size) : JS_NULL;
}

static JSValue native_unmap(JSContext *c, JSValueConst self, int count, JSValueConst *arguments) {
    unmap = JS_DupValue(js, arguments[0]);
    return JS_UNDEFINED;
}

static const struct {
    const char *name;
    JSCFunction *call;
    int arguments;
} natives[] = {
    {"host", native_host, 1}, {"put", native_put, 1}, {"ctx", native_ctx, 1}, {"revert", native_revert, 1},
    {"utf8", native_utf8, 1}, {"text", native_text, 1}, {"unmap", native_unmap, 1},
};

/* the language that a contract gets */

static void *js_calloc_(void *self, size_t count, size_t size) { return calloc(count, size); }
static void *js_malloc_(void *self, size_t size) { return malloc(size); }
static void js_free_(void *self, void *content) { free(content); }
static void *js_realloc_(void *self, void *content, size_t size) {
    if (size) return realloc(content, size);
    free(content);
    return NULL;
}
static size_t js_usable_(const void *content) { return malloc_usable_size((void *)content); }

static void remove_names(JSValueConst object, const char *const *names) {
    for (; *names; names++) {
        JSAtom atom = JS_NewAtom(js, *names);
        JS_DeleteProperty(js, object, atom, 0);
        JS_FreeAtom(js, atom);
    }
}

static void on_rejection(JSContext *c, JSValueConst promise, JSValueConst reason, bool is_handled, void *self) {
    unhandled_count += is_handled ? -1 : 1;
    if (is_handled || unhandled_count != 1) return;
    JS_FreeValue(js, unhandled);
    unhandled = JS_DupValue(js, reason);
}

static int keep_length_of(void) {
    JSValue array = JS_NewUint8ArrayCopy(js, NULL, 0), own = JS_GetPrototype(js, array), shared = JS_GetPrototype(js, own);
    JSPropertyDescriptor length;
    JSAtom name = JS_NewAtom(js, "length");
    int found = JS_GetOwnProperty(js, &length, shared, name);
    JS_FreeAtom(js, name);
    JS_FreeValue(js, array);
    JS_FreeValue(js, own);
    JS_FreeValue(js, shared);
    if (found != 1) return 1;
    length_of = length.getter;
    JS_FreeValue(js, length.setter);
    JS_FreeValue(js, length.value);
    return 0;
}

EXPORT(vm_init) int32_t vm_init(void) {
    static const JSMallocFunctions functions = {js_calloc_, js_malloc_, js_free_, js_realloc_, js_usable_};
    runtime = JS_NewRuntime2(&functions, NULL);
    JS_SetMaxStackSize(runtime, STACK_BYTES - STACK_BYTES / 4);
    JS_UpdateStackTop(runtime);
    JS_SetGCThreshold(runtime, 4u << 20);
    JS_SetHostPromiseRejectionTracker(runtime, on_rejection, NULL);
    js = JS_NewContextRaw(runtime);
    unhandled = JS_UNDEFINED;
    if (JS_AddIntrinsicBaseObjects(js) || JS_AddIntrinsicEval(js) || JS_AddIntrinsicRegExp(js) || JS_AddIntrinsicJSON(js) ||
        JS_AddIntrinsicProxy(js) || JS_AddIntrinsicMapSet(js) || JS_AddIntrinsicTypedArrays(js) ||
        JS_AddIntrinsicPromise(js) || JS_AddIntrinsicBigInt(js))
        return 1;
    JSValue global = JS_GetGlobalObject(js), math = JS_GetPropertyStr(js, global, "Math");
    remove_names(math, (const char *const[]){"random", NULL});
    remove_names(global, (const char *const[]){"Date", "performance", "WeakRef", "FinalizationRegistry", "SharedArrayBuffer",
                                               "Atomics", "DOMException", "queueMicrotask", "navigator", NULL});
    JS_FreeValue(js, math);
    JS_FreeValue(js, global);
    JSValue object = JS_NewObject(js);
    plain = JS_GetPrototype(js, object);
    JS_FreeValue(js, object);
    return keep_length_of();
}

/* running */

/* Return the line in the contract that the stack of an error names first, or 0. */
static int line_of(JSValueConst error) {
    if (!JS_IsObject(error)) return 0;
    JSValue stack = JS_GetPropertyStr(js, error, "stack");
    const char *text = JS_IsString(stack) ? JS_ToCString(js, stack) : NULL;
    const char *at = text ? strstr(text, "contract:") : NULL;
    int line = 0;
    if (at)
        for (at += 9; *at >= '0' && *at <= '9' && line < 100000000; at++) line = line * 10 + (*at - '0');
    if (text) JS_FreeCString(js, text);
    JS_FreeValue(js, stack);
    return line;
}

static uint32_t put_decimal(char *to, int number) {
    char digits[12];
    uint32_t count = 0, size;
    do digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    for (size = 0; count; size++) to[size] = digits[--count];
    return size;
}

/* Put a revert or the pending exception into io; return its negative length. */
static int32_t end_failed(void) {
    char *to = (char *)io + 1;
    uint32_t used = 0;
    JSValue error = JS_GetException(js);
    if (revert_size >= 0) {
        io[0] = 'R';
        used = copy_text(to, TEXT_BYTES, revert_text, (size_t)revert_size);
    } else {
        size_t size = 0;
        int line = line_of(error);
        const char *text = JS_ToCStringLen(js, &size, error);
        if (!text) JS_FreeValue(js, JS_GetException(js));
        const char *rest = text ? text : "an error that is no text";
        if (!text) size = strlen(rest);
        if (!strncmp(rest, "Error: ", 7)) rest += 7, size -= 7;
        io[0] = 'E';
        if (line) {
            memcpy(to, "contract:", 9);
            used = 9 + put_decimal(to + 9, line);
            memcpy(to + used, ": ", 2);
            used += 2;
        }
        used += copy_text(to + used, TEXT_BYTES - used, rest, size);
        if (text) JS_FreeCString(js, text);
    }
    JS_FreeValue(js, error);
    return -(int32_t)(used + 1);
}

EXPORT(vm_source) char *vm_source(int32_t size) {
    return source = take_source_room((uint32_t)size + 1); /* and a zero at its end */
}

static JSValue run_source(int32_t size, const char *name, int flags) {
    JS_UpdateStackTop(runtime);
    JSValue result = JS_Eval(js, source, (size_t)size, name, JS_EVAL_TYPE_GLOBAL | flags);
    clear_source_room();
    return result;
}

static void run_jobs(void) {
    JSContext *context;
    int state;
    while ((state = JS_ExecutePendingJob(runtime, &context)) != 0)
        if (state < 0) JS_FreeValue(js, JS_GetException(js));
}

EXPORT(vm_prelude) int32_t vm_prelude(int32_t size) {
    JSValue prelude = run_source(size, "prelude", JS_EVAL_FLAG_STRICT);
    if (JS_IsException(prelude)) return end_failed();
    JSValue object = JS_NewObject(js);
    for (size_t i = 0; i < sizeof natives / sizeof *natives; i++)
        JS_SetPropertyStr(js, object, natives[i].name,
                          JS_NewCFunction(js, natives[i].call, natives[i].name, natives[i].arguments));
    dispatch = JS_Call(js, prelude, JS_UNDEFINED, 1, (JSValueConst *)&object);
    JS_FreeValue(js, prelude);
    JS_FreeValue(js, object);
    return JS_IsException(dispatch) ? end_failed() : 0;
}

EXPORT(vm_load) int32_t vm_load(int32_t size) {
    JSValue result = run_source(size, "contract", JS_EVAL_FLAG_STRICT);
    if (!JS_IsException(result)) {
        JS_FreeValue(js, result);
        run_jobs();
        JSValue loaded = JS_NewString(js, "@loaded");
        result = unhandled_count > 0 ? JS_Throw(js, JS_DupValue(js, unhandled))
                                     : JS_Call(js, dispatch, JS_UNDEFINED, 1, (JSValueConst *)&loaded);
        JS_FreeValue(js, loaded);
    }
    if (JS_IsException(result)) return end_failed();
    JS_FreeValue(js, result);
    JS_RunGC(runtime);
    return 0;
}

/* Read the arguments of a call and what it begins with; return how many, or -1 with an exception pending. */
static int read_arguments(Reader *r, JSValue *arguments) {
    Item list;
    int count = 0;
    if (take(r, &list) || list.kind != LIST || list.size > ARGUMENTS_MAX) return refuse("bad_args");
    for (; count < (int)list.size; count++) {
        arguments[count] = read_value(r);
        if (JS_IsException(arguments[count])) break;
    }
    if (count == (int)list.size) {
        if (!take_context(r)) return count;
        refuse("bad_args");
    }
    while (count--) JS_FreeValue(js, arguments[count]);
    return -1;
}

/* Run the method that io names: the dispatcher returns the object whose `run` it is. */
static JSValue run_method(int32_t size) {
    Reader r = {io, io + size};
    Item call;
    JSValue arguments[ARGUMENTS_MAX];
    if (take(&r, &call) || call.kind != LIST || call.size != 3) return JS_ThrowTypeError(js, "bad_args");
    JSValue name = read_value(&r);
    int count = JS_IsException(name) ? -1 : read_arguments(&r, arguments);
    if (count < 0) {
        JS_FreeValue(js, name);
        return JS_EXCEPTION;
    }
    JSValue method = JS_Call(js, dispatch, JS_UNDEFINED, 1, (JSValueConst *)&name);
    JSValue run = JS_IsException(method) ? JS_EXCEPTION : JS_GetPropertyStr(js, method, "run");
    JSValue result = JS_IsException(run) ? JS_EXCEPTION : JS_Call(js, run, method, count, (JSValueConst *)arguments);
    JS_FreeValue(js, name);
    JS_FreeValue(js, method);
    JS_FreeValue(js, run);
    while (count--) JS_FreeValue(js, arguments[count]);
    return result;
}

/* The value of a settled promise; a promise that nothing settles any more ends the call, and so does one that
   failed without being waited for: no error gets lost. */
static JSValue settle(JSValue result) {
    run_jobs();
    if (unhandled_count > 0) {
        JS_FreeValue(js, result);
        return JS_Throw(js, JS_DupValue(js, unhandled));
    }
    JSPromiseStateEnum state = JS_PromiseState(js, result);
    if (state != JS_PROMISE_FULFILLED && state != JS_PROMISE_REJECTED && state != JS_PROMISE_PENDING) return result;
    JSValue settled = JS_PromiseResult(js, result);
    JS_FreeValue(js, result);
    if (state == JS_PROMISE_FULFILLED) return settled;
    if (state == JS_PROMISE_REJECTED) return JS_Throw(js, settled);
    JS_FreeValue(js, settled);
    static const char text[] = "a promise that is never settled";
    if (revert_size < 0) revert_size = (int)copy_text(revert_text, TEXT_BYTES, text, sizeof text - 1);
    return JS_ThrowPlainError(js, text);
}

EXPORT(vm_call) int32_t vm_call(int32_t size) {
    JS_UpdateStackTop(runtime);
    is_running = 1;
    JSValue result = run_method(size);
    if (!JS_IsException(result)) result = settle(result);
    Writer w = new_end();
    int failed = JS_IsException(result) || write_values(&w, 1, (JSValueConst *)&result, VALUE_DEPTH);
    is_running = 0;
    if (failed || revert_size >= 0) return end_failed();
    JS_FreeValue(js, result);
    return end_of(&w);
}

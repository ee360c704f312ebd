/* The Lua engine: runs a prelude and a contract, and carries values between them and the host.

   The prelude receives a table of natives (below) and returns the function that answers calls:
   dispatch(method, ...). A contract sees what the prelude makes of them, and of Lua what is left in `libraries`. */

#include "lua_sources.h"

#include "border.h"

static char *source;
static lua_State *L;
static int is_running; /* inside vm_call: only then the host may be asked */
static int revert_size = -1;
static char revert_text[TEXT_BYTES];

static const char dispatch_key, map_key, bytes_key; /* their addresses are keys of the registry */

/* where in the contract */

/* Push "contract:12: " for the innermost running line of the contract, or nothing. */
static void push_place(lua_State *S) {
    lua_Debug frame;
    for (int level = 0; lua_getstack(S, level, &frame); level++) {
        lua_getinfo(S, "Sl", &frame);
        if (!strcmp(frame.source, "=contract") && frame.currentline > 0) {
            lua_pushfstring(S, "contract:%d: ", frame.currentline);
            return;
        }
    }
    lua_pushliteral(S, "");
}

static int fail(lua_State *S, const char *text) {
    push_place(S);
    lua_pushstring(S, text);
    lua_concat(S, 2);
    return lua_error(S);
}

/* Errors that arise inside the prelude are told at the contract's line that led there. */
static int on_error(lua_State *S) {
    size_t size;
    if (lua_type(S, 1) != LUA_TSTRING) {
        lua_settop(S, 0);
        push_place(S);
        lua_pushliteral(S, "an error that is no text");
        lua_concat(S, 2);
        return 1;
    }
    const char *text = lua_tolstring(S, 1, &size);
    if (!strncmp(text, "prelude:", 8)) {
        const char *rest = strchr(text + 8, ':');
        push_place(S);
        lua_pushstring(S, rest ? rest + 2 : text);
        lua_concat(S, 2);
    }
    return 1;
}

/* values to bytes */

static int is_marked(lua_State *S, int index, const char *key) {
    if (!lua_getmetatable(S, index)) return 0;
    lua_rawgetp(S, LUA_REGISTRYINDEX, key);
    int is_same = lua_rawequal(S, -1, -2);
    lua_pop(S, 2);
    return is_same;
}

static void check_room(lua_State *S, int failed) {
    if (failed) fail(S, "too_large: the value has more than 16 KiB");
}

static void write_value(lua_State *S, Writer *w, int index, int depth);

static void write_list(lua_State *S, Writer *w, int index, int depth, lua_Unsigned count) {
    check_room(S, put_head(w, LIST, (uint32_t)count));
    for (lua_Unsigned i = 1; i <= count; i++) {
        if (lua_rawgeti(S, index, (lua_Integer)i) == LUA_TNIL) fail(S, "bad_value: a list has a hole");
        write_value(S, w, -1, depth - 1);
        lua_pop(S, 1);
    }
}

static void write_map(lua_State *S, Writer *w, int index, int depth, uint32_t count) {
    if (count > VALUE_BYTES) check_room(S, -1);
    Key *keys = lua_newuserdatauv(S, count * sizeof(Key) + 1, 0);
    uint32_t found = 0;
    for (lua_pushnil(S); lua_next(S, index); lua_pop(S, 1)) {
        size_t size;
        if (lua_type(S, -2) != LUA_TSTRING) fail(S, "bad_value: a table is a list (1, 2, ...) or a map with text keys");
        keys[found].text = lua_tolstring(S, -2, &size);
        keys[found].size = (uint32_t)size;
        if (!is_utf8(keys[found].text, size)) fail(S, "bad_value: a key is not valid UTF-8");
        found++;
    }
    sort_keys(keys, found);
    check_room(S, put_head(w, MAP, found));
    for (uint32_t i = 0; i < found; i++) {
        check_room(S, put_block(w, TEXT, keys[i].text, keys[i].size));
        lua_pushlstring(S, keys[i].text, keys[i].size);
        lua_rawget(S, index);
        write_value(S, w, -1, depth - 1);
        lua_pop(S, 1);
    }
    lua_pop(S, 1);
}

static void write_table(lua_State *S, Writer *w, int index, int depth) {
    index = lua_absindex(S, index);
    if (!depth) fail(S, "bad_value: lists and maps nest at most 16 deep");
    luaL_checkstack(S, 8, "value");
    uint32_t entries = 0;
    for (lua_pushnil(S); lua_next(S, index); lua_pop(S, 1)) entries++;
    lua_Unsigned length = lua_rawlen(S, index);
    int is_map = is_marked(S, index, &map_key) || (entries && !length);
    if (!is_map && length != entries) fail(S, "bad_value: a table is a list without holes or a map with text keys");
    if (is_map) write_map(S, w, index, depth, entries);
    else write_list(S, w, index, depth, length);
}

static void write_value(lua_State *S, Writer *w, int index, int depth) {
    size_t size;
    const char *text;
    switch (lua_type(S, index)) {
    case LUA_TNIL: check_room(S, put_kind(w, NIL)); return;
    case LUA_TBOOLEAN: check_room(S, put_kind(w, lua_toboolean(S, index) ? TRUE : FALSE)); return;
    case LUA_TSTRING:
        text = lua_tolstring(S, index, &size);
        if (!is_utf8(text, size)) fail(S, "bad_value: text is not valid UTF-8; use bytes(...)");
        check_room(S, put_block(w, TEXT, text, size));
        return;
    case LUA_TTABLE: write_table(S, w, index, depth); return;
    case LUA_TNUMBER:
        if (!lua_isinteger(S, index)) fail(S, "bad_value: only integers cross the border, no floats; divide with //");
        check_room(S, put_int(w, lua_tointeger(S, index)));
        return;
    case LUA_TUSERDATA:
        if (is_marked(S, index, &bytes_key)) {
            check_room(S, put_block(w, BYTES, lua_touserdata(S, index), lua_rawlen(S, index)));
            return;
        }
        break;
    case LUA_TLIGHTUSERDATA: check_room(S, put_kind(w, NIL)); return; /* null */
    }
    text = luaL_typename(S, index);
    push_place(S);
    lua_pushfstring(S, "bad_value: a %s cannot cross the border", text);
    lua_concat(S, 2);
    lua_error(S);
}

/* bytes to values */

static void push_bytes(lua_State *S, const void *from, size_t size) {
    memcpy(lua_newuserdatauv(S, size, 0), from, size);
    lua_rawgetp(S, LUA_REGISTRYINDEX, &bytes_key);
    lua_setmetatable(S, -2);
}

/* Push the next value; nil inside a list or map is `null`, since a table cannot hold nil. */
static void push_value(lua_State *S, Reader *r, int is_inside) {
    Item item;
    if (take(r, &item)) fail(S, "bad_value: the host's answer is no value");
    switch (item.kind) {
    case NIL:
        if (is_inside) lua_pushlightuserdata(S, NULL);
        else lua_pushnil(S);
        return;
    case FALSE: case TRUE: lua_pushboolean(S, item.kind == TRUE); return;
    case INT: lua_pushinteger(S, item.number); return;
    case TEXT: lua_pushlstring(S, (const char *)item.data, item.size); return;
    case BYTES: push_bytes(S, item.data, item.size); return;
    case LIST:
        luaL_checkstack(S, 4, "value");
        lua_createtable(S, (int)item.size, 0);
        for (uint32_t i = 1; i <= item.size; i++) {
            push_value(S, r, 1);
            lua_rawseti(S, -2, i);
        }
        return;
    case MAP:
        luaL_checkstack(S, 4, "value");
        lua_createtable(S, 0, (int)item.size);
        for (uint32_t i = 0; i < item.size; i++) {
            push_value(S, r, 1);
            push_value(S, r, 1);
            lua_rawset(S, -3);
        }
        lua_rawgetp(S, LUA_REGISTRYINDEX, &map_key);
        lua_setmetatable(S, -2);
        return;
    }
}

/* natives for the prelude */

static void check_running(lua_State *S) {
    if (!is_running) fail(S, "not while the contract loads: call this from a method");
}

static int ask(lua_State *S, int32_t op, Writer *w) {
    check_running(S);
    int32_t size = request(op, w);
    if (size <= 0) {
        lua_pushnil(S);
        return 1;
    }
    Reader r = {io, io + size};
    push_value(S, &r, 0);
    return 1;
}

/* host(op, ...): the list of arguments is what the host gets. */
static int native_host(lua_State *S) {
    Writer w = new_request();
    int count = lua_gettop(S);
    check_room(S, put_head(&w, LIST, (uint32_t)count - 1));
    for (int i = 2; i <= count; i++) write_value(S, &w, i, VALUE_DEPTH);
    return ask(S, (int32_t)luaL_checkinteger(S, 1), &w);
}

/* put(value, ...): store a value under the key that the other arguments make. */
static int native_put(lua_State *S) {
    Writer w = new_request();
    int count = lua_gettop(S);
    put_head(&w, LIST, 2);
    put_head(&w, LIST, (uint32_t)count - 1);
    for (int i = 2; i <= count; i++) write_value(S, &w, i, 1);
    write_value(S, &w, 1, VALUE_DEPTH);
    return ask(S, 2, &w);
}

/* emit(name, ...): record an event; nil is null. */
static int native_emit(lua_State *S) {
    Writer w = new_request();
    int count = lua_gettop(S);
    put_head(&w, LIST, 2);
    write_value(S, &w, 1, VALUE_DEPTH);
    check_room(S, put_head(&w, LIST, (uint32_t)count - 1));
    for (int i = 2; i <= count; i++) write_value(S, &w, i, VALUE_DEPTH - 1);
    return ask(S, EMIT, &w);
}

/* ctx(name): a field of what the call began with, or nil. */
static int native_ctx(lua_State *S) {
    check_running(S);
    if (!context_size) {
        Writer w = new_request();
        put_head(&w, LIST, 0);
        Reader answer = {io, io + request(CTX, &w)};
        if (take_context(&answer)) return fail(S, "ctx is too large");
    }
    size_t size;
    Reader r;
    const char *name = lua_type(S, 1) == LUA_TSTRING ? lua_tolstring(S, 1, &size) : NULL;
    if (!name || find_context(&r, name, size)) return 0;
    push_value(S, &r, 0);
    return 1;
}

/* revert(text): the call ends so, even where the error that this raises is caught. */
static int native_revert(lua_State *S) {
    size_t size;
    const char *text = luaL_checklstring(S, 1, &size);
    if (revert_size < 0) revert_size = (int)copy_text(revert_text, TEXT_BYTES, text, size);
    lua_settop(S, 1);
    return lua_error(S);
}

static int native_fail(lua_State *S) { return fail(S, luaL_checkstring(S, 1)); }

static int native_bytes(lua_State *S) {
    size_t size;
    const char *text = luaL_checklstring(S, 1, &size);
    push_bytes(S, text, size);
    return 1;
}

/* raw(bytes): the content as a string of Lua, or nil for anything else. */
static int native_raw(lua_State *S) {
    if (lua_type(S, 1) != LUA_TUSERDATA || !is_marked(S, 1, &bytes_key)) return 0;
    lua_pushlstring(S, lua_touserdata(S, 1), lua_rawlen(S, 1));
    return 1;
}

static lua_Integer integer_at(lua_State *S, int index, const char *name) {
    int kind = lua_type(S, index);
    if (!lua_isinteger(S, index)) {
        push_place(S);
        lua_pushfstring(S, "%s needs integers, not %s", name, lua_typename(S, kind == LUA_TNONE ? LUA_TNIL : kind));
        lua_concat(S, 2);
        lua_error(S);
    }
    return lua_tointeger(S, index);
}

static int push_exact(lua_State *S, int is_over, lua_Integer result) {
    if (!is_over) {
        lua_pushinteger(S, result);
        return 1;
    }
    lua_settop(S, 0);
    lua_pushliteral(S, "overflow");
    return native_revert(S);
}

static int native_add(lua_State *S) {
    lua_Integer a = integer_at(S, 1, "int.add"), b = integer_at(S, 2, "int.add"), sum;
    int is_over = __builtin_add_overflow(a, b, &sum);
    return push_exact(S, is_over, sum);
}

static int native_sub(lua_State *S) {
    lua_Integer a = integer_at(S, 1, "int.sub"), b = integer_at(S, 2, "int.sub"), difference;
    int is_over = __builtin_sub_overflow(a, b, &difference);
    return push_exact(S, is_over, difference);
}

static int native_mul(lua_State *S) {
    lua_Integer a = integer_at(S, 1, "int.mul"), b = integer_at(S, 2, "int.mul");
    __int128 product = (__int128)a * b;
    return push_exact(S, product != (int64_t)product, (lua_Integer)product);
}

/* muldiv(a, b, c, is_up): a * b / c in 128 bits; nil when it does not fit, false for c = 0. */
static int native_muldiv(lua_State *S) {
    lua_Integer a = luaL_checkinteger(S, 1), b = luaL_checkinteger(S, 2), c = luaL_checkinteger(S, 3);
    if (c == 0) {
        lua_pushboolean(S, 0);
        return 1;
    }
    __int128 product = (__int128)a * b, quotient = product / c, rest = product % c;
    if (rest) {
        int is_positive = (rest < 0) == (c < 0);
        if (lua_toboolean(S, 4) && is_positive) quotient++;
        if (!lua_toboolean(S, 4) && !is_positive) quotient--;
    }
    if (quotient != (int64_t)quotient) return 0;
    lua_pushinteger(S, (int64_t)quotient);
    return 1;
}

static int native_is_text(lua_State *S) {
    size_t size;
    const char *text = lua_tolstring(S, 1, &size);
    lua_pushboolean(S, lua_type(S, 1) == LUA_TSTRING && is_utf8(text, size));
    return 1;
}

static const luaL_Reg natives[] = {
    {"host", native_host}, {"put", native_put}, {"ctx", native_ctx}, {"emit", native_emit}, {"add", native_add},
    {"sub", native_sub}, {"mul", native_mul}, {"revert", native_revert}, {"fail", native_fail},
    {"bytes", native_bytes}, {"raw", native_raw}, {"muldiv", native_muldiv}, {"is_text", native_is_text}, {NULL, NULL},
};

/* the language that a contract gets */

static int safe_load(lua_State *S) {
    int has_environment = !lua_isnone(S, 4);
    luaL_argcheck(S, lua_type(S, 1) == LUA_TSTRING, 1, "a string is expected");
    lua_settop(S, 4);
    lua_pushvalue(S, lua_upvalueindex(1));
    lua_pushvalue(S, 1);
    lua_pushvalue(S, 2);
    lua_pushliteral(S, "t"); /* source text only, never bytecode */
    if (has_environment) lua_pushvalue(S, 4);
    lua_call(S, has_environment ? 4 : 3, 2);
    return 2;
}

static int safe_setmetatable(lua_State *S) {
    if (lua_istable(S, 2)) {
        int is_refused = 0;
        for (const char *const *name = (const char *const[]){"__gc", "__mode", NULL}; *name; name++) {
            lua_pushstring(S, *name);
            is_refused |= lua_rawget(S, 2) != LUA_TNIL;
        }
        if (is_refused) return luaL_error(S, "__gc and __mode are not there in contracts");
        lua_settop(S, 2);
    }
    return luaB_setmetatable(S);
}

static void remove_names(const char *table, const char *const *names) {
    lua_getglobal(L, table);
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
    lua_pop(L, 1);
}

static void *allocate(void *self, void *content, size_t old, size_t wanted) {
    if (wanted) return realloc(content, wanted);
    free(content);
    return NULL;
}

static int build(lua_State *S) {
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base}, {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
        {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math}, {LUA_UTF8LIBNAME, luaopen_utf8}, {NULL, NULL},
    };
    for (const luaL_Reg *library = libraries; library->name; library++) {
        luaL_requiref(S, library->name, library->func, 1);
        lua_pop(S, 1);
    }
    remove_names(LUA_GNAME, (const char *const[]){"collectgarbage", "dofile", "loadfile", "print", "warn", NULL});
    remove_names(LUA_STRLIBNAME, (const char *const[]){"dump", NULL});
    remove_names(LUA_MATHLIBNAME, (const char *const[]){"random", "randomseed", NULL});
    lua_getglobal(S, "load");
    lua_pushcclosure(S, safe_load, 1);
    lua_setglobal(S, "load");
    lua_register(S, "setmetatable", safe_setmetatable);
    lua_pushliteral(S, "");
    lua_getmetatable(S, -1);
    lua_pushboolean(S, 0);
    lua_setfield(S, -2, "__metatable");
    return 0;
}

EXPORT(vm_init) int32_t vm_init(void) {
    L = lua_newstate(allocate, NULL);
    lua_pushcfunction(L, build);
    return lua_pcall(L, 0, 0, 0);
}

/* running */

/* Put the error on the top of the stack into io; return its negative length. */
static int32_t end_failed(void) {
    size_t size = 0;
    const char *text = lua_tolstring(L, -1, &size);
    io[0] = revert_size >= 0 ? 'R' : 'E';
    if (revert_size >= 0) text = revert_text, size = (size_t)revert_size;
    int32_t used = (int32_t)copy_text((char *)io + 1, TEXT_BYTES, text ? text : "", size);
    lua_settop(L, 0);
    return -(used + 1);
}

EXPORT(vm_source) char *vm_source(int32_t size) { return source = take_source_room((uint32_t)size); }

static int run_source(int32_t size, const char *name, int arguments) {
    int status = luaL_loadbufferx(L, source, (size_t)size, name, "t");
    clear_source_room();
    if (status) return status;
    lua_insert(L, 2);
    return lua_pcall(L, arguments, 1, 1);
}

EXPORT(vm_prelude) int32_t vm_prelude(int32_t size) {
    lua_pushcfunction(L, on_error);
    luaL_newlib(L, natives);
    lua_newtable(L); /* metatable of bytes: the prelude fills it in */
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &bytes_key);
    lua_setfield(L, -2, "bytes_meta");
    lua_newtable(L); /* metatable that marks a map */
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &map_key);
    lua_setfield(L, -2, "map_meta");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    if (run_source(size, "=prelude", 1)) return end_failed();
    lua_rawsetp(L, LUA_REGISTRYINDEX, &dispatch_key);
    lua_settop(L, 0);
    return 0;
}

EXPORT(vm_load) int32_t vm_load(int32_t size) {
    lua_pushcfunction(L, on_error);
    if (run_source(size, "=contract", 0)) return end_failed();
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &dispatch_key);
    lua_pushliteral(L, "@loaded");
    if (lua_pcall(L, 1, 0, 1)) return end_failed();
    lua_settop(L, 0);
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

static int call_method(lua_State *S) {
    Reader r = {io, io + lua_tointeger(S, 1)};
    Item item;
    lua_settop(S, 0);
    lua_rawgetp(S, LUA_REGISTRYINDEX, &dispatch_key);
    if (take(&r, &item) || item.kind != LIST || item.size != 3) return fail(S, "bad_args");
    push_value(S, &r, 0);
    if (take(&r, &item) || item.kind != LIST) return fail(S, "bad_args");
    luaL_checkstack(S, (int)item.size + 8, "arguments");
    for (uint32_t i = 0; i < item.size; i++) push_value(S, &r, 0);
    if (take_context(&r)) return fail(S, "bad_args");
    lua_call(S, (int)item.size + 1, 1);
    Writer w = new_end();
    write_value(S, &w, -1, VALUE_DEPTH);
    lua_pushinteger(S, end_of(&w));
    return 1;
}

EXPORT(vm_call) int32_t vm_call(int32_t size) {
    lua_settop(L, 0);
    lua_pushcfunction(L, on_error);
    lua_pushcfunction(L, call_method);
    lua_pushinteger(L, size);
    is_running = 1;
    int status = lua_pcall(L, 1, 1, 1);
    is_running = 0;
    if (status || revert_size >= 0) return end_failed();
    return (int32_t)lua_tointeger(L, -1);
}

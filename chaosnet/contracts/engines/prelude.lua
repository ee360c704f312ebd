-- What a Lua contract finds: `contract` to declare itself, and the words below. prelude.js says the same in
-- JavaScript. Numbers of operations: chaosnet/contracts/ops.py. Whatever is sent to the host is checked there
-- again; checks here only tell the author early and with the line.

local native = ...
local host, put, fail, raw, muldiv, null = native.host, native.put, native.fail, native.raw, native.muldiv, native.null
local pairs, ipairs, type, select, next, rawget, rawset = pairs, ipairs, type, select, next, rawget, rawset
local tostring, setmetatable, integer = tostring, setmetatable, math.type
local unpack, insert, concat = table.unpack, table.insert, table.concat
local find, format, match, gsub, gmatch, byte, char = string.find, string.format, string.match, string.gsub, string.gmatch, string.byte, string.char
local sub, rep = string.sub, string.rep

local GET, SCAN, TRANSFER, CALL, BALANCE, HASH, VERIFY = 1, 3, 5, 6, 7, 8, 9
local GAS_LEFT, TRANSFER_AND_CALL, PRINT = 12, 13, 200
local ISSUE, BURN, APPROVE, TRANSFER_FROM, ALLOWANCE, TOKEN, RIGHTS, CONVERT = 20, 21, 22, 23, 24, 25, 26, 27
local PAGE = 32 -- entries that an iteration asks for at once

-- ── refusing ─────────────────────────────────────────────────────────────────────────────────────────────

-- End the call: nothing that it did remains, and the receipt carries the text.
function revert(text)
  if type(text) ~= "string" then fail("revert needs a text") end
  native.revert(text)
end

local revert = revert

-- Revert with the text unless the condition holds; return the condition.
function ensure(condition, text)
  if not condition then revert(text or "a condition does not hold") end
  return condition
end

-- ── values ───────────────────────────────────────────────────────────────────────────────────────────────

_G.null = null -- what nil is inside a list or a map that crosses the border

-- Mark a table as a map: `{}` crosses the border as a list, `map{}` as a map.
local map_meta = native.map_meta
map_meta.__metatable = false
function map(entries)
  return setmetatable(entries or {}, map_meta)
end

local function is_bytes(value)
  return type(value) == "userdata" and value ~= null
end

local checks = {
  int = function(value) return integer(value) == "integer" end,
  text = function(value) return type(value) == "string" end,
  address = function(value) return type(value) == "string" end,
  bool = function(value) return type(value) == "boolean" end,
  bytes = is_bytes,
  list = function(value) return type(value) == "table" end,
  map = function(value) return type(value) == "table" end,
  any = function() return true end,
}

local function check(kind, value, name)
  if not checks[kind](value) then fail(name .. " must be " .. kind .. ", not " .. type(value)) end
  return value
end

local function check_int(value, name)
  if integer(value) ~= "integer" then fail(name .. " needs integers, not " .. type(value)) end
end

-- ── exact integers: 64 bits, no result is ever wrong ─────────────────────────────────────────────────────

int = {}

local function fitting(result)
  if result == false then revert("division by zero") end
  if result == nil then revert("overflow") end
  return result
end

local function is_up(rounding, name)
  if rounding ~= "down" and rounding ~= "up" then fail(name .. " needs 'down' or 'up'") end
  return rounding == "up"
end

int.add, int.sub, int.mul = native.add, native.sub, native.mul

-- a / b, rounded 'down' (to minus infinity) or 'up' (to plus infinity).
function int.div(a, b, rounding)
  check_int(a, "int.div")
  check_int(b, "int.div")
  return fitting(muldiv(a, 1, b, is_up(rounding, "int.div")))
end

-- a * b / c with a product of 128 bits, rounded 'down' or 'up'.
function int.muldiv(a, b, c, rounding)
  check_int(a, "int.muldiv")
  check_int(b, "int.muldiv")
  check_int(c, "int.muldiv")
  return fitting(muldiv(a, b, c, is_up(rounding, "int.muldiv")))
end

-- The largest integer whose square is not over a.
function int.sqrt(a)
  check_int(a, "int.sqrt")
  if a < 0 then revert("square root of a negative number") end
  local low, high = 0, 3037000499
  while low < high do
    local middle = (low + high + 1) // 2
    if middle * middle <= a then low = middle else high = middle - 1 end
  end
  return low
end

-- ── decimals: texts for people, integers in the contract ─────────────────────────────────────────────────

decimal = {}

local function check_decimals(decimals)
  check_int(decimals, "decimals")
  if decimals < 0 or decimals > 18 then revert("decimals are 0 to 18") end
end

-- "1.5" with 6 decimals is 1500000. ASCII digits only; more digits than there are decimals are refused.
function decimal.parse(text, decimals)
  check("text", text, "decimal.parse")
  check_decimals(decimals)
  local sign, whole, part = match(text, "^(-?)([0-9]+)%.?([0-9]*)$")
  if not whole or (part == "" and find(text, ".", 1, true)) then revert("not a decimal number") end
  if #part > decimals then revert("more than " .. decimals .. " decimals") end
  local digits = gsub(whole .. part .. rep("0", decimals - #part), "^0+", "")
  if #digits > 19 then revert("overflow") end
  local value = 0
  for i = 1, #digits do -- downwards, since the smallest integer has no positive twin
    value = int.sub(fitting(muldiv(value, 10, 1, false)), byte(digits, i) - 48)
  end
  if sign == "" then return int.sub(0, value) end
  return value
end

-- 1500000 with 6 decimals is "1.5".
function decimal.format(value, decimals)
  check_int(value, "decimal.format")
  check_decimals(decimals)
  local digits = gsub(format("%d", value), "^-", "")
  digits = rep("0", decimals + 1 - #digits) .. digits
  local whole, part = sub(digits, 1, #digits - decimals), sub(digits, #digits - decimals + 1)
  part = gsub(part, "0+$", "")
  return (value < 0 and "-" or "") .. whole .. (part ~= "" and "." .. part or "")
end

-- ── bytes: their own type, apart from text ───────────────────────────────────────────────────────────────

bytes = {}

local function content(value)
  return raw(value) or fail("bytes are needed, not " .. type(value))
end

function bytes.from_text(text)
  return native.bytes(check("text", text, "bytes.from_text"))
end

function bytes.to_text(value)
  local text = content(value)
  return native.is_text(text) and text or revert("bytes are no text")
end

function bytes.from_hex(text)
  check("text", text, "bytes.from_hex")
  if #text % 2 ~= 0 or find(text, "[^0-9a-fA-F]") then revert("not hexadecimal") end
  return native.bytes((gsub(text, "..", function(pair) return char(tonumber(pair, 16)) end)))
end

function bytes.to_hex(value)
  return (gsub(content(value), ".", function(one) return format("%02x", byte(one)) end))
end

function bytes.concat(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = content((select(i, ...))) end
  return native.bytes(concat(parts))
end

-- `count` bytes after the first `skip`.
function bytes.slice(value, skip, count)
  local from = content(value)
  check_int(skip, "bytes.slice")
  check_int(count, "bytes.slice")
  if skip < 0 or count < 0 or skip > #from or count > #from - skip then revert("outside of the bytes") end
  return native.bytes(sub(from, skip + 1, skip + count))
end

function bytes.equal(a, b)
  return content(a) == content(b)
end

function bytes.size(value)
  return #content(value)
end

setmetatable(bytes, {__call = function(_, text) return bytes.from_text(text) end})

local bytes_meta = native.bytes_meta
bytes_meta.__metatable = false
bytes_meta.__name = "bytes"
bytes_meta.__len = bytes.size
bytes_meta.__tostring = bytes.to_hex
bytes_meta.__eq = bytes.equal
bytes_meta.__concat = bytes.concat

-- ── storage ──────────────────────────────────────────────────────────────────────────────────────────────

-- `store.name` is the declared entry; entries are never replaced, so that nothing looks stored that is not.
local entries = setmetatable({}, {
  __index = function(_, name) fail("storage." .. tostring(name) .. " is not declared") end,
})
store = setmetatable({}, {
  __index = entries,
  __newindex = function(_, name) fail("store." .. tostring(name) .. " cannot be replaced: use its `set`") end,
  __metatable = false,
})

-- Add to an integer that must not fall below zero.
local function moved(entry, present, amount)
  check_int(amount, entry)
  present = present or 0
  local result = present + amount
  if (present ~ result) & (amount ~ result) < 0 then revert("overflow") end
  if result < 0 then revert(entry .. " would fall below zero") end
  return result
end

local Value, Counter, Map, Maps, List = {}, {}, {}, {}, {}

function Value:get()
  return host(GET, self.name)
end

function Value:set(value)
  put(check(self.value, value, self.name), self.name)
end

function Value:has()
  return host(GET, self.name) ~= nil
end

function Value:delete()
  put(nil, self.name)
end

-- An integer that is 0 until it is set.
function Counter:get()
  return host(GET, self.name) or 0
end

Counter.set = Value.set
Counter.delete = Value.delete

function Counter:add(amount)
  local result = moved(self.name, host(GET, self.name), amount)
  put(result, self.name)
  return result
end

function Counter:sub(amount)
  check_int(amount, self.name)
  return self:add(int.sub(0, amount))
end

-- A map with one key.
function Map:get(key)
  if not self.is_key(key) then check(self.key, key, self.name) end
  return host(GET, self.name, key)
end

function Map:has(key)
  return self:get(key) ~= nil
end

function Map:set(key, value)
  if not self.is_key(key) then check(self.key, key, self.name) end
  if not self.is_value(value) then check(self.value, value, self.name) end
  put(value, self.name, key)
end

function Map:delete(key)
  put(nil, self.name, check(self.key, key, self.name))
end

-- Add to the integer under the key, 0 when there is none; return the new one.
function Map:add(key, amount)
  local result = moved(self.name, self:get(key), amount)
  put(result, self.name, key)
  return result
end

function Map:sub(key, amount)
  check_int(amount, self.name)
  return self:add(key, int.sub(0, amount))
end

-- Keys and values in the order of the keys: for key, value in store.names:each() do ... end
local function iterate(prefix)
  local page, at, after = {}, 0, nil
  local skip = #prefix
  return function()
    at = at + 1
    if at > #page then -- a page can be short because its entries are large: only an empty one is the last
      page, at = host(SCAN, prefix, after, PAGE), 1
      if #page == 0 then return nil end
      after = {unpack(page[#page][1])}
    end
    local key, value = page[at][1], page[at][2]
    if #key == skip + 1 then return key[skip + 1], value end
    key[#key + 1] = value
    return unpack(key, skip + 1)
  end
end

-- At most `limit` entries after the key `after` (nil: from the start), as a list of {key, value}.
local function page_of(prefix, limit, after)
  check_int(limit, "page")
  local start
  if after ~= nil then
    start = {unpack(prefix)}
    for _, part in ipairs(type(after) == "table" and after or {after}) do insert(start, part) end
  end
  local entries = host(SCAN, prefix, start, limit)
  for _, entry in ipairs(entries) do
    local rest = {unpack(entry[1], #prefix + 1)}
    entry[1] = #rest == 1 and rest[1] or rest
  end
  return entries
end

function Map:each()
  return iterate({self.name})
end

function Map:page(limit, after)
  return page_of({self.name}, limit, after)
end

-- A map with several keys: get(a, b), set(a, b, value), add(a, b, amount); each(a) goes over what is under a.
local function check_keys(self, count, ...)
  if select("#", ...) ~= count then fail(self.name .. " needs " .. count .. " keys or values") end
  for i = 1, #self.keys do check(self.keys[i], (select(i, ...)), self.name) end
end

local function check_prefix(self, ...)
  local prefix = {self.name, ...}
  if #prefix > #self.keys then fail(self.name .. " has fewer keys") end
  for i = 2, #prefix do check(self.keys[i - 1], prefix[i], self.name) end
  return prefix
end

function Maps:get(...)
  check_keys(self, #self.keys, ...)
  return host(GET, self.name, ...)
end

function Maps:has(...)
  return self:get(...) ~= nil
end

function Maps:set(...)
  local count = #self.keys
  check_keys(self, count + 1, ...)
  local keys = {...}
  put(check(self.value, keys[count + 1], self.name), self.name, unpack(keys, 1, count))
end

function Maps:delete(...)
  check_keys(self, #self.keys, ...)
  put(nil, self.name, ...)
end

function Maps:add(...)
  local count = #self.keys
  check_keys(self, count + 1, ...)
  local keys = {...}
  local result = moved(self.name, host(GET, self.name, unpack(keys, 1, count)), keys[count + 1])
  put(result, self.name, unpack(keys, 1, count))
  return result
end

function Maps:sub(...)
  local keys = {...}
  check_int(keys[#keys], self.name)
  keys[#keys] = int.sub(0, keys[#keys])
  return self:add(unpack(keys))
end

function Maps:each(...)
  return iterate(check_prefix(self, ...))
end

function Maps:page(limit, after, ...)
  return page_of(check_prefix(self, ...), limit, after)
end

-- A list, from 1 to len().
function List:len()
  return host(GET, self.name) or 0
end

function List:get(index)
  check_int(index, self.name)
  return host(GET, self.name, index - 1)
end

function List:set(index, value)
  check_int(index, self.name)
  if index < 1 or index > self:len() then revert(self.name .. " has no such index") end
  put(check(self.value, value, self.name), self.name, index - 1)
end

function List:push(value)
  local length = self:len()
  put(check(self.value, value, self.name), self.name, length)
  put(length + 1, self.name)
  return length + 1
end

function List:pop()
  local length = self:len()
  if length == 0 then return nil end
  local value = host(GET, self.name, length - 1)
  put(nil, self.name, length - 1)
  if length == 1 then put(nil, self.name) else put(length - 1, self.name) end
  return value
end

function List:each()
  local index, length = 0, self:len()
  return function()
    index = index + 1
    if index <= length then return index, host(GET, self.name, index - 1) end
  end
end

local function declared(name, schema)
  local words = {}
  for word in gmatch(schema, "%S+") do insert(words, word) end
  local kind = words[1]
  if kind == "counter" and #words == 1 then return setmetatable({name = name, value = "int"}, {__index = Counter}) end
  for i = 2, #words do
    if not checks[words[i]] then fail("storage." .. name .. ": " .. words[i] .. " is no type") end
  end
  local value = words[#words]
  if kind == "value" and #words == 2 then return setmetatable({name = name, value = value}, {__index = Value}) end
  if kind == "list" and #words == 2 then return setmetatable({name = name, value = value}, {__index = List}) end
  if kind == "map" and #words == 3 then
    local entry = {name = name, key = words[2], value = value, is_key = checks[words[2]], is_value = checks[value]}
    return setmetatable(entry, {__index = Map})
  end
  if kind == "map" and #words > 3 then
    return setmetatable({name = name, keys = {unpack(words, 2, #words - 1)}, value = value}, {__index = Maps})
  end
  return fail("storage." .. name .. ": 'counter', 'value T', 'list T' or 'map K ... T'")
end

-- ── the chain ────────────────────────────────────────────────────────────────────────────────────────────

-- Fields: self, caller, origin, action, tx, height, time (ms), chain, sent (a map from asset to amount).
local known = {}
ctx = setmetatable({}, {
  __index = function(_, name)
    local value = known[name]
    if value == nil then
      value = native.ctx(name)
      if value ~= nil then known[name] = value end
    end
    if value == nil then fail("ctx has no field " .. tostring(name)) end
    return value
  end,
  __newindex = function() fail("ctx cannot be changed") end,
  __metatable = false,
})

function gas_left()
  return host(GAS_LEFT)
end

local events = {}

-- Record an event that the contract declares.
function emit(name, ...)
  local fields = events[name]
  if not fields then fail("event " .. tostring(name) .. " is not declared") end
  if select("#", ...) ~= #fields then fail("event " .. name .. " has " .. #fields .. " values") end
  native.emit(name, ...)
end

-- Send from what the contract owns; the asset is COS unless named. Never runs code of the receiver.
function transfer(to, amount, asset)
  host(TRANSFER, to, asset or "COS", amount)
end

function transfer_and_call(to, amount, asset, method, args)
  return host(TRANSFER_AND_CALL, to, asset or "COS", amount, method, args or {})
end

function balance(address, asset)
  return host(BALANCE, address, asset or "COS")
end

local function calling(contract, method, args, options, is_static, is_try)
  local sent, fuel
  if options then sent, fuel = options.sent, options.fuel end
  if sent and next(sent) == nil then sent = nil end
  return host(CALL, contract, method, args or {}, sent, fuel, is_static, is_try)
end

-- Call another contract; options: sent = {COS = 5}, fuel = 100000. When it fails, this call fails.
function call(contract, method, args, options)
  return calling(contract, method, args, options, false, false)
end

-- The same, but nothing may change.
function static_call(contract, method, args, options)
  return calling(contract, method, args, options, true, false)
end

-- The same, but a failure is an answer: {ok, value} or {ok, code, text}.
function try_call(contract, method, args, options)
  local answer = calling(contract, method, args, options, false, true)
  if answer[1] then return {ok = true, value = answer[2] ~= null and answer[2] or nil} end
  return {ok = false, code = answer[2], text = answer[3]}
end

-- Hex text; kinds: 'sha256', 'sha512', 'sha3_256'.
function hash(kind, data)
  return host(HASH, kind, data)
end

-- Whether the signature is right; kind: 'ed25519'; the rest are bytes.
function verify(kind, key, message, signature)
  return host(VERIFY, kind, key, message, signature)
end

-- In tests only; a running chain ignores it.
function print(...)
  local texts = {}
  for i = 1, select("#", ...) do texts[i] = tostring((select(i, ...))) end
  host(PRINT, unpack(texts))
end

-- ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────

token = {}

-- Make a token, with `amount` of it for `to`; answers its id. Options: symbol, name, decimals, max, reserve, and who
-- may `issue`, `freeze`, `pause`, `clawback`.
function token.create(to, amount, options)
  return host(ISSUE, nil, to, amount, options)
end

-- More of a token, by whoever holds the right to issue it.
function token.issue(asset, to, amount)
  return host(ISSUE, asset, to, amount, nil)
end

function token.burn(asset, amount)
  host(BURN, asset, amount)
end

-- Let a spender take up to `new` until the height `expiry`; refused unless the present allowance is `expected`.
function token.approve(asset, spender, expected, new, expiry)
  host(APPROVE, asset, spender, expected, new, expiry)
end

function token.transfer_from(asset, from, to, amount)
  host(TRANSFER_FROM, asset, from, to, amount)
end

function token.allowance(asset, owner, spender)
  return host(ALLOWANCE, asset, owner, spender)
end

function token.info(asset)
  return host(TOKEN, asset)
end

function token.rights(asset, change, details)
  host(RIGHTS, asset, change, details)
end

function token.convert(asset, amount, into, min_out, expiry)
  return host(CONVERT, asset, amount, into, min_out, expiry)
end

-- ── the contract ─────────────────────────────────────────────────────────────────────────────────────────

local declaration, methods, interface

local function without_run(fields, place)
  if type(fields) ~= "table" then fail(place .. " must be a table") end
  if type(rawget(fields, "run")) ~= "function" then fail(place .. " needs a function `run`") end
  local copy = map{}
  for name, value in pairs(fields) do
    if name ~= "run" then copy[name] = value end
  end
  return copy
end

-- Declare the contract, once: api, name, version, licence, permissions, events, errors, storage, init, methods.
function contract(fields)
  if declaration then fail("a source declares one contract") end
  if type(fields) ~= "table" then fail("contract needs a table") end
  declaration, methods, interface = fields, {}, map{}
  for name, value in pairs(fields) do interface[name] = value end
  if fields.init ~= nil then
    interface.init = without_run(fields.init, "init")
    methods["@init"] = fields.init.run
  end
  interface.methods = map{}
  if type(fields.methods) ~= "table" then fail("methods must be a table") end
  for name, method in pairs(fields.methods) do
    interface.methods[name] = without_run(method, "methods." .. tostring(name))
    methods[name] = method.run
  end
  for name, values in pairs(fields.events or {}) do events[name] = values end
  for name, schema in pairs(fields.storage or {}) do entries[name] = declared(name, check("text", schema, "storage")) end
end

methods = {}

return function(method, ...)
  if method == "@loaded" then
    if not declaration then fail("the source declares no contract{...}") end
    return
  end
  if method == "@interface" then return interface end
  local run = rawget(methods, method)
  if not run then fail("no method " .. tostring(method)) end
  return run(...)
end

-- What the engine's shim gives the prelude, in Lua alone: for contracts that run in Lua as compiled for this
-- computer. Called with (ask, fresh, prelude, source): `ask(op, payload)` is answered with bytes, or with false
-- when the call must end, prelude and source come compiled; `fresh()` gives a new userdata. Returns a function that runs methods.
local ask, fresh, prelude, source = ...
local rawget, rawset, rawlen, next, type, error, pcall, select = rawget, rawset, rawlen, next, type, error, pcall, select
local string, table, math, utf8, load, setmetatable = string, table, math, utf8, load, setmetatable
local getmetatable, tostring, set_any_metatable = debug.getmetatable, tostring, debug.setmetatable
local spack, sunpack = string.pack, string.unpack

local bytes_meta, map_meta = {}, {}
local null = debug.upvalueid(function() return ask end, 1) -- a light userdata: it equals no bytes
local contents = setmetatable({}, {__mode = "k"})
local is_running, ended = false, nil

local function place()
  for level = 3, 100 do
    local _, found = pcall(error, "", level)
    if string.find(found, "^contract:") then return found end
  end
  return ""
end

local function fail(text) error(place() .. text, 0) end

local function new_bytes(text)
  local made = fresh()
  set_any_metatable(made, bytes_meta)
  contents[made] = text
  return made
end

-- MessagePack in its shortest forms, as chaosnet/contracts/values.py writes it.
local function head(kind, size)
  if kind == "text" then
    if size < 32 then return string.char(0xa0 + size) end
    if size < 256 then return spack(">BB", 0xd9, size) end
    return spack(">BI2", 0xda, size)
  elseif kind == "bytes" then
    if size < 256 then return spack(">BB", 0xc4, size) end
    return spack(">BI2", 0xc5, size)
  end
  if size < 16 then return string.char((kind == "list" and 0x90 or 0x80) + size) end
  return spack(">BI2", kind == "list" and 0xdc or 0xde, size)
end

local function write_int(n)
  if n >= 0 then
    if n < 128 then return string.char(n) end
    if n < 256 then return spack(">BB", 0xcc, n) end
    if n < 65536 then return spack(">BI2", 0xcd, n) end
    if n < 4294967296 then return spack(">BI4", 0xce, n) end
    return spack(">Bi8", 0xcf, n)
  end
  if n >= -32 then return spack(">b", n) end
  if n >= -128 then return spack(">Bb", 0xd0, n) end
  if n >= -32768 then return spack(">Bi2", 0xd1, n) end
  if n >= -2147483648 then return spack(">Bi4", 0xd2, n) end
  return spack(">Bi8", 0xd3, n)
end

local write

local function write_map(value, count, depth)
  local keys = {}
  for key in next, value do
    if type(key) ~= "string" or not utf8.len(key) then fail("bad_value: keys of a map are text") end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  local parts = {head("map", count)}
  for _, key in ipairs(keys) do
    parts[#parts + 1] = head("text", #key) .. key .. write(rawget(value, key), depth - 1)
  end
  return table.concat(parts)
end

function write(value, depth)
  local kind = type(value)
  if kind == "nil" or rawequal(value, null) then return "\xc0" end
  if kind == "boolean" then return value and "\xc3" or "\xc2" end
  if kind == "string" then
    if not utf8.len(value) then fail("bad_value: text is not valid UTF-8; use bytes(...)") end
    return head("text", #value) .. value
  end
  if kind == "number" then
    if math.type(value) ~= "integer" then fail("bad_value: only integers cross the border, no floats") end
    return write_int(value)
  end
  if kind == "userdata" and contents[value] then return head("bytes", #contents[value]) .. contents[value] end
  if kind ~= "table" then fail("bad_value: a " .. kind .. " cannot cross the border") end
  if depth == 0 then fail("bad_value: lists and maps nest at most 16 deep") end
  local count = 0
  for _ in next, value do count = count + 1 end
  local length = rawlen(value)
  if getmetatable(value) == map_meta or (count > 0 and length == 0) then return write_map(value, count, depth) end
  if length ~= count then fail("bad_value: a table is a list without holes or a map with text keys") end
  local parts = {head("list", length)}
  for i = 1, length do parts[i + 1] = write(rawget(value, i), depth - 1) end
  return table.concat(parts)
end

local SIZES = {[0xcc] = ">B", [0xcd] = ">I2", [0xce] = ">I4", [0xcf] = ">i8", [0xd0] = ">b", [0xd1] = ">i2", [0xd2] = ">i4", [0xd3] = ">i8"}
local BLOCKS = {[0xd9] = ">s1", [0xda] = ">s2", [0xdb] = ">s4", [0xc4] = ">s1", [0xc5] = ">s2", [0xc6] = ">s4"}

local function read(from, at, is_inside)
  local tag = string.byte(from, at)
  at = at + 1
  if tag < 0x80 then return tag, at end
  if tag >= 0xe0 then return tag - 256, at end
  if tag == 0xc0 then return is_inside and null or nil, at end
  if tag == 0xc2 or tag == 0xc3 then return tag == 0xc3, at end
  if SIZES[tag] then return sunpack(SIZES[tag], from, at) end
  if tag >= 0xa0 and tag < 0xc0 then return string.sub(from, at, at + tag - 0xa1), at + tag - 0xa0 end
  if BLOCKS[tag] then
    local text, after = sunpack(BLOCKS[tag], from, at)
    return tag >= 0xd9 and text or new_bytes(text), after
  end
  local is_list = tag >= 0x90 and tag < 0xa0 or tag == 0xdc
  local size = tag < 0xa0 and tag % 16 or nil
  if not size then size, at = sunpack(">I2", from, at) end
  local found = is_list and {} or setmetatable({}, map_meta)
  for i = 1, size do
    local key, value = i, nil
    if not is_list then key, at = read(from, at, true) end
    value, at = read(from, at, true)
    rawset(found, key, value)
  end
  return found, at
end

local function asked(op, payload)
  if not is_running then fail("not while the contract loads: call this from a method") end
  if ended then error(ended, 0) end
  local answer = ask(op, payload)
  if answer == false then
    ended = ended or {"dead"}
    error(ended, 0)
  end
  if answer == "" then return nil end
  return (read(answer, 1))
end

local function listed(...)
  local count = select("#", ...)
  local parts = {head("list", count)}
  for i = 1, count do parts[i + 1] = write((select(i, ...)), 16) end
  return table.concat(parts)
end

-- a * b as two halves of 64 bits, then divided bit by bit: slow and plain.
local function muldiv(a, b, c, is_up)
  if c == 0 then return false end
  local negative = (a < 0) ~= (b < 0)
  local function size_of(n) return n < 0 and -n or n end -- the smallest integer stays itself: its bits are right
  local x, y, z = size_of(a), size_of(b), size_of(c)
  local xl, xh, yl, yh = x & 0xffffffff, x >> 32, y & 0xffffffff, y >> 32
  local low, mid1, mid2, high = xl * yl, xh * yl, xl * yh, xh * yh
  local carry = (low >> 32) + (mid1 & 0xffffffff) + (mid2 & 0xffffffff)
  local l = (low & 0xffffffff) | (carry << 32)
  local h = high + (mid1 >> 32) + (mid2 >> 32) + (carry >> 32)
  negative = negative ~= (c < 0)
  local rest, quotient, is_over = 0, 0, false
  for bit = 127, 0, -1 do
    local digit = bit >= 64 and (h >> (bit - 64)) & 1 or (l >> bit) & 1
    local top = rest < 0
    rest = (rest << 1) | digit
    if bit < 64 then quotient = quotient << 1 elseif is_over then quotient = 0 end
    if top or math.ult(z, rest) or rest == z then
      rest = rest - z
      if bit >= 64 then is_over = true else quotient = quotient | 1 end
    end
  end
  if is_over then return nil end
  if rest ~= 0 and (is_up and not negative or not is_up and negative) then
    quotient = quotient + 1
    if quotient == 0 then return nil end
  end
  if negative then
    if quotient < 0 and quotient ~= math.mininteger then return nil end
    return -quotient
  end
  if quotient < 0 then return nil end
  return quotient
end

local context

local function revert(text)
  ended = ended or {"reverted", text}
  error(ended, 0)
end

local function integers(name, ...)
  for i = 1, 2 do
    local one = select(i, ...)
    if math.type(one) ~= "integer" then fail(name .. " needs integers, not " .. type(one)) end
  end
end

local function exact(result)
  if not result then revert("overflow") end
  return result
end

local native = {
  host = function(op, ...) return asked(op, listed(...)) end,
  ctx = function(name)
    context = context or asked(11, listed()) or {}
    return rawget(context, name)
  end,
  emit = function(name, ...)
    local count = select("#", ...)
    local parts = {"\x92", write(name, 16), head("list", count)}
    for i = 1, count do parts[i + 3] = write((select(i, ...)), 15) end
    return asked(4, table.concat(parts))
  end,
  add = function(a, b)
    integers("int.add", a, b)
    local sum = a + b
    return exact((a ~ sum) & (b ~ sum) >= 0 and sum)
  end,
  sub = function(a, b)
    integers("int.sub", a, b)
    local difference = a - b
    return exact((a ~ b) & (a ~ difference) >= 0 and difference)
  end,
  mul = function(a, b)
    integers("int.mul", a, b)
    return exact(muldiv(a, b, 1, false))
  end,
  put = function(value, ...)
    local key, kept = listed(...), write(value, 16)
    return asked(2, "\x92" .. key .. kept)
  end,
  revert = revert,
  fail = fail,
  bytes = new_bytes,
  raw = function(value) return contents[value] end,
  muldiv = muldiv,
  is_text = function(text) return type(text) == "string" and utf8.len(text) ~= nil end,
  bytes_meta = bytes_meta,
  map_meta = map_meta,
  null = null,
}

-- The language that a contract gets: see the engine's shim.
local load_any = load
function _G.load(text, name, _, ...)
  if type(text) ~= "string" then error("bad argument #1 to 'load' (a string is expected)", 2) end
  return load_any(text, name, "t", ...)
end
local set_metatable = setmetatable
function _G.setmetatable(one, meta)
  if type(meta) == "table" and (rawget(meta, "__gc") ~= nil or rawget(meta, "__mode") ~= nil) then
    error("__gc and __mode are not there in contracts", 2)
  end
  return set_metatable(one, meta)
end
for _, name in ipairs{"collectgarbage", "dofile", "loadfile", "print", "warn", "io", "os", "package", "require", "debug", "python"} do
  _G[name] = nil
end
string.dump, math.random, math.randomseed = nil, nil, nil
getmetatable("").__metatable = false

local function answer_of(raised)
  if ended then return ended[1], ended[2] or "" end
  return "script_error", type(raised) == "string" and raised or ""
end

local dispatch = assert(load_any(prelude, "=prelude"))(native)
local chunk, wrong = load_any(source, "=contract")
if not chunk then return nil, wrong end
local ok, raised = pcall(function()
  chunk()
  dispatch("@loaded")
end)
if not ok then return nil, select(2, answer_of(raised)) end

return function(method, args)
  is_running = true
  local given = read(args, 1)
  for i = 1, #given do if given[i] == null then given[i] = nil end end
  local count = string.byte(args, 1) < 0xa0 and string.byte(args, 1) % 16 or (sunpack(">I2", args, 2))
  local done, found = pcall(function() return write(dispatch(method, table.unpack(given, 1, count)), 16) end)
  is_running = false
  if done and not ended then return "ok", found end
  return answer_of(found)
end

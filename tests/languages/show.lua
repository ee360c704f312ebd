-- Runs a program and tells what it returned or how it failed, as one text that is the same wherever Lua runs.
local function quoted(text)
  return (string.gsub(string.format("%q", text), "[\128-\255]", function(c) return "\\x" .. string.format("%02x", c:byte()) end))
end

local order = {boolean = 1, number = 2, string = 3}

local function before(a, b)
  local x, y = order[type(a)] or 4, order[type(b)] or 4
  if x ~= y then return x < y end
  if x == 2 or x == 3 then return a < b end
  return tostring(a) < tostring(b)
end

local function show(value, depth)
  local kind = type(value)
  if value ~= value then return "nan" end
  if math.type(value) == "float" then
    local text = string.format("%.17g", value)
    return string.find(text, "^-?%d+$") and text .. ".0" or text
  end
  if kind == "string" then return quoted(value) end
  if kind ~= "table" then return (kind == "number" or kind == "boolean" or kind == "nil") and tostring(value) or kind end
  if depth == 0 then return "..." end
  local keys, parts = {}, {}
  for key in next, value do keys[#keys + 1] = key end
  table.sort(keys, before)
  for i, key in ipairs(keys) do parts[i] = "[" .. show(key, 0) .. "]=" .. show(value[key], depth - 1) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function shown(...)
  local values = table.pack(...)
  for i = 1, values.n do values[i] = show(values[i], 4) end
  return table.concat(values, " ")
end

return function(program)
  local chunk, why = load(program, "=contract")
  if not chunk then return "does not load: " .. why end
  local ended = table.pack(pcall(chunk))
  return (ended[1] and "" or "fails: ") .. shown(table.unpack(ended, 2, ended.n))
end

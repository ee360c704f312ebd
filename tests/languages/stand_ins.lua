-- What Lua's own test files expect and a contract does not have; only they ever see it.
_port, _soft, _nomsg = true, false, true -- portable, not quick, quiet: switches of the test files

local given = {string = string, table = table, math = math, utf8 = utf8, coroutine = coroutine, _G = _G}
given.debug = { -- what needs more of it is cut
  getinfo = function()
    local _, text = pcall(error, "", 3)
    return {currentline = tonumber(string.match(text, ":(%d+):"))}
  end,
}
given.tracegc = {start = function() end, stop = function() end}

function Message() end

package = {loaded = given, preload = {}}

function require(name)
  given[name] = given[name] or assert(package.preload[name], "no module " .. name)(name) or true
  return given[name]
end

io = {stdin = bytes("a userdata")}

os = {
  clock = function() return 0 end,
  exit = function() error("to leave is not expected") end,
  setlocale = function(name) return (name == nil or name == "C") and "C" or nil end,
}

given.package, given.io, given.os = package, io, os

-- Contracts load texts only; here pieces become one.
local load_text = load
function load(chunk, ...)
  if type(chunk) ~= "function" then return load_text(chunk, ...) end
  local name = ...
  local pieces, ok, piece = {}, true, nil
  repeat
    ok, piece = pcall(chunk)
    if not ok then return nil, piece end
    if piece ~= nil and type(piece) ~= "string" then return nil, "reader function must return a string" end
    pieces[#pieces + 1] = piece
  until piece == nil or piece == ""
  return load_text(table.concat(pieces), name or "=(load)", select(2, ...))
end

-- Memory is the host's business: nothing to see, nothing to ask for.
function collectgarbage(what)
  if what == "count" then return 0, 0 end
  if what == "step" or what == "isrunning" then return true end
  return 0
end

-- Numbers that need not be random, in the three forms of math.random.
local state = 42
function math.random(low, high)
  state = state * 6364136223846793005 + 1442695040888963407
  local drawn = state ~ state >> 29
  if not low then return (drawn >> 11) * 2.0 ^ -53 end
  if low == 0 and not high then return drawn end
  if not high then low, high = 1, low end
  local size = high - low + 1
  return low + (size == 0 and drawn or (drawn >> 1) % size)
end

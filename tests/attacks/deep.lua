-- Recursion of every kind, at the end of a path of calls; deep.js is the same in JavaScript.
local deepest
local kinds = {
  plain = function() local function f(n) deepest = n return 1 + f(n + 1) end f(1) end,
  gsub = function() local function f(n) deepest = n; ("x"):gsub("x", function() f(n + 1) end) end f(1) end,
  sort = function() local function f(n) deepest = n table.sort({2, 1}, function() f(n + 1) end) end f(1) end,
  index = function()
    local t = setmetatable({}, {__index = function(s, n) deepest = n return s[n + 1] end}) local x = t[1]
  end,
  text = function()
    local n, t = 0, {} setmetatable(t, {__tostring = function() n = n + 1 deepest = n return tostring(t) end}) tostring(t)
  end,
  coroutines = function() local function f(n) deepest = n coroutine.wrap(f)(n + 1) end f(1) end,
  pattern = function() deepest = 0 return ("a"):rep(300000):find(("a?"):rep(300) .. "b") end,
  captures = function() deepest = 0 return ("a"):find(("("):rep(40) .. (")"):rep(40)) end,
  parser = function() deepest = 0 assert(load("return " .. ("("):rep(1000) .. "1")) end,
  blocks = function() deepest = 0 assert(load(("do "):rep(1000))) end,
}
contract{ api=1, name="Deep", version="1", licence="MIT", permissions={call="any"}, methods={
  down={kind="write", args={"path list", "kind text"}, returns="text", run=function(path, kind)
    local next_one = table.remove(path, 1)
    if next_one then return call(next_one, "down", {path, kind}) end
    local ok, text = pcall(kinds[kind])
    return tostring(deepest) .. " " .. tostring(ok) .. " " .. tostring(text):sub(-60)
  end} } }

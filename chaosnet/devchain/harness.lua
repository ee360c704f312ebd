-- What a test in Lua finds beside the words of contracts; harness.js says the same in JavaScript. Everything
-- that happens to the chain is asked of the runner (script.py), through a call to the address `@chain`.
local LINES, lua_call = @LINES@, call
local failed
local items, before, actions, by_name = {}, {}, {}, {}
local sender, spent = "alice", 0

local function ask(name, ...)
  local args = table.pack(...)
  for i = 1, args.n do if args[i] == nil then args[i] = null end end
  args.n = nil
  local answer = lua_call("@chain", name, args)
  if type(answer) == "table" and answer["@refused"] then failed(answer["@refused"]) end
  return answer
end

-- The line of the test that is running: the innermost one after this file.
local function where()
  for level = 2, 100 do
    local _, place = pcall(error, "", level)
    local line = tonumber(string.match(place, "^contract:(%d+):"))
    if line and line > LINES then return line end
  end
  return 0
end

local function show(value, depth)
  depth = depth or 0
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) == "userdata" and value ~= null then return "bytes " .. tostring(value) end
  if value == null then return "null" end
  if type(value) ~= "table" or depth > 4 then return tostring(value) end
  local parts, names = {}, {}
  for i = 1, #value do parts[i] = show(value[i], depth + 1) end
  for name in pairs(value) do
    if math.type(name) ~= "integer" then names[#names + 1] = tostring(name) end
  end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = name .. " = " .. show(value[name], depth + 1) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function same(a, b)
  if a == null then a = nil end
  if b == null then b = nil end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
  for key, value in pairs(a) do if not same(value, b[key]) then return false end end
  for key in pairs(b) do if a[key] == nil then return false end end
  return true
end

function failed(text, line)
  ask("failed", line or where(), text)
end

function fail(text) failed(tostring(text)) end

local Expect = {}
local function claim(name, words, holds)
  Expect[name] = function(self, other)
    if holds(self.value, other) then return self end
    failed("expected " .. show(self.value) .. " " .. words .. (other ~= nil and " " .. show(other) or ""))
  end
end
claim("equals", "to equal", same)
claim("differs", "to differ from", function(a, b) return not same(a, b) end)
claim("below", "to be below", function(a, b) return a < b end)
claim("above", "to be above", function(a, b) return a > b end)
claim("at_most", "to be at most", function(a, b) return a <= b end)
claim("at_least", "to be at least", function(a, b) return a >= b end)
claim("is_true", "to be true", function(a) return a == true end)
claim("is_false", "to be false", function(a) return a == false end)
claim("is_nil", "to be nil", function(a) return a == nil or a == null end)
claim("contains", "to contain", function(a, b)
  if type(a) == "string" then return string.find(a, b, 1, true) ~= nil end
  for _, item in pairs(a) do if same(item, b) then return true end end
  return false
end)

function expect(value) return setmetatable({value = value}, {__index = Expect}) end

local function options_of(options)
  options = options or map{}
  return map{as = options.as or sender, sent = options.sent, gas = options.gas, deposit_max = options.deposit_max}
end

local function done(result)
  spent = spent + result.gas
  return result
end

-- A failed transaction ends the test unless expect_revert waits for it.
local function checked(result, what)
  if result.code == "ok" then return result.value end
  local text = result.code .. (result.text ~= "" and ": " .. result.text or "")
  error({refused = true, line = where(), text = what .. " failed: " .. text, code = result.code, said = result.text}, 0)
end

local function address_of(target) return type(target) == "table" and rawget(target, "address") or target end

local function contract_at(address, kinds, options)
  local made = {address = address}
  function made.with(first, second)
    return contract_at(address, kinds, first == made and second or first)
  end
  return setmetatable(made, {__index = function(_, name)
    local kind = kinds[name]
    if not kind then failed("the contract has no method " .. tostring(name)) end
    return function(...)
      local args = {...}
      local count = select("#", ...)
      if args[1] == made then
        table.remove(args, 1)
        count = count - 1
      end
      for i = 1, count do if args[i] == nil then args[i] = null end end
      if kind == "view" then return checked(ask("query", address, name, args, options_of(options)), name) end
      return checked(done(ask("call", address, name, args, options_of(options))), name)
    end
  end})
end

chain = {}

function chain.deploy(file, args, options)
  local result = done(ask("deploy", file, args or {}, options_of(options)))
  checked(result, "deploying " .. file)
  return contract_at(result.value, result.methods)
end

function chain.at(address) return contract_at(address, ask("methods", address)) end

-- The result whatever it is: code, value, text, gas, deposit, events.
function chain.call(target, method, args, options)
  return done(ask("call", address_of(target), method, args or {}, options_of(options)))
end

function chain.try_deploy(file, args, options)
  return done(ask("deploy", file, args or {}, options_of(options)))
end

function chain.query(target, method, args, options)
  return checked(ask("query", address_of(target), method, args or {}, options_of(options)), method)
end

-- Run a function, or from now on everything, in somebody's name.
function chain.as(who, run)
  local previous = sender
  sender = address_of(who)
  if run then
    local found = table.pack(pcall(run))
    sender = previous
    if not found[1] then error(found[2], 0) end
    return table.unpack(found, 2, found.n)
  end
end

function chain.transfer(to, amount, asset)
  return checked(done(ask("transfer", address_of(to), amount, asset or "COS", options_of())), "transfer")
end

function chain.approve(asset, spender, expected, new, expiry)
  local result = done(ask("approve", asset, address_of(spender), expected, new, expiry, options_of()))
  return checked(result, "approve")
end

function chain.balance(who, asset) return ask("balance", address_of(who), asset or "COS") end
function chain.fund(who, amount) ask("fund", address_of(who), amount) end
function chain.address(who) return ask("address", address_of(who)) end
function chain.events() return ask("events") end
function chain.height() return ask("height") end
function chain.time() return ask("time") end
function chain.snapshot() return ask("snapshot") end
function chain.revert(number) ask("revert", number) end
function chain.advance(blocks, seconds) ask("advance", blocks or 1, seconds or 0) end

-- The gas of all transactions that a function makes.
function chain.gas(run)
  local from = spent
  run()
  return spent - from
end

function chain.expect_gas_below(most, run)
  local used = chain.gas(run)
  if used >= most and not ask("gas_differs") then failed("it took " .. used .. " gas, not below " .. most) end
end

-- A transaction in the function must fail, with this text in its code or message.
function chain.expect_revert(text, run)
  if type(text) == "function" then text, run = run, text end
  local kept = sender
  local ok, raised = pcall(run)
  sender = kept
  if ok then failed("nothing failed, but it should" .. (text and " with " .. show(text) or "")) end
  if type(raised) ~= "table" or not raised.refused then error(raised, 0) end
  local said = raised.code .. ": " .. raised.said
  if text and not string.find(said, text, 1, true) then
    failed("expected a failure with " .. show(text) .. ", not " .. show(said), raised.line)
  end
  return raised.said
end

-- An event of the last transaction with this name and, if given, these values.
function chain.expect_event(name, ...)
  local wanted, count = {...}, select("#", ...)
  local events = ask("events")
  for _, event in ipairs(events) do
    if event.name == name and (count == 0 or same(event.values, wanted)) then return event end
  end
  failed("no event " .. name .. (count > 0 and " " .. show(wanted) or "") .. " among " .. show(events))
end

expect_revert, expect_event, expect_gas_below = chain.expect_revert, chain.expect_event, chain.expect_gas_below

accounts = setmetatable({}, {__index = function(_, name) return ask("address", name) end})

local function register(kind, name, types, run)
  if type(types) == "function" then types, run = {}, types end
  if type(name) ~= "string" or type(run) ~= "function" then error(kind .. " needs a name and a function", 3) end
  local item = {kind = kind, name = name, types = types, run = run, line = where()}
  local list = kind == "action" and actions or items
  list[#list + 1] = item
end

-- With types, as in {"n int 1..100", "who address"}, the function gets many generated arguments.
function test(name, types, run) register("test", name, types, run) end
function invariant(name, run) register("invariant", name, run) end
-- What random sequences are made of; without any: calls of all that write, in what before_each deployed.
function action(name, types, run) register("action", name, types, run) end
function before_each(run) before[#before + 1] = run end

local function with_globals()
  local names = {}
  for name, value in pairs(_G) do
    if type(value) == "function" and string.find(name, "^test_") or string.find(name, "^invariant_") then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local kind = string.match(name, "^[a-z]+")
    items[#items + 1] = {kind = kind, name = name, types = {}, run = _G[name], line = 0}
  end
end

local function plain(args)
  local found = {}
  for i = 1, #args do if args[i] ~= null then found[i] = args[i] end end
  return table.unpack(found, 1, #args)
end

local function run_invariant(item)
  item.run()
  while true do
    local step = ask("step")
    if step == false then return end
    if step ~= true then
      local ok, raised = pcall(chain.as, step.sender, function() actions[step.action].run(plain(step.args)) end)
      if not ok and (type(raised) ~= "table" or not raised.refused) then error(raised, 0) end
    end
    item.run()
  end
end

local function guarded(run)
  local ok, raised = pcall(run)
  if ok then return end
  if type(raised) == "table" then failed(raised.text or show(raised), raised.line or 0) end
  local line, text = string.match(tostring(raised), "^contract:(%d+): (.*)")
  failed(text or tostring(raised), tonumber(line) or 0)
end

_finish_tests = function()
  with_globals()
  contract{api = 1, name = "tests", methods = {
    list = {kind = "view", run = function()
      local found = {{}, {}}
      for at, list in ipairs{items, actions} do
        for i, item in ipairs(list) do found[at][i] = {item.kind, item.name, item.types, item.line} end
      end
      return found
    end},
    run = {kind = "write", run = function(index, args)
      guarded(function()
        for _, prepare in ipairs(before) do prepare() end
        ask("prepared")
        local item = items[index + 1]
        if item.kind == "invariant" then run_invariant(item) else item.run(plain(args)) end
      end)
    end},
  }}
end

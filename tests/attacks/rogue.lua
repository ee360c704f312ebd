-- What the attacks through the ledger call; rogue.js is the same in JavaScript.
contract{ api=1, name="Rogue", version="1", licence="MIT",
  permissions={call="any", transfer={"COS"}},
  events={Big={"data bytes"}, Seen={"n int"}},
  storage={n="counter", many="map int int", any="value any", texts="map text int"},
  init={args={"n int"}, kind="payable", run=function(n) store.n:set(n) end},
  methods={
    spin={kind="write", run=function() while true do end end},
    writes={kind="write", run=function() for i = 1, 1 << 40 do pcall(store.many.set, store.many, i, i) end end},
    tried={kind="write", args={"at address", "method text"}, returns="list", run=function(at, method)
      store.n:add(1)
      local before = gas_left()
      local answer = try_call(at, method, {}, {fuel=2000000})
      return {answer.ok, answer.code or "", before - gas_left() < 60000}
    end},
    calls={kind="write", args={"at address", "method text"}, run=function(at, method) call(at, method) end},
    swallows={kind="write", args={"at address", "method text"}, run=function(at, method)
      store.n:add(1)
      pcall(call, at, method)
      for _ = 1, 100 do pcall(function() store.n:add(1) end) end
      return 1
    end},
    hop={kind="write", args={"path list", "last text"}, returns="any", run=function(path, last)
      local depth = store.n:add(1)
      local next_one = table.remove(path, 1)
      if not next_one then return 1 end
      if #path == 0 and last == "try" then return try_call(next_one, "hop", {path, last}).code end
      local answer = call(next_one, "hop", {path, last})
      return last == "try" and answer or 1 + answer
    end},
    back={kind="write", args={"via address", "method text"}, returns="any", run=function(via, method)
      store.n:add(10)
      local got = call(via, "calls_back", {ctx.self, method})
      return {got, store.n:get()}
    end},
    calls_back={kind="write", args={"at address", "method text"}, returns="any", run=function(at, method)
      return call(at, method)
    end},
    closed={kind="write", returns="int", run=function() return store.n:add(1) end},
    open={kind="write", returns="int", reentrant=true, run=function() return store.n:add(1) end},
    look={kind="view", returns="int", run=function() return store.n:get() end},
    big_event={kind="write", run=function() emit("Big", bytes(("x"):rep(4096))) end},
    many_events={kind="write", run=function() for i = 1, 65 do emit("Seen", i) end end},
    big_entry={kind="write", run=function() store.any:set(("x"):rep(16382)) end},
    big_key={kind="write", run=function() store.texts:set(("x"):rep(130), 1) end},
    big_return={kind="write", run=function() return ("x"):rep(16382) end},
    most={kind="write", run=function() store.any:set(("x"):rep(16381)) return ("x"):rep(16381) end},
    sends={kind="write", args={"to address", "amount int"}, run=function(to, amount) transfer(to, amount) end},
    undone={kind="write", args={"at address", "to address"}, returns="list", run=function(at, to)
      store.n:set(1)
      local answer = try_call(at, "moves_and_fails", {to})
      return {answer.ok, answer.code, answer.text, store.n:get(), balance(to)}
    end},
    moves_and_fails={kind="write", args={"to address"}, run=function(to)
      store.n:set(77) store.many:set(1, 1) transfer(to, 5) emit("Seen", 1) revert("as planned")
    end},
  } }

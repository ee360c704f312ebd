-- One method for each operation of the host; gas.js is the same in JavaScript.
contract{ api=1, name="Gas", version="1", licence="MIT",
  permissions={call="any", transfer="any", issue=true},
  events={Said={"n int", "text text"}}, storage={n="counter", m="map int text", l="list int"},
  init={args={"n int"}, kind="payable", run=function(n) store.n:set(n) end},
  methods={
    empty={kind="write", run=function() end},
    view={kind="view", run=function() return 1 end},
    pay={kind="payable", run=function() end},
    arguments={kind="write", args={"a int", "b text", "c list", "d map"}, run=function(a, b, c, d) return d end},
    get={kind="view", run=function() return store.n:get() end},
    set={kind="write", run=function() store.n:set(5) end},
    add={kind="write", run=function() store.n:add(1) end},
    put={kind="write", run=function() for i = 1, 3 do store.m:set(i, "value") end end},
    push={kind="write", run=function() store.l:push(1) end},
    page={kind="view", run=function() return store.m:page(2) end},
    each={kind="view", run=function() local n = 0 for k, v in store.m:each() do n = n + k end return n end},
    delete={kind="write", run=function() store.m:delete(1) end},
    emit={kind="write", run=function() emit("Said", 7, "seven") end},
    transfer={kind="write", args={"to address"}, run=function(to) transfer(to, 1) end},
    call={kind="write", args={"at address"}, run=function(at) call(at, "empty") end},
    static_call={kind="write", args={"at address"}, run=function(at) return static_call(at, "view") end},
    try_call={kind="write", args={"at address"}, run=function(at) return try_call(at, "refuse").code end},
    transfer_and_call={kind="write", args={"at address"}, run=function(at)
      transfer_and_call(at, 1, "COS", "pay")
    end},
    refuse={kind="write", run=function() revert("no") end},
    balance={kind="view", run=function() return balance(ctx.self) end},
    sha256={kind="view", run=function() return hash("sha256", "abc") end},
    sha512={kind="view", run=function() return hash("sha512", "abc") end},
    verify={kind="view", run=function()
      return verify("ed25519", bytes(("k"):rep(32)), bytes("m"), bytes(("s"):rep(64)))
    end},
    ctx={kind="view", run=function() return ctx.height end},
    gas_left={kind="view", run=function() gas_left() end},
    print={kind="write", run=function() print("a", 1) end},
    create={kind="write", returns="text", run=function()
      return token.create(ctx.caller, 1000, map{symbol="GOLD", issue=ctx.self, pause=ctx.caller,
        reserve=map{motes=3, tokens=2, fee=25}})
    end},
    issue={kind="write", args={"t text"}, run=function(t) token.issue(t, ctx.self, 100) end},
    burn={kind="write", args={"t text"}, run=function(t) token.burn(t, 1) end},
    approve={kind="write", args={"t text", "to address"}, run=function(t, to) token.approve(t, to, 0, 5, 9) end},
    allowance={kind="view", args={"t text", "to address"}, run=function(t, to)
      return token.allowance(t, ctx.self, to)
    end},
    transfer_from={kind="write", args={"t text"}, run=function(t)
      token.transfer_from(t, ctx.caller, ctx.self, 1)
    end},
    send={kind="write", args={"t text", "to address"}, run=function(t, to) transfer(to, 1, t) end},
    info={kind="view", args={"t text"}, run=function(t) return token.info(t) end},
    convert={kind="write", args={"t text"}, run=function(t) return token.convert("COS", 90, t, 1, 9) end},
    rights={kind="write", args={"t text"}, run=function(t)
      token.rights(t, "hand_on", map{right="issue", to=ctx.caller})
    end},
  } }

-- A token of the chain, issued by a contract that keeps its right to issue.
--
-- Once it exists, holders send, approve and burn it without this contract: the chain itself keeps the accounts
-- (`chaosnet token --help`). The contract decides only what its right allows: who may issue more, and
-- when that ends. Whatever it holds itself is its treasury.

local function only_owner()
  ensure(ctx.caller == store.owner:get(), "only the owner may do this")
end

contract{
  api = 1,
  name = "Token",
  version = "1.0.0",
  licence = "Apache-2.0",
  doc = "Issues a token and keeps its treasury.",
  permissions = {issue = true, transfer = {"own"}},
  events = {
    Created = {"token text", "symbol text", "supply int"},
    Issued = {"to address", "amount int"},
    Burned = {"by address", "amount int"},
    Closed = {},
  },
  storage = {owner = "value address", token = "value text"},

  init = {args = {"symbol text", "decimals int", "supply int", "most int"},
    run = function(symbol, decimals, supply, most)
      -- No freeze, pause or clawback: rights that nobody holds at birth exist for nobody, ever.
      local id = token.create(ctx.caller, supply, map{
        symbol = symbol, decimals = decimals, max = most, issue = ctx.self,
      })
      store.owner:set(ctx.caller)
      store.token:set(id)
      emit("Created", id, symbol, supply)
    end,
  },

  methods = {
    token = {
      kind = "view", returns = "text", doc = "The token's id.",
      run = function() return store.token:get() end,
    },
    info = {
      kind = "view", returns = "map", doc = "What the chain knows of the token: supply, decimals, rights.",
      run = function() return token.info(store.token:get()) end,
    },
    issue = {
      kind = "write", args = {"to address", "amount int"}, doc = "Owner: make more of the token.",
      run = function(to, amount)
        only_owner()
        token.issue(store.token:get(), to, amount)
        emit("Issued", to, amount)
      end,
    },
    burn = {
      kind = "payable", returns = "int", doc = "Destroy the tokens that come with the call.",
      run = function()
        local id = store.token:get()
        local amount = ensure(ctx.sent[id], "send some of the token")
        for asset in pairs(ctx.sent) do ensure(asset == id, "send nothing but the token") end
        token.burn(id, amount)
        emit("Burned", ctx.caller, amount)
        return amount
      end,
    },
    pay = {
      kind = "write", args = {"to address", "amount int"}, doc = "Owner: pay from the treasury.",
      run = function(to, amount)
        only_owner()
        transfer(to, amount, store.token:get())
      end,
    },
    allow = {
      kind = "write", args = {"spender address", "expected int", "amount int", "expiry int"},
      doc = "Owner: let a spender take so much of the treasury until a height, if it may take `expected` now.",
      run = function(spender, expected, amount, expiry)
        only_owner()
        token.approve(store.token:get(), spender, expected, amount, expiry)
      end,
    },
    collect = {
      kind = "write", args = {"from address", "amount int"},
      doc = "Owner: take what a holder has approved for this contract into the treasury.",
      run = function(from, amount)
        only_owner()
        token.transfer_from(store.token:get(), from, ctx.self, amount)
      end,
    },
    close = {
      kind = "write", doc = "Owner: give up the right to issue, for ever.",
      run = function()
        only_owner()
        token.rights(store.token:get(), "renounce", map{right = "issue"})
        emit("Closed")
      end,
    },
    hand_on = {
      kind = "write", args = {"to address"}, doc = "Owner: make somebody else the owner.",
      run = function(to)
        only_owner()
        store.owner:set(to)
      end,
    },
  },
}

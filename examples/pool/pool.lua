-- A pool of two assets, one of them possibly COS: whoever adds both owns a share of it, and whoever gives one
-- takes the other at a price such that the product of both reserves never falls.
--
-- What the pool owes is what its own books say, never what it happens to hold: a gift changes no price and no
-- share. Every division is rounded against whoever asks.

local WHOLE = 10000 -- fees are ten-thousandths
local LOCKED = 1000 -- shares of the first deposit that nobody ever gets: one share never becomes worth much

local function check_deadline(deadline)
  ensure(ctx.height <= deadline, "the deadline has passed")
end

-- An asset that somebody may freeze or take back is no ground for a pool, unless its maker said so.
local function check_asset(asset, accepts_rights)
  if asset == "COS" then return end
  local known = ensure(token.info(asset), "no such token")
  local is_free = known.freeze == null and known.clawback == null
  ensure(is_free or accepts_rights, "somebody may freeze or take back this token")
end

-- How much of both assets came with the call; others would be lost in here.
local function received()
  local a, b = store.asset_a:get(), store.asset_b:get()
  for asset in pairs(ctx.sent) do ensure(asset == a or asset == b, "the pool does not take this asset") end
  return ctx.sent[a] or 0, ctx.sent[b] or 0
end

local function pay(to, amount, asset)
  if amount > 0 then transfer(to, amount, asset) end
end

-- What `amount` of the asset with the reserve `from` brings of the one with the reserve `to`.
-- With f = given less the fee: out <= to * f / (from + f), hence (from + amount) * (to - out) >= from * to.
local function bought(amount, from, to)
  local paid = int.muldiv(amount, int.sub(WHOLE, store.fee:get()), WHOLE, "down")
  return int.muldiv(to, paid, int.add(from, paid), "down")
end

contract{
  api = 1,
  name = "Pool",
  version = "1.0.0",
  licence = "Apache-2.0",
  doc = "Swaps two assets; the product of the reserves never falls.",
  permissions = {transfer = "any"}, -- the assets are chosen at deployment
  events = {
    Added = {"by address", "a int", "b int", "shares int"},
    Removed = {"by address", "a int", "b int", "shares int"},
    Swapped = {"by address", "given text", "amount int", "taken int"},
  },
  storage = {
    asset_a = "value text", asset_b = "value text", fee = "value int",
    reserve_a = "counter", reserve_b = "counter",
    shares = "counter", of = "map address int",
  },

  init = {args = {"asset_a text", "asset_b text", "fee int", "accepts_rights bool?"},
    run = function(asset_a, asset_b, fee, accepts_rights)
      ensure(asset_a ~= asset_b, "two different assets")
      ensure(fee >= 0 and fee <= 1000, "a fee is 0 to 1000 ten-thousandths")
      check_asset(asset_a, accepts_rights)
      check_asset(asset_b, accepts_rights)
      store.asset_a:set(asset_a)
      store.asset_b:set(asset_b)
      store.fee:set(fee)
    end,
  },

  methods = {
    add = {
      kind = "payable", args = {"min_shares int", "deadline int"}, returns = "int",
      doc = "Add both assets and get shares; what is too much of one comes back.",
      run = function(min_shares, deadline)
        check_deadline(deadline)
        local a, b = received()
        ensure(a > 0 and b > 0, "send both assets")
        local total = store.shares:get()
        local shares, used_a, used_b
        if total == 0 then
          shares, used_a, used_b = int.mul(int.sqrt(a), int.sqrt(b)) - LOCKED, a, b
          store.shares:add(LOCKED)
        else
          local reserve_a, reserve_b = store.reserve_a:get(), store.reserve_b:get()
          shares = math.min(int.muldiv(a, total, reserve_a, "down"), int.muldiv(b, total, reserve_b, "down"))
          used_a = int.muldiv(shares, reserve_a, total, "up")
          used_b = int.muldiv(shares, reserve_b, total, "up")
        end
        ensure(shares > 0 and shares >= min_shares, "too few shares")
        store.reserve_a:add(used_a)
        store.reserve_b:add(used_b)
        store.shares:add(shares)
        store.of:add(ctx.caller, shares)
        pay(ctx.caller, a - used_a, store.asset_a:get())
        pay(ctx.caller, b - used_b, store.asset_b:get())
        emit("Added", ctx.caller, used_a, used_b, shares)
        return shares
      end,
    },
    remove = {
      kind = "write", args = {"shares int", "min_a int", "min_b int", "deadline int"}, returns = "list",
      doc = "Give up shares and get their part of both assets.",
      run = function(shares, min_a, min_b, deadline)
        check_deadline(deadline)
        ensure(shares > 0, "no shares")
        local total = store.shares:get()
        store.of:sub(ctx.caller, shares) -- reverts when there are not so many
        local a = int.muldiv(shares, store.reserve_a:get(), total, "down")
        local b = int.muldiv(shares, store.reserve_b:get(), total, "down")
        ensure(a >= min_a and b >= min_b, "too little comes out")
        store.shares:sub(shares)
        store.reserve_a:sub(a)
        store.reserve_b:sub(b)
        if store.of:get(ctx.caller) == 0 then store.of:delete(ctx.caller) end
        pay(ctx.caller, a, store.asset_a:get())
        pay(ctx.caller, b, store.asset_b:get())
        emit("Removed", ctx.caller, a, b, shares)
        return {a, b}
      end,
    },
    swap = {
      kind = "payable", args = {"min_out int", "deadline int"}, returns = "int",
      doc = "Give one asset and take the other, at least `min_out` of it.",
      run = function(min_out, deadline)
        check_deadline(deadline)
        local a, b = received()
        ensure((a > 0) ~= (b > 0), "send one of the two assets")
        local from, to = store.reserve_a, store.reserve_b
        local given, taken = store.asset_a:get(), store.asset_b:get()
        if b > 0 then from, to, given, taken = to, from, taken, given end
        local amount = a + b
        local out = bought(amount, from:get(), to:get())
        ensure(out > 0 and out >= min_out, "too little comes out")
        from:add(amount)
        to:sub(out)
        transfer(ctx.caller, out, taken)
        emit("Swapped", ctx.caller, given, amount, out)
        return out
      end,
    },
    sync = {
      kind = "write", doc = "After somebody took from the pool by right: promise no more than there is.",
      run = function()
        for _, side in ipairs{{store.asset_a, store.reserve_a}, {store.asset_b, store.reserve_b}} do
          local held = balance(ctx.self, side[1]:get())
          if held < side[2]:get() then side[2]:set(held) end
        end
      end,
    },
    quote = {
      kind = "view", args = {"given text", "amount int"}, returns = "int",
      doc = "What a swap of so much of an asset would bring now.",
      run = function(given, amount)
        ensure(amount > 0, "an amount above zero")
        local a, b = store.reserve_a:get(), store.reserve_b:get()
        if given == store.asset_a:get() then return bought(amount, a, b) end
        ensure(given == store.asset_b:get(), "the pool does not take this asset")
        return bought(amount, b, a)
      end,
    },
    state = {
      kind = "view", returns = "map", doc = "Assets, reserves, fee, and the sum of all shares.",
      run = function()
        return map{
          asset_a = store.asset_a:get(), asset_b = store.asset_b:get(), fee = store.fee:get(),
          reserve_a = store.reserve_a:get(), reserve_b = store.reserve_b:get(), shares = store.shares:get(),
        }
      end,
    },
    shares_of = {
      kind = "view", args = {"who address"}, returns = "int", doc = "Shares of one address.",
      run = function(who) return store.of:get(who) or 0 end,
    },
  },
}

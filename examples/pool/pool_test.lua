local pool, gold
local FAR = 1000000 -- a height that no test reaches

before_each(function()
  gold = chain.deploy("../token/token.lua", {"GOLD", 0, 1000000000, 1000000000}).token()
  chain.transfer("bob", 400000000, gold)
  pool = chain.deploy("pool.lua", {"COS", gold, 30})
  pool.with{sent = {COS = 1000000, [gold] = 4000000}}.add(1, FAR)
end)

test("shares stand for a part of both", function()
  local bobs = pool.with{as = "bob", sent = {COS = 500000, [gold] = 9000000}}
  expect(bobs.add(1, FAR)):equals(1000000)
  expect(chain.balance("bob", gold)):equals(400000000 - 2000000) -- what was too much came back
  expect(pool.with{as = "bob"}.remove(1000000, 1, 1, FAR)):equals{500000, 2000000}
end)

test("a swap brings what was quoted, and not less than was asked for", function()
  local quoted = pool.quote("COS", 10000)
  local paying = pool.with{as = "bob", sent = {COS = 10000}}
  expect_revert("too little comes out", function() paying.swap(quoted + 1, FAR) end)
  expect_revert("deadline", function() paying.swap(quoted, chain.height()) end)
  expect(paying.swap(quoted, FAR)):equals(quoted)
  expect_event("Swapped", accounts.bob, "COS", 10000, quoted)
end)

test("gifts change nothing", function()
  local before = pool.state()
  chain.transfer(pool.address, 1000000, gold)
  pool.sync()
  expect(pool.state()):equals(before)
end)

test("it takes nothing but its assets", function()
  local other = chain.deploy("../token/token.lua", {"OTHER", 0, 100, 100}).token()
  expect_revert("does not take", function() pool.with{sent = {[other] = 5}}.swap(1, FAR) end)
  expect_revert("does not take", function() pool.quote(other, 5) end)
  expect(pool.quote(gold, 10000)):above(0)
end)

test("there and back never pays", {"amount int 1..100000000"}, function(amount)
  local there = chain.call(pool, "swap", {1, FAR}, {as = "bob", sent = {COS = amount}})
  if there.code ~= "ok" then return end
  local back = chain.call(pool, "swap", {1, FAR}, {as = "bob", sent = {[gold] = there.value}})
  if back.code == "ok" then expect(back.value):at_most(amount) end
end)

action("swap", {"amount int 1..10000000", "coins bool"}, function(amount, coins)
  pool.with{sent = {[coins and "COS" or gold] = amount}}.swap(1, FAR)
end)
action("add", {"coins int 1..10000000", "tokens int 1..10000000"}, function(coins, tokens)
  pool.with{sent = {COS = coins, [gold] = tokens}}.add(1, FAR)
end)
action("remove", {"shares int 1..1000000"}, function(shares) pool.remove(shares, 0, 0, FAR) end)

local last
before_each(function() last = nil end)
invariant("a share never stands for less", function()
  local now = pool.state()
  if last then -- what the old shares stand for now, against what they stood for
    local a = int.muldiv(now.reserve_a, last.shares, now.shares, "up")
    local b = int.muldiv(now.reserve_b, last.shares, now.shares, "up")
    expect(int.mul(a, b)):at_least(int.mul(last.reserve_a, last.reserve_b))
  end
  last = now
  expect(chain.balance(pool.address, gold)):at_least(now.reserve_b)
  expect(chain.balance(pool.address)):at_least(now.reserve_a)
end)

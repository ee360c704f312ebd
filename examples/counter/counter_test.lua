local counter
before_each(function() counter = chain.deploy("counter.lua", {5}) end)

test("it adds up and remembers who", function()
  expect(counter.add(3)):equals(8)
  expect(counter.with{as = "bob"}.add(10)):equals(18)
  expect_event("Added", accounts.bob, 10, 18)
  expect(counter.total()):equals(18)
  expect(counter.added_by(accounts.bob)):equals(10)
  expect(counter.added_by(accounts.carol)):equals(0)
end)

test("it refuses amounts out of bounds", function()
  expect_revert("add 1 to 1000", function() counter.add(0) end)
  expect_revert("add 1 to 1000", function() counter.add(1001) end)
  expect_revert("start below zero", function() chain.deploy("counter.lua", {-1}) end)
  expect(counter.total()):equals(5)
end)

test("pages follow each other", function()
  for _, who in ipairs{"alice", "bob", "carol"} do counter.with{as = who}.add(7) end
  local first = counter.page(2)
  local rest = counter.page(2, first[2][1])
  expect(#first):equals(2)
  expect(#rest):equals(1)
end)

test("any amount in bounds is counted", {"amount int 1..1000", "who address"}, function(amount, who)
  expect(counter.with{as = who}.add(amount)):equals(5 + amount)
  expect(counter.added_by(who)):equals(amount)
end)

test("adding stays cheap", function()
  counter.add(1)
  expect_gas_below(60000, function() counter.add(1) end)
end)

invariant("the total is the sum of what everybody added", function()
  local sum = 5
  for _, entry in ipairs(counter.page(100)) do sum = sum + entry[2] end
  expect(counter.total()):equals(sum)
end)

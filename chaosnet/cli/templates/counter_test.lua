local counter
before_each(function() counter = chain.deploy("@FILE@", {5}) end)

test("it adds up and remembers who", function()
  expect(counter.with{as = "bob"}.add(10)):equals(15)
  expect_event("Added", accounts.bob, 10, 15)
  expect(counter.added_by(accounts.bob)):equals(10)
  expect(counter.added_by(accounts.carol)):equals(0)
end)

test("it refuses amounts out of bounds", function()
  expect_revert("add 1 to 1000", function() counter.add(0) end)
  expect_revert("start below zero", function() chain.deploy("@FILE@", {-1}) end)
  expect(counter.total()):equals(5)
end)

test("any amount in bounds is counted", {"amount int 1..1000", "who address"}, function(amount, who)
  expect(counter.with{as = who}.add(amount)):equals(5 + amount)
end)
